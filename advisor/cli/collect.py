"""``advisor collect``: a live cluster into a workload folder."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from advisor.cli.options import Format, FormatOption, QuietOption, RegionOption, say
from advisor.cli.progress import Progress

if TYPE_CHECKING:
    from advisor.sources.aws import Findings, FoundService

_COLUMNS = ("service", "runs_on", "cpu_units", "memory_mib", "desired_count", "steps_measured", "file", "remark")


def collect_command(
    cluster: Annotated[
        str | None, typer.Option("--cluster", help="Name or ARN of the ECS cluster.", show_default=False)
    ] = None,
    all_clusters: Annotated[
        bool,
        typer.Option("--all-clusters", help="Every cluster of the Region, each in a folder of its own: a fleet."),
    ] = False,
    service: Annotated[
        list[str] | None,
        typer.Option("--service", help="A service of it, may be repeated; all when left out.", show_default=False),
    ] = None,
    days: Annotated[int, typer.Option("--days", min=1, max=455, help="How far back the load reaches.")] = 42,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder for the workload.", show_default=False)] = None,
    commitments: Annotated[
        bool, typer.Option("--commitments", help="Read held Savings Plans and Reserved Instances, too.")
    ] = False,
    print_iam_policy: Annotated[
        bool, typer.Option("--print-iam-policy", help="Print the least IAM policy that this needs, and do nothing else.")
    ] = False,
    region: RegionOption = None,
    profile: Annotated[
        str | None, typer.Option("--profile", help="AWS profile, as in the AWS CLI.", show_default=False)
    ] = None,
    output: FormatOption = Format.TABLE,
    quiet: QuietOption = False,
) -> None:
    """Read a live ECS cluster and its load, changing nothing, into a folder that `advisor recommend` takes as it is.

    Example: advisor collect --cluster shop --days 42 -o shop

    A fleet: advisor collect --all-clusters -o clusters, then advisor recommend clusters. A cluster that cannot be read stops no
    other; the status is then 1.

    Up to 14 days come in steps of 60 s, up to 62 in steps of 300 s, more in steps of an hour: CloudWatch keeps no finer
    ones. A collection that was interrupted goes on where it stopped when the same command is given again within a day.
    """
    from advisor.sources.aws import iam_policy

    if print_iam_policy:
        typer.echo(json.dumps(iam_policy(cluster=cluster, region=region, with_commitments=commitments), indent=2))
        return
    if all_clusters and (cluster is not None or service):
        raise typer.BadParameter("goes with neither --cluster nor --service", param_hint="--all-clusters")
    if cluster is None and not all_clusters:
        raise typer.BadParameter("name the cluster to read", param_hint="--cluster")
    if out is None:
        raise typer.BadParameter("name the folder to write the workload to", param_hint="--out")
    if cluster is None:
        _collect_all(days, out, commitments, region, profile, output, quiet)
        return
    found = _collected(cluster, service or [], days, out, commitments, region, profile, quiet)
    typer.echo(_rendered([(found, out)], output), nl=False)


def _collect_all(
    days: int, out: Path, with_commitments: bool, region: str | None, profile: str | None, output: Format, is_quiet: bool
) -> None:
    """Every cluster of the Region into a folder below ``out``. One that fails is named, and the others are read."""
    from advisor.errors import AdvisorError
    from advisor.sources.aws import cluster_names, open_session

    names = cluster_names(open_session(region=region, profile=profile))
    collected: list[tuple[Findings, Path]] = []
    failed: list[str] = []
    for name in names:
        try:
            collected.append((_collected(name, [], days, out / name, with_commitments, region, profile, is_quiet), out / name))
        except AdvisorError as error:
            failed.append(name)
            typer.echo(f"error: {name}: {error}", err=True)
    if not names:
        say("there is no cluster in the Region", is_quiet=is_quiet)
    typer.echo(_rendered(collected, output), nl=False)
    if failed:
        typer.echo(f"error: {len(failed)} of {len(names)} clusters were not read: {', '.join(failed)}", err=True)
        raise typer.Exit(1)


def _collected(
    cluster: str,
    services: Sequence[str],
    days: int,
    out: Path,
    with_commitments: bool,
    region: str | None,
    profile: str | None,
    is_quiet: bool,
) -> "Findings":
    from advisor.files import write_files
    from advisor.sources.aws import SavedAnswers, collect_findings, open_session, workload_files

    saved = SavedAnswers.beside(out)
    try:
        with Progress(is_quiet=is_quiet) as progress:
            found = collect_findings(
                open_session(region=region, profile=profile),
                cluster,
                now=datetime.now(UTC),
                services=services,
                days=days,
                with_commitments=with_commitments,
                saved=saved,
                on_progress=progress.say,
                on_share=progress.share,
            )
    except KeyboardInterrupt:
        say("stopped; give the same command again, and it goes on from here", is_quiet=is_quiet)
        raise
    write_files(out, _beside_what_is_there(out, workload_files(found)))
    saved.remove()
    for part in found.skipped:
        say(f"skipped: {part.purpose}: {part.why} for {part.action}", is_quiet=is_quiet)
    return found


def _beside_what_is_there(out: Path, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files to write, and a copy of a workload file that is replaced: a user may have added to it."""
    workload = out / "workload.yaml"
    before = workload.read_bytes() if workload.is_file() else None
    kept = {"workload.yaml.bak": before} if before is not None and before != files["workload.yaml"] else {}
    return {**files, **kept}


