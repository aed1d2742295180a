"""A recommendation as pandas DataFrames. pandas is imported when the first one is made."""

from dataclasses import asdict
from typing import TYPE_CHECKING

from advisor.recommend.result import Recommendation
from advisor.report.tables import CSV_COLUMNS, alternatives_rows

if TYPE_CHECKING:
    from pandas import DataFrame


def alternatives_frame(recommendation: Recommendation) -> "DataFrame":
    """One row an alternative, with the columns of the CSV; NaN where there is no figure."""
    import pandas as pd

    return pd.DataFrame(alternatives_rows(recommendation), columns=list(CSV_COLUMNS))


def line_items_frame(recommendation: Recommendation, alternative_id: str | None = None) -> "DataFrame":
    """One row a line item: part, meter, quantity, unit, rate, amount, source, date.

    Parameters
    ----------
    alternative_id
        The recommended alternative when left out. One without a price has no rows.
    """
    import pandas as pd

    from advisor.billing import LineItem

    alternative = recommendation.recommended if alternative_id is None else recommendation.alternative(alternative_id)
    items = alternative.bill.line_items if alternative.bill else ()
    return pd.DataFrame([asdict(item) for item in items], columns=list(LineItem.__dataclass_fields__))


def hourly_frame(recommendation: Recommendation) -> "DataFrame":
    """Load and tasks of every service by the hour.

    Returns
    -------
    DataFrame
        Indexed by the UTC start of each hour; columns (service, ``load`` or ``tasks``); NaN in a gap. ``load`` is the mean of
        the hour in the unit that the service's view names, ``tasks`` the most that ran.
    """
    import pandas as pd

    views = recommendation.views
    columns = {}
    for service in views.services:
        columns[service.name, "load"] = pd.array(service.hourly_load, dtype="float64")
        columns[service.name, "tasks"] = pd.array(service.hourly_tasks, dtype="float64")
    n_hours = len(views.services[0].hourly_load) if views.services else 0
    index = pd.date_range(views.start, periods=n_hours, freq="h", name="hour")
    frame = pd.DataFrame(columns, index=index)
    frame.columns = pd.MultiIndex.from_tuples(columns, names=["service", "series"])
    return frame
