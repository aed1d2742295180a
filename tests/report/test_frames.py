"""Data frames: the same figures as the result, gaps left as gaps."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from tests.report.results import PACKED, UNPRICED, shop, small


def test_alternatives_are_rows_in_the_order_of_the_result():
    recommendation = shop()
    frame = recommendation.alternatives_frame()
    assert frame["id"].tolist() == [alternative.id for alternative in recommendation.alternatives]
    assert frame.loc[frame["recommended"], "id"].tolist() == [recommendation.recommendation.alternative]


def test_an_alternative_without_a_price_is_a_row_without_a_figure():
    frame = small(UNPRICED).alternatives_frame()
    unpriced = frame[frame["missing"] != ""]
    assert len(unpriced)
    assert unpriced["monthly_usd_mean"].isna().all()


def test_line_items_add_up_to_the_mean_of_their_alternative():
    recommendation = shop()
    assert recommendation.line_items_frame()["amount_usd"].sum() == pytest.approx(recommendation.recommended.monthly_usd.mean)
    for alternative in recommendation.alternatives:
        total = recommendation.line_items_frame(alternative.id)["amount_usd"].sum()
        assert total == pytest.approx(alternative.monthly_usd.mean)


def test_an_alternative_without_a_price_has_no_line_items_but_their_columns():
    recommendation = small(UNPRICED)
    unpriced = next(a for a in recommendation.alternatives if a.monthly_usd is None)
    frame = recommendation.line_items_frame(unpriced.id)
    assert frame.empty
    assert {"meter", "quantity", "unit", "rate_usd", "amount_usd", "source", "as_of"} <= set(frame.columns)


def test_hours_are_utc_labelled_by_their_start_and_gaps_stay_gaps():
    recommendation = shop()
    frame = recommendation.hourly_frame()
    assert str(frame.index.tz) == "UTC"
    assert frame.index[0].isoformat() == recommendation.views.start
    for view in recommendation.views.services:
        for series, values in (("load", view.hourly_load), ("tasks", view.hourly_tasks)):
            assert_array_equal(frame[view.name, series], np.array(values, dtype=float))
    assert frame["chat", "load"].isna().any()


def test_frames_of_services_without_load_files():
    frame = small(PACKED).hourly_frame()
    assert frame["jobs", "tasks"].eq(9).all()
