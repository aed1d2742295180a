"""The part of Terraform's language that the files use: written as `terraform fmt` has it, and read back."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*", re.ASCII)
_MOST_ON_A_LINE: Final = 100


@dataclass(frozen=True, slots=True)
class Expr:
    """An expression that stands as it is: a reference, or a call of a function."""

    text: str


@dataclass(frozen=True, slots=True)
class Template:
    """Text with expressions in it."""

    parts: tuple[str | Expr, ...]


@dataclass(frozen=True, slots=True)
class Encoded:
    """A value that becomes JSON text."""

    value: Any


@dataclass(slots=True)
class Block:
    """A block: its type, its labels, and attributes and blocks in order."""

    kind: str
    labels: tuple[str, ...] = ()
    attributes: dict[str, Any] = field(default_factory=dict)
    blocks: "list[Block]" = field(default_factory=list)

    def named(self, kind: str) -> "list[Block]":
        return [block for block in self.blocks if block.kind == kind]


def hcl_text(blocks: Sequence[Block]) -> str:
    return "\n".join("".join(f"{line}\n" for line in _block_lines(block)) for block in blocks)


def attributes_text(attributes: dict[str, Any]) -> str:
    """Attributes alone, as in a file of values."""
    return "".join(f"{line}\n" for line in _attribute_lines(attributes))


def _block_lines(block: Block) -> Iterator[str]:
    head = " ".join([block.kind, *(json.dumps(label) for label in block.labels)])
    body = [*_attribute_lines(block.attributes)]
    for nested in block.blocks:
        body += [*([""] if body else []), *_block_lines(nested)]
    if not body:
        yield f"{head} {{}}"
        return
    yield f"{head} {{"
    yield from _indented(body)
    yield "}"


def _indented(lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        yield f"  {line}" if line else ""


def _attribute_lines(attributes: dict[str, Any]) -> Iterator[str]:
    """Equals signs of neighbors in one column; a value of several lines stands apart."""
    keys = {key: key if _WORD.fullmatch(key) else quoted(key) for key in attributes}
    values = {key: list(_value_lines(value)) for key, value in attributes.items()}
    group: list[str] = []
    is_first = True
    for key in attributes:
        if len(values[key]) == 1:
            group.append(key)
            continue
        yield from _group_lines(group, keys, values)
        if not is_first or group:
            yield ""
        yield f"{keys[key]} = {values[key][0]}"
        yield from values[key][1:]
        group, is_first = [], False
        if key != list(attributes)[-1]:
            rest = list(attributes)[list(attributes).index(key) + 1]
            if len(values[rest]) == 1:
                yield ""
    yield from _group_lines(group, keys, values)


def _group_lines(group: Sequence[str], keys: dict[str, str], values: dict[str, list[str]]) -> Iterator[str]:
    width = max((len(keys[key]) for key in group), default=0)
    for key in group:
        yield f"{keys[key]:{width}} = {values[key][0]}"


def _value_lines(value: Any) -> Iterator[str]:
    if isinstance(value, Encoded):
        lines = list(_value_lines(value.value))
        lines[0], lines[-1] = f"jsonencode({lines[0]}", f"{lines[-1]})"
        if len(lines) == 1:
            lines = [f"jsonencode({next(iter(_value_lines(value.value)))})"]
        yield from lines
    elif isinstance(value, dict) and value:
        yield "{"
        yield from _indented(list(_attribute_lines(value)))
        yield "}"
    elif isinstance(value, list) and value:
        items = [list(_value_lines(item)) for item in value]
        line = f"[{', '.join(lines[0] for lines in items)}]"
        if all(len(lines) == 1 for lines in items) and len(line) <= _MOST_ON_A_LINE:
            yield line
            return
        yield "["
        for lines in items:
            yield from _indented([*lines[:-1], f"{lines[-1]},"])
        yield "]"
    else:
        yield _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, Expr):
        return value.text
    if isinstance(value, Template):
        inside = "".join(f"${{{part.text}}}" if isinstance(part, Expr) else _escaped(part) for part in value.parts)
        return f'"{inside}"'
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, dict):
        return "{}"
    return json.dumps(int(value) if isinstance(value, float) and value.is_integer() else value)


def quoted(text: str) -> str:
    """A string literal: nothing in it is taken for a template."""
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1].replace("${", "$${").replace("%{", "%%{")


_TOKEN: Final = re.compile(
    r"(?P<space>[ \t]+)|(?P<line>\n)|(?P<comment>#[^\n]*)"
    r"|(?P<number>-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)|(?P<word>[A-Za-z_][A-Za-z0-9_-]*)"
    r'|(?P<mark>>=|[={}\[\](),.])|(?P<quote>")',
    re.ASCII,
)


class HclError(ValueError):
    """The text is not of the part of the language that the files use."""


def read_hcl(text: str) -> list[Block]:
    """The blocks of a file: the inverse of `hcl_text`."""
    return _Parser(text).blocks_to_end()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0

    def blocks_to_end(self) -> list[Block]:
        outer = Block(kind="")
        self._body(outer, end="")
        return outer.blocks

    def _peek(self, *, over_lines: bool = True) -> tuple[str, str]:
        """Kind and text of the next token, which stays."""
        while self._at < len(self._text):
            found = _TOKEN.match(self._text, self._at)
            if found is None:
                raise HclError(f"unexpected {self._text[self._at : self._at + 20]!r}")
            kind = str(found.lastgroup)
            if kind in ("space", "comment") or (over_lines and kind == "line"):
                self._at = found.end()
                continue
            return kind, found[0]
        return "end", ""

    def _take(self, wanted: str = "") -> tuple[str, str]:
        kind, text = self._peek()
        if wanted and text != wanted:
            raise HclError(f"{wanted!r} is missing before {text!r}")
        self._at += len(text)
        return kind, text

    def _body(self, block: Block, *, end: str) -> None:
        while self._peek()[1] != end:
            kind, name = self._peek()
            if kind == "end":
                raise HclError("a block has no end")
            name = self._string() if kind == "quote" else self._take()[1]
            if self._peek()[1] == "=":
                self._take()
                block.attributes[str(name)] = self._value()
                continue
            labels = []
            while self._peek()[0] == "quote":
                labels.append(str(self._string()))
            self._take("{")
            nested = Block(kind=str(name), labels=tuple(labels))
            self._body(nested, end="}")
            self._take("}")
            block.blocks.append(nested)

    def _value(self) -> Any:
        kind, text = self._peek()
        if kind == "quote":
            return self._string()
        if kind == "number":
            self._take()
            return json.loads(text)
        if text == "[":
            return list(self._items("[", "]"))
        if text == "{":
            return self._object()
        if kind != "word":
            raise HclError(f"unexpected {text!r}")
        if text in ("true", "false", "null"):
            self._take()
            return json.loads(text)
        return self._reference()

    def _items(self, start: str, end: str) -> Iterator[Any]:
        self._take(start)
        while self._peek()[1] != end:
            yield self._value()
            if self._peek()[1] == ",":
                self._take()
        self._take(end)

    def _object(self) -> dict[str, Any]:
        self._take("{")
        found = {}
        while self._peek()[1] != "}":
            key = self._string() if self._peek()[0] == "quote" else self._take()[1]
            self._take("=")
            found[str(key)] = self._value()
            if self._peek()[1] == ",":
                self._take()
        self._take("}")
        return found

    def _reference(self) -> Any:
        start = self._at
        self._take()
        while self._peek(over_lines=False)[1] in (".", "[", "("):
            if self._text[start : self._at] == "jsonencode":
                return Encoded(next(iter(list(self._items("(", ")")))))
            mark = self._take()[1]
            if mark == ".":
                self._take()
            else:
                self._at -= 1
                list(self._items(mark, "]" if mark == "[" else ")"))
        return Expr(self._text[start : self._at])

    def _string(self) -> Any:
        """A string or, where it holds expressions, a template."""
        self._take('"')
        parts: list[str | Expr] = []
        plain = ""
        while self._text[self._at] != '"':
            if self._text.startswith(("$${", "%%{"), self._at):
                plain += self._text[self._at + 1 : self._at + 3]
                self._at += 3
            elif self._text.startswith("${", self._at):
                end = self._text.index("}", self._at)
                parts += [_unescaped(plain), Expr(self._text[self._at + 2 : end])]
                plain, self._at = "", end + 1
            else:
                step = 2 if self._text[self._at] == "\\" else 1
                plain += self._text[self._at : self._at + step]
                self._at += step
        self._at += 1
        return Template((*parts, _unescaped(plain))) if parts else _unescaped(plain)


def _unescaped(text: str) -> str:
    return str(json.loads(f'"{text}"'))
