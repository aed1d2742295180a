"""Text that is measured before it is placed, and numbers as words."""

import functools
import re
from bisect import bisect_right
from collections.abc import Callable

from advisor.report.charts.style import DPI, FONT, HINTING, LINE_FACTOR, TEXT_PT

_BREAKS = re.compile(r"[ _/+-]+")
MAX_CHARACTERS = 400
"""More than a line holds in any case."""


def text_width(text: str, size: float = TEXT_PT, weight: str = "normal") -> float:
    """Width of one line of text. [px]"""
    return _text_width(clean(text), size, weight)


@functools.lru_cache(maxsize=4096)
def _text_width(text: str, size: float, weight: str) -> float:
    import matplotlib as mpl

    measure, properties = _measure(size, weight)
    setting = mpl.rcParams["text.hinting"]
    mpl.rcParams["text.hinting"] = HINTING  # set by hand: a context costs more than the measuring
    try:
        return float(measure(text, properties, False)[0])
    finally:
        mpl.rcParams["text.hinting"] = setting


@functools.lru_cache(maxsize=32)
def _measure(size: float, weight: str) -> tuple[Callable[..., tuple[float, float, float]], object]:
    from matplotlib.backends.backend_agg import RendererAgg
    from matplotlib.font_manager import FontProperties

    renderer = RendererAgg(1, 1, DPI)  # type: ignore[no-untyped-call]  # matplotlib leaves it untyped
    return renderer.get_text_width_height_descent, FontProperties(family=FONT, size=size, weight=weight)


def line_height(size: float) -> float:
    """Height that one line of text takes. [px]"""
    return size * DPI / 72 * LINE_FACTOR


def clean(text: str) -> str:
    r"""One line that can be drawn and stands in an SVG: control characters become spaces, what the font lacks a box.

    >>> clean("a\tb\x00c")
    'a b c'
    """
    if text.isascii() and text.isprintable():
        return text
    known = _characters_of_the_font()
    return "".join(" " if not c.isprintable() else c if ord(c) in known else "\N{WHITE SQUARE}" for c in text)


@functools.cache
def _characters_of_the_font() -> frozenset[int]:
    from matplotlib.font_manager import FontProperties, findfont, get_font

    return frozenset(get_font(findfont(FontProperties(family=FONT))).get_charmap())


def ellipsized(text: str, width_px: float, size: float = TEXT_PT, weight: str = "normal") -> str:
    """Text that fits, shortened in its middle: names differ at both ends."""
    text = clean(text)
    if len(text) > MAX_CHARACTERS:
        text = _without_middle(text, MAX_CHARACTERS)
    if text_width(text, size, weight) <= width_px:
        return text
    low, high = 0, len(text) - 1
    while low < high:
        middle = (low + high + 1) // 2
        if text_width(_without_middle(text, middle), size, weight) <= width_px:
            low = middle
        else:
            high = middle - 1
    return _without_middle(text, low)


def _without_middle(text: str, n_kept: int) -> str:
    """At most ``n_kept`` characters and the ellipsis; a word is cut only where whole words would leave less than half of them.

    >>> _without_middle("payments-and-settlement-of-region-07", 24)
    'payments-and…of-region-07'
    """
    n_tail = n_kept // 2
    head, tail = text[: n_kept - n_tail], text[len(text) - n_tail :]
    if not _BREAKS.match(text, len(head)) and (ends := [found.end() for found in _BREAKS.finditer(head)]):
        head = head[: ends[-1]] if ends[-1] * 2 >= len(head) else head
    if n_tail and not _BREAKS.match(text, len(text) - n_tail - 1) and (start := _BREAKS.search(tail)):
        tail = tail[start.end() :] if (len(tail) - start.end()) * 2 >= len(tail) else tail
    return f"{head.rstrip()}…{tail.lstrip()}"


def balanced(text: str, width_px: float, size: float = TEXT_PT, weight: str = "normal", max_lines: int = 3) -> list[str]:
    """As :func:`wrapped`, with lines of about the same length."""
    lines = wrapped(text, width_px, size, weight, max_lines)
    if len(lines) < 2 or any("…" in line for line in lines):
        return lines
    for share in (0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95):
        narrower = wrapped(text, width_px * share, size, weight, max_lines)
        if len(narrower) == len(lines) and not any("…" in line for line in narrower):
            return narrower
    return lines


def wrapped(text: str, width_px: float, size: float = TEXT_PT, weight: str = "normal", max_lines: int = 3) -> list[str]:
    """Text as lines that fit; what is left after ``max_lines`` is shortened in the middle of the last one."""
    words, lines = clean(text).split(), [""]
    while words:
        longer = f"{lines[-1]} {words[0]}".lstrip()
        if text_width(longer, size, weight) <= width_px:
            lines[-1] = longer
            words.pop(0)
        elif len(lines) < max_lines and lines[-1]:
            lines.append("")
        elif len(lines) < max_lines:
            lines[-1] = ellipsized(words.pop(0), width_px, size, weight)
        else:
            lines[-1] = ellipsized(" ".join([lines[-1], *words]).lstrip(), width_px, size, weight)
            break
    return lines


def broken(name: str, width_px: float, size: float = TEXT_PT, weight: str = "normal", max_lines: int = 2) -> list[str]:
    """A name without spaces as lines that fit, broken after a hyphen or underscore where that leaves half a line or more."""
    name = clean(name)
    lines: list[str] = []
    while len(lines) < max_lines - 1 and text_width(name[:MAX_CHARACTERS], size, weight) > width_px:
        n_fit = bisect_right(range(MAX_CHARACTERS), width_px, lo=1, key=lambda n: text_width(name[:n], size, weight)) - 1
        at = max(name.rfind(sign, 0, n_fit) for sign in "-_ ") + 1
        at = at if at * 2 > n_fit else n_fit
        lines.append(name[:at].rstrip())
        name = name[at:].lstrip()
    return [*lines, ellipsized(name, width_px, size, weight)]


def shortened(name: str, n_characters: int = 34) -> str:
    """A name for a sentence.

    >>> shortened("a" * 30 + "b" * 30, 11)
    'aaaaa…bbbbb'
    """
    return name if len(name) <= n_characters else _without_middle(name, n_characters - 1)


def number(value: float) -> str:
    """Three digits: ``0.0412``, ``12.4``, ``1,240``."""
    if abs(value) >= 1000:
        return f"{float(f'{value:.3g}'):,.0f}"
    return f"{value:.3g}"


def counted(count: float, noun: str) -> str:
    """``1 task``, ``12 tasks``."""
    return f"{number(count) if count % 1 else f'{count:,.0f}'} {noun if count == 1 else noun + 's'}"


def rate(usd: float) -> str:
    """Dollars of an hour, to three digits: ``$0.0412``."""
    return f"${usd:,.2f}" if usd >= 1 else f"${float(f'{usd:.3g}'):.10f}".rstrip("0").ljust(len("$0.00"), "0")
