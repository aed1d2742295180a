"""What to commit to on top of the recommended plan."""

from typing import Any

from advisor.recommend.result import Recommendation
from advisor.report.commitments import (
    HEAD,
    LEGEND,
    choice_sentences,
    commitment_headline,
    ladder_rows,
    load_facts,
    load_name,
    option_row,
    options_to_buy,
)

_ON_TOP = ", on top of what stands above: the figures there are without new commitments."
_IN_BILLS = ": what stands above has these commitments in its bills already."


def commitments(recommendation: Recommendation) -> dict[str, Any]:
    """Empty where it was not asked."""
    advice = recommendation.commitments
    if advice is None:
        return {"commitment_headline": ""}
    return {
        "commitment_headline": commitment_headline(advice),
        "commitment_beside": _IN_BILLS if recommendation.recommended.buys else _ON_TOP,
        "commitment_head": HEAD,
        "commitment_legend": LEGEND.replace("\n", " "),
        "commitment_loads": [
            {
                "name": load_name(load),
                "words": f"{load.title}: {load_facts(load)}",
                "rows": [option_row(each, load) for each in options_to_buy(advice, load.load)],
            }
            for load in advice.loads
        ],
        "commitment_ladder": ladder_rows(advice),
        "commitment_sentences": [
            *choice_sentences(advice),
            *(note for note in advice.notes if note not in recommendation.run.notes),
        ],
    }
