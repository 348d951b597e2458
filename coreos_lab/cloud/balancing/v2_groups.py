"""The API of 2015-12-01: target groups, and what is registered with them."""

from __future__ import annotations

import time
from typing import Any
from uuid import uuid4

from coreos_lab.cloud.balancing import asked_for, health, shown
from coreos_lab.cloud.balancing.asked_for import invalid
from coreos_lab.cloud.balancing.kept import Check, Target, TargetGroup
from coreos_lab.cloud.balancing.plan import ALGORITHM, DELAY, STICKY, STICKY_FOR, pool_of_group
from coreos_lab.cloud.balancing.shelf import Shelf, tagged
from coreos_lab.cloud.sigv4 import RefusedError
from coreos_lab.cloud.states import RUNNING

Asked = dict[str, Any]
NAMES_MAX = 32
TARGETS_MAX = 1000
WEEK, HOUR = 604800, 3600  # seconds
COOKIE = "stickiness.type"
ALGORITHMS = ("round_robin", "least_outstanding_requests")
ATTRIBUTES = {DELAY: "300", STICKY: "false", COOKIE: "lb_cookie", STICKY_FOR: "86400", ALGORITHM: ALGORITHMS[0]}
# What a check is without further words, by AWS's names, and the limits of its numbers.
CHECK = Check("HTTP", 0, "/", 30, 5, 5, 2)
NUMBERS = {
    "HealthCheckIntervalSeconds": ("interval", 5, 300),
    "HealthCheckTimeoutSeconds": ("timeout", 2, 120),
    "HealthyThresholdCount": ("healthy", 2, 10),
    "UnhealthyThresholdCount": ("unhealthy", 2, 10),
}


