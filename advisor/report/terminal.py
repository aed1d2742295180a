"""The answer in a terminal: 80 columns, the same words with and without colour."""

import textwrap
from collections.abc import Sequence

from advisor.recommend.result import CLUSTER_SCOPE, Alternative, Recommendation
from advisor.report.words import (
    VERDICT_WORDS,
    assumptions,
    coverage_sentence,
    instances_range,
    interval,
    missing_sentence,
    money_range,
    more_than_best,
    not_modelled,
    packed,
    present_sentence,
    replay_sentence,
    rounding_sentence,
    saving_sentence,
    size_sentence,
    sure_sentence,
    where,
)

BOLD, RESET = "\033[1m", "\033[0m"
LEAST_WIDTH, MOST_WIDTH = 80, 110
MOST_ROWS = 8
"""Alternatives with a price that a first screen shows."""


def render_summary(
    recommendation: Recommendation, *, width: int = LEAST_WIDTH, has_color: bool = False, result_path: str = ""
) -> str:
    """The first screen: verdict, money, saving, reason, alternatives, services."""
    width = min(max(width, LEAST_WIDTH), MOST_WIDTH)
    best, advice = recommendation.recommended, recommendation.recommendation
    cost = f"{money_range(best.monthly_usd)} a month"
    lines = [
        f"{recommendation.cluster}  {recommendation.region}  {coverage_sentence(recommendation)}",
        f"prices {recommendation.run.catalog.get('newest', '')}",
        "",
        *_accent(textwrap.wrap(f"{VERDICT_WORDS[advice.verdict]}: {best.title}  {cost}", width), has_color),
        *_item("money", saving_sentence(advice.saving, recommendation), width),
        *_item("sure", sure_sentence(recommendation), width),
        *_item("why", advice.why, width),
        *_item("replay", replay_sentence(recommendation), width),
        *_item("today", present_sentence(recommendation), width),
    ]
    for doubt in advice.doubts:
        lines += _item("doubt", doubt, width)
    for warning in recommendation.warnings:
        lines += _item("note", warning, width)
    lines += ["", *_alternatives(recommendation, width, has_color)]
    lines += ["", *_services(recommendation, width)]
    lines += ["", *textwrap.wrap(f"Assumed: {assumptions(recommendation) or 'nothing'}.", width)]
    lines += textwrap.wrap(f"Not modelled, in no alternative: {not_modelled(recommendation)}.", width)
    if result_path:
        lines += [f"Written to {result_path}"]
    return "\n".join(lines) + "\n"


def _item(name: str, text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, initial_indent=f"  {name:<7}", subsequent_indent=" " * 9)


def _accent(lines: Sequence[str], has_color: bool) -> list[str]:
    return [f"{BOLD}{line}{RESET}" for line in lines] if has_color else list(lines)


def _alternatives(recommendation: Recommendation, width: int, has_color: bool) -> list[str]:
    """Money on the right, one row an alternative; what has no price is a row too."""
    numbers = f"{'a month':>11} {'P10-P90':>11} {'instances':>9} {'packed':>6} {'against':>7}"
    room = width - len(numbers) - 3
    lines = [f"  {'alternative':<{room}} {numbers}"]
    every = recommendation.of_scope(CLUSTER_SCOPE)
    shown = [a for i, a in enumerate(every) if i < MOST_ROWS or (a.monthly_usd is None and a.feasible)]
    for alternative in shown:
        lines += _alternative(alternative, recommendation, room, width, has_color)
    if len(shown) < len(every):
        lines.append(f"  and {len(every) - len(shown)} more, dearer or not possible: see report.md or --format csv")
    return lines


def _alternative(alternative: Alternative, recommendation: Recommendation, room: int, width: int, has_color: bool) -> list[str]:
    best = recommendation.recommended
    title = textwrap.wrap(alternative.title, room) or [""]
    if alternative.monthly_usd is None:
        return textwrap.wrap(
            f"{alternative.title}: {missing_sentence(alternative, recommendation.region)}",
            width - 2,
            initial_indent="  ",
            subsequent_indent="    ",
        )
    row = (
        f"  {title[0]:<{room}} {money_range(alternative.monthly_usd):>11} {interval(alternative.monthly_usd):>11} "
        f"{instances_range(alternative):>9} {packed(alternative):>6} {more_than_best(alternative, best):>7}"
    )
    rows = [row, *(f"    {rest}" for rest in title[1:])]
    return _accent(rows, has_color and alternative.id == best.id)


def _services(recommendation: Recommendation, width: int) -> list[str]:
    advice = recommendation.recommendation.services
    names = min(max((len(s.name) for s in advice), default=7), 24)
    lines = [f"  {'service':<{names}} {'task':>11} {'tasks p50/max':>13}  launch type"]
    for service in advice:
        size = f"{service.task_size['cpu']}/{service.task_size['memory']}"
        count = f"{service.tasks_p50:g}/{service.tasks_max:g}"
        name = service.name if len(service.name) <= names else f"{service.name[: names - 1]}…"
        lines.append(f"  {name:<{names}} {size:>11} {count:>13}  {where(service)}"[:width])
        lines += textwrap.wrap(service.why, width - 4, initial_indent="    ", subsequent_indent="    ")
        for sentence in filter(None, (size_sentence(service), rounding_sentence(service.name, recommendation))):
            lines += textwrap.wrap(sentence, width - 4, initial_indent="    ", subsequent_indent="    ")
    return lines