def _rendered(collected: "Sequence[tuple[Findings, Path]]", output: Format) -> str:
    """What was read, cluster by cluster; more than one as a list in JSON, and as parts that follow each other elsewhere."""
    documents = [_rendered_one(found, out, output) for found, out in collected]
    if output is Format.JSON and len(documents) != 1:
        return json.dumps([json.loads(text) for text in documents], indent=1) + "\n"
    if output is Format.CSV and len(documents) != 1:
        rows = [
            f"{out.name},{row}" for (_, out), text in zip(collected, documents, strict=True) for row in text.splitlines()[1:]
        ]
        return "\n".join([",".join(("cluster", *_COLUMNS)), *rows]) + "\n"
    return "\n".join(documents)


def _rendered_one(found: "Findings", out: Path, output: Format) -> str:
    rows = [_row(service) for service in found.services]
    if output is Format.JSON:
        skipped = [{"action": s.action, "purpose": s.purpose, "why": s.why} for s in found.skipped]
        window = {"start": found.window.start.isoformat(), "end": found.window.end.isoformat(), "step_s": found.window.period_s}
        return (
            json.dumps({"workload": str(out / "workload.yaml"), **window, "services": rows, "skipped": skipped}, indent=1)
            + "\n"
        )
    if output is Format.CSV:
        text = io.StringIO()
        writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return text.getvalue()
    cells = [[str(row[name]) if row[name] is not None else "" for name in _COLUMNS] for row in rows]
    if output is Format.MARKDOWN:
        lines = [_COLUMNS, ["---"] * len(_COLUMNS), *([cell.replace("|", "\\|") for cell in row] for row in cells)]
        return "".join(f"| {' | '.join(line)} |\n" for line in lines)
    widths = [max(len(line[i]) for line in [list(_COLUMNS), *cells]) for i in range(len(_COLUMNS))]
    table = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in [_COLUMNS, *cells]
    ]
    return "\n".join([*table, "", f"wrote {out / 'workload.yaml'}; what is missing: {out / 'collect-report.md'}"]) + "\n"


def _row(found: "FoundService") -> dict[str, Any]:
    definition, present = found.definition, found.present
    runs_on = (
        None if present is None or present.launch_type is None else present.launch_type + (" Spot" if present.is_spot else "")
    )
    return {
        "service": found.name,
        "runs_on": runs_on,
        "cpu_units": definition.cpu_units if definition else None,
        "memory_mib": definition.memory_mib if definition else None,
        "desired_count": found.service.desired_count,
        "steps_measured": found.load.n_measured if found.load else 0,
        "file": found.load.path if found.load else None,
        "remark": f"left out: {found.left_out}" if found.left_out else found.no_data,
    }
