"""Commitments for all workloads of an account together: their usage is summed by the clock hour before anything is sized."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np

from advisor.billing import amounts_usd
from advisor.committing.advice import advise_on, check_asked, check_stated
from advisor.committing.bought import ALL_REGIONS, AccountPurchase, Unsized, account_purchase
from advisor.meters import COMMITMENT_YEARS, CommitmentKind, Meter, PaymentOption, sum_over_states
from advisor.optimize.commitment_sizes import CHEAPEST_SIZE, KINDS, AskedSize
from advisor.optimize.committable import Committable, HourlyUsage, load_factors, moving_usd
from advisor.optimize.held import by_week
from advisor.plan import Commitment, Terms
from advisor.pricing import PriceCatalog
from advisor.recommend.commitments import CommitmentAdvice
from advisor.simulate.timeline import timeline
from advisor.units import HOURS_PER_WEEK, SECONDS_PER_HOUR, BoolArray, FloatArray
from advisor.workload import Growth

LEAST_COMMON_HOURS: Final = HOURS_PER_WEEK
"""What all have in common: less than a week says nothing of the hours in which their peaks meet."""
MOST_NAMES: Final = 3
ACCOUNT: Final = "account"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WorkloadUsage:
    """What the recommended plan of a workload uses of what commitments may cover."""

    name: str
    region: str
    start: datetime
    """Of the first clock hour, UTC. What is stated throughout has no date: it repeats by whole weeks."""
    usage: HourlyUsage
    is_stated: bool
    growth: Growth
    held: tuple[Commitment, ...]
    """As the workload states it of the account."""

    @property
    def n_hours(self) -> int:
        return int(self.usage.quantity.shape[1])

    @property
    def first_hour(self) -> int:
        return round(self.start.timestamp()) // SECONDS_PER_HOUR

    def over(self, first_hour: int, end_hour: int) -> tuple[FloatArray, BoolArray]:
        """Quantity (meters, hours) in other hours, and the hours (hours,) in which all of it is known."""
        at = np.arange(first_hour, end_hour) - self.first_hour
        if self.is_stated:
            at %= max(self.n_hours // HOURS_PER_WEEK, 1) * HOURS_PER_WEEK
        is_inside = (at >= 0) & (at < self.n_hours)
        quantity = self.usage.quantity[:, np.where(is_inside, at, 0)]
        return quantity, np.asarray(is_inside & ~np.isnan(quantity).any(axis=0), dtype=np.bool_)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountCommitments:
    """What an account should commit to for all of its workloads."""

    advices: tuple[CommitmentAdvice, ...]
    """One for each Region; with several, a last one for Compute Savings Plans over all of them. They are alternatives: a
    dollar committed by one covers usage that another counts on as well."""
    purchase: AccountPurchase | None
    """What is bought altogether; None where nothing saves."""
    notes: tuple[str, ...]
    """What is in none of them, and why."""
    terms: tuple[str, ...] = ()
    """That were stated, such as ``1y:no_upfront``: only these are offered. Empty where all are."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as in ``fleet.json``."""
        return {
            "terms": list(self.terms),
            "purchase": None if self.purchase is None else asdict(self.purchase),
            "advices": [asdict(each) for each in self.advices],
            "notes": list(self.notes),
        }


def commit_account(
    members: Sequence[WorkloadUsage],
    catalogs: Mapping[str, PriceCatalog],
    *,
    terms: Sequence[int] = COMMITMENT_YEARS,
    payments: Sequence[PaymentOption] = tuple(PaymentOption),
    asked: AskedSize = CHEAPEST_SIZE,
    stated: Sequence[Terms] = (),
    notes: Sequence[str] = (),
) -> AccountCommitments:
    """Ways to commit for the recommended plans of all workloads together, Region by Region and over all Regions.

    Commitments are applied hour by hour to what the whole account uses: peaks that fall into different hours carry a larger
    commitment together than each alone. Sizes, futures and coverage are those of :func:`commit`, of the summed usage.

    Parameters
    ----------
    members
        In any order; names are unique.
    catalogs
        Prices of every Region of the members.
    stated
        The terms of Savings Plans that alone are offered; all without any.

    Raises
    ------
    InputError
        No such commitment is sold.
    """
    check_asked(terms, asked)
    check_stated(stated, terms, payments)
    told = list(notes)
    found: list[CommitmentAdvice] = []
    unsized: list[Unsized] = []
    by_region: dict[str, list[WorkloadUsage]] = {}
    for member in sorted((each for each in members if each.usage.meters), key=lambda each: (each.region, each.name)):
        by_region.setdefault(member.region, []).append(member)
    groups: list[tuple[str, list[WorkloadUsage], Sequence[str]]] = [(name, each, KINDS) for name, each in by_region.items()]
    if len(by_region) > 1:
        everyone = [one for each in by_region.values() for one in each]
        groups.append((ALL_REGIONS, everyone, (CommitmentKind.COMPUTE_SAVINGS_PLAN.value,)))
    for region, group, kinds in groups:
        held, problem = _held(group, is_global=region == ALL_REGIONS)
        if problem:
            told.append(f"{region}: no commitments are sized: {problem}")
            unsized += [Unsized(region, _month_usd(each, catalogs[each.region]), None) for each in group]
            continue
        shared = _shared(group, catalogs)
        told += [f"{region}: {each}" for each in shared.left_out]
        covered = None if held else 0.0
        unsized += [Unsized(region, usd, covered) for usd in shared.left_out_usd]
        if not shared.members:
            continue
        remarks = [shared.words]
        if (
            len(by_region) > 1
            and region != ALL_REGIONS
            and any(each.kind is CommitmentKind.COMPUTE_SAVINGS_PLAN for each in held)
        ):
            remarks.append("held Compute Savings Plans are taken to be free for this Region alone")
        found.append(
            advise_on(
                {"recommended": _summed(shared, catalogs, held)},
                {"recommended": f"the recommended plans of {shared.n_words}"},
                cluster=ACCOUNT,
                region=region,
                terms=terms,
                payments=payments,
                asked=asked,
                notes=remarks,
                kinds=kinds,
                stated=stated,
            )
        )
    nothing = sorted(each.name for each in members if not each.usage.meters)
    if nothing:
        more = f" and {len(nothing) - MOST_NAMES:,} more" if len(nothing) > MOST_NAMES else ""
        told.append(f"nothing that commitments could cover: {', '.join(nothing[:MOST_NAMES])}{more}")
    if len(by_region) > 1:
        told.append(
            "the advice for all Regions is another way than the Compute Savings Plans of each Region, and is not bought beside "
            "them: these plans cover usage in any Region"
        )
    return AccountCommitments(
        advices=tuple(found), purchase=account_purchase(found, unsized), notes=tuple(told), terms=tuple(map(str, stated))
    )


