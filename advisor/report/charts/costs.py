"""What each alternative costs in a month, stacked by line item."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from advisor.billing import Bill, LineItem, MonthlyUsd
from advisor.ecs import LaunchType
from advisor.meters import CommitmentKind
from advisor.optimize.held import UNUSED_PARTS
from advisor.recommend.result import CLUSTER_SCOPE, Alternative, Recommendation, Verdict
from advisor.report.charts.page import Page, money_ticks, ticks_from_zero
from advisor.report.charts.style import (
    COLOURS,
    FAINT_FRACTION,
    LOAD_COLOUR,
    MARGIN_PX,
    QUIET_COLOUR,
    SMALL_PT,
    TEXT_COLOUR,
    TEXT_PT,
    WIDTH_PX,
    mixed_with_black,
    mixed_with_white,
    styled,
)
from advisor.report.charts.text import ellipsized, line_height, shortened, text_width
from advisor.report.words import missing_sentence, money, money_range, more_than_best, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from advisor.report.charts.figure import Chart

ROW_PX = 40.0
BAR_TOP_PX, BAR_PX = 18.0, 13.0
SWATCH_PX = 10.0
INTERVAL_PX, INTERVAL_FRACTION = 4.0, 0.25
"""An interval is a strip in a quarter of the plan's colour."""
AXIS_PX = 24.0
HELD_WORDS = "Commitments held"
COVERED, UNUSED = "under commitments", "not used"
DARKER_FRACTION = 0.6
"""What commitments cover keeps this of the plan's colour, the rest black."""
SHADES = {
    "vCPU": 1.0,
    "instances": 1.0,
    COVERED: 1.0,
    "memory": 0.7,
    "fee": 0.72,
    "CPU credits": 0.5,
    "volumes": 0.38,
    "task storage": 0.38,
    "public IPv4": 0.24,
    "other": 0.15,
    UNUSED: 0.5,
}
"""Shade of the colour for each group of line items, in the order of the stack."""

BEST_WORDS = {
    Verdict.RECOMMEND: "recommended",
    Verdict.BEST_OF_PRICED: "best of what is priced",
    Verdict.TOO_CLOSE_TO_CALL: "first of the ranking",
    Verdict.NOT_ENOUGH_DATA: "cheapest so far",
}


Kind = tuple[LaunchType | None, bool]
"""Launch type and whether it is Spot."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Line items of one kind on one launch type."""

    launch_type: LaunchType | None
    """None for what is held and not used: it belongs to no launch type."""
    is_spot: bool
    group: str
    amount_usd: float


@dataclass(frozen=True, slots=True)
class _Row:
    """One bar, or the reason why there is none."""

    title: str
    best_words: str
    """Beside the title of the recommended one; empty for all others."""
    monthly: MonthlyUsd | None
    segments: tuple[Segment, ...]
    label: str
    """At the end of the bar."""
    more: str
    """Against the recommended one."""

    @property
    def is_recommended(self) -> bool:
        return bool(self.best_words)


@styled
def plot_costs(recommendation: Recommendation) -> "Figure":
    """Monthly cost of each alternative for the cluster, stacked by line item, with its range; without a price, an empty row.

    Examples
    --------
    >>> import advisor
    >>> from matplotlib.figure import Figure
    >>> recommendation = advisor.read_recommendation("reports/shop")
    >>> figure = advisor.plot_costs(recommendation)
    >>> isinstance(figure, Figure)
    True
    """
    return draw_costs(recommendation)


def draw_costs(recommendation: Recommendation) -> "Chart":
    """As :func:`plot_costs`, in the style that is set."""
    rows = _rows(recommendation)
    key = _key_lines([segment for row in rows for segment in row.segments])
    key_px = len(key) * line_height(SMALL_PT) + 8
    height = key_px + len(rows) * ROW_PX + AXIS_PX + line_height(SMALL_PT)
    page = Page(recommendation, _finding(recommendation), _subtitle([row.monthly for row in rows]), height=height)
    for number, line in enumerate(key):
        _draw_key(page, line, number * line_height(SMALL_PT))
    _draw_rows(page, rows, key_px)
    return page.figure


def _subtitle(monthly: Sequence[MonthlyUsd | None]) -> str:
    known = [each for each in monthly if each is not None]
    bar = "The end of a bar is the measured history's bill"
    if any(_quantiles(each) for each in known):
        return f"{bar}; the strip below it is next month's cost in 8 of 10 draws (P10 to P90)."
    if any(each.high > each.mean for each in known):
        return f"{bar}; the bracket is how much dearer real placement may be."
    return ""


