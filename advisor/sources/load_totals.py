"""Totals in tables: lines below the rows, and a service that is the sum of the others and would be counted twice."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Final

import numpy as np

from advisor.sources.load_content import Content, LoadTable
from advisor.sources.load_header import begins_with_time
from advisor.sources.meanings import PERCENTAGES
from advisor.units import FloatArray

Say = Callable[[str], None]
_TOTALS: Final = frozenset({"total", "totals", "grand total", "sum", "summe", "gesamt", "insgesamt", "somme", "all", "overall"})
_LAST_LINES: Final = re.compile(
    rb'(?:^(?:[ "]*(?:grand |sub)?(?:totals?|sum|summe|gesamt|insgesamt|somme|average|avg|mean|durchschnitt|'
    rb'mittelwert|moyenne|maximum|max|minimum|min|count|median)[ :"]*[,;\t|][^\n]*|'
    rb"\(?\d+ rows?\)?[,;\t \r]*|[,;\t \r]*)(?:\n|\Z))+\Z",
    re.IGNORECASE | re.MULTILINE,
)
_HAS_TIME: Final = re.compile(rb"\d{4}-\d\d|\d[./]\d\d?[./]\d\d|\d{9}|\d:\d\d")
_TAIL_BYTES: Final = 2_000
_TOLERANCE: Final = 1e-3


def without_last_totals(blocks: Iterable[bytes], say: Say) -> Iterator[bytes]:
    """Blocks of text without lines such as ``Total,1032`` below rows that begin with a time."""
    last = b""
    for block in blocks:
        if last:
            yield last
        last = block
    tail = last[-_TAIL_BYTES:]
    found = _LAST_LINES.search(tail)
    if found is None or not found[0].strip(b",;\t \r\n") or _HAS_TIME.search(found[0]):
        if last:
            yield last
        return
    above = tail[: found.start()].rstrip(b"\n").rpartition(b"\n")[2]
    if not begins_with_time([re.split(rb"[,;\t|]", above)[0].decode("utf-8", "replace").strip('" ')]):
        yield last
        return
    lines = [line.decode("utf-8", "replace").strip() for line in found[0].split(b"\n") if line.strip(b",;\t \r")]
    say(f"{len(lines)} line{'s' if len(lines) > 1 else ''} below the rows left out: {lines[0][:60]!r}")
    yield last[: len(last) - len(found[0])]


def without_total(content: Content, say: Say) -> Content:
    """Load without a service that is called a total and is the sum of the others, step by step."""
    if not isinstance(content, LoadTable):
        names = [metric.service or "" for metric in content]
        values = [metric.values for metric in content]
        meanings = {metric.meaning for metric in content}
        at = next((i for i, name in enumerate(names) if name.lower() in _TOTALS), None)
        if at is None or len(meanings) > 1 or None in meanings or meanings & PERCENTAGES or not _is_sum(values, at):
            return content
        of_total_s = content[at].times().epoch_s
        if not all(np.array_equal(of_total_s, metric.times().epoch_s) for metric in content):
            return content
        say(_said(names[at]))
        return [metric for metric in content if metric is not content[at]]
    at = next((i for i, name in enumerate(content.service_names) if name.lower() in _TOTALS), None)
    added = [column for meaning, column in content.values.items() if meaning not in PERCENTAGES]
    if at is None or not added or content.service_bounds is None:
        return content
    parts = [slice(*pair) for pair in zip(content.service_bounds[:-1], content.service_bounds[1:], strict=True)]
    times_s = [content.times.epoch_s if content.has_shared_times else content.times.epoch_s[part] for part in parts]
    if not all(np.array_equal(times_s[at], each) for each in times_s):
        return content
    if not all(_is_sum([column[part] for part in parts], at) for column in added):
        return content
    shares = [column for meaning, column in content.values.items() if meaning in PERCENTAGES]
    if not all(_is_among([column[part] for part in parts], at) for column in shares):
        return content
    say(_said(content.service_names[at]))
    first, last = parts[at].start, parts[at].stop
    is_kept = np.ones(len(added[0]), dtype=np.bool_)
    is_kept[first:last] = False
    place_of, times = content.place_of, content.times
    return replace(
        content,
        service_names=content.service_names[:at] + content.service_names[at + 1 :],
        service_bounds=np.delete(content.service_bounds, at) - np.where(np.arange(len(parts)) >= at, last - first, 0),
        values={meaning: column[is_kept] for meaning, column in content.values.items()},
        times=times if content.has_shared_times else replace(times, epoch_s=times.epoch_s[is_kept]),
        place_of=lambda row: place_of(row if row < first else row + last - first),
    )


def _is_sum(values: list[FloatArray], at: int) -> bool:
    total, others = values[at], values[:at] + values[at + 1 :]
    if not others or any(len(each) != len(total) for each in others):
        return False
    return np.allclose(np.nansum(others, axis=0), np.nan_to_num(total), rtol=_TOLERANCE)


def _is_among(values: list[FloatArray], at: int) -> bool:
    """Whether a share of all lies between those of the parts, where they are known; that of another service need not."""
    others = np.array(values[:at] + values[at + 1 :])
    is_known = ~np.isnan(others).all(axis=0)
    total, others = values[at][is_known], others[:, is_known]
    is_outside = (total < np.nanmin(others, axis=0) * (1 - _TOLERANCE)) | (total > np.nanmax(others, axis=0) * (1 + _TOLERANCE))
    return not is_outside.any()


def _said(name: str) -> str:
    return f"not used: {name!r}, which is the sum of the other services and would count them twice"