def held_again_usd(members: Sequence[WorkloadUsage], catalogs: Mapping[str, PriceCatalog]) -> tuple[float | None, str]:
    """What workloads that each count all that the account holds cost too much together, in a month of 730 h.

    None, and why, where that cannot be told: over the hours in which all their loads are known, each alone with what is held
    less all together with it.
    """
    if len(members) < 2:
        return 0.0, ""
    held, problem = _held(members, is_global=len({member.region for member in members}) > 1)
    shared = _shared(members, catalogs)
    if problem or shared.left_out:
        return None, problem or shared.left_out[0]
    alone = [
        _summed(replace(shared, members=(member,), month_usd=(usd,)), catalogs, held)
        for member, usd in zip(shared.members, shared.month_usd, strict=True)
    ]
    together = _summed(shared, catalogs, held)
    if together.missing_of_held:
        return None, f"no rate for {', '.join(together.missing_of_held[:MOST_NAMES])}"
    return math.fsum(each.held_usd() for each in alone) - together.held_usd(), ""


def _held(members: Sequence[WorkloadUsage], *, is_global: bool) -> tuple[tuple[Commitment, ...], str]:
    """What the account holds, once, though each workload may state it; or why that cannot be told."""
    stated = {tuple(sorted(member.held, key=str)): member.name for member in members if member.held}
    if len(stated) > 1:
        return (), f"{' and '.join(list(stated.values())[:2])} state different held commitments of one account"
    held = next(iter(stated), ())
    if any(each.zone is not None for each in held) and any(not member.held for member in members):
        return (), "Reserved Instances of a zone are held, and not every workload states them, so that its zones are not known"
    if is_global and any(each.kind is not CommitmentKind.COMPUTE_SAVINGS_PLAN for each in held):
        return (), "what is held of a single Region covers first, and is not counted over several"
    return held, ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Shared:
    """Workloads and the clock hours in which the loads of all of them are known."""

    members: tuple[WorkloadUsage, ...]
    month_usd: tuple[float, ...]
    """Of each on demand, over its own hours."""
    first_hour: int
    is_known: BoolArray
    """(hours,)"""
    left_out: tuple[str, ...]
    left_out_usd: tuple[float, ...]
    """Of each that is left out, as ``month_usd``."""

    @property
    def start(self) -> datetime:
        return datetime.fromtimestamp(self.first_hour * SECONDS_PER_HOUR, UTC)

    @property
    def n_words(self) -> str:
        n = len(self.members)
        return f"{n:,} workload{'' if n == 1 else 's'}"

    @property
    def words(self) -> str:
        end = self.start + timedelta(hours=self.is_known.size)
        return (
            f"usage of {self.n_words}, summed hour by hour over the {self.is_known.sum() / HOURS_PER_WEEK:.1f} weeks between "
            f"{self.start:%Y-%m-%d} and {end:%Y-%m-%d} in which all their loads are known"
        )


