"""What would change the answer: what-ifs, scaling targets, what could not be tried."""

from typing import Any

from advisor.recommend.result import Recommendation
from advisor.recommend.what_ifs import WhatIf
from advisor.report.sure import flip_sentence
from advisor.report.words import hours_or_not_known, money, money_range, percent, proposal_sentence, step_rows


def changes(recommendation: Recommendation) -> dict[str, Any]:
    """Empty tables where nothing was asked."""
    sensitivity = recommendation.sensitivity
    return {
        "flip": flip_sentence(recommendation),
        "has_rival": recommendation.recommendation.break_even is not None,
        "what_ifs": [_what_if(each) for each in recommendation.what_ifs],
        "targets": _targets(recommendation),
        "proposals": [
            {"name": service.name, "says": proposal_sentence(service.proposed_target)}
            for service in recommendation.recommendation.services
            if service.proposed_target is not None
        ],
        "not_known": [] if sensitivity is None else [f"not tried: {sentence}" for sentence in sensitivity.not_known],
    }


def _what_if(each: WhatIf) -> dict[str, Any]:
    is_asked = each.cheapest is not None
    return {
        "words": each.words,
        "kept": money_range(each.kept),
        "cheapest": money_range(each.cheapest) if is_asked else "",
        "title": each.cheapest_title,
        "same": "" if each.is_same_choice is None else "stay" if each.is_same_choice else "change",
    }


def _targets(recommendation: Recommendation) -> list[dict[str, Any]]:
    return [
        {
            "name": service.name,
            "target": f"{outcome.target_cpu_percent:.3g} %",
            "usd": outcome.monthly_usd,
            "month": "no price" if outcome.monthly_usd is None else money(outcome.monthly_usd),
            "above_target": hours_or_not_known(outcome.hours_above_target),
            "above_full": hours_or_not_known(outcome.hours_above_full),
            "memory": "not measured" if outcome.memory_headroom_fraction is None else percent(outcome.memory_headroom_fraction),
        }
        for service in recommendation.recommendation.services
        for outcome in service.targets
    ]


def saving_steps(recommendation: Recommendation) -> dict[str, Any]:
    """The staircase of savings; nothing to show where the answer has none."""
    stairs = recommendation.saving_steps
    if stairs is None:
        return {"saving_steps": None}
    return {
        "saving_steps": {
            "start": stairs.start,
            "start_usd": money(stairs.start_usd),
            "end_usd": money(stairs.end_usd),
            "sizes_alone_usd": money(stairs.sizes_alone_usd),
            "rows": step_rows(recommendation),
        }
    }
