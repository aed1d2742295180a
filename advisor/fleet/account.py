"""Commitments for the whole account of a fleet, from what its workloads use together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from advisor.committing.account import AccountCommitments, commit_account
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
    found = {record.name: unpack_usage(record.name, record.usage) for record in records if record.counts and record.usage}
    catalogs: dict[str, PriceCatalog] = {}
    for region in sorted({each.usage.region for each in found.values()}):
        here = {name: each for name, each in found.items() if each.usage.region == region}
        digests = {record.catalog.get("sha256", "") for record in records if record.name in here}
        catalog, problem = _catalog(region, here, digests, options)
        if catalog is None:
            notes.append(f"{region}: no commitments are sized: {problem}")
            found = {name: each for name, each in found.items() if name not in here}
        else:
            catalogs[region] = catalog
    return commit_account(
        [each.usage for each in found.values()],
        catalogs,
        terms=question.terms,
        payments=question.payments,
        asked=question.asked,
        stated=question.stated,
        notes=notes,
    )


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