class TargetGroups:
    """Target groups of application load balancers."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf, self.kept = shelf, shelf.kept

    def _create_target_group(self, asked: Asked) -> Asked:
        name = asked_for.name(asked, "Name", NAMES_MAX)
        protocol = asked_for.protocol(asked.get("Protocol", "HTTP"), "Protocol", ("HTTP",))
        asked_for.protocol(asked.get("ProtocolVersion", "HTTP1"), "ProtocolVersion", ("HTTP1",))
        asked_for.protocol(asked.get("TargetType", "instance"), "TargetType", ("instance",))
        port = asked_for.port(asked.get("Port"), "Port")
        vpc = str(asked.get("VpcId", ""))
        with self.shelf.engine.objects(save=False) as backend:
            if vpc not in backend.vpcs:
                raise invalid(f"The VPC ID '{vpc}' is not found")
        check = self._check(CHECK, asked)
        there = next((each for each in self.kept.groups if each.name == name), None)
        if there is not None:
            if (there.protocol, there.port, there.vpc, there.check) != (protocol, port, vpc, check):
                message = f"A target group with the same name '{name}' exists, but with different settings"
                raise RefusedError("DuplicateTargetGroupName", message)
            return {"TargetGroups": [shown.group(there, self.kept)]}
        arn = self.shelf.arn(f"targetgroup/{name}/{uuid4().hex[:16]}")
        made = TargetGroup(name, arn, protocol, port, vpc, check, dict(ATTRIBUTES), tagged([], asked))
        self.kept.groups.append(made)
        return {"TargetGroups": [shown.group(made, self.kept)]}

    def _check(self, before: Check, asked: Asked) -> Check:
        """A health check with what a request changes of it."""
        if asked.get("HealthCheckEnabled", "true") != "true":
            raise invalid("HealthCheckEnabled: must be true where targets are instances")
        parts: dict[str, Any] = dict(vars(before))
        for key, (part, least, most) in NUMBERS.items():
            if key in asked:
                parts[part] = asked_for.count(asked[key], key, least, most)
        if "HealthCheckProtocol" in asked:
            asked_for.protocol(asked["HealthCheckProtocol"], "HealthCheckProtocol", ("HTTP",))
        if "HealthCheckPort" in asked:
            text = asked["HealthCheckPort"]
            parts["port"] = 0 if text == "traffic-port" else asked_for.port(text, "HealthCheckPort")
        if "HealthCheckPath" in asked:
            parts["path"] = asked_for.path(asked["HealthCheckPath"], "HealthCheckPath")
        if "Matcher" in asked:
            parts["codes"] = asked_for.codes(asked["Matcher"].get("HttpCode", ""))
        check = Check(**parts)
        if check.timeout >= check.interval:
            raise invalid(f"Health check timeout {check.timeout} must be smaller than the interval {check.interval}")
        return check

    def _modify_target_group(self, asked: Asked) -> Asked:
        group = self.require(asked.get("TargetGroupArn", ""))
        group.check = self._check(group.check, asked)
        return {"TargetGroups": [shown.group(group, self.kept)]}

    def _describe_target_groups(self, asked: Asked) -> Asked:
        found = list(self.kept.groups)
        if arns := asked.get("TargetGroupArns"):
            found = [self.require(arn) for arn in arns]
        if names := asked.get("Names"):
            found = [each for each in found if each.name in names]
            if missing := sorted(set(names) - {each.name for each in found}):
                raise _not_found(missing[0])
        if arn := asked.get("LoadBalancerArn"):
            users = {each.arn: self.kept.user_of(each) for each in found}
            found = [each for each in found if (user := users[each.arn]) is not None and user.arn == arn]
        return {"TargetGroups": [shown.group(each, self.kept) for each in found]}

    def _delete_target_group(self, asked: Asked) -> Asked:
        """One that is not there is no error, as at AWS."""
        for group in list(self.kept.groups):
            if group.arn == asked.get("TargetGroupArn", ""):
                if self.kept.user_of(group) is not None:
                    message = f"Target group '{group.arn}' is currently in use by a listener or a rule"
                    raise RefusedError("ResourceInUse", message)
                self.kept.groups.remove(group)
        return {}

    def _describe_target_group_attributes(self, asked: Asked) -> Asked:
        return {"Attributes": shown.pairs(self.require(asked.get("TargetGroupArn", "")).attributes)}

    def _modify_target_group_attributes(self, asked: Asked) -> Asked:
        group = self.require(asked.get("TargetGroupArn", ""))
        changed = dict(group.attributes)
        for key, value in asked_for.pairs(asked):
            if key == DELAY:
                changed[key] = str(asked_for.count(value, key, 0, HOUR))
            elif key == STICKY_FOR:
                changed[key] = str(asked_for.count(value, key, 1, WEEK))
            elif key == STICKY:
                changed[key] = asked_for.boolean(value, key)
            elif key == ALGORITHM and value in ALGORITHMS:
                changed[key] = value
            elif changed.get(key) != value:
                raise asked_for.not_ours(key, value)
        group.attributes = changed
        return {"Attributes": shown.pairs(changed)}

    def _register_targets(self, asked: Asked) -> Asked:
        group, machines = self.require(asked.get("TargetGroupArn", "")), self.shelf.machines()
        fresh = self._asked_targets(group, asked)
        for name, _port in fresh:
            machine = machines.get(name)
            if machine is None:
                raise RefusedError("InvalidTarget", f"The following targets are not valid instances: '{name}'")
            if machine.vpc != group.vpc:
                raise RefusedError("InvalidTarget", f"The following targets are not in {group.vpc}: '{name}'")
            if machine.code != RUNNING:
                message = f"The following targets are not in a running state and cannot be registered: '{name}'"
                raise RefusedError("InvalidTarget", message)
        there = {(target.instance, target.port): target for target in group.targets}
        if len({*there, *fresh}) > TARGETS_MAX:
            raise RefusedError("TooManyTargets", f"a target group has {TARGETS_MAX} targets at most")
        for name, port in fresh:
            if (name, port) in there:
                there[name, port].leaving = False
            else:
                group.targets.append(Target(name, port))
        return {}

    def _deregister_targets(self, asked: Asked) -> Asked:
        group = self.require(asked.get("TargetGroupArn", ""))
        given = {asked_for.part(each, "Id"): "Port" in each for each in asked.get("Targets", [])}
        leaving = self._asked_targets(group, asked)
        for target in list(group.targets):
            if (target.instance, target.port) in leaving or given.get(target.instance) is False:
                target.leave()
                if self.kept.user_of(group) is None:  # so it has no connections
                    group.targets.remove(target)
        return {}

    def _asked_targets(self, group: TargetGroup, asked: Asked) -> list[tuple[str, int]]:
        return [(asked_for.part(each, "Id"), _port(each, group)) for each in asked.get("Targets", [])]

    def _describe_target_health(self, asked: Asked) -> Asked:
        group = self.require(asked.get("TargetGroupArn", ""))
        user, machines = self.kept.user_of(group), self.shelf.machines()
        seen = self.shelf.seen(user) if user is not None else {}
        pool, now = pool_of_group(group.arn), time.time()
        wanted = self._asked_targets(group, asked)
        rows = []
        for target in group.targets:
            if wanted and (target.instance, target.port) not in wanted:
                continue
            machine = machines.get(target.instance)
            said = health.of_target(target, pool, group.check, user, machine, seen, now)
            rows.append(_row(target.instance, target.port, group, said))
        there = {(target.instance, target.port) for target in group.targets}
        absent = health.Health(health.UNUSED, "Target.NotRegistered", "Target is not registered to the target group")
        rows += [_row(name, port, group, absent) for name, port in wanted if (name, port) not in there]
        return {"TargetHealthDescriptions": rows}

    def require(self, arn: str) -> TargetGroup:
        """The target group with an ARN, or TargetGroupNotFound."""
        for each in self.kept.groups:
            if each.arn == arn:
                return each
        raise _not_found(arn)


def _port(asked: Asked, group: TargetGroup) -> int:
    return asked_for.port(asked["Port"], "Port") if "Port" in asked else group.port


def _row(name: str, port: int, group: TargetGroup, said: health.Health) -> Asked:
    return {
        "Target": {"Id": name, "Port": port},
        "HealthCheckPort": str(group.check.port or port),
        "TargetHealth": {"State": said.state, "Reason": said.reason, "Description": said.description},
    }


def _not_found(what: str) -> RefusedError:
    return RefusedError("TargetGroupNotFound", f"Target groups '{what}' not found")
