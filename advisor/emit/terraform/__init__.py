"""Terraform: plain `aws_*` resources, one root module."""

from advisor.emit.ecs import calls_of
from advisor.emit.ecs.names import partition, repository_name
from advisor.emit.ecs.notes import stack_notes_section
from advisor.emit.ecs.readme import build_commands, shell, table, title
from advisor.emit.ecs.registry import open_images
from advisor.emit.terraform.configuration import Configuration
from advisor.emit.terraform.hcl import Block, attributes_text, hcl_text
from advisor.emit.terraform.parse import parse_terraform
from advisor.emit.terraform.resources import add_resources
from advisor.plan import Plan

__all__ = ["MAIN", "VALUES", "VARIABLES", "VERSIONS", "parse_terraform", "readme", "render_terraform"]

MAIN = "main.tf"
VARIABLES = "variables.tf"
VALUES = "terraform.tfvars"
VERSIONS = "versions.tf"
_COUNTS = """
`desired_count` is used once; then service auto scaling has it, and Terraform ignores its changes. The same holds
for the size of Auto Scaling groups.

"""


def render_terraform(plan: Plan) -> dict[str, bytes]:
    """Configuration, values to fill in and README: relative path and content of each file, the same for the same plan.

    Raises
    ------
    PlanError
        If AWS would refuse a part of the plan, or the AWS provider 5.x lacks it.

    Examples
    --------
    >>> import advisor
    >>> plan = advisor.read_recommendation("reports/shop").recommended.plan
    >>> sorted(advisor.render_terraform(plan))
    ['README.md', 'main.tf', 'terraform.tfvars', 'variables.tf', 'versions.tf']
    """
    made = Configuration(plan)
    for call in calls_of(plan):
        add_resources(made, call)
    files = {
        MAIN: hcl_text([Block(kind="data", labels=("aws_caller_identity", "current")), *made.resources]),
        VARIABLES: hcl_text([made.variables[name] for name in sorted(made.variables)]),
        VALUES: attributes_text(dict(sorted(made.values.items()))),
        VERSIONS: hcl_text(versions(plan)),
        "README.md": readme(plan, made, _COUNTS),
    }
    return {path: files[path].encode() for path in sorted(files)}


def versions(plan: Plan) -> list[Block]:
    aws = {"source": "hashicorp/aws", "version": ">= 5.77"}  # zone rebalancing of a service came with 5.77
    required = Block(kind="required_providers", attributes={"aws": aws})
    terraform = Block(kind="terraform", attributes={"required_version": ">= 1.3"}, blocks=[required])
    return [terraform, Block(kind="provider", labels=("aws",), attributes={"region": plan.region})]


def readme(plan: Plan, made: Configuration, counts: str) -> str:
    """How to deploy, what to fill in; ``counts`` says who has the number of tasks."""
    commands = [f"${{EDITOR:-vi}} {VALUES}  # fill in the values below", "terraform init", "terraform apply"]
    text = title(plan) + "\n## Deploy\n\n" + shell(commands)
    if open_images(plan):
        repositories = [(s, c, repository_name(plan.cluster, s, c)) for s, c in open_images(plan)]
        targets = " ".join(f"-target='aws_ecr_repository.{made.label(name)}'" for *_, name in repositories)
        suffix = ".cn" if partition(plan.region) == "aws-cn" else ""
        registry = f"$ACCOUNT.dkr.ecr.{plan.region}.amazonaws.com{suffix}"
        text += "\nThe first time, before `terraform apply`, make the repositories, build and push the images:\n\n"
        text += shell([f"terraform apply {targets}", *build_commands(plan, registry, repositories)])
    text += (
        "\n`terraform destroy` is the way back; it takes the log groups too. State stays in this folder until you add a\n"
        "backend.\n\n"
    )
    rows = [[f"`{name}`", made.variables[name].attributes["description"]] for name in sorted(made.variables)]
    text += "## What only you know\n\n" + (table(["variable", "what it is"], rows) if rows else "Nothing.\n")
    return text + counts + stack_notes_section(plan)
