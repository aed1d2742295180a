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


def commitments(recommendation: Recommendation) -> dict[str, Any]:
    """Empty where it was not asked."""
    advice = recommendation.commitments
    if advice is None:
        return {"commitment_headline": ""}
    return {
        "commitment_headline": commitment_headline(advice),
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
