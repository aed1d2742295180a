"""Where the answer flips, what moves it most, and how much work the saving is worth."""

from advisor.recommend.sensitivity import Moved, Sensitivity
from advisor.sweeping.axes import AxisName, SweptAxis
from advisor.sweeping.grid import sweep
from advisor.sweeping.inputs import sensitivity
from advisor.sweeping.labour import Payback, payback
from advisor.sweeping.result import Cell, Crossing, Flip, Line, LoadCloud, Sweep

__all__ = [
    "AxisName",
    "Cell",
    "Crossing",
    "Flip",
    "Line",
    "LoadCloud",
    "Moved",
    "Payback",
    "Sensitivity",
    "Sweep",
    "SweptAxis",
    "payback",
    "sensitivity",
    "sweep",
]
