"""Calls of AWS APIs as files: each file is one request, an index keeps their order."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from advisor.errors import InputError

Request = dict[str, Any]
"""What one API call takes, as JSON."""

INDEX: Final = "calls.json"
_SCHEMA: Final = "advisor/ecs-calls/1"


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
    request: Request

    @property
    def command(self) -> str:
        """The operation as the AWS CLI spells it."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", self.operation).lower()

    @property
    def file(self) -> str:
        number = "" if self.step is None else f"{self.step:02d}-"
        return f"{self.folder}{number}{self.command}.json"


def json_bytes(document: object) -> bytes:
    return (json.dumps(document, indent=2, sort_keys=True, allow_nan=False) + "\n").encode()


def call_files(region: str, calls: Sequence[Call]) -> dict[str, bytes]:
    """The requests and the index, which also holds the Region."""
    entries = [{"file": call.file, "operation": call.operation, "service": call.service} for call in calls]
    files = {call.file: json_bytes(call.request) for call in calls}
    return files | {INDEX: json_bytes({"calls": entries, "region": region, "schema": _SCHEMA})}


def parse_region(files: Mapping[str, bytes]) -> str:
    return str(_index(files)["region"])


def parse_calls(files: Mapping[str, bytes]) -> list[tuple[str, str, Request]]:
    """Service, operation and request of every call in the folder, in the order in which they are to be made."""
    return [(entry["service"], entry["operation"], _json(files, entry["file"])) for entry in _index(files)["calls"]]


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
