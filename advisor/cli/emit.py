"""``advisor emit``: deploy files and reports from a saved result."""

from pathlib import Path
from typing import Annotated

import typer

from advisor.cli.options import Format, FormatOption, QuietOption, say
from advisor.cli.results import (
    EmitFormat,
    base_tasks_of,
    deploy_files,
    formats_of,
    plan_of_alternative,
    read_result,
    result_files,
)


def emit_command(
    result: Annotated[Path, typer.Argument(help="recommendation.json, or the folder that holds it.", show_default=False)],
    to: Annotated[
        str,
        typer.Option(
            "--to",
            help="What to make, with commas: ecs, cloudformation, terraform, terraform-module, copilot, ecspresso, express,"
            " report.",
        ),
    ] = "ecs",
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write to.")] = Path("."),
    existing: Annotated[
        list[Path] | None,
        typer.Option(
            "--from",
            help="A task definition or a saved `aws ecs describe-...`: change only the plan's fields in it. May be repeated.",
        ),
    ] = None,
    diff: Annotated[
        bool, typer.Option("--diff", help="Print what differs from what is live, or from --from; write nothing.")
    ] = False,
    service: Annotated[str | None, typer.Option("--service", help="The service that --from belongs to.")] = None,
    workload: Annotated[
        Path | None, typer.Option("--workload", help="The load that --diff is priced on. Default: that of the result.")
    ] = None,
    profile: Annotated[str | None, typer.Option("--profile", help="AWS profile, as in the AWS CLI.")] = None,
    output: FormatOption = Format.TABLE,
    verify: Annotated[
        bool, typer.Option("--verify", help="Judge the deploy files by all that is installed here. Exit status 1 on a failure.")
    ] = False,
    hybrid: Annotated[
        list[str] | None,
        typer.Option(
            "--hybrid",
            metavar="SERVICE=BASE",
            help="Split a service: BASE tasks on EC2, the rest on Fargate, behind one target group. May be repeated.",
        ),
    ] = None,
    alternative: Annotated[
        str | None,
        typer.Option("--alternative", metavar="ID", help="The plan of another alternative of the result. Default: the first."),
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """Write the deploy files or the report of a saved result, or hold its plan against what exists.

    Example: advisor emit reports/shop/recommendation.json --to ecs -o reports/shop

    Merging (--from) is for JSON of the ECS API: a Terraform or CloudFormation file is changed by hand, after --diff.
    """
    from advisor.files import write_files

    recommendation = read_result(result)
    for given, hint in ((hybrid, "--hybrid"), (alternative, "--alternative")):
        if given and (diff or existing or EmitFormat.REPORT in formats_of(to)):
            raise typer.BadParameter("is for deploy files alone", param_hint=hint)
    if hybrid and alternative:
        raise typer.BadParameter("splits the first plan: leave --alternative out", param_hint="--hybrid")
    if diff or existing:
        from advisor.cli.emit_existing import merged_files, plan_of, print_diff

        plan = plan_of(recommendation)
        if diff:
            print_diff(recommendation, plan, existing or (), workload, profile, output, service)
            return
        if formats_of(to) != formats_of("ecs"):
            raise typer.BadParameter("merges are for JSON of the ECS API: leave --to out", param_hint="--to")
        files = merged_files(plan, existing or (), service, is_quiet=quiet)
    elif hybrid:
        from advisor.recommend.hybrid import hybrid_plan

        files = deploy_files(hybrid_plan(recommendation, base_tasks_of(hybrid)), formats_of(to))
        say("a hybrid is no alternative of the result: nothing has replayed or priced it", is_quiet=quiet)
    elif alternative:
        files = deploy_files(plan_of_alternative(recommendation, alternative), formats_of(to))
    else:
        files = dict(result_files(recommendation, formats_of(to)))
    write_files(out, files)
    say(f"{len(files)} files written to {out}", is_quiet=quiet)
    if verify:
        from advisor.cli.verify import verify_and_print

        verify_and_print(files)