def _quantiles(monthly: MonthlyUsd) -> tuple[float, float] | None:
    """P10 and P90; None without draws."""
    return None if monthly.p10 is None or monthly.p90 is None else (monthly.p10, monthly.p90)


def _furthest(monthly: MonthlyUsd) -> float:
    return max(monthly.high, *(_quantiles(monthly) or (monthly.high,)))


def segments(bill: Bill) -> tuple[Segment, ...]:
    """Line items folded by launch type and kind, in the order of the stack: the largest launch type first."""
    by_part: dict[str, list[LineItem]] = {}
    for item in bill.line_items:
        by_part.setdefault(item.part, []).append(item)
    amounts: dict[Kind, dict[str, float]] = {}
    for items in by_part.values():
        for item in items:
            of_kind, group = amounts.setdefault(_kind(item, items), {}), _group(item)
            of_kind[group] = of_kind.get(group, 0.0) + item.amount_usd
    totals = {kind: sum(groups.values()) for kind, groups in amounts.items()}
    order = list(SHADES)
    return tuple(
        Segment(*kind, group, amounts[kind][group])
        for kind in sorted(amounts, key=lambda kind: (kind[0] is None, -totals[kind], str(kind[0]), kind[1]))
        for group in sorted(amounts[kind], key=order.index)
        if amounts[kind][group]
    )


def _kind(item: LineItem, of_part: Sequence[LineItem]) -> Kind:
    """Launch type of a line item, and whether it is Spot: a volume or an address goes with what it belongs to."""
    if item.part in UNUSED_PARTS:
        return None, False
    own = _covered_meter(item.meter)
    meters = [own] if own.startswith("fargate:") else [other.meter for other in of_part]
    is_spot = any(part in ("spot", "spot_pool") for meter in meters for part in meter.split(":"))
    if any(meter.startswith("ecs_managed_instances:") for meter in meters):
        return LaunchType.MANAGED_INSTANCES, is_spot
    if any(meter.startswith("ec2:") for meter in meters):
        return LaunchType.EC2, is_spot
    return LaunchType.FARGATE, is_spot


def _covered_meter(meter: str) -> str:
    """What a commitment covers, of a meter at its rate; any other meter as it is."""
    kind, *_ = meter.split(":", 1)
    return meter.split(":", 3)[3] if kind in set(CommitmentKind) else meter


def _group(item: LineItem) -> str:
    if item.part in UNUSED_PARTS:
        return UNUSED
    if _covered_meter(item.meter) != item.meter:
        return COVERED
    service, *_, quantity = item.meter.split(":")
    if service == "fargate":
        if "ephemeral" in item.meter:
            return "task storage"
        return {"vcpu_hour": "vCPU", "gib_hour": "memory"}.get(quantity, "other")
    if service == "ec2":
        return "CPU credits" if ":surplus:" in item.meter else "instances"
    return {"ecs_managed_instances": "fee", "ebs": "volumes", "vpc": "public IPv4"}.get(service, "other")


def _rows(recommendation: Recommendation) -> list[_Row]:
    rows = [_row(alternative, recommendation) for alternative in recommendation.of_scope(CLUSTER_SCOPE)]
    present = recommendation.present
    if present is not None:
        known = present.bill is not None and present.monthly_usd is not None
        label = money_range(present.monthly_usd) if known else f"cost not known: {', '.join(present.missing)}"
        found = segments(present.bill) if present.bill is not None else ()
        rows.append(_Row("Today, as given", "", present.monthly_usd, found, label, ""))
    return rows


def _row(alternative: Alternative, recommendation: Recommendation) -> _Row:
    best = recommendation.recommended
    words = BEST_WORDS[recommendation.recommendation.verdict] if alternative.id == best.id else ""
    title = alternative.title + (" (only to compare)" if alternative.is_comparison else "")
    if alternative.bill is None or alternative.monthly_usd is None:
        why = missing_sentence(alternative, recommendation.region)
        return _Row(title, words, None, (), why if alternative.missing else f"cannot run: {why}", "")
    more = "" if words else more_than_best(alternative, best)
    return _Row(title, words, alternative.monthly_usd, segments(alternative.bill), money_range(alternative.monthly_usd), more)


