"""YAML with the place of every key and value, and nothing that a data file does not need: no tags, no bombs, no surprises."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import yaml

from advisor.sources.input_files import Place, plain, shown

_MAX_BYTES: Final = 4_000_000
_MAX_DEPTH: Final = 40
_MAX_NODES: Final = 100_000
"""Counted with aliases written out: a workload of a thousand services has a fifth of this."""

Path = tuple[str | int, ...]
"""Keys and list positions that lead to a value."""

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER: Final = re.compile(r"[-+]?\d{1,18}$")
_FLOAT: Final = re.compile(r"[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?$")


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML file as plain values, with their places."""

    file: str
    root: object
    _values: dict[Path, tuple[int, int]] = field(default_factory=dict)
    _keys: dict[Path, tuple[int, int]] = field(default_factory=dict)

    def place(self, path: Path) -> Place:
        """Where a value stands, or the nearest thing around it that the file holds."""
        while path and path not in self._values:
            path = path[:-1]
        return Place(self.file, *self._values.get(path, (1, 1)))

    def key_place(self, path: Path) -> Place:
        """Where a key stands."""
        return Place(self.file, *self._keys[path]) if path in self._keys else self.place(path)


@dataclass(slots=True)
class _Node:
    """A value, or a list or mapping of nodes."""

    value: "str | int | float | bool | list[_Node] | dict[str, _Node] | None"
    at: tuple[int, int]
    key_at: dict[str, tuple[int, int]] = field(default_factory=dict)
    key: tuple[str, tuple[int, int]] | None = None
    """While a mapping is read: the key whose value comes next."""
    anchor: str | None = None


def parse_yaml(text: str, file: str) -> Document:
    """One YAML document. Scalars are read as YAML 1.2 does: `no` is a text, `0512` is 512, dates are texts.

    Raises
    ------
    InputError
        For a syntax error, a repeated key, a tag, a second document, or what would grow beyond bounds.
    """
    if len(text) > _MAX_BYTES:
        raise Place(file).error(f"the file is larger than {_MAX_BYTES:,} characters", fix="Put the load into CSV files.")
    node = _Reader(file).read(text)
    document = Document(file, None)
    root = _flattened(node, (), document, [0])
    return Document(file, root, document._values, document._keys)


class _Reader:
    """Builds nodes from parser events; a stack in place of recursion."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._stack: list[_Node] = []
        self._anchors: dict[str, _Node] = {}
        self._root: _Node | None = None

    def read(self, text: str) -> _Node:
        for event in self._events(text):
            mark = event.start_mark
            at = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            if isinstance(event, yaml.DocumentStartEvent) and self._root is not None:
                raise Place(self._file, *at).error("a second YAML document begins here", fix="Keep one document per file.")
            if isinstance(event, yaml.NodeEvent):
                self._node(event, at)
            elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
                self._close()
        if self._root is None:
            raise Place(self._file).error("the file is empty", fix="Begin with `cluster:`, `region:` and `services:`.")
        return self._root

    def _events(self, text: str) -> Iterator[yaml.Event]:
        try:
            yield from yaml.parse(text, Loader=_LOADER)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            place = Place(self._file, mark.line + 1, mark.column + 1) if mark else Place(self._file)
            tab = " Indent with spaces, not with tabs." if "start any token" in str(error.problem) else ""
            raise place.error(
                f"not valid YAML ({error.problem or error.context})", fix=f"Check this line and the one above.{tab}"
            ) from None
        except yaml.YAMLError as error:
            position = getattr(error, "position", None)
            line = text.count("\n", 0, position) + 1 if isinstance(position, int) else None
            reason = str(getattr(error, "reason", None) or error).splitlines()[0]
            raise Place(self._file, line).error(f"not valid YAML ({reason})", fix="Remove the character.") from None

    def _node(self, event: yaml.NodeEvent, at: tuple[int, int]) -> None:
        place = Place(self._file, *at)
        if getattr(event, "tag", None) is not None:
            raise place.error(f"the YAML tag {shown(event.tag)} is not supported", fix="Write the plain value.")  # type: ignore[attr-defined]  # some events have no tag
        if isinstance(event, yaml.AliasEvent):
            if event.anchor is None or event.anchor not in self._anchors:
                raise place.error(f"the alias *{plain(event.anchor or '')} has no anchor before it", fix="Write the value out.")
            self._put(self._anchors[event.anchor], place)
            return
        if isinstance(event, yaml.ScalarEvent):
            value = _scalar(event.value) if event.implicit[0] else event.value
            node = _Node(value, at)
            if event.anchor:
                self._anchors[event.anchor] = node
            self._put(node, place)
            return
        if len(self._stack) >= _MAX_DEPTH:
            raise place.error(f"nested more than {_MAX_DEPTH} levels deep", fix="A workload file needs five.")
        self._stack.append(_Node({} if isinstance(event, yaml.MappingStartEvent) else [], at, anchor=event.anchor))

    def _close(self) -> None:
        node = self._stack.pop()
        if node.anchor:
            self._anchors[node.anchor] = node
        self._put(node, Place(self._file, *node.at))

    def _put(self, node: _Node, place: Place) -> None:
        """Into the list, as key or value into the mapping, or as the root."""
        if not self._stack:
            self._root = node
            return
        holder = self._stack[-1]
        if isinstance(holder.value, list):
            holder.value.append(node)
        elif isinstance(holder.value, dict) and holder.key is None:
            holder.key = self._key(node, place, holder)
        elif isinstance(holder.value, dict) and holder.key is not None:
            name, at = holder.key
            holder.value[name], holder.key_at[name], holder.key = node, at, None

    def _key(self, node: _Node, place: Place, holder: _Node) -> tuple[str, tuple[int, int]]:
        if isinstance(node.value, (list, dict)):
            raise place.error("a list or mapping stands where a key belongs", fix="Use a plain name as the key.")
        name = node.value if isinstance(node.value, str) else str(node.value)
        if name in holder.key_at:
            first = holder.key_at[name][0]
            raise place.error(f"the key {shown(name)} stands twice, first in line {first}", fix="Keep one of them.")
        return name, (place.line or 1, int(place.column or 1))


def _scalar(text: str) -> str | int | float | bool | None:
    if text in _NULL:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _INTEGER.match(text):
        return int(text)
    return float(text) if _FLOAT.match(text) else text


def _flattened(node: _Node, path: Path, document: Document, n_nodes: list[int]) -> object:
    """Plain value of a node; notes the places of what it holds."""
    n_nodes[0] += 1
    if n_nodes[0] > _MAX_NODES or len(path) > _MAX_DEPTH:
        raise Place(document.file, *node.at).error(
            f"aliases blow the file up to more than {_MAX_NODES:,} values or {_MAX_DEPTH} levels",
            fix="Write the values out, without aliases.",
        )
    document._values[path] = node.at
    if isinstance(node.value, list):
        return [_flattened(item, (*path, number), document, n_nodes) for number, item in enumerate(node.value)]
    if isinstance(node.value, dict):
        for key, at in node.key_at.items():
            document._keys[(*path, key)] = at
        return {key: _flattened(item, (*path, key), document, n_nodes) for key, item in node.value.items()}
    return node.value
