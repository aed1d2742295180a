"""``advisor gate``: what a change costs on the real load, for CI."""

import json
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from advisor.cli.options import Format, FormatOption, QuietOption, RatesOption, RegionOption, say

if TYPE_CHECKING:
    from advisor.gating import Gate

GATE_FAILED_STATUS = 3
E = TypeVar("E", bound=StrEnum)


def gate_command(
    workload: Annotated[
        Path, typer.Argument(help="Workload file (YAML) with the measured load, and what runs today.", show_default=False)
    ],
    old: Annotated[
        Path | None, typer.Option("--old", help="Before: a task definition, or a workload file. Default: WORKLOAD.")
    ] = None,
    new: Annotated[Path | None, typer.Option("--new", help="After: a task definition, or a workload file.")] = None,
    plan: Annotated[
        Path | None, typer.Option("--plan", help="Both sides: what `terraform show -json` prints for a plan.")
    ] = None,
    service: Annotated[
        str | None, typer.Option("--service", help="The service of the change, where its family is named otherwise.")
    ] = None,
    max_increase: Annotated[
        float | None, typer.Option("--max-increase", help="USD a month that the change may add at most.")
    ] = None,
    max_increase_percent: Annotated[
        float | None, typer.Option("--max-increase-percent", help="Percent that the change may add at most.")
    ] = None,
    max_monthly: Annotated[
        float | None, typer.Option("--max-monthly", help="USD a month that all priced here may cost after the change.")
    ] = None,
    require_safe: Annotated[
        bool, typer.Option("--require-safe", help="Fail also unless the change was safe on the history.")
    ] = False,
    launch_type: Annotated[
        str | None,
        typer.Option("--launch-type", help="Where services run that the files do not place: EC2, FARGATE, MANAGED_INSTANCES."),
    ] = None,
    purchase_option: Annotated[
        str | None, typer.Option("--purchase-option", help="How that is paid for: on_demand (when left out) or spot.")
    ] = None,
    instance_type: Annotated[
        str | None, typer.Option("--instance-type", help="Type of the cluster's container instances, such as m6i.large.")
    ] = None,
    placement: Annotated[
        str | None,
        typer.Option(
            "--placement", help="How tasks are placed on instances: default_az_spread, az_spread_then_binpack or binpack."
        ),
    ] = None,
    region: RegionOption = None,
    rates: RatesOption = None,
    output: FormatOption = Format.TABLE,
    quiet: QuietOption = False,
) -> None:
    """Price a change of task size, count, scaling, launch type or architecture on the load of WORKLOAD.

    Example: advisor gate examples/shop/workload.yaml --launch-type FARGATE --old old.json --new new.json --max-increase 50

    Exit status 3: the change goes over a limit, or has no price to hold against one.
    """
    import math

    limits = {
        "--max-increase": max_increase,
        "--max-increase-percent": max_increase_percent,
        "--max-monthly": max_monthly,
    }
    for name, limit in limits.items():
        if limit is not None and not math.isfinite(limit):
            raise typer.BadParameter("is not a finite number", param_hint=name)

    from advisor.ecs import PACKED_PLACEMENTS, LaunchType, PlacementStrategy, PurchaseOption
    from advisor.gating import Limits, gate
    from advisor.sources import Stated, read_catalog, read_change, read_workload

    strategy = _one_of(PlacementStrategy, placement, "--placement", PACKED_PLACEMENTS)
    stated = Stated(
        launch_type=_one_of(LaunchType, launch_type, "--launch-type"),
        purchase_option=_one_of(PurchaseOption, purchase_option, "--purchase-option"),
        instance_type=instance_type,
    )
    load = read_workload(workload, region=region)
    for note in load.notes:
        say(f"note: {note}", is_quiet=quiet)
    change = read_change(load, old=old, new=new, plan=plan, service=service, stated=stated)
    for note in change.notes:
        say(f"note: {note}", is_quiet=quiet)
    own_rates = rates or (Path(load.rates_file) if load.rates_file else None)
    result = gate(
        change.before,
        change.after,
        read_catalog(load.region, rates_file=own_rates),
        services=change.services,
        limits=Limits(
            max_increase_usd=max_increase,
            max_increase_percent=max_increase_percent,
            max_monthly_usd=max_monthly,
            is_safety_required=require_safe,
        ),
        placement=strategy,
        missing=change.missing,
    )
    typer.echo(_rendered(result, output), nl=False)
    if not result.passed:
        raise typer.Exit(GATE_FAILED_STATUS)


def _one_of(kind: type[E], text: str | None, option: str, told: Iterable[E] = ()) -> E | None:
    """A member by its value, as the ECS API spells it; click's own choices would load the whole vocabulary for ``--help``.

    ``told``: those that a mistake names; all where none is given.
    """
    try:
        return None if text is None else kind(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not one of {', '.join(tuple(told) or tuple(kind))}", param_hint=option) from None


def _rendered(result: "Gate", output: Format) -> str:
    from advisor.report.gate import gate_csv, gate_markdown, render_gate

    if output is Format.JSON:
        return json.dumps(result.to_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    if output is Format.CSV:
        return gate_csv(result)
    return gate_markdown(result) if output is Format.MARKDOWN else render_gate(result)