def _draw_rows(page: Page, rows: Sequence[_Row], top: float) -> None:
    left, width, height = float(MARGIN_PX), WIDTH_PX - 2.0 * MARGIN_PX, len(rows) * ROW_PX
    usd_per_px = max((_usd_per_px(row, width) for row in rows), default=0.0) or 1.0 / width
    axes = page.axes(left, top, width, height)
    axes.set_xlim(0, usd_per_px * width)
    axes.set_ylim(height, 0)
    axes.set_yticks([])
    axes.spines["bottom"].set_visible(False)
    highest = max((_furthest(row.monthly) for row in rows if row.monthly is not None), default=0.0)
    ticks = ticks_from_zero(highest or 1.0, 6)
    axes.set_xticks(ticks, labels=money_ticks(ticks))
    axes.tick_params(axis="x", length=0)
    for tick in axes.get_xticklabels()[:1]:
        tick.set_horizontalalignment("left")
    axes.grid(axis="x")
    axes.set_xlabel("dollars a month", size=SMALL_PT, color=QUIET_COLOUR, ha="left", va="top")
    axes.xaxis.set_label_coords(0, -(AXIS_PX - 4) / height)
    for number, row in enumerate(rows):
        _draw_row(axes, row, number * ROW_PX, usd_per_px, width)


def _usd_per_px(row: _Row, width: float) -> float:
    """The scale that leaves room for the label at the end of the bar."""
    if row.monthly is None:
        return 0.0
    label = row.monthly.high / (width - _label_width(row) - 12)
    return max(label, _furthest(row.monthly) / (width - 12))


def _label_width(row: _Row) -> float:
    weight = "bold" if row.is_recommended else "normal"
    return text_width(row.label, TEXT_PT, weight) + (text_width(row.more, SMALL_PT) + 8 if row.more else 0.0)


def _draw_row(axes: "Axes", row: _Row, top: float, usd_per_px: float, width: float) -> None:
    from matplotlib.patches import Rectangle

    weight, middle = "bold" if row.is_recommended else "normal", top + BAR_TOP_PX + BAR_PX / 2
    room = width - (text_width(row.best_words, SMALL_PT) + 16 if row.is_recommended else 0.0)
    title = ellipsized(row.title, room, TEXT_PT, weight)
    under = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}
    axes.text(0, top + BAR_TOP_PX - 4, title, va="bottom", weight=weight, bbox=under)
    if row.is_recommended:
        beside = (text_width(title, TEXT_PT, weight) + 8) * usd_per_px
        axes.text(beside, top + BAR_TOP_PX - 4, row.best_words, va="bottom", size=SMALL_PT, color=QUIET_COLOUR, bbox=under)
    if row.monthly is None:
        axes.plot([0, 0], [middle - BAR_PX / 2, middle + BAR_PX / 2], color=QUIET_COLOUR, lw=1.2)
        label = ellipsized(row.label, width - 8, SMALL_PT)
        axes.text(8 * usd_per_px, middle, label, va="center", size=SMALL_PT, color=QUIET_COLOUR, style="italic", bbox=under)
        return
    end = 0.0
    for segment in row.segments:
        bar = Rectangle(
            (end, middle - BAR_PX / 2),
            segment.amount_usd,
            BAR_PX,
            facecolor=_colour(segment, is_recommended=row.is_recommended),
            edgecolor="white",
            lw=0.6,
            hatch="////" if segment.is_spot else None,
        )
        axes.add_artist(bar)
        end += segment.amount_usd
    _draw_doubt(axes, row, top)
    place = (end if _quantiles(row.monthly) else row.monthly.high) + 8 * usd_per_px
    axes.text(place, middle, row.label, va="center", weight=weight, bbox=under)
    if row.more:
        place += (text_width(row.label, TEXT_PT, weight) + 8) * usd_per_px
        axes.text(place, middle, row.more, va="center", size=SMALL_PT, color=QUIET_COLOUR, bbox=under)


