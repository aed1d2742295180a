"""The answer in a terminal: 80 columns, the same words with and without colour."""

from collections.abc import Sequence
from datetime import datetime

from advisor.recommend.result import CLUSTER_SCOPE, Alternative, Recommendation
from advisor.report.spot import spot_line
from advisor.report.sure import proof_sentence, replay_sentence, sure_sentence
from advisor.report.under_terms import bought_for_each, terms_paragraphs
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
    rounding_sentence,
    saving_sentence,
    size_sentence,
    steps_sentence,
    task_size_text,
    where,
    whole_tasks,
    wrapped,
)
from advisor.units import HOURS_PER_DAY

BOLD, RESET = "\033[1m", "\033[0m"
BLOCKS = "▁▂▃▄▅▆▇█"
LEAST_WIDTH, MOST_WIDTH = 80, 110
MOST_ROWS = 8
"""Alternatives with a price that a first screen shows."""
MOST_SERVICES = 20
MOST_NAME = 24
"""Characters of a service's name in the table; a longer one has a line of its own, so that it is never cut."""
LEAST_COLUMN, LEAST_TITLE, LEAST_PLACE = 11, 12, 24


def render_summary(
    recommendation: Recommendation,
    *,
    width: int = LEAST_WIDTH,
    has_color: bool = False,
    has_blocks: bool = False,
    result_path: str = "",
) -> str:
    """The first screen: verdict, money, saving, reason, alternatives, services.

    Parameters
    ----------
    has_blocks
        Draw the day of each service in block characters, which a pipe or an old terminal may not take.

    Examples
    --------
    >>> import advisor
    >>> recommendation = advisor.read_recommendation("reports/shop")
    >>> advisor.render_summary(recommendation, width=80).splitlines()[0]
    'shop  us-east-1  5 services, 2022-12-31 to 2023-12-31 (hourly, 99.7 % covered)'
    """
    width = min(max(width, LEAST_WIDTH), MOST_WIDTH)
    best, advice = recommendation.recommended, recommendation.recommendation
    cost = f"{money_range(best.monthly_usd)} a month"
    lines = [
        *wrapped(f"{recommendation.cluster}  {recommendation.region}  {coverage_sentence(recommendation)}", width),
        f"prices {recommendation.run.catalog.get('newest', '')}",
        "",
        *_accent(wrapped(f"{VERDICT_WORDS[advice.verdict]}: {best.title}  {cost}", width), has_color),
        *_item("money", saving_sentence(advice.saving, recommendation), width),
        *_item("sure", sure_sentence(recommendation), width),
        *_item("why", advice.why, width),
        *_item("replay", replay_sentence(recommendation), width),
        *_item("proof", proof_sentence(recommendation), width),
        *(line for told in terms_paragraphs(recommendation.under_terms) for line in _item("terms", told, width)),
        *_item("steps", steps_sentence(recommendation), width),
        *_item("spot", spot_line(recommendation), width),
        *_item("today", present_sentence(recommendation), width),
    ]
    for doubt in advice.doubts:
        lines += _item("doubt", doubt, width)
    for warning in recommendation.warnings:
        lines += _item("note", warning, width)
    lines += ["", *_alternatives(recommendation, width, has_color)]
    lines += ["", *_services(recommendation, width, has_blocks)]
    lines += ["", *wrapped(f"Assumed: {assumptions(recommendation) or 'nothing'}.", width)]
    lines += wrapped(f"Not modelled, in no alternative: {not_modelled(recommendation)}.", width)
    if result_path:
        lines += [f"Written to {result_path}"]
    return "\n".join(lines) + "\n"


def _item(name: str, text: str, width: int) -> list[str]:
    return wrapped(text, width, f"  {name:<7}", " " * 9)


def _accent(lines: Sequence[str], has_color: bool) -> list[str]:
    return [f"{BOLD}{line}{RESET}" for line in lines] if has_color else list(lines)


