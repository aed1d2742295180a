"""A recommendation as Jupyter shows it."""

from html import escape

from advisor.recommend.result import CLUSTER_SCOPE, Recommendation
from advisor.report.sure import sure_sentence
from advisor.report.words import (
    VERDICT_WORDS,
    chance,
    instances_range,
    interval,
    missing_sentence,
    money_range,
    more_than_best,
    packed,
    saving_sentence,
)

COLUMNS = ("alternative", "a month", "next month P10-P90", "cheapest in", "instances", "packed", "against best")


def render_notebook(recommendation: Recommendation) -> str:
    """Verdict, reason and alternatives as a small HTML table, without styles of its own."""
    best, advice = recommendation.recommended, recommendation.recommendation
    head = "".join(f"<th>{name}</th>" for name in COLUMNS)
    rows = "".join(_row(recommendation, each.id) for each in recommendation.of_scope(CLUSTER_SCOPE))
    return (
        f"<p><strong>{escape(VERDICT_WORDS[advice.verdict])}: {escape(best.title)}, "
        f"{escape(money_range(best.monthly_usd))} a month</strong><br>"
        f"{escape(saving_sentence(advice.saving, recommendation))}<br>{escape(sure_sentence(recommendation))}<br>"
        f"{escape(advice.why)}</p>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _row(recommendation: Recommendation, alternative_id: str) -> str:
    alternative, best = recommendation.alternative(alternative_id), recommendation.recommended
    if alternative.monthly_usd is None:
        reason = escape(missing_sentence(alternative, recommendation.region))
        return f'<tr><td>{escape(alternative.title)}</td><td colspan="{len(COLUMNS) - 1}">{reason}</td></tr>'
    cells = (
        alternative.title,
        money_range(alternative.monthly_usd),
        interval(alternative.monthly_usd),
        "-" if alternative.probability_cheapest is None else chance(alternative.probability_cheapest),
        instances_range(alternative),
        packed(alternative),
        more_than_best(alternative, best),
    )
    return f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
