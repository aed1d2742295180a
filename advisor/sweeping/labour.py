"""What the saving is worth in work: hours a month at which it is gone, and when a migration has paid for itself."""

from dataclasses import asdict, dataclass
from typing import Any

from advisor.errors import InputError
from advisor.recommend.result import Recommendation
from advisor.units import HOURS_PER_DAY, HOURS_PER_MONTH

PRESENT = "present"


@dataclass(frozen=True, slots=True, kw_only=True)
class Payback:
    """Work against saving. Hours are of people, a month has 730 h."""

    against: str
    """``present``, or the id of the rival alternative."""
    against_title: str
    saving_usd: float
    """A month, before any work."""
    saving_low_usd: float
    saving_high_usd: float
    """P10 and P90 where there are draws, else the range of the packing model."""
    labour_usd_per_hour: float
    break_even_hours_per_month: float | None
    """The move pays unless it takes more than this, every month; None where it saves nothing."""
    break_even_hours_low: float | None
    """At the low end of the saving; None where that saves nothing."""
    extra_hours_per_month: float
    """More work than before, every month; below zero it is less."""
    net_saving_usd: float
    """A month, with that work."""
    one_off_usd: float
    """Hours of the migration, and both plans running beside each other."""
    payback_months: float | None
    """None where the move never pays."""
    payback_months_late: float | None
    """At the low end of the saving; None where it then never pays."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def payback(
    recommendation: Recommendation,
    *,
    labour_usd_per_hour: float,
    extra_hours_per_month: float = 0.0,
    migration_hours: float = 0.0,
    double_running_days: float = 0.0,
) -> Payback:
    """How many hours of work flip the answer, and how soon a migration pays.

    The saving is against what runs today where the workload says that, else against the best alternative of another launch type
    or purchase option.

    Parameters
    ----------
    labour_usd_per_hour
        What an hour of work costs. [USD per h]
    extra_hours_per_month
        Work that the recommended plan takes more than the other, every month.
    migration_hours
        Work of the move itself.
    double_running_days
        Days on which both plans run, so that the new one is paid for without a saving.

    Raises
    ------
    InputError
        The rate is not above zero, a number is negative, or there is nothing to compare with.

    Examples
    --------
    >>> import advisor
    >>> recommendation = advisor.read_recommendation("reports/shop")
    >>> worth = advisor.payback(recommendation, labour_usd_per_hour=90)
    >>> round(worth.break_even_hours_per_month, 2)
    0.33
    """
    if not labour_usd_per_hour > 0:
        raise InputError(f"an hour of work at {labour_usd_per_hour} dollars", fix="Give a rate above zero.")
    for name, value in (("migration hours", migration_hours), ("days of double running", double_running_days)):
        if value < 0:
            raise InputError(f"{name}: {value} is below zero", fix="Give zero or more.")
    advice, best = recommendation.recommendation, recommendation.recommended
    saving = advice.saving_against_present or advice.saving
    if saving is None or best.monthly_usd is None:
        raise InputError(
            "there is nothing to compare with: what runs today is not given, and no other launch choice has a price",
            fix="Write `present` into the workload file, or give missing prices with --rates FILE.",
        )
    low = saving.p10 if saving.p10 is not None else saving.low
    high = saving.p90 if saving.p90 is not None else saving.high
    work_usd = extra_hours_per_month * labour_usd_per_hour
    double_run_usd = best.monthly_usd.mean * double_running_days * HOURS_PER_DAY / HOURS_PER_MONTH
    one_off = migration_hours * labour_usd_per_hour + double_run_usd
    return Payback(
        against=saving.against,
        against_title="what runs today" if saving.against == PRESENT else recommendation.alternative(saving.against).title,
        saving_usd=saving.mean,
        saving_low_usd=low,
        saving_high_usd=high,
        labour_usd_per_hour=labour_usd_per_hour,
        break_even_hours_per_month=_positive(saving.mean / labour_usd_per_hour),
        break_even_hours_low=_positive(low / labour_usd_per_hour),
        extra_hours_per_month=extra_hours_per_month,
        net_saving_usd=saving.mean - work_usd,
        one_off_usd=one_off,
        payback_months=_months(one_off, saving.mean - work_usd),
        payback_months_late=_months(one_off, low - work_usd),
    )


def _positive(value: float) -> float | None:
    return value if value > 0 else None


def _months(one_off_usd: float, monthly_usd: float) -> float | None:
    return one_off_usd / monthly_usd if monthly_usd > 0 else None
