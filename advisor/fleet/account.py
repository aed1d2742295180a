"""Commitments for the whole account of a fleet, from what its workloads use together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from advisor.committing.account import AccountCommitments, WorkloadUsage, commit_account, held_again_usd
from advisor.fleet.advised import FleetOptions, catalog_of
from advisor.fleet.records import Status, WorkloadRecord
from advisor.fleet.usage import UnpackedUsage, unpack_usage
from advisor.meters import COMMITMENT_YEARS, PaymentOption
from advisor.optimize.commitment_sizes import CHEAPEST_SIZE, AskedSize
from advisor.plan import Terms, terms_of
from advisor.pricing import PriceCatalog
from advisor.sources.places import listed


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitmentQuestion:
    """What is asked about commitments, as of :func:`advisor.commit`."""

    terms: tuple[int, ...] = COMMITMENT_YEARS
    payments: tuple[PaymentOption, ...] = tuple(PaymentOption)
    asked: AskedSize = CHEAPEST_SIZE
    stated: tuple[Terms, ...] = ()
    """Terms of Savings Plans, of which alone something is bought; all without any."""


def account_commitments(
    records: Sequence[WorkloadRecord], options: FleetOptions, question: CommitmentQuestion
) -> AccountCommitments:
    """Ways to commit for the recommended plans of all workloads that are in the totals and have advice.

    Raises
    ------
    InputError
        No such commitment is sold.
    """
    notes = []
    screened = [record.name for record in records if record.status is Status.SCREENED]
    if screened:
        notes.append(f"only screened, and without a plan to commit for: {listed(screened)}")
    unanswered = [record.name for record in records if not record.counts]
    if unanswered:
        notes.append(f"without an answer, and in no commitment: {listed(unanswered)}")
    found, catalogs, problems = _usage([record for record in records if record.counts], options)
    notes += [f"{region}: no commitments are sized: {problem}" for region, problem in problems.items()]
    return commit_account(
        found,
        catalogs,
        terms=question.terms,
        payments=question.payments,
        asked=question.asked,
        stated=question.stated,
        notes=notes,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldAgain:
    """Held commitments that several workloads state: each counts them in full, and the account holds them once."""

    n_workloads: int
    usd: float | None
    """By which the costs at best of these workloads are too high together, a month: below 0 where they are too low, because
    each could use it all; None where that is not known."""
    why: str = ""
    """It is not known."""


def held_again(records: Sequence[WorkloadRecord], options: FleetOptions) -> HeldAgain | None:
    """What is counted more than once of what the account holds; None where at most one workload in the totals states it."""
    stating = [record for record in records if record.counts and record.n_held]
    if len(stating) < 2:
        return None
    found, catalogs, problems = _usage(stating, options)
    usd, why = (None, next(iter(problems.values()))) if problems else held_again_usd(found, catalogs)
    return HeldAgain(n_workloads=len(stating), usd=usd, why=why)


def _usage(
    records: Sequence[WorkloadRecord], options: FleetOptions
) -> tuple[list[WorkloadUsage], dict[str, PriceCatalog], dict[str, str]]:
    """Usage of recommended plans, prices by Region, and why some Regions have none: their workloads are left out."""
    found = {record.name: unpack_usage(record.name, record.usage) for record in records if record.usage}
    catalogs: dict[str, PriceCatalog] = {}
    problems: dict[str, str] = {}
    for region in sorted({each.usage.region for each in found.values()}):
        here = {name: each for name, each in found.items() if each.usage.region == region}
        digests = {record.catalog.get("sha256", "") for record in records if record.name in here}
        catalog, problem = _catalog(region, here, digests, options)
        if catalog is None:
            problems[region] = problem
            found = {name: each for name, each in found.items() if name not in here}
        else:
            catalogs[region] = catalog
    return [each.usage for each in found.values()], catalogs, problems


def stated_question(records: Sequence[WorkloadRecord]) -> CommitmentQuestion | None:
    """The question that workloads ask by the terms that they state: where all that have advice state the same."""
    stated = {record.terms for record in records if record.status is Status.ADVISED}
    terms = terms_of(next(iter(stated))) if len(stated) == 1 else ()
    return CommitmentQuestion(stated=terms) if terms else None


def _catalog(
    region: str, found: Mapping[str, UnpackedUsage], digests: set[str], options: FleetOptions
) -> tuple[PriceCatalog | None, str]:
    """The prices that all plans of a Region were chosen by; None and why where there are no such prices."""
    rates = {tuple(sha for _, sha in each.rates_files): name for name, each in sorted(found.items())}
    if len(rates) > 1:
        return None, f"{' and '.join(list(rates.values())[:2])} are priced with different own rates"
    ((shas, name),) = rates.items()
    files = found[name].rates_files
    catalog = catalog_of(region, options.prices, Path(files[0][0]) if files else None)
    origin = catalog.origin(region)
    if {origin.sha256 if origin else ""} != digests or tuple(file.sha256 for file in catalog.inputs) != shas:
        return None, "its plans were chosen by other prices than are here: run it again"
    return catalog, ""
