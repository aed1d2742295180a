"""How far a long command is: a bar with the time left on a terminal, lines now and then elsewhere."""

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self, TextIO

_SHORTEST_S: Final = 1.0
"""Work that is done sooner gets no bar."""
_BETWEEN_LINES_S: Final = 10.0
_WIDTH: Final = 24
_ERASE: Final = "\r\033[K"


class Progress:
    """Remarks and shares of the work done, on stderr.

    A bar is drawn for work of more than a second, and redrawn below each remark; where stderr is no terminal, the share is a
    line every ten seconds. Nothing is said when quiet.
    """

    def __init__(
        self,
        *,
        is_quiet: bool,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream = stream or sys.stderr
        self._is_quiet, self._clock = is_quiet, clock
        self._is_terminal = self._stream.isatty()
        self._what = ""
        self._began_s = self._said_s = clock()
        self._bar = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._draw("")

    def say(self, text: str) -> None:
        """A remark on a line of its own."""
        if not self._is_quiet:
            bar = self._bar
            self._draw("")
            self._write(f"{text}\n")
            self._draw(bar)

    def share(self, what: str, share: float) -> None:
        """``share`` of the work called ``what`` is done, from 0 to 1. Another ``what`` begins another bar."""
        now = self._clock()
        if what != self._what:
            self._what, self._began_s, self._said_s = what, now, now
        spent_s = now - self._began_s
        if self._is_quiet or spent_s < _SHORTEST_S:
            return
        if share >= 1:
            self._draw("")
            return
        text = f"{what} {share:4.0%}"
        if share > 0:
            text += f", {_duration(spent_s / share * (1 - share))} left"
        if self._is_terminal:
            done = round(share * _WIDTH)
            self._draw(f"[{'#' * done}{'.' * (_WIDTH - done)}] {text}")
        elif now - self._said_s >= _BETWEEN_LINES_S:
            self._said_s = now
            self._write(f"{text}\n")

    def _draw(self, bar: str) -> None:
        if bar != self._bar:
            self._write(_ERASE + bar)
            self._bar = bar

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def _duration(seconds: float) -> str:
    """``2 min 5 s``.

    >>> [_duration(s) for s in (0.2, 59, 125, 7300)]
    ['1 s', '59 s', '2 min 5 s', '2 h 1 min']
    """
    whole = max(1, round(seconds))
    minutes, rest_s = divmod(whole, 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min {rest_s} s" if minutes else f"{rest_s} s"