def _draw_doubt(axes: "Axes", row: _Row, top: float) -> None:
    """P10 to P90 as a strip under the bar; without draws the range of the packing model as a bracket on it."""
    from matplotlib.patches import Rectangle

    monthly = row.monthly
    if monthly is None:
        return
    quantiles = _quantiles(monthly)
    if quantiles:
        low, high = quantiles
        colour = mixed_with_white(_hue(next((each.launch_type for each in row.segments), None), ""), INTERVAL_FRACTION)
        axes.add_artist(Rectangle((low, top + BAR_TOP_PX + BAR_PX + 1), high - low, INTERVAL_PX, facecolor=colour, lw=0))
    elif monthly.high > monthly.low:
        middle, half = top + BAR_TOP_PX + BAR_PX / 2, BAR_PX / 2 - 3
        axes.plot([monthly.low, monthly.high], [middle, middle], color=TEXT_COLOUR, lw=1.0, solid_capstyle="butt")
        for end in (monthly.low, monthly.high):
            axes.plot([end, end], [middle - half, middle + half], color=TEXT_COLOUR, lw=1.0, solid_capstyle="butt")


def _colour(segment: Segment, *, is_recommended: bool) -> str:
    shade = SHADES[segment.group] * (1.0 if is_recommended else FAINT_FRACTION)
    return mixed_with_white(_hue(segment.launch_type, segment.group), shade)


def _hue(launch_type: LaunchType | None, group: str) -> str:
    if launch_type is None:
        return LOAD_COLOUR
    return mixed_with_black(COLOURS[launch_type], DARKER_FRACTION) if group == COVERED else COLOURS[launch_type]


# --- key ------------------------------------------------------------------------------------------------------------------


def _key_lines(found: Iterable[Segment]) -> list[list[tuple[str, str, bool]]]:
    """Words, colour and whether it is hatched; a line each launch type, its name first."""
    groups: dict[Kind, set[str]] = {}
    for segment in found:
        groups.setdefault((segment.launch_type, segment.is_spot), set()).add(segment.group)
    lines = []
    for launch_type in (*LaunchType, None):
        for is_spot in (False, True):
            if (launch_type, is_spot) in groups:
                name = HELD_WORDS if launch_type is None else launch_type.called + (" Spot" if is_spot else "")
                kinds = [group for group in SHADES if group in groups[launch_type, is_spot]]
                swatches = [(kind, mixed_with_white(_hue(launch_type, kind), SHADES[kind]), is_spot) for kind in kinds]
                lines.append([(name, _hue(launch_type, ""), False), *swatches])
    return lines


def _draw_key(page: Page, line: Sequence[tuple[str, str, bool]], y: float) -> None:
    from matplotlib.patches import Rectangle

    (name, colour, _), *swatches = line
    page.text(MARGIN_PX, y, name, size=SMALL_PT, colour=colour, weight="bold")
    x = MARGIN_PX + text_width("Managed Instances", SMALL_PT, "bold") + 14
    for words, shade, is_spot in swatches:
        corner = page.place(x, y + 1.5 + SWATCH_PX)
        size = (SWATCH_PX / WIDTH_PX, SWATCH_PX / page.height)
        page.figure.add_artist(
            Rectangle(corner, *size, facecolor=shade, edgecolor="white", lw=0, hatch="//////" if is_spot else None)
        )
        page.text(x + SWATCH_PX + 5, y, words, size=SMALL_PT, colour=QUIET_COLOUR)
        x += SWATCH_PX + 5 + text_width(words, SMALL_PT) + 16


# --- words ----------------------------------------------------------------------------------------------------------------

TITLE_CHARACTERS = 56


def _finding(recommendation: Recommendation) -> str:
    best, advice = recommendation.recommended, recommendation.recommendation
    name, cost = shortened(best.title, TITLE_CHARACTERS), f"{money_range(best.monthly_usd)} a month"
    against = recommendation.alternative(advice.saving.against) if advice.saving is not None else None
    if best.monthly_usd is None:
        return "No alternative has a price"
    if advice.verdict is Verdict.NOT_ENOUGH_DATA:
        return f"Not enough data to recommend; cheapest so far: {name}, {cost}"
    if advice.verdict is Verdict.BEST_OF_PRICED:
        return f"Best of what is priced: {name}, {cost}"
    if advice.saving is None or against is None:
        return f"{name} is cheapest: {cost}"
    other = shortened(against.title, TITLE_CHARACTERS)
    if advice.verdict is Verdict.TOO_CLOSE_TO_CALL:
        return f"Too close to call: {name} for {cost}, or {other} for {money_range(against.monthly_usd)}"
    share = percent(advice.saving.fraction)
    saving = money(advice.saving.mean) + ("" if share == percent(0) else f" ({share})")
    return f"{name} is cheapest: {cost}, {saving} less than {other}"
