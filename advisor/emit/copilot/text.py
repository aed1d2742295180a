"""Manifests as text: YAML that Copilot's own rewriting leaves alone.

Copilot puts environment variables where a text says ``${NAME}``; a backslash before it keeps it. So does Copilot 1.34.1, which
a test runs.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

import yaml

from advisor.errors import InputError

Manifest = dict[str, Any]

_VARIABLE: Final = re.compile(r"\$\{[_a-zA-Z][_a-zA-Z0-9]*\}")
_KEPT: Final = re.compile(r"\\(\$\{[_a-zA-Z][_a-zA-Z0-9]*\})")
_PLAIN: Final = re.compile(r"(?!(?:y|n|yes|no|on|off|true|false|null)$)[A-Za-z_./][A-Za-z0-9_./-]*", re.ASCII | re.IGNORECASE)
"""What YAML 1.1 and 1.2 read as the same text without quotes. A digit or sign first could be a number or a date."""


class Variable(str):
    """An environment variable of the shell that Copilot is to put in."""

    __slots__ = ()

    @property
    def name(self) -> str:
        return self[2:-1]


def variable(name: str) -> Variable:
    return Variable(f"${{{name}}}")


class _Dumper(yaml.SafeDumper):
    """Quotes every text that anything could take for something else."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_text(dumper: _Dumper, text: str) -> yaml.Node:
    if not isinstance(text, Variable):
        text = _VARIABLE.sub(lambda found: f"\\{found[0]}", text)
    style = None if _PLAIN.fullmatch(text) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", str(text), style=style)


_Dumper.add_representer(str, _represent_text)
_Dumper.add_representer(Variable, _represent_text)


def manifest_bytes(manifest: Mapping[str, Any], *, comment: str = "") -> bytes:
    text = yaml.dump(dict(manifest), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)
    return (comment + text).encode()


def read_manifest(files: Mapping[str, bytes], path: str) -> Manifest:
    """A manifest as `manifest_bytes` wrote it; what Copilot is to put in comes back as `Variable`."""
    if path not in files:
        raise InputError("the file is missing", fix="Emit the folder again.", file=path)
    try:
        document = yaml.safe_load(files[path])
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"not YAML: {error}", fix="Mend the file, or emit the folder again.", file=path) from error
    if not isinstance(document, dict):
        raise InputError("not a YAML mapping", fix="Mend the file, or emit the folder again.", file=path)
    manifest: Manifest = _unescaped(document)
    return manifest


def _unescaped(value: Any) -> Any:
    if isinstance(value, dict):
        return {_unescaped(key): _unescaped(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_unescaped(item) for item in value]
    if not isinstance(value, str):
        return value
    return Variable(value) if _VARIABLE.fullmatch(value) else _KEPT.sub(r"\1", value)
