"""Files for ecspresso: a configuration, service and task definition for each service, and the calls around them."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from advisor.emit.ecs import parse_ecs, render_ecs
from advisor.emit.ecs.calls import INDEX, json_bytes, short_path
from advisor.emit.ecspresso.readme import readme
from advisor.emit.ecspresso.text import literal, template
from advisor.errors import InputError, PlanError
from advisor.plan import Plan, ServicePlan

__all__ = ["parse_ecspresso", "render_ecspresso"]

OWN_INDEX: Final = "ecspresso.json"
_SCHEMA: Final = "advisor/ecspresso/1"
_SCRIPT: Final = "deploy.sh"
_CONFIGURATION: Final = "ecspresso.yml"
_DEFINITIONS: Final = {"RegisterTaskDefinition": "ecs-task-def.json", "CreateService": "ecs-service-def.json"}
"""What ecspresso makes itself, and from which file."""
_CONFIGURED: Final = ("cluster", "serviceName", "taskDefinition")
"""Members of CreateService that the configuration says, or ecspresso knows."""
_MIN_VERSION: Final = "2.5.0"
"""Knows Availability Zone rebalancing, and waits for deployments."""
_MIN_VERSION_MONITORING: Final = "2.8.5"
"""Knows metrics of 20 s."""
_KEEP: Final = """
# The definitions with everything filled in, for later deployments.
find services -name 'ecs-*-def.json' -exec cp {} "$here/{}" \\;
"""


def render_ecspresso(plan: Plan) -> dict[str, bytes]:
    """Files for ecspresso that put ``plan`` into effect: relative path and content of each.

    ecspresso makes task definitions and services. Everything around them (cluster, capacity, roles, log groups, load balancing,
    scaling, schedules) stays the calls of the ``ecs`` format, in one script that calls ecspresso at its place.

    Raises
    ------
    PlanError
        AWS would refuse a part of the plan, or a name cannot safely become a path.

    Examples
    --------
    >>> import advisor
    >>> plan = advisor.read_recommendation("reports/shop").recommended.plan
    >>> sorted(advisor.render_ecspresso(plan))[:2]
    ['01-create-cluster.json', '02-put-account-setting-default.json']
    """
    files = render_ecs(plan)
    index = json.loads(files.pop(INDEX))
    script = files[_SCRIPT].decode()
    definitions: dict[str, Any] = {}
    by_folder = {short_path(f"services/{name}"): name for name in plan.services}
    for entry in index["calls"]:
        if entry["operation"] not in _DEFINITIONS:
            continue
        path = entry["file"]
        folder = path.rpartition("/")[0]
        name = by_folder[folder]
        definition, beside = _split(json.loads(files.pop(path)), entry["operation"], plan.services[name])
        own_file = f"{folder}/{_DEFINITIONS[entry['operation']]}"
        files[own_file] = template(json_bytes(definition))
        files[f"{folder}/{_CONFIGURATION}"] = _configuration(plan, name)
        definitions[path] = {"file": own_file, "beside": beside}
        script = _replaced(script, path, _command(entry["operation"], name, plan.services[name]))
    files[_SCRIPT] = (script + _KEEP).encode()
    files[OWN_INDEX] = json_bytes({"definitions": definitions, "index": index, "schema": _SCHEMA})
    files["README.md"] = readme(plan, files["README.md"].decode()).encode()
    return {path: files[path] for path in sorted(files)}


def _split(request: dict[str, Any], operation: str, service: ServicePlan) -> tuple[dict[str, Any], dict[str, Any]]:
    """What goes into the definition, and what is said elsewhere.

    With scaling that is also the count: one in the definition would undo, at each deployment, what scaling did.
    """
    if operation != "CreateService":
        return request, {}
    elsewhere = (*_CONFIGURED, "desiredCount") if _is_scaled(service) else _CONFIGURED
    beside = {key: request[key] for key in elsewhere if key in request}
    return {key: value for key, value in request.items() if key not in beside}, beside


def _is_scaled(service: ServicePlan) -> bool:
    return service.scaling_target is not None or bool(service.scheduled_actions or service.step_policies)


def _configuration(plan: Plan, name: str) -> bytes:
    service = plan.services[name]
    version = _MIN_VERSION if service.metric_resolution_s == 60 else _MIN_VERSION_MONITORING
    lines = [f'required_version: ">= {version}, < 3"', f'region: "{plan.region}"', f'cluster: "{plan.cluster}"']
    if service.schedule is None:
        lines += [f'service: "{name}"', f'service_definition: "{_DEFINITIONS["CreateService"]}"']
    lines += [f'task_definition: "{_DEFINITIONS["RegisterTaskDefinition"]}"', 'timeout: "20m0s"']
    return "".join(f"{line}\n" for line in lines).encode()


def _command(operation: str, name: str, service: ServicePlan) -> str:
    """In place of the AWS CLI. ecspresso registers the task definition when it deploys; a job has no service to deploy."""
    config = f"--config {short_path(f'services/{name}/{_CONFIGURATION}')}"
    if operation == "CreateService":
        return f"ecspresso deploy {config} --tasks {service.desired_tasks}"
    return "" if service.schedule is None else f"ecspresso register {config}"


def _replaced(script: str, path: str, command: str) -> str:
    line = re.compile(rf"^.*--cli-input-json file://{re.escape(path)}( .*)?\n", re.MULTILINE)
    replaced, count = line.subn(lambda _: f"{command}\n" if command else "", script)
    if count != 1:
        raise PlanError(f"ecspresso: the script makes the call of {path} {count} times")
    return replaced


def parse_ecspresso(files: Mapping[str, bytes]) -> Plan:
    """The plan that a folder of `render_ecspresso` puts into effect.

    Raises
    ------
    InputError
        A file is missing or says what this tool does not write.
    """
    index = _object(files, OWN_INDEX)
    if index.get("schema") != _SCHEMA:
        raise InputError(f"schema {index.get('schema')!r} is not {_SCHEMA}", fix="Emit the folder again.", file=OWN_INDEX)
    requests = {
        path: json_bytes(_object({each["file"]: literal(files.get(each["file"], b""))}, each["file"]) | each["beside"])
        for path, each in index["definitions"].items()
    }
    return parse_ecs({**files, INDEX: json_bytes(index["index"]), **requests})


def _object(files: Mapping[str, bytes], path: str) -> dict[str, Any]:
    try:
        document = json.loads(files[path])
    except (KeyError, ValueError) as error:
        problem = "the file is missing" if not files.get(path) else f"not JSON: {error}"
        raise InputError(problem, fix="Emit the folder again.", file=path) from error
    if not isinstance(document, dict):
        raise InputError("not a JSON object", fix="Emit the folder again.", file=path)
    return document
