"""Services of several workload files that may share instances, as one workload."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from advisor.errors import InputError
from advisor.sources.ecs_names import ecs_name_problem, name_from_stem
from advisor.sources.input_files import InputFiles
from advisor.sources.load_files import LoadFiles
from advisor.sources.load_options import LoadOptions
from advisor.sources.put_together import finished, workload_of
from advisor.sources.workload_file import FileServices, services_of_file
from advisor.workload import PresentCluster, Service, Workload

_PUT_TOGETHER: Final = frozenset({"present", "side_costs", "defaults_used"})
"""Whatever else a file states of its cluster has to be the same in all whose services share one."""


def tagged_services(path: Path) -> tuple[str, str | None, dict[str, dict[str, str]]]:
    """Cluster and Region of a workload file, and the tags of its services by name; no load is read.

    Raises
    ------
    InputError
        The file cannot be read or holds something wrong.
    """
    from advisor.sources.workload_checks import checked
    from advisor.sources.yaml_document import parse_yaml

    entry = checked(parse_yaml(InputFiles().text(path), str(path)))
    return entry.cluster, entry.region, {one.name: one.tags for one in entry.services}


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
    workload = workload_of(in_cluster, found[0].region, services, loads, load_files.notes)
    return finished(replace(workload, **statements), files, load_files, first_path)


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
