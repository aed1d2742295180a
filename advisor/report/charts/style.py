"""How every chart looks: colours, sizes and matplotlib's settings."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, ParamSpec, TypeVar

from advisor.ecs import LaunchType

P = ParamSpec("P")
R = TypeVar("R")

COLOURS: Final = {LaunchType.FARGATE: "#0072B2", LaunchType.EC2: "#D55E00", LaunchType.MANAGED_INSTANCES: "#009E73"}
"""Colour-blind safe, the same in every chart."""
LOAD_COLOUR: Final = "#555555"
BOUND_COLOUR: Final = "#000000"
TEXT_COLOUR: Final = "#1a1a1a"
QUIET_COLOUR: Final = "#5f5f5f"
"""Text that supports: 6 to 1 on white."""
GRID_COLOUR: Final = "#e4e4e4"
GAP_COLOUR: Final = "#b8b8b8"
FAINT_FRACTION: Final = 0.45
"""How much of its colour a plan keeps that is not recommended."""

WIDTH_PX: Final = 800
DPI: Final = 100
MARGIN_PX: Final = 16
TITLE_PT: Final = 12.0
TEXT_PT: Final = 9.0
SMALL_PT: Final = 8.0
HEADING_PX: Final = 21.0
"""From the top of a panel's heading to the panel."""
NAME_CHARACTERS: Final = 60
"""Names of services are whole up to here in a title."""
LINE_FACTOR: Final = 1.35
"""Distance of two lines of text, over their size."""
FONT: Final = "DejaVu Sans"
"""Comes with matplotlib, so that the same bytes are drawn everywhere; wide, so that other fonts need less room."""
HINTING: Final = "none"
"""Letters keep their widths at any size, and are drawn a fifth faster."""

_RC: Final[dict[str, Any]] = {
    "font.family": FONT,
    "font.size": TEXT_PT,
    "text.color": TEXT_COLOUR,
    "text.parse_math": False,
    "text.hinting": HINTING,
    "axes.edgecolor": "#8a8a8a",
    "axes.linewidth": 0.8,
    "axes.axisbelow": True,
    "axes.unicode_minus": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "grid.color": GRID_COLOUR,
    "grid.linewidth": 0.8,
    "xtick.color": "#8a8a8a",
    "ytick.color": "#8a8a8a",
    "xtick.labelcolor": QUIET_COLOUR,
    "ytick.labelcolor": QUIET_COLOUR,
    "xtick.labelsize": SMALL_PT,
    "ytick.labelsize": SMALL_PT,
    "xtick.major.size": 3.0,
    "ytick.major.size": 0.0,
    "hatch.linewidth": 0.7,
    "svg.fonttype": "none",
    "svg.image_inline": True,
}


@contextmanager
def chart_style() -> Iterator[None]:
    """Matplotlib's own defaults and ours, whatever the user's settings are; they come back afterwards."""
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_RC)  # type: ignore[arg-type, unused-ignore]  # names of settings are literals in newer matplotlib
        yield


def styled(plot: Callable[P, R]) -> Callable[P, R]:
    """A function that draws in this style."""

    @functools.wraps(plot)
    def draw(*args: P.args, **kwargs: P.kwargs) -> R:
        with chart_style():
            return plot(*args, **kwargs)

    return draw


def mixed_with_white(colour: str, fraction: float) -> str:
    """``fraction`` of a colour, the rest white: what transparency would show, without its surprises in print.

    >>> mixed_with_white("#000000", 0.5)
    '#808080'
    """
    channels = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return "#" + "".join(f"{round(255 - (255 - channel) * fraction):02x}" for channel in channels)


def mixed_with_black(colour: str, fraction: float) -> str:
    """``fraction`` of a colour, the rest black.

    >>> mixed_with_black("#ffffff", 0.5)
    '#808080'
    """
    return "#" + "".join(f"{round(int(colour[at : at + 2], 16) * fraction):02x}" for at in (1, 3, 5))
