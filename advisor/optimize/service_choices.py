"""Every choice for a single service: Fargate, and instances of its own."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from advisor.ecs import Architecture, LaunchType, PurchaseOption
from advisor.optimize.choice import Choice
from advisor.optimize.loads import ServiceLoad, cheapest_fargate_part
from advisor.optimize.search import CapacityKind, Search, dedicated_part
from advisor.optimize.titles import FARGATE_TITLES, capacity_title
from advisor.pricing.instance_hours import hour_on
from advisor.simulate.scaling import RunningTasks


def service_choices(search: Search, load: ServiceLoad) -> Iterable[Choice]:
    service, allowed = load.service, search.constraints.launch_types
    for architecture in service.architectures:
        for option in PurchaseOption:
            is_spot = option is PurchaseOption.SPOT
            if LaunchType.FARGATE in allowed and (service.may_be_spot(LaunchType.FARGATE) or not is_spot):
                yield _fargate_choice(search, load, architecture, option)
            if LaunchType.EC2 in allowed and (service.may_be_spot(LaunchType.EC2) or not is_spot):
                yield _dedicated_choice(
                    search, load, CapacityKind(launch_type=LaunchType.EC2, purchase_option=option, architecture=architecture)
                )
        if LaunchType.MANAGED_INSTANCES in allowed:
            yield _dedicated_choice(
                search,
                load,
                CapacityKind(
                    launch_type=LaunchType.MANAGED_INSTANCES,
                    purchase_option=PurchaseOption.ON_DEMAND,
                    architecture=architecture,
                ),
            )


def _fargate_choice(search: Search, load: ServiceLoad, architecture: Architecture, option: PurchaseOption) -> Choice:
    service = load.service
    title = f"{FARGATE_TITLES[option]} {architecture}"
    choice_id = f"{service.name}:{title.lower().replace(' ', '_')}"
    kind = LaunchType.FARGATE, option
    part = cheapest_fargate_part(load, (architecture,), option, search)
    if part is None:
        why = service.why_off(LaunchType.FARGATE) or f"Fargate has no task size of {service.task} or more"
        return Choice(id=choice_id, title=title, kind=kind, reasons=(why,))
    size = part.services[service.name].task
    reasons = () if size == service.task else (f"Fargate has no task size {service.task}: rounded up",)
    if load.peak_memory_mib > service.task.memory_mib:
        reasons = (f"a task used up to {load.peak_memory_mib:,.0f} MiB, more than it reserves: {size} on Fargate",)
    return Choice(id=choice_id, title=title, kind=kind, parts=(part,), reasons=reasons)


def _dedicated_choice(search: Search, load: ServiceLoad, kind: CapacityKind) -> Choice:
    choice_id = f"{load.service.name}:{kind.launch_type.lower()}:{kind.architecture.lower()}:{kind.purchase_option}"
    part = dedicated_part(search, load.run, kind, load.hours)
    if part is None:
        choice = without_instances(search, [load.run], kind, choice_id, capacity_title(kind, ()))
    else:
        choice = Choice(id=choice_id, title=capacity_title(kind, part.provider.instance_types), parts=(part,))
    return replace(choice, kind=(kind.launch_type, kind.purchase_option))


def without_instances(search: Search, runs: Sequence[RunningTasks], kind: CapacityKind, choice_id: str, title: str) -> Choice:
    """Why no instance type serves the services: they may not run there, no price, or too few that hold their tasks."""
    for run in runs:
        why = run.service.why_off(kind.launch_type)
        if why is not None:
            return Choice(id=choice_id, title=title, reasons=(f"{run.service.name}: {why}" if len(runs) > 1 else why,))
    has_type = search.candidates.of(kind.architecture) & search.candidates.suits(runs[0].service)
    if not has_type.any():
        others = [each.name for each in search.candidates.daemons if kind.architecture not in each.architectures]
        why = f": every instance runs the daemons {', '.join(others)}, which are not" if others else ""
        return Choice(id=choice_id, title=title, reasons=(f"no candidate instance type is {kind.architecture}{why}",))
    rates = search.rates(kind)[has_type]
    if runs[0].service.is_windows and not np.isnan(rates[:, :-1]).any(axis=-1).all() and np.isnan(rates).any(axis=-1).all():
        reason = "burstable types alone are left, and there is no rate of their surplus credits on Windows"
        return Choice(id=choice_id, title=title, reasons=(reason,))
    if np.isnan(rates).any(axis=-1).all():
        some = search.candidates.types[int(np.flatnonzero(has_type)[0])]
        meter = hour_on(some, kind.purchase_option).id.removesuffix(some.name)
        return Choice(id=choice_id, title=title, missing=(f"{meter}*",))
    is_cpu_known = all(run.cpu_units is not None for run in runs) and not search.candidates.daemons
    if not is_cpu_known and search.candidates.is_burstable[has_type].all():
        what = "daemons" if search.candidates.daemons else "tasks"
        reason = (
            f"burstable types alone are left, and the CPU that the {what} use, which their surplus credits bill, is not known"
        )
        return Choice(id=choice_id, title=title, reasons=(reason,))
    largest = max((run.size for run in runs), key=lambda size: (size.cpu_units, size.memory_mib))
    least = f"{kind.n_types} priced candidate types of one size" if kind.n_types > 1 else "priced candidate type"
    reason = f"{'fewer than' if kind.n_types > 1 else 'no'} {least} hold{'' if kind.n_types > 1 else 's'} a task of {largest}"
    return Choice(id=choice_id, title=title, reasons=(reason,))
