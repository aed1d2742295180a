"""Units and array types. A month is 730 hours, as on AWS's pricing pages."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
TextArray = NDArray[np.str_]

ECS_CPU_UNITS_PER_VCPU: Final = 1024
MIB_PER_GIB: Final = 1024
HOURS_PER_MONTH: Final = 730.0
HOURS_PER_DAY: Final = 24
HOURS_PER_WEEK: Final = 168
HOURS_PER_YEAR: Final = 8760
SECONDS_PER_HOUR: Final = 3600
SECONDS_PER_DAY: Final = 86_400
MS_PER_S: Final = 1000.0

CEIL_TOLERANCE: Final = 1e-9
"""Relative: a quotient this close above a whole number is that number, or 614.4 / 307.2 would need three tasks."""


def ceil_whole(values: FloatArray) -> FloatArray:
    """Round up to whole numbers, forgiving the last digits of floating point. Values are not negative; NaN stays NaN."""
    return np.ceil(values * (1.0 - CEIL_TOLERANCE))
