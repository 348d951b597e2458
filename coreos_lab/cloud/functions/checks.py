"""What a function may be told: names, sizes, variables, and the role that it has."""

from __future__ import annotations

import re
from typing import Any

from coreos_lab.cloud import policy
from coreos_lab.cloud.engine import Engine
from coreos_lab.cloud.functions.actions import MISSING, invalid
from coreos_lab.cloud.functions.kept import Function
from coreos_lab.cloud.functions.runtimes import RUNTIMES
from coreos_lab.cloud.json_api import Values
from coreos_lab.cloud.json_api import invalid as wrong
from coreos_lab.cloud.metadata import ACCOUNT
from coreos_lab.cloud.sigv4 import RefusedError

TRUSTED = "lambda.amazonaws.com"  # whom a role must trust to be a function's
NAME = r"[a-zA-Z0-9-_]{1,64}"
ARN = re.compile(rf"(arn:aws:lambda:[a-z0-9-]+:)?({ACCOUNT}:)?(function:)?({NAME})(:\$LATEST)?")
TIMEOUT, MEMORY = (1, 900), (128, 10240)  # seconds; MiB
HANDLER_MAX, DESCRIPTION_MAX, VARIABLES_MAX = 128, 256, 4096  # characters, characters, bytes
RESERVED = re.compile(
    r"_HANDLER|_X_AMZN_TRACE_ID|AWS_(DEFAULT_)?REGION|AWS_EXECUTION_ENV|AWS_LAMBDA_.*|AWS_ACCESS_KEY(_ID)?"
    r"|AWS_SECRET_ACCESS_KEY|AWS_SESSION_TOKEN|LAMBDA_TASK_ROOT|LAMBDA_RUNTIME_DIR"
)


def name_of(text: str) -> str:
    """The name of a function that a request has as a name or as an ARN."""
    found = ARN.fullmatch(text)
    if found is None:
        raise wrong(MISSING, "functionName", text, f"Member must satisfy regular expression pattern: {ARN.pattern}")
    return found[4]


def apply(function: Function, asked: Values) -> None:
    """Changes a function as it is asked for. RefusedError for a value that cannot be; then nothing is changed."""
    variables = _variables(asked)
    runtime = asked.get("Runtime", function.runtime)
    if runtime not in RUNTIMES:
        raise wrong(MISSING, "runtime", runtime, f"Member must satisfy enum value set: [{', '.join(RUNTIMES)}]")
    if missing := RUNTIMES[runtime].missing():
        raise RefusedError("UnsupportedOperation", f"{runtime}: {missing}")
    handler = asked.get("Handler", function.handler)
    if not re.fullmatch(r"\S+", handler) or len(handler) > HANDLER_MAX:
        raise wrong(MISSING, "handler", handler, r"Member must satisfy regular expression pattern: [^\s]+")
    timeout = _within("timeout", asked.get("Timeout", function.timeout), TIMEOUT)
    memory = _within("memorySize", asked.get("MemorySize", function.memory), MEMORY)
    description = asked.get("Description", function.description)
    if len(description) > DESCRIPTION_MAX:
        raise wrong(MISSING, "description", description, f"Member must have length <= {DESCRIPTION_MAX}")
    function.runtime, function.handler = runtime, handler
    function.timeout, function.memory, function.description = timeout, memory, description
    if variables is not None:
        function.variables = variables


def _within(name: str, value: int, limits: tuple[int, int]) -> int:
    least, most = limits
    if not least <= value <= most:
        word, limit = ("greater", least) if value < least else ("less", most)
        raise wrong(MISSING, name, value, f"Member must have value {word} than or equal to {limit}")
    return value


def _variables(asked: Values) -> dict[str, str] | None:
    if "Environment" not in asked:
        return None
    found: dict[str, Any] = asked["Environment"].get("Variables") or {}
    for name, value in found.items():
        if not re.fullmatch(r"[a-zA-Z][a-zA-Z0-9_]+", name) or not isinstance(value, str):
            raise wrong(MISSING, "environment.variables", name, "a name has letters, digits and _, a value is a text")
    if reserved := sorted(name for name in found if RESERVED.fullmatch(name)):
        raise invalid(
            "Lambda was unable to configure your environment variables because the environment variables you have "
            f"provided contains reserved keys that are currently not supported for modification: {', '.join(reserved)}"
        )
    if sum(len(name.encode()) + len(value.encode()) for name, value in found.items()) > VARIABLES_MAX:
        raise invalid(f"environment variables have {VARIABLES_MAX} bytes at most")
    return found


def require_role(engine: Engine, arn: str, *, in_vpc: bool) -> None:
    """RefusedError for a role that a function cannot have."""
    role = arn.rpartition("/")[2]
    if engine.role_arn(role) != arn or not engine.trusts(role, TRUSTED):
        raise invalid("The role defined for the function cannot be assumed by Lambda.")
    if in_vpc and not policy.allows(engine.policies(role), "ec2:CreateNetworkInterface"):
        raise invalid(
            "The provided execution role does not have permissions to call CreateNetworkInterface on EC2 "
            "(attach the policy service-role/AWSLambdaVPCAccessExecutionRole)"
        )


def network_of(engine: Engine, asked: Values) -> tuple[str, list[str], list[str]]:
    """The VPC, the subnets and the security groups of a function. RefusedError where they do not belong together."""
    subnets, groups = ([str(each) for each in asked.get(part) or []] for part in ("SubnetIds", "SecurityGroupIds"))
    if not subnets and not groups:
        return "", [], []
    if not subnets or not groups:
        raise invalid("VpcConfig needs SubnetIds and SecurityGroupIds, or neither")
    with engine.objects(save=False) as backend:
        found = [each for zone in backend.subnets.values() for each in zone.values() if each.id in subnets]
        if missing := sorted(set(subnets) - {each.id for each in found}):
            raise invalid(f"Error occurred while DescribeSubnets. The subnet ID '{missing[0]}' does not exist")
        vpcs = {str(each.vpc_id) for each in found}
        if len(vpcs) > 1:
            raise invalid("Subnets of one VPC are needed")
        there = backend.groups.get(vpc := vpcs.pop(), {})
        if missing := sorted(set(groups) - set(there)):
            raise invalid(
                f"Error occurred while DescribeSecurityGroups. The security group '{missing[0]}' does not exist"
            )
    return vpc, subnets, groups
