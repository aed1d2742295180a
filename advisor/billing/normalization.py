"""How many normalized units an instance size counts for, by which a regional Reserved Instance covers other sizes."""

import re
from collections.abc import Mapping
from typing import Final

_SMALL: Final[Mapping[str, float]] = {"nano": 0.25, "micro": 0.5, "small": 1.0, "medium": 2.0, "large": 4.0, "xlarge": 8.0}
_UNITS_PER_XLARGE: Final = 8.0
_MULTIPLE: Final = re.compile(r"(\d+)xlarge|metal-(\d+)xl")
_METAL: Final[Mapping[str, float]] = {
    **dict.fromkeys(("a1",), 32.0),
    **dict.fromkeys(("m5zn", "x2iezn", "z1d"), 96.0),
    **dict.fromkeys(("c6g", "c6gd", "i3", "m6g", "m6gd", "r6g", "r6gd", "x2gd"), 128.0),
    **dict.fromkeys(("c5n",), 144.0),
    **dict.fromkeys(
        ("c5", "c5d", "i3en", "m5", "m5d", "m5dn", "m5n", "r5", "r5b", "r5d", "r5dn", "r5n"),
        192.0,
    ),
    **dict.fromkeys(("c6i", "c6id", "m6i", "m6id", "r6id"), 256.0),
}
"""Families whose ``metal`` size the user guide lists."""

_WITHOUT_SIZE_FLEXIBILITY: Final = frozenset(
    ("g4ad", "g4dn", "g5", "g5g", "g6", "g6e", "g6f", "gr6", "gr6f", "hpc7a", "p5", "inf1", "inf2", "u7i-6tb", "u7i-8tb")
)


def normalization_factor(instance_type: str) -> float | None:
    """Normalized units of one instance-hour; None where AWS's list does not tell.

    Every size in the guide's table counts 8 for each xlarge; so do sizes here that the table leaves out. A bare metal instance
    counts as the virtualized size that it equals; ``metal`` without a size only where the guide lists it.

    References
    ----------
    AWS, "How Reserved Instance discounts are applied",
    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/apply_ri.html, read 2026-11-26 in a copy of the user guide.

    Examples
    --------
    >>> normalization_factor("m7g.large"), normalization_factor("m7g.2xlarge"), normalization_factor("m6a.metal")
    (4.0, 16.0, None)
    """
    family, _, size = instance_type.partition(".")
    if size in _SMALL:
        return _SMALL[size]
    if size == "metal":
        return _METAL.get(family)
    found = _MULTIPLE.fullmatch(size)
    return _UNITS_PER_XLARGE * int(found[1] or found[2]) if found else None


def is_size_flexible(instance_type: str) -> bool:
    """Whether a regional Reserved Instance of this type, for Linux with shared tenancy, covers other sizes of its family.

    Same source as :func:`normalization_factor`.
    """
    family = instance_type.partition(".")[0]
    return family not in _WITHOUT_SIZE_FLEXIBILITY and normalization_factor(instance_type) is not None
