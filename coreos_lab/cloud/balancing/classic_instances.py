"""The API of 2012-06-01: the instances of classic load balancers, and their health."""

from __future__ import annotations

import time
from typing import Any

from coreos_lab.cloud.balancing import asked_for, health
from coreos_lab.cloud.balancing.classic import Classic
from coreos_lab.cloud.balancing.kept import Balancer, Target
from coreos_lab.cloud.balancing.shelf import Shelf
from coreos_lab.cloud.sigv4 import RefusedError

Asked = dict[str, Any]


class Instances:
    """What is registered with classic load balancers."""

    def __init__(self, shelf: Shelf, classic: Classic) -> None:
        self.shelf, self.classic = shelf, classic

    def _register_instances_with_load_balancer(self, asked: Asked) -> Asked:
        balancer, machines = self.classic.require(asked.get("LoadBalancerName", "")), self.shelf.machines()
        names = _names(asked)
        for name in names:
            if name not in machines:
                raise RefusedError("InvalidInstance", f"Could not find EC2 instance {name}.")
            if machines[name].vpc != balancer.vpc:
                raise RefusedError("InvalidInstance", f"EC2 instance {name} is not in {balancer.vpc}.")
        there = {target.instance: target for target in balancer.targets}
        for name in names:
            if name in there:
                there[name].leaving = False
            else:
                balancer.targets.append(Target(name))
        return _listed(balancer)

    def _deregister_instances_from_load_balancer(self, asked: Asked) -> Asked:
        balancer, names = self.classic.require(asked.get("LoadBalancerName", "")), _names(asked)
        there = {target.instance: target for target in balancer.targets}
        if missing := [name for name in names if name not in there]:
            raise RefusedError("InvalidInstance", f"Could not find EC2 instance {missing[0]}.")
        for name in names:
            there[name].leave()
        return _listed(balancer)

    def _describe_instance_health(self, asked: Asked) -> Asked:
        balancer, machines = self.classic.require(asked.get("LoadBalancerName", "")), self.shelf.machines()
        seen, wanted = self.shelf.seen(balancer), _names(asked)
        there = {target.instance: target for target in balancer.targets}
        if missing := [name for name in wanted if name not in there]:
            raise RefusedError("InvalidInstance", f"Could not find EC2 instance {missing[0]}.")
        rows = []
        for name, target in there.items():
            if not wanted or name in wanted:
                said = health.of_instance(target, balancer, machines.get(name), seen, time.time())
                parts = {"ReasonCode": said.reason or "N/A", "Description": said.description or "N/A"}
                rows.append({"InstanceId": name, "State": said.state, **parts})
        return {"InstanceStates": rows}


def _names(asked: Asked) -> list[str]:
    return [asked_for.part(each, "InstanceId") for each in asked.get("Instances", [])]


def _listed(balancer: Balancer) -> Asked:
    return {"Instances": [{"InstanceId": each.instance} for each in balancer.targets if not each.leaving]}
