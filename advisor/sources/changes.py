"""A change to be priced, from files: task definitions, a second workload file, or a Terraform plan."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from advisor.ecs import FARGATE_INCLUDED_STORAGE_GIB, LINUX, Architecture, LaunchType, PurchaseOption, TaskSize
from advisor.errors import InputError
from advisor.gating import check_same_services, launch_type_of, unknown_service
from advisor.sources.input_files import InputFiles, Place, shown
from advisor.sources.network_entries import network_in
from advisor.sources.task_size import TaskDefinition, parse_task_definition
from advisor.sources.workload_file import read_workload
from advisor.workload import PresentCluster, PresentService, Service, Workload

_YAML_SUFFIXES: Final = frozenset({".yaml", ".yml"})
_NO_CHANGE_FIX: Final = "Give --new task-definition.json, --new workload.yaml or --plan plan.json."


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """What the caller says of where services run, for what the files leave open."""

    launch_type: LaunchType | None = None
    purchase_option: PurchaseOption | None = None
    instance_type: str | None = None
    """Of the cluster's container instances."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Change:
    """Both sides of a change, as `advisor.gate` takes them."""

    before: Workload
    after: Workload
    services: tuple[str, ...]
    """What the change is about."""
    missing: tuple[str, ...] = ()
    """What of the change has no load, and so no price."""
    notes: tuple[str, ...] = ()


def read_change(
    workload: Workload,
    *,
    old: str | Path | None = None,
    new: str | Path | None = None,
    plan: str | Path | None = None,
    service: str | None = None,
    stated: Stated | None = None,
) -> Change:
    """Both sides of a change of the services in ``workload``, whose load they are billed on.

    Parameters
    ----------
    old, new
        A task definition (JSON, as registered, as described, or as the CLI takes it) or a workload file (YAML) each. Without
        ``old``, ``workload`` is what runs before the change.
    plan
        What `terraform show -json` prints for a plan, in place of ``old`` and ``new``.
    service
        Which service task definitions belong to; by default the one that is named like their family.
    stated
        Where services run, as far as the files do not say.

    Raises
    ------
    InputError
        Naming file, place and fix.

    Examples
    --------
    >>> import advisor
    >>> workload = advisor.read_workload("examples/shop/workload.yaml")
    >>> fargate = advisor.Stated(launch_type=advisor.LaunchType.FARGATE)
    >>> new = "examples/gate/orders-after.json"
    >>> advisor.read_change(workload, new=new, stated=fargate).services
    ('orders',)
    """
    base = _with_stated(workload, stated or Stated())
    if plan is not None:
        if old is not None or new is not None:
            raise InputError("a Terraform plan has both sides of a change", fix="Leave out --old and --new, or --plan.")
        from advisor.sources.terraform_plan import parse_plan, planned_change

        path = Path(plan)
        return planned_change(base, parse_plan(InputFiles().text(path), str(path)), service)
    if new is None:
        raise InputError("there is no change to price", fix=_NO_CHANGE_FIX)
    sides = [
        base if given is None else _side(base, Path(given), service, stated or Stated(), is_new=given is new)
        for given in (old, new)
    ]
    before, after = sides
    if _is_yaml(new):
        check_same_services(before, after)
        before, after, notes = _with_counts(before, after)
        names = [s.name for s in before.services] if service is None else [service_in(before, service).name]
        return Change(before=before, after=after, services=tuple(names), notes=(*notes, *_load_notes(before, after)))
    named = _service_of(base, Path(new), service)
    if old is not None and not _is_yaml(old) and _service_of(base, Path(old), service) != named:
        raise InputError(
            f"the task definitions belong to different services: {_service_of(base, Path(old), service)!r} and {named!r}",
            fix="Give two of one service, or name it with --service.",
            file=str(new),
        )
    return Change(before=before, after=after, services=(named,))


def service_in(workload: Workload, name: str) -> Service:
    """A service by name.

    Raises
    ------
    InputError
        There is none, with the near names.
    """
    for service in workload.services:
        if service.name == name:
            return service
    raise unknown_service(name, [service.name for service in workload.services], "the workload")


def with_service(workload: Workload, changed: Service) -> Workload:
    """The workload with one service in the place of its namesake."""
    return replace(
        workload, services=tuple(changed if service.name == changed.name else service for service in workload.services)
    )


def with_definition(
    service: Service, workload: Workload, document: Mapping[str, Any], file: str, place: str = "requiresCompatibilities"
) -> Service:
    """A service as a task definition (in the words of the API) has it; where it runs follows ``requiresCompatibilities``."""
    found = parse_task_definition(json.dumps(document), file)
    known = launch_type_of(service, workload)
    launch_type = _launch_type(document.get("requiresCompatibilities") or [], known, service.name, Place(file, column=place))
    present = service.present
    is_kept = present is not None and present.launch_type is launch_type
    option = present.purchase_option if present is not None and is_kept else PurchaseOption.ON_DEMAND
    # Without a runtimePlatform ECS takes x86; on instances it is that of the instance.
    stays = present.architecture if present else service.architectures[0]
    default = Architecture.X86_64 if launch_type is LaunchType.FARGATE else stays
    return replace(
        service,
        task=_reserved(found, file),
        operating_system=found.operating_system or LINUX,
        ephemeral_storage_gib=found.ephemeral_storage_gib or FARGATE_INCLUDED_STORAGE_GIB,
        **network_in(found, service.name, Place(file)),
        present=PresentService(
            launch_type=launch_type,
            desired_count=present.desired_count if present else None,
            purchase_option=option,
            architecture=found.architecture or default,
        ),
    )


