"""README of an ecspresso folder: three commands, then what the `ecs` format says of the same plan."""

import re
from typing import Final

from advisor.emit.ecs.calls import short_path
from advisor.plan import Plan

_PLACEHOLDERS: Final = re.compile(r"^## What only you know\n.*?(?=^## )", re.MULTILINE | re.DOTALL)
_NOTES: Final = re.compile(r"^## What you may want to change\n.*", re.MULTILINE | re.DOTALL)


def readme(plan: Plan, of_ecs: str) -> str:
    """The README of the `ecs` format with its commands replaced; placeholders and notes hold for both."""
    sections = [_summary(plan), _commands(plan), *_PLACEHOLDERS.findall(of_ecs), _templates(), *_NOTES.findall(of_ecs)]
    return "\n".join(section.rstrip("\n") + "\n" for section in sections)


def _summary(plan: Plan) -> str:
    rows = [
        f"| `{name}` | {service.launch_type.replace('_', ' ')} {service.purchase_option.replace('_', '-')} |"
        f" {service.task.cpu_units} CPU units, {service.task.memory_mib} MiB, `{service.architecture}` |"
        f" {service.desired_tasks}, between {service.min_tasks} and {service.max_tasks} |\n"
        for name, service in sorted(plan.services.items())
    ]
    return (
        f"# ecspresso files for cluster `{plan.cluster}` in `{plan.region}`\n\n"
        "Each folder under `services/` is one service for ecspresso, version 2. It makes task definitions and services;\n"
        "everything around them are calls of the AWS CLI in `deploy.sh`, which calls ecspresso at its place.\n\n"
        "| service | runs on | task | tasks |\n| --- | --- | --- | --- |\n" + "".join(rows)
    )


def _commands(plan: Plan) -> str:
    later = [
        f"ecspresso {'deploy' if service.schedule is None else 'register'}"
        f" --config {short_path(f'services/{name}/ecspresso.yml')}"
        for name, service in sorted(plan.services.items())
    ]
    return (
        "## Deploy\n\n```sh\n"
        '"${EDITOR:-vi}" placeholders.sed  # fill in the values below\n'
        "sh deploy.sh\n" + "".join(f"{line}  # later deployments\n" for line in later) + "```\n\n"
        "`deploy.sh` is for the first time; it leaves the definitions filled in. Later deployments name no count: it belongs\n"
        "to service auto scaling then, so a service that scales has no `desiredCount` in its definition. `ecspresso diff` and\n"
        "`ecspresso verify` show what a deployment would change and whether what it needs exists; `ecspresso rollback` is the\n"
        "way back from it, `sh remove.sh` the way back from everything.\n"
    )


def _templates() -> str:
    return (
        "## Templates\n\n"
        "ecspresso reads its files as Go templates. Two opening braces that are meant as text are written as an action that\n"
        "prints them; leave that as it is.\n"
    )
