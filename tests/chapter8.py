"""Chapter 8's template, whole and without its load balancers."""

from __future__ import annotations

import json
from pathlib import Path

from coreos_lab.cloud.formation import template

PATH = Path(__file__).parents[1] / "labs/ch8/cluster.yml"
BALANCING = "AWS::ElasticLoadBalancing"  # how the types of load balancers and what belongs to them begin


def whole() -> template.Template:
    return template.parse(PATH.read_text())


def without_balancers() -> str:
    """The template as JSON, without everything that has to do with load balancers."""
    known = whole()
    balancing = {name for name, each in known.resources.items() if each.type.startswith(BALANCING)}
    resources = {
        name: {
            "Type": each.type,
            "Properties": {
                key: value
                for key, value in each.properties.items()
                if key not in ("LoadBalancerNames", "TargetGroupARNs")
            },
            "DependsOn": list(each.depends_on),
        }
        for name, each in known.resources.items()
        if name not in balancing
    }
    outputs = {name: each for name, each in known.outputs.items() if name != "ELB"}
    return json.dumps(
        {"Parameters": known.parameters, "Mappings": known.mappings, "Resources": resources, "Outputs": outputs}
    )
