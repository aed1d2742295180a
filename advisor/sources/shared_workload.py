"""Services of several workload files that may share instances, as one workload."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from advisor.errors import AdvisorError, InputError
from advisor.sources.ecs_names import ecs_name_problem, name_from_stem
from advisor.sources.input_files import InputFiles
from advisor.sources.load_files import LoadFiles
from advisor.sources.load_options import LoadOptions
from advisor.sources.put_together import finished, workload_of
from advisor.sources.workload_file import FileServices, services_of_file
from advisor.workload import PresentCluster, Service, Workload

if TYPE_CHECKING:
    from advisor.sources.workload_models import WorkloadEntry
    from advisor.sources.yaml_document import Document

_PUT_TOGETHER: Final = frozenset({"present", "side_costs", "defaults_used"})
"""Whatever else a file states of its cluster has to be the same in all whose services share one."""


def tagged_services(path: Path) -> tuple[str, str | None, dict[str, dict[str, str]]]:
    """Cluster and Region of a workload file, and the tags of its services by name; no load is read.

    Services that something is wrong with are named without tags: what it is, is said where they are read.

    Raises
    ------
    InputError
        The file cannot be read, or what is wrong with it leaves no service.
    """
    from advisor.sources.workload_checks import checked, named_services
    from advisor.sources.yaml_document import parse_yaml

    document = parse_yaml(InputFiles().text(path), str(path))
    names = named_services(document)
    tags: dict[str, dict[str, str]] = {name: {} for name in names.values()}
    try:
        entry = checked(document)
    except InputError:
        entries = list(filter(None, (_checked_alone(document, at) for at in names)))
        if not entries:
            raise
        entry = entries[0].model_copy(update={"services": [one for each in entries for one in each.services]})
    return entry.cluster, entry.region, tags | {one.name: one.tags for one in entry.services}


def service_names(path: Path) -> tuple[str, ...]:
    """Of a workload file, as far as it can be read."""
    from advisor.sources.workload_checks import named_services
    from advisor.sources.yaml_document import parse_yaml

    try:
        return tuple(dict.fromkeys(named_services(parse_yaml(InputFiles().text(path), str(path))).values()))
    except AdvisorError:
        return ()


def _checked_alone(document: "Document", at: int) -> "WorkloadEntry | None":
    from advisor.sources.workload_checks import checked

    try:
        return checked(document, [at])
    except InputError:
        return None


def read_shared_workload(
    cluster: str,
    parts: Sequence[tuple[Path, Collection[str]]],
    *,
    region: str | None = None,
    reading: LoadOptions | None = None,
) -> Workload:
    """Services of workload files as those of one cluster.

    Two services of one name get the names of their clusters before their own. Instances that run today are known where all
    services of their files are among these, and else left out, which is noted.

    Parameters
    ----------
    cluster
        What the shared cluster is called.
    parts
        Workload files, each with the names of its services that share.

    Raises
    ------
    InputError
        What :func:`advisor.read_workload` raises; the Regions or what the files state of a cluster differ.
    """
    files = InputFiles()
    load_files = LoadFiles(files, reading or LoadOptions())
    return finished(_workload(cluster, parts, region, files, load_files), files, load_files, parts[0][0])


def read_service(path: Path, name: str, *, region: str | None = None, reading: LoadOptions | None = None) -> Workload:
    """One service of a workload file, whatever is wrong with the others.

    Raises
    ------
    InputError
        What is wrong with it.
    """
    files = InputFiles()
    return _workload("alone", [(path, (name,))], region, files, LoadFiles(files, reading or LoadOptions()))


def _workload(
    cluster: str,
    parts: Sequence[tuple[Path, Collection[str]]],
    region: str | None,
    files: InputFiles,
    load_files: LoadFiles,
) -> Workload:
    found = [services_of_file(path, files, load_files, region, names) for path, names in parts]
    first_path, last_path = parts[0][0], parts[-1][0]
    alike = [name for name in found[0].statements if name not in _PUT_TOGETHER]
    for name, values in {
        "region": [each.region for each in found],
        **{name: [each.statements[name] for each in found] for name in alike},
    }.items():
        for (path, _), value in zip(parts, values, strict=True):
            if value != values[0]:
                raise InputError(
                    f"services of it share instances with those of {first_path}, which states another `{name}`",
                    fix="Write the same into both files, or give their services different tags.",
                    file=str(path),
                )
    services = _named(found, last_path)
    loads = [load for each in found for load in each.loads]
    defaults: dict[str, str] = {}
    for each in found:
        defaults |= each.statements["defaults_used"]
    statements = {name: found[0].statements[name] for name in alike}
    statements |= {**_of_whole_files(found, load_files.notes), "defaults_used": defaults}
    in_cluster = cluster if ecs_name_problem(cluster) is None else name_from_stem(cluster)
    return replace(workload_of(in_cluster, found[0].region, services, loads, load_files.notes), **statements)


def _named(found: Sequence[FileServices], path: Path) -> list[Service]:
    count = Counter(service.name for each in found for service in each.services)
    services = [
        service if count[service.name] == 1 else replace(service, name=f"{each.cluster}-{service.name}")
        for each in found
        for service in each.services
    ]
    again = [name for name, n in Counter(service.name for service in services).items() if n > 1]
    if again:
        raise InputError(f"the service {again[0]!r} stands twice among those that share", fix="Rename it.", file=str(path))
    return services


def _of_whole_files(found: Sequence[FileServices], notes: list[str]) -> dict[str, Any]:
    """What today's instances and side costs are, which are stated for all services of a file together."""
    present = [each.statements["present"] for each in found]
    stated: dict[str, Any] = {"present": None, "side_costs": None}
    if any(each is not None for each in present):
        is_known = all(each.is_whole for each in found) and len({each.purchase_option for each in present if each}) == 1
        if is_known:
            instances: Counter[str] = Counter()
            windows_instances: Counter[str] = Counter()
            for each in present:
                instances.update(each.instances if each else {})
                windows_instances.update(each.windows_instances if each else {})
            stated["present"] = PresentCluster(
                instances=dict(sorted(instances.items())),
                windows_instances=dict(sorted(windows_instances.items())),
                purchase_option=next(each.purchase_option for each in present if each),
            )
        else:
            notes.append(
                "Instances that run today are left out: they run services of several groups, or are paid in several ways."
            )
    if any(each.statements["side_costs"] is not None for each in found):
        if len(found) == 1 and found[0].is_whole:
            stated["side_costs"] = found[0].statements["side_costs"]
        else:
            notes.append("Side costs are left out: they are stated for clusters as they are today.")
    return stated
