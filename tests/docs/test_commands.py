"""Every shell command and Python block of README.md, docs/ and examples/ runs as it is written.

A block that cannot run here has a comment above its fence, ``<!-- not run: why -->``, and shows up as skipped with that
reason. ``<!-- slow: why -->`` leaves it to ``make prove``. A ``text`` block after one is what it prints: each of its lines
has to be there, and a line of three dots stands for any.
"""

import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from advisor.cli import main

ROOT = Path(__file__).parents[2]
PAGES = [
    path
    for path in (
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *sorted((ROOT / "docs").rglob("*.md")),
        *sorted((ROOT / "examples").rglob("*.md")),
    )
    if path.is_file()
]
FENCE = re.compile(
    r"^(?:<!-- (?P<mark>not run|slow): (?P<why>[^>]+?) -->\n+)?"
    r"```(?P<language>sh|bash|shell|console|python)\n(?P<code>.*?)^```\n"
    r"(?:\n*```text\n(?P<shown>.*?)^```\n)?",
    re.MULTILINE | re.DOTALL,
)
STATUS = re.compile(r"#.*exit status (\d+)")


@dataclass(frozen=True, kw_only=True)
class Block:
    page: Path
    line: int
    mark: str | None
    why: str | None
    language: str
    code: str
    shown: str | None

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}: {self.code.splitlines()[0]}"


def blocks_of(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [
        Block(
            page=page, line=text.count("\n", 0, found.start("code")) + 1,
            **{name: found[name] for name in ("mark", "why", "language", "code", "shown")},
        )
        for found in FENCE.finditer(text)
    ]  # fmt: skip


BLOCKS = {page: found for page in PAGES if (found := blocks_of(page))}
SLOW = {block for found in BLOCKS.values() for block in found if block.mark == "slow"}
NOT_RUN = [block for found in BLOCKS.values() for block in found if block.mark]


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """A checkout's examples and sample, that commands may write to."""
    for name in ("examples", "reports/shop", "docs", "pricing_data"):
        if name in {"docs", "pricing_data"}:
            (tmp_path / name).symlink_to(ROOT / name)
        else:
            shutil.copytree(ROOT / name, tmp_path / name)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "NO_COLOR", "COLUMNS", "SOURCE_DATE_EPOCH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def commands_in(code: str) -> list[tuple[str, int]]:
    """Commands with the status that a comment beside them promises; lines that go on are joined."""
    lines = code.replace("\\\n", " ").splitlines()
    return [
        (line, int(status[1]) if (status := STATUS.search(line)) else 0)
        for line in lines
        if line.strip() and not line.lstrip().startswith("#")
    ]


def run_shell(code: str, monkeypatch: pytest.MonkeyPatch) -> str:
    said = ""
    for line, status in commands_in(code):
        words = shlex.split(line, comments=True)
        is_plain = words[0] == "advisor" and not {"|", "&&", "<", "2>"} & set(words)
        done, out, err = run_advisor(words[1:], monkeypatch) if is_plain else run_in_bash(line)
        assert done == status, f"{line}\nended with status {done}\n{out[-2000:]}\n{err[-2000:]}"
        said += out + err
    return said


def run_advisor(words: list[str], monkeypatch: pytest.MonkeyPatch) -> tuple[int, str, str]:
    target = None
    if ">" in words:
        at = words.index(">")
        target, words = Path(words[at + 1]), words[:at]
    monkeypatch.setattr(sys, "argv", ["advisor", *words])
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
        main()
    if target is None:
        return int(ended.value.code or 0), out.getvalue(), err.getvalue()
    target.write_text(out.getvalue(), encoding="utf-8")
    return int(ended.value.code or 0), "", err.getvalue()


def run_in_bash(line: str) -> tuple[int, str, str]:
    shell = shutil.which("bash") or "/bin/bash"
    done = subprocess.run([shell, "-euo", "pipefail", "-c", line], capture_output=True, text=True, check=False, timeout=600)
    return done.returncode, done.stdout, done.stderr


def run_python(block: Block, names: dict[str, object]) -> str:
    with redirect_stdout(io.StringIO()) as out:
        exec(compile("\n" * (block.line - 1) + block.code, block.page, "exec"), names)  # noqa: S102 (the documentation's own)
    return out.getvalue()


def run_block(block: Block, names: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    said = run_python(block, names) if block.language == "python" else run_shell(block.code, monkeypatch)
    missing = [
        line for line in (block.shown or "").splitlines() if line.strip() not in {"", "..."} and line.rstrip() not in said
    ]
    assert not missing, f"{block} does not print\n" + "\n".join(missing) + f"\nbut\n{said[-6000:]}"


@pytest.mark.parametrize("page", BLOCKS, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_page_runs(page, workspace, monkeypatch):
    names: dict[str, object] = {}
    for block in BLOCKS[page]:
        if not block.mark:
            run_block(block, names, monkeypatch)


@pytest.mark.parametrize("block", NOT_RUN, ids=str)
def test_not_run_here(block):
    pytest.skip(f"{block.mark}: {block.why}")


@pytest.mark.prove
@pytest.mark.parametrize("page", dict.fromkeys(block.page for block in SLOW), ids=lambda page: str(page.relative_to(ROOT)))
def test_the_whole_page_runs(page, workspace, monkeypatch):
    names: dict[str, object] = {}
    for block in BLOCKS[page]:
        if block.mark != "not run":
            run_block(block, names, monkeypatch)
