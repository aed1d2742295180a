"""Which input moves the saving most: each one changed alone, both sides worked out anew."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from advisor.bounds import least_moved
from advisor.ecs import PurchaseOption
from advisor.errors import AdvisorError, InputError
from advisor.optimize.candidates import candidates
from advisor.optimize.loads import right_sized_load
from advisor.optimize.parts import PACKING_RANGE
from advisor.plan import ScheduledAction
from advisor.pricing import PriceCatalog
from advisor.recommend.sensitivity import Moved, Sensitivity
from advisor.sweeping.axes import AxisName
from advisor.sweeping.sides import Circumstances, Scenario, Settings, ec2_side, fargate_side, has_target, with_target
from advisor.workload import LoadForm, Scaling, Service, Workload

LOAD_STEP = 0.10
TARGET_STEP = 0.05
PRICE_STEP = 0.10
SPOT_PRICE_STEP = 0.25
"""One standard deviation of the Spot level between two readings months apart; see :mod:`advisor.uncertainty`."""


@dataclass(frozen=True, slots=True)
class _Trial:
    """One input with its two changed scenarios; None where a value has no meaning."""

    input: str
    low: str
    at_low: Scenario | None
    high: str
    at_high: Scenario | None


def sensitivity(
    workload: Workload, catalog: PriceCatalog, *, purchase_option: PurchaseOption = PurchaseOption.ON_DEMAND
) -> Sensitivity:
    """Change each input alone and work out Fargate and EC2 anew, with instance types chosen anew, on the last four weeks.

    Parameters
    ----------
    purchase_option
        Of both sides; with Spot, of the services that may be interrupted.

    Raises
    ------
    AdvisorError
        One of the two sides has no price or no type that serves the load: there is no saving to move.

    Examples
    --------
    >>> import advisor
    >>> workload = advisor.read_workload("examples/cloudwatch/workload.yaml")
    >>> ranked = advisor.sensitivity(workload, advisor.read_catalog(workload.region))
    >>> ranked.inputs[0].input
    'zones'
    """
    here = Circumstances(workload, catalog)
    if purchase_option is PurchaseOption.SPOT:
        here.check(AxisName.SPOT_PRICE)
    both = _both(here.base, purchase_option)
    if both is None:
        raise AdvisorError(
            f"no saving to move: Fargate or EC2 has no {purchase_option} price in {workload.region}, or no type serves the "
            "load. Give missing prices with --rates FILE."
        )
    fargate_usd, ec2_usd, high_usd = both
    today = fargate_usd - ec2_usd
    not_known: list[str] = []
    found = []
    for trial in _trials(here, purchase_option, not_known.append):
        savings = [_saving(scenario, purchase_option) for scenario in (trial.at_low, trial.at_high)]
        if savings != [None, None]:
            found.append(_moved(trial.input, (trial.low, trial.high), (savings[0], savings[1]), today))
    found.append(
        _moved(
            "packing by ECS", ("as modelled", f"up to {PACKING_RANGE * 100:g} % dearer"), (today, fargate_usd - high_usd), today
        )
    )
    return Sensitivity(
        cluster=workload.cluster,
        region=workload.region,
        prices=catalog.catalog_date(workload.region),
        purchase_option=purchase_option,
        fargate_usd=fargate_usd,
        ec2_usd=ec2_usd,
        saving_usd=today,
        inputs=tuple(sorted(found, key=lambda each: (-round(each.moves_usd, 6), each.input))),
        not_known=tuple(not_known),
    )


def _moved(name: str, words: tuple[str, str], savings: tuple[float | None, float | None], today: float) -> Moved:
    known = [saving for saving in savings if saving is not None]
    return Moved(
        input=name,
        low=words[0],
        saving_low=savings[0],
        high=words[1],
        saving_high=savings[1],
        moves_usd=max(abs(saving - today) for saving in known),
        flips=any((saving > 0) != (today > 0) for saving in known),
    )


def _both(scenario: Scenario, option: PurchaseOption) -> tuple[float, float, float] | None:
    """Cost of Fargate, of EC2, and of EC2 at its upper end."""
    fargate, ec2 = fargate_side(scenario, option), ec2_side(scenario, option)
    return None if fargate is None or ec2 is None else (fargate.usd, ec2.usd, ec2.high_usd)


def _saving(scenario: Scenario | None, option: PurchaseOption) -> float | None:
    both = None if scenario is None else _both(scenario, option)
    return None if both is None else both[0] - both[1]


def _trials(here: Circumstances, option: PurchaseOption, skip: Callable[[str], None]) -> Iterator[_Trial]:
    def of(name: AxisName, low: float, high: float) -> tuple[Scenario, Scenario]:
        settings: tuple[Settings, Settings] = ({name: low}, {name: high})
        return here.scenario(settings[0]), here.scenario(settings[1])

    base = here.base
    down, up = of(AxisName.LOAD_FACTOR, 1 - LOAD_STEP, 1 + LOAD_STEP)
    yield _Trial("load", "10 % less", down, "10 % more", up)
    for name, words, step in (
        (AxisName.FARGATE_PRICE, "price of Fargate", PRICE_STEP),
        (AxisName.EC2_PRICE, "price of EC2 instances", PRICE_STEP),
    ):
        down, up = of(name, -step, step)
        yield _Trial(words, f"{step:.0%} lower".replace("%", " %"), down, f"{step:.0%} higher".replace("%", " %"), up)
    if option is PurchaseOption.SPOT:
        down, up = of(AxisName.SPOT_PRICE, -SPOT_PRICE_STEP, SPOT_PRICE_STEP)
        yield _Trial("price of EC2 Spot", "25 % lower", down, "25 % higher", up)
    elif any(service.is_interruptible for service in here.workload.services):
        skip("Spot price: the comparison is On-Demand; ask for Spot to see it")
    if any(has_target(service) for service in here.workload.services):
        yield _target(here)
    else:
        skip("target CPU: no count follows a target, but task counts as they ran, or step policies")
    yield _of_services(here, "start-up", "half as long", lambda s: replace(s, startup_s=s.startup_s / 2), "twice as long",
                       lambda s: replace(s, startup_s=s.startup_s * 2))  # fmt: skip
    if any(service.load_form is not LoadForm.TASKS for service in here.workload.services):
        yield _of_services(here, "min tasks", "one fewer", lambda s: _with_min(s, -1), "one more", lambda s: _with_min(s, 1))
    zones = here.workload.constraints.zones
    more = _with_zones(base, zones + 1)
    if more is None:
        skip(f"more zones: no candidate instance type is offered in {zones + 1} of them")
    yield _Trial("zones", f"{zones - 1}", _with_zones(base, zones - 1) if zones > 1 else None, f"{zones + 1}", more)
    sized = [right_sized_load(here.workload, load, base.search) for load in base.loads]
    if any(sized):
        smaller = tuple(
            load if right is None else replace(right, hours=here.hours) for load, right in zip(base.loads, sized, strict=True)
        )
        yield _Trial("task size", "as declared", None, "right-sized", replace(base, loads=smaller))
    else:
        skip("task size: no other size is cheaper and was safe, or the load does not tell what single tasks use")


def _target(here: Circumstances) -> _Trial:
    """Target CPU of every service five points down and up."""

    def moved(step: float) -> Scenario:
        return here.scenario_of(
            [
                with_target(service, min(1.0, max(0.05, service.scaling.target_cpu_fraction + step)))
                for service in here.workload.services
            ]
        )

    return _Trial("target CPU", "5 points lower", moved(-TARGET_STEP), "5 points higher", moved(TARGET_STEP))


def _of_services(
    here: Circumstances,
    name: str,
    low: str,
    at_low: Callable[[Service], Service],
    high: str,
    at_high: Callable[[Service], Service],
) -> _Trial:
    down, up = (here.scenario_of([change(s) for s in here.workload.services]) for change in (at_low, at_high))
    return _Trial(name, low, down, high, up)


def _with_min(service: Service, more: int) -> Service:
    if service.load_form is LoadForm.TASKS:
        return service
    scaling = service.scaling
    actions = tuple(
        each if each.min_tasks is None else replace(each, min_tasks=least_moved(each.min_tasks, _most(each, scaling), more))
        for each in scaling.scheduled_actions
    )
    least = least_moved(scaling.min_tasks, scaling.max_tasks, more)
    return replace(service, scaling=replace(scaling, min_tasks=least, scheduled_actions=actions))


def _most(action: ScheduledAction, scaling: Scaling) -> int | None:
    return scaling.max_tasks if action.max_tasks is None else action.max_tasks


def _with_zones(base: Scenario, zones: int) -> Scenario | None:
    """None where no candidate is offered in as many zones."""
    search = base.search
    constraints = replace(search.constraints, zones=zones)
    now = search.candidates
    try:
        types = candidates(search.catalog, search.region, constraints, now.daemons, now.services)
    except InputError:
        return None
    return replace(base, search=replace(search, constraints=constraints, candidates=types))
