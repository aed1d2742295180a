"""Tags of services: those that AWS sets are left out, and what may be a secret is named without its value."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

_OF_AWS: Final = "aws:"
"""Keys that begin so are reserved: users cannot set them."""
_SECRET_KEY: Final = re.compile(r"passw|passphrase|secret|token|credential|(api|access|private|auth)[-_. ]?key", re.IGNORECASE)
_SECRET_VALUE: Final = re.compile(
    r"A(KIA|SIA)[A-Z0-9]{12}"  # AWS access keys
    r"|-----BEGIN|\beyJ[\w-]{8}"  # keys and certificates, JSON Web Tokens
    r"|://[^/@\s]*:[^/@\s]*@"  # a password in an address
    r"|\b(gh[pousr]_|github_pat_|glpat-|xox[abeprs]-|sk_live_|sk_test_)"  # GitHub, GitLab, Slack, Stripe
    r"|\b[0-9A-Fa-f]{32,}\b|^[A-Za-z0-9/+]{40}$"
    r"|(?=[A-Za-z0-9]*\d)(?=[A-Za-z0-9]*[a-z])(?=[A-Za-z0-9]*[A-Z])[A-Za-z0-9]{20,}"
)
"""Of known forms, or as random as keys are: names of teams and products are shorter, or of one case, or of several words."""


def read_tags(tags: Iterable[Mapping[str, Any]] | None) -> tuple[dict[str, str], tuple[str, ...]]:
    """Tags in the order of their keys, and the keys of those whose value may be a secret."""
    kept: dict[str, str] = {}
    unkept = []
    for tag in sorted(tags or (), key=lambda tag: str(tag["key"])):
        key, value = str(tag["key"]), tag.get("value") or ""
        if key.startswith(_OF_AWS):
            continue
        if not isinstance(value, str) or _SECRET_KEY.search(key) or _SECRET_VALUE.search(value):
            unkept.append(key)
        else:
            kept[key] = value
    return kept, tuple(unkept)
