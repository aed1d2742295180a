"""What was assumed, what is missing, and what the answer was made from."""

import math
from collections.abc import Iterator
from typing import Any

from advisor.recommend.result import CLUSTER_SCOPE, Recommendation, ServiceView
from advisor.report.html.comparison import no_price
from advisor.report.next_steps import again_command
from advisor.report.words import coverage_sentence, period
from advisor.units import HOURS_PER_WEEK


def origin(recommendation: Recommendation) -> dict[str, Any]:
    run = recommendation.run
    return {
        "defaults": list(run.defaults.items()),
        "notes": run.notes,
        "missing": list(_missing(recommendation)),
        "coverage": coverage_sentence(recommendation),
        "catalog": _catalog(recommendation),
        "inputs": [{"path": file.get("path", ""), "sha256": file.get("sha256", "")[:12]} for file in run.inputs],
        "version": run.version,
        "seed": run.seed,
        "command": again_command(recommendation),
        "period": period(run),
        "measured": [_measured(view, recommendation) for view in recommendation.views.services],
    }


def _missing(recommendation: Recommendation) -> Iterator[str]:
    """Everything that the answer had to do without."""
    for alternative in recommendation.of_scope(CLUSTER_SCOPE):
        if alternative.monthly_usd is None:
            yield f"{alternative.title}: {no_price(alternative, recommendation)}"
    present = recommendation.present
    if present is not None and present.monthly_usd is None:
        yield f"The cost of today: {', '.join(present.missing)}"
    by_share: dict[str, list[str]] = {}
    for view in recommendation.views.services:
        if view.coverage_fraction < 1:
            by_share.setdefault(_share(view.coverage_fraction), []).append(view.name)
    for share, names in sorted(by_share.items()):
        yield f"{', '.join(names)}: load was measured {share} of the time; what is missing is left out, never counted as zero"


def _catalog(recommendation: Recommendation) -> str:
    catalog = recommendation.run.catalog
    oldest, newest = catalog.get("oldest", ""), catalog.get("newest", "")
    span = newest if oldest == newest else f"{oldest} to {newest}"
    return f"{catalog.get('region', recommendation.region)}, dated {span}"


def _measured(view: ServiceView, recommendation: Recommendation) -> dict[str, Any]:
    missing = (1 - view.coverage_fraction) * recommendation.run.weeks * HOURS_PER_WEEK
    return {
        "name": view.name,
        "form": f"{view.load_form}, {view.load_unit}",
        "fraction": view.coverage_fraction,
        "share": _share(view.coverage_fraction),
        "hours_missing": f"{missing:.3f}",
        "missing": f"{missing:,.0f}" if missing >= 9.5 or not missing else f"{missing:.2g}",
    }


def _share(fraction: float) -> str:
    """Rounded down, so that only what is whole is 100 %."""
    return f"{math.floor(fraction * 10_000) / 100:.2f} %"
