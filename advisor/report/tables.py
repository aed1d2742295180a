"""The alternatives as rows: for CSV, Markdown and the terminal."""

import csv
import io

from advisor.recommend.result import Alternative, Recommendation

CSV_COLUMNS = (
    "scope",
    "id",
    "title",
    "recommended",
    "monthly_usd_mean",
    "monthly_usd_low",
    "monthly_usd_high",
    "monthly_usd_p10",
    "monthly_usd_p50",
    "monthly_usd_p90",
    "expected_usd",
    "probability_cheapest",
    "expected_regret_usd",
    "instances_p50",
    "instances_max",
    "packed_fraction",
    "binding",
    "unmet_task_hours",
    "feasible",
    "missing",
    "reasons",
)


def alternatives_rows(recommendation: Recommendation, scope: str | None = None) -> list[dict[str, object]]:
    """One row an alternative with the columns of :data:`CSV_COLUMNS`; None where there is no figure."""
    chosen = recommendation.alternatives if scope is None else recommendation.of_scope(scope)
    return [_row(alternative, recommendation) for alternative in chosen]


def alternatives_csv(recommendation: Recommendation) -> str:
    """CSV of all alternatives; an empty cell is a figure that there is not. Cells never start a formula in a spreadsheet."""
    text = io.StringIO()
    writer = csv.DictWriter(text, CSV_COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in alternatives_rows(recommendation):
        writer.writerow({name: spreadsheet_safe(value) for name, value in row.items()})
    return text.getvalue()


def _row(alternative: Alternative, recommendation: Recommendation) -> dict[str, object]:
    monthly, facts = alternative.monthly_usd, alternative.instances
    return {
        "scope": alternative.scope,
        "id": alternative.id,
        "title": alternative.title,
        "recommended": alternative.id == recommendation.recommendation.alternative,
        "monthly_usd_mean": monthly and monthly.mean,
        "monthly_usd_low": monthly and monthly.low,
        "monthly_usd_high": monthly and monthly.high,
        "monthly_usd_p10": monthly and monthly.p10,
        "monthly_usd_p50": monthly and monthly.p50,
        "monthly_usd_p90": monthly and monthly.p90,
        "expected_usd": alternative.expected_usd,
        "probability_cheapest": alternative.probability_cheapest,
        "expected_regret_usd": alternative.expected_regret_usd,
        "instances_p50": facts and facts.p50,
        "instances_max": facts and facts.max,
        "packed_fraction": facts and facts.packed_fraction,
        "binding": facts and facts.binding,
        "unmet_task_hours": alternative.unmet_task_hours,
        "feasible": alternative.feasible,
        "missing": " ".join(alternative.missing),
        "reasons": "; ".join(alternative.reasons),
    }


def spreadsheet_safe(value: object) -> object:
    """What a cell of a CSV holds: text that would start a formula gets an apostrophe, nothing is an empty cell."""
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return f"'{value}"
    return "" if value is None else value
