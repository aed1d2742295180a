"""Templates: ecspresso reads every file as a Go template first, so what is meant as text must come through it unchanged."""

from typing import Final

_OPEN: Final = b"{{"
_LITERAL: Final = b"{{`{{`}}"
"""An action that prints two braces. Its own text holds no quote, so the file stays JSON before and after."""


def template(text: bytes) -> bytes:
    """A template that ecspresso turns into ``text``."""
    return text.replace(_OPEN, _LITERAL)


def literal(content: bytes) -> bytes:
    """What ecspresso makes of a file that `template` wrote."""
    return content.replace(_LITERAL, _OPEN)
