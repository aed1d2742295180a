"""AWS CloudFormation: one template for the cluster, one for the repositories of images that are yet to be pushed."""

import json
from collections.abc import Mapping, Sequence

from advisor.emit.cloudformation.parse import parse_cloudformation
from advisor.emit.cloudformation.template import PARAMETERS, REPOSITORIES, TEMPLATE, Templates, templates_of
from advisor.emit.cloudformation.yaml_text import yaml_text
from advisor.emit.ecs import calls_of
from advisor.emit.ecs.calls import Call
from advisor.emit.ecs.names import partition, repository_name
from advisor.emit.ecs.notes import stack_notes_section
from advisor.emit.ecs.readme import build_commands, shell, table, title
from advisor.emit.ecs.registry import open_images
from advisor.plan import Plan

__all__ = ["parse_cloudformation", "render_cloudformation"]


def render_cloudformation(plan: Plan) -> dict[str, bytes]:
    """Template, parameters and README: relative path and content of each file, the same for the same plan.

    Raises
    ------
    PlanError
        If AWS would refuse a part of the plan.

    Examples
    --------
    >>> import advisor
    >>> plan = advisor.read_recommendation("reports/shop").recommended.plan
    >>> sorted(advisor.render_cloudformation(plan))
    ['README.md', 'parameters.json', 'template.yaml']
    """
    calls = calls_of(plan)
    made = templates_of(plan, calls)
    files = {TEMPLATE: yaml_text(made.template).encode(), PARAMETERS: _parameters(made)}
    if made.repositories is not None:
        files[REPOSITORIES] = yaml_text(made.repositories).encode()
    files["README.md"] = _readme(plan, made, calls).encode()
    return {path: files[path] for path in sorted(files)}


def _parameters(made: Templates) -> bytes:
    wanted = [name for name, parameter in made.template.get("Parameters", {}).items() if "Default" not in parameter]
    entries = [{"ParameterKey": name, "ParameterValue": "FILL-IN"} for name in wanted]
    return (json.dumps(entries, indent=2) + "\n").encode()


def _readme(plan: Plan, made: Templates, calls: Sequence[Call]) -> str:
    deploy = f"aws cloudformation deploy --region {plan.region} --capabilities CAPABILITY_NAMED_IAM"
    stack = _stack_name(plan.cluster)
    commands = [f"${{EDITOR:-vi}} {PARAMETERS}  # fill in the values below"]
    if made.repositories is not None:
        commands.append(f"{deploy} --stack-name {stack}-repositories --template-file {REPOSITORIES}")
    commands.append(f"{deploy} --stack-name {stack} --template-file {TEMPLATE} --parameter-overrides file://{PARAMETERS}")
    text = title(plan) + "\n## Deploy\n\n" + shell(commands)
    if any(call.operation == "PutAccountSettingDefault" for call in calls):
        setting = "aws ecs put-account-setting-default --name awsvpcTrunking --value enabled"
        text += (
            "\nCloudFormation has no account settings. Before the first instance starts, once for the account and Region:\n\n"
            + shell([f"{setting} --region {plan.region}"])
        )
    if made.repositories is not None:
        suffix = ".cn" if partition(plan.region) == "aws-cn" else ""
        repositories = [(s, c, repository_name(plan.cluster, s, c)) for s, c in open_images(plan)]
        text += "\nBetween the two stacks, build and push the images:\n\n"
        text += shell(build_commands(plan, f"$ACCOUNT.dkr.ecr.{plan.region}.amazonaws.com{suffix}", repositories))
    text += (
        f"\n`aws cloudformation delete-stack --region {plan.region} --stack-name {stack}` is the way back; log groups and\n"
        "repositories are kept. A failed deployment rolls the stack back by itself.\n\n"
    )
    rows = [[f"`{name}`", _described(p)] for name, p in made.template.get("Parameters", {}).items()]
    text += "## What only you know\n\n" + (table(["parameter", "what it is"], rows) if rows else "Nothing.\n")
    text += (
        "\n`DesiredCount` is left out where service auto scaling sets the count: a number in the template would undo at each\n"
        "deployment what it did.\n\n"
    )
    return text + stack_notes_section(plan)


def _described(parameter: Mapping[str, str]) -> str:
    return parameter["Description"]


def _stack_name(cluster: str) -> str:
    """Letters, digits and hyphens, a letter first."""
    plain = "".join(letter if letter.isalnum() else "-" for letter in cluster).strip("-")[:100]
    return plain if plain[:1].isalpha() else f"ecs-{plain}"