def _reserved(found: TaskDefinition, file: str) -> TaskSize:
    if found.cpu_units is None or found.memory_mib is None:
        what = "CPU (0 and 1 are placeholders)" if found.cpu_units is None else "memory"
        raise Place(file).error(
            f"neither the task nor its containers reserve {what}", fix="Give the task definition a task-level size."
        )
    return TaskSize(cpu_units=found.cpu_units, memory_mib=found.memory_mib)


def _launch_type(compatible: Sequence[str], known: LaunchType | None, name: str, place: Place) -> LaunchType:
    """The one launch type that the definition allows; of several the one that is stated."""
    allowed = [LaunchType(kind) for kind in compatible if kind in set(LaunchType)]
    if len(allowed) == 1:
        return allowed[0]
    if known is not None and (not allowed or known in allowed):
        return known
    what = f"allows {', '.join(allowed)}" if allowed else "does not say"
    raise place.error(
        f"the task definition {what}, so nothing says where {name} runs",
        fix="Give --launch-type, or `present: {launch_type: FARGATE}` in the workload file.",
    )


def _side(base: Workload, path: Path, service: str | None, stated: Stated, *, is_new: bool) -> Workload:
    if _is_yaml(path):
        return _with_stated(read_workload(path), stated)
    name = _service_of(base, path, service)
    changed = with_definition(service_in(base, name), base, _definition(path), str(path))
    return with_service(base, changed)


def _is_yaml(path: str | Path) -> bool:
    return Path(path).suffix.lower() in _YAML_SUFFIXES


def _definition(path: Path) -> dict[str, Any]:
    """A task definition, out of the answer that may be around it."""
    text = InputFiles().text(path)
    parse_task_definition(text, str(path))  # says what is wrong with it
    document = json.loads(text)
    definition: dict[str, Any] = document.get("taskDefinition", document)
    return definition


def _service_of(workload: Workload, path: Path, service: str | None) -> str:
    """Which service a task definition belongs to: the stated one, or the one that is named like its family."""
    if service is not None:
        return service_in(workload, service).name
    family = _definition(path).get("family")
    return service_of_family(workload, str(family) if family else "", Place(str(path), column="family"))


def service_of_family(workload: Workload, family: str, place: Place) -> str:
    """The service that a task definition family is named after: ``web``, or ``shop-web`` in the cluster ``shop``.

    Raises
    ------
    InputError
        None is, or two are.
    """
    names = [service.name for service in workload.services]
    found = [name for name in names if family in (name, f"{workload.cluster}-{name}")]
    if len(found) == 1:
        return found[0]
    if found:
        raise place.error(f"the family {shown(family)} fits {' and '.join(found)}", fix="Name one with --service.")
    what = f"no service is named like the family {shown(family)}" if family else "the task definition has no family"
    missing = unknown_service(family, names, "the workload")
    raise place.error(what, fix=f"{missing.fix} Name it with --service.")


def _with_stated(workload: Workload, stated: Stated) -> Workload:
    """The workload with what the caller says of services and instances that it does not place itself."""
    present = workload.present
    services = workload.services
    if stated.launch_type is not None:
        filled = []
        for service in services:
            if launch_type_of(service, workload) is None:
                option = stated.purchase_option or PurchaseOption.ON_DEMAND
                where = PresentService(
                    launch_type=stated.launch_type, purchase_option=option, architecture=service.architectures[0]
                )
                service = replace(service, present=where)
            filled.append(service)
        services = tuple(filled)
    if stated.instance_type is not None:
        unplaced = [service.name for service in services if service.present is None and present is None]
        if unplaced:
            raise InputError(
                f"--instance-type {stated.instance_type}: nothing says which of {', '.join(unplaced[:6])} run on instances",
                fix="Give --launch-type, or `present` to these services in the workload file.",
            )
        option = stated.purchase_option or (present.purchase_option if present else PurchaseOption.ON_DEMAND)
        named = {stated.instance_type: 0}
        present = PresentCluster(instances=named, windows_instances=named, purchase_option=option)
    return replace(workload, services=services, present=present)


def _with_counts(before: Workload, after: Workload) -> tuple[Workload, Workload, list[str]]:
    """Services whose desired count differs and that no bound of scaling is stated for have that count, all month.

    Raises
    ------
    InputError
        One side has a desired count, the other none, and nothing states the scaling.
    """
    notes = []
    for service in before.services:
        other = service_in(after, service.name)
        counts = [side.present.desired_count if side.present else None for side in (service, other)]
        if counts[0] == counts[1]:
            continue
        name = service.name
        if any(side.scaling.is_bounded for side in (service, other)):
            notes.append(f"{name}: desired_count {counts[0]} -> {counts[1]} is only a start under scaling; it has no price.")
            continue
        if service.is_stated or None in counts:
            raise InputError(
                f"{name}: desired_count is {counts[0]} before and {counts[1]} after, and no scaling is stated",
                fix="Give both sides a count, or state scaling: {min, max}.",
            )
        before, after = (
            with_service(workload, replace(side, scaling=replace(side.scaling, min_tasks=int(n or 0), max_tasks=int(n or 0))))
            for workload, side, n in ((before, service, counts[0]), (after, other, counts[1]))
        )
    return before, after, notes


def _load_notes(before: Workload, after: Workload) -> tuple[str, ...]:
    hashes = {file.path: file.sha256 for file in before.inputs}
    differing = [file.path for file in after.inputs if hashes.get(file.path, file.sha256) != file.sha256]
    same_load = before.demand.shape == after.demand.shape
    if same_load and not differing:
        return ()
    return ("The load is that of the workload before the change; the other workload's load is not used.",)