def _alternatives(recommendation: Recommendation, width: int, has_color: bool) -> list[str]:
    """Money on the right, one row an alternative; what has no price is a row too."""
    every = recommendation.of_scope(CLUSTER_SCOPE)
    shown = [a for i, a in enumerate(every) if i < MOST_ROWS or (a.monthly_usd is None and a.feasible)]
    best = recommendation.recommended
    head = ("a month", "P10-P90", "instances", "packed", "against")
    cells = {a.id: _numbers(a, best) for a in shown if a.monthly_usd is not None}
    least = (LEAST_COLUMN, LEAST_COLUMN, *map(len, head[2:]))
    widths = [max(most, *map(len, column)) for most, *column in zip(least, head, *cells.values(), strict=True)]
    room = max(LEAST_TITLE, width - sum(widths) - len(widths) - 2)
    bought = bought_for_each(recommendation)
    lines = wrapped(f"Alternatives, {bought}:", width) if bought else []
    lines += [f"  {'alternative':<{room}}{_aligned(head, widths)}"]
    for alternative in shown:
        if alternative.id not in cells:
            sentence = f"{alternative.title}: {missing_sentence(alternative, recommendation.region)}"
            lines += wrapped(sentence, width - 2, "  ", "    ")
            continue
        title = wrapped(alternative.title, room)
        row = f"  {title[0]:<{room}}{_aligned(cells[alternative.id], widths)}"
        rows = [row, *(f"    {rest}" for rest in title[1:])]
        lines += _accent(rows, has_color and alternative.id == best.id)
    if len(shown) < len(every):
        lines.append(f"  and {len(every) - len(shown)} more, dearer or not possible: see report.md or --format csv")
    return lines


def _numbers(alternative: Alternative, best: Alternative) -> tuple[str, ...]:
    monthly = alternative.monthly_usd
    against = more_than_best(alternative, best)
    return money_range(monthly), interval(monthly), instances_range(alternative), packed(alternative), against


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "".join(f" {cell:>{width}}" for cell, width in zip(cells, widths, strict=True))


def _services(recommendation: Recommendation, width: int, has_blocks: bool) -> list[str]:
    advice = recommendation.recommendation.services
    shown = advice[:MOST_SERVICES]
    names = min(max((len(s.name) for s in shown), default=7), MOST_NAME)
    lines = [f"  {'service':<{names}} {'task':>11} {'tasks p50/max':>13}  launch type"]
    for service in shown:
        size = task_size_text(service.task_size)
        count = f"{whole_tasks(service.tasks_p50)}/{whole_tasks(service.tasks_max)}"
        name = service.name
        if len(name) > names:
            lines += wrapped(name, width, "  ", "  ")
            name = ""
        head = f"  {name:<{names}} {size:>11} {count:>13}  "
        place = wrapped(where(service), max(width - len(head), LEAST_PLACE))
        lines += [f"{head}{place[0]}", *(f"{' ' * len(head)}{rest}" for rest in place[1:])]
        lines += [f"    {day}"] if has_blocks and (day := _day(service.name, recommendation)) else []
        for sentence in filter(None, (service.why, size_sentence(service), rounding_sentence(service.name, recommendation))):
            lines += wrapped(sentence, width - 4, "    ", "    ")
    if len(advice) > len(shown):
        lines.append(f"  and {len(advice) - len(shown)} more services: see report.md or --format json")
    return lines


def _day(name: str, recommendation: Recommendation) -> str:
    """``00:00 ▁▁▂▅█▆▃▂ 24:00 UTC, tasks``: means of the hours of the day, from zero to the highest; empty without any."""
    view = next((view for view in recommendation.views.services if view.name == name), None)
    first = datetime.fromisoformat(recommendation.views.start).hour
    hours: list[list[float]] = [[] for _ in range(HOURS_PER_DAY)]
    for at, tasks in enumerate(view.hourly_tasks if view else ()):
        if tasks is not None:
            hours[(first + at) % HOURS_PER_DAY].append(tasks)
    means = [sum(tasks) / len(tasks) if tasks else None for tasks in hours]
    return f"00:00 {sparkline(means)} 24:00 UTC, tasks" if any(mean is not None for mean in means) else ""


def sparkline(values: Sequence[float | None]) -> str:
    """One block a value, from zero to the highest; a space where there is none.

    >>> sparkline([0, 1, None, 7])
    '▁▂ █'
    """
    highest = max((value for value in values if value is not None), default=0.0) or 1.0
    return "".join(" " if value is None else BLOCKS[round(value / highest * (len(BLOCKS) - 1))] for value in values)
