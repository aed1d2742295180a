"""What a user sees while a collection runs: on a terminal, in a log, and with --quiet."""

import io

from advisor.cli.progress import Progress
from tests.aws.fake_account import Clock


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def seen(text: str) -> str:
    """What stands on the terminal in the end."""
    lines: list[str] = []
    for line in text.split("\n"):
        lines.append(line.rpartition("\r\033[K")[2])
    return "\n".join(lines)


def running(stream: io.StringIO, *, is_quiet: bool = False) -> tuple[Progress, Clock]:
    clock = Clock()
    return Progress(is_quiet=is_quiet, stream=stream, clock=clock), clock


def test_a_terminal_shows_a_bar_with_the_time_left():
    stream = Terminal()
    progress, clock = running(stream)
    progress.share("CloudWatch", 0.0)
    clock.sleep(30)
    progress.share("CloudWatch", 0.25)
    assert seen(stream.getvalue()) == "[######..................] CloudWatch  25%, 1 min 30 s left"
    progress.say("a remark")
    assert seen(stream.getvalue()) == "a remark\n[######..................] CloudWatch  25%, 1 min 30 s left"
    progress.share("CloudWatch", 1.0)
    assert seen(stream.getvalue()) == "a remark\n"


def test_the_time_left_is_of_the_work_that_runs_now():
    stream = Terminal()
    progress, clock = running(stream)
    progress.share("task definitions", 0.5)
    clock.sleep(100)
    progress.share("CloudWatch", 0.1)
    clock.sleep(10)
    progress.share("CloudWatch", 0.5)
    assert seen(stream.getvalue()).endswith("CloudWatch  50%, 10 s left")


def test_work_of_less_than_a_second_has_no_bar():
    stream = Terminal()
    progress, clock = running(stream)
    for share in (0.1, 0.5, 1.0):
        progress.share("CloudWatch", share)
        clock.sleep(0.3)
    assert stream.getvalue() == ""


def test_a_failure_leaves_no_bar_behind():
    stream = Terminal()
    clock = Clock()
    try:
        with Progress(is_quiet=False, stream=stream, clock=clock) as progress:
            progress.share("CloudWatch", 0.1)
            clock.sleep(5)
            progress.share("CloudWatch", 0.2)
            raise ValueError
    except ValueError:
        assert seen(stream.getvalue()) == ""


def test_a_log_gets_a_line_now_and_then_and_no_control_characters():
    stream = io.StringIO()
    progress, clock = running(stream)
    for percent in range(100):
        progress.share("CloudWatch", percent / 100)
        clock.sleep(0.5)
    assert stream.getvalue().splitlines() == [
        "CloudWatch  20%, 40 s left",
        "CloudWatch  40%, 30 s left",
        "CloudWatch  60%, 20 s left",
        "CloudWatch  80%, 10 s left",
    ]


def test_quiet_says_nothing():
    stream = Terminal()
    progress, clock = running(stream, is_quiet=True)
    progress.say("a remark")
    clock.sleep(5)
    progress.share("CloudWatch", 0.5)
    assert stream.getvalue() == ""