def _shared(members: Sequence[WorkloadUsage], catalogs: Mapping[str, PriceCatalog]) -> _Shared:
    """The costliest first; who would leave the others less than a week together is left out, and named with its cost."""
    worth = {member.name: _month_usd(member, catalogs[member.region]) for member in members}
    # What is stated throughout fits any hours, so it comes last; where all is stated, the longest gives the hours.
    ordered = sorted(members, key=lambda m: (m.is_stated, -m.n_hours if m.is_stated else -worth[m.name], m.name))
    chosen: list[WorkloadUsage] = []
    left_out: list[str] = []
    first_hour, is_known = 0, np.zeros(0, dtype=np.bool_)
    for member in ordered:
        begin, end = member.first_hour, member.first_hour + member.n_hours
        if chosen:
            until = first_hour + is_known.size
            begin, end = (first_hour, until) if member.is_stated else (max(begin, first_hour), min(end, until))
        known = member.over(begin, max(begin, end))[1]
        if chosen:
            known = known & is_known[begin - first_hour : max(begin, end) - first_hour]
        if known.sum() >= LEAST_COMMON_HOURS:
            chosen.append(member)
            first_hour, is_known = begin, known
        else:
            together = f" at the same time as that of {chosen[0].name}" if chosen else ""
            left_out.append(
                f"{member.name} is left out ({worth[member.name]:,.2f} USD a month on demand): less than a week of its load is "
                f"known{together}"
            )
    chosen.sort(key=lambda each: (each.region, each.name))
    return _Shared(
        members=tuple(chosen),
        month_usd=tuple(worth[each.name] for each in chosen),
        first_hour=first_hour,
        is_known=is_known,
        left_out=tuple(left_out),
        left_out_usd=tuple(worth[each.name] for each in members if each not in chosen),
    )


def _summed(shared: _Shared, catalogs: Mapping[str, PriceCatalog], held: tuple[Commitment, ...]) -> Committable:
    """Usage of all in the hours that they share, of a month of 730 h."""
    rows: dict[tuple[str, Meter, str | None, bool], FloatArray] = {}
    for member in shared.members:
        quantity, _ = member.over(shared.first_hour, shared.first_hour + shared.is_known.size)
        keys = zip(member.usage.meters, member.usage.zones, member.usage.is_moving.tolist(), strict=True)
        for (meter, zone, moves), row in zip(keys, quantity, strict=True):
            key = member.region, meter, zone, moves
            rows[key] = rows[key] + row if key in rows else row
    ordered = sorted(rows, key=lambda key: (key[0], key[1].id, key[2] or "", key[3]))
    usage = HourlyUsage(
        meters=tuple(meter for _, meter, _, _ in ordered),
        zones=tuple(zone for _, _, zone, _ in ordered),
        quantity=np.stack([rows[key] for key in ordered]) if rows else np.zeros((0, shared.is_known.size)),
        is_moving=np.array([moves for _, _, _, moves in ordered], dtype=np.bool_),
    )
    hours = _month_hours(shared.start, shared.is_known)
    case = Committable(
        catalogs={region: catalogs[region] for region in sorted({member.region for member in shared.members})},
        regions=tuple(region for region, _, _, _ in ordered),
        held=held,
        meters=usage.meters,
        zones=usage.zones,
        quantity=usage.quantity[:, shared.is_known],
        is_moving=usage.is_moving,
        hours=hours[shared.is_known],
        load_factors=None,
    )
    usd = moving_usd(usage, case.rates(()).on_demand_usd)
    axis = timeline(shared.start, SECONDS_PER_HOUR, shared.is_known.size)
    weeks = axis.week_hours(np.repeat(shared.is_known, axis.steps_per_input_step))
    weekly = by_week(usd, weeks, axis.first_steps_of_hours, axis.n_steps)
    month_usd, coverage = float(sum_over_states(usd, hours)), float(shared.is_known.mean())
    return replace(case, load_factors=load_factors(weekly, month_usd, coverage, _growth(shared)))


def _month_hours(start: datetime, is_known: BoolArray) -> FloatArray:
    """(hours,): hours of a month of 730 h that each clock hour stands for."""
    axis = timeline(start, SECONDS_PER_HOUR, is_known.size)
    hours = axis.month_hours(np.repeat(is_known, axis.steps_per_input_step))
    return np.asarray(np.add.reduceat(hours, axis.first_steps_of_hours), dtype=np.float64)


def _month_usd(member: WorkloadUsage, catalog: PriceCatalog) -> float:
    """What it uses in a month, at on-demand rates."""
    is_known: BoolArray = np.logical_not(np.isnan(member.usage.quantity).any(axis=0))
    totals = sum_over_states(member.usage.quantity, _month_hours(member.start, is_known))
    return math.fsum(amounts_usd(totals, catalog.rates_usd(member.usage.meters, member.region)).tolist())


def _growth(shared: _Shared) -> Growth:
    """Of the sum: each by what it uses; spreads as if all moved together, which is the widest that they can."""
    growths = [member.growth for member in shared.members]
    total = math.fsum(shared.month_usd)
    if not total > 0 or len(set(growths)) == 1:
        return growths[0]
    shares = [usd / total for usd in shared.month_usd]
    return Growth(
        fraction=math.fsum(share * each.fraction for share, each in zip(shares, growths, strict=True)),
        spread_fraction=math.fsum(share * each.spread_fraction for share, each in zip(shares, growths, strict=True)),
    )
