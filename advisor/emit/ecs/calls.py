"""Calls of AWS APIs as files: each file is one request, an index keeps their order."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from advisor.errors import InputError

Request = dict[str, Any]
"""What one API call takes, as JSON."""

INDEX: Final = "calls.json"
_SCHEMA: Final = "advisor/ecs-calls/2"
_LONGEST_PART: Final = 150
"""Room for what a temporary name adds, and for paths that are not cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A JSON document that a request holds as text; a file of its own, so that it can be read."""

    file: str
    content: Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """A piece of an answer that later requests need."""

    placeholder: str
    """What stands for it in their files."""
    query: str
    """Where it is in the answer, in JMESPath."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One API call and the file that holds its request."""

    service: str
    """As boto3 and the AWS CLI spell it."""
    operation: str
    """As the API spells it, such as ``CreateService``."""
    folder: str = ""
    """Relative, ``/`` between and after its parts."""
    step: int | None = None
    """Position among the files of its folder, where that helps a reader."""
    label: str = ""
    """Tells calls of one operation in one folder apart."""
    request: Request
    documents: Mapping[str, Document] = field(default_factory=dict)
    """By the member of the request that takes its text."""
    capture: Capture | None = None

    @property
    def command(self) -> str:
        """The operation as the AWS CLI spells it."""
        return cli_name(self.operation)

    @property
    def file(self) -> str:
        number = "" if self.step is None else f"{self.step:02d}-"
        label = f"-{self.label}" if self.label else ""
        return short_path(f"{self.folder}{number}{self.command}{label}.json")

    @property
    def whole_request(self) -> Request:
        """With the documents in their places, as JSON values."""
        return self.request | {member: document.content for member, document in self.documents.items()}


def short_path(path: str) -> str:
    """With the parts cut that file systems refuse, which take up to 255 bytes; a hash keeps different ones different."""
    return "/".join(part if len(part) <= _LONGEST_PART else _short(part) for part in path.split("/"))


def _short(part: str) -> str:
    stem, dot, suffix = part.rpartition(".")
    stem, ending = (stem, f".{suffix}") if dot and stem else (part, "")
    return f"{stem[: _LONGEST_PART - 40]}-{sha256(part.encode()).hexdigest()[:12]}{ending}"


def cli_name(name: str) -> str:
    """An operation or a member of a request as the AWS CLI spells it."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


def json_bytes(document: object) -> bytes:
    return (json.dumps(document, indent=2, sort_keys=True, allow_nan=False) + "\n").encode()


def call_files(region: str, calls: Sequence[Call]) -> dict[str, bytes]:
    """The requests, their documents and the index, which also holds the Region."""
    files: dict[str, bytes] = {}
    for call in calls:
        files[call.file] = json_bytes(call.request)
        files |= {document.file: json_bytes(document.content) for document in call.documents.values()}
    index = {"calls": [_entry(call) for call in calls], "region": region, "schema": _SCHEMA}
    return files | {INDEX: json_bytes(index)}


def _entry(call: Call) -> Request:
    entry: Request = {"file": call.file, "operation": call.operation, "service": call.service}
    if call.documents:
        entry["documents"] = {member: document.file for member, document in call.documents.items()}
    return entry


def parse_region(files: Mapping[str, bytes]) -> str:
    return str(_index(files)["region"])


def parse_calls(files: Mapping[str, bytes]) -> list[tuple[str, str, Request]]:
    """Service, operation and request of every call in the folder, in the order in which they are to be made."""
    calls: list[tuple[str, str, Request]] = []
    for entry in _index(files)["calls"]:
        request = _json(files, entry["file"])
        for member, path in entry.get("documents", {}).items():
            request[member] = json.dumps(_json(files, path), sort_keys=True)
        calls.append((entry["service"], entry["operation"], request))
    return calls


def _index(files: Mapping[str, bytes]) -> Request:
    index = _json(files, INDEX)
    if index.get("schema") != _SCHEMA:
        raise InputError(f"schema {index.get('schema')!r} is not {_SCHEMA}", fix="Emit the folder again.", file=INDEX)
    return index


def _json(files: Mapping[str, bytes], path: str) -> Request:
    if path not in files:
        raise InputError("the file is missing", fix="Emit the folder again.", file=path)
    try:
        document = json.loads(files[path])
    except ValueError as error:
        raise InputError(f"not JSON: {error}", fix="Mend the file, or emit the folder again.", file=path) from error
    if not isinstance(document, dict):
        raise InputError("not a JSON object", fix="Mend the file, or emit the folder again.", file=path)
    return document
