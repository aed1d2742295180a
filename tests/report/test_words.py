"""Sentences about small differences: what is shown never claims more than is true."""

import csv
import io

import pytest

from advisor import rank_instances, read_catalog, read_workload
from advisor.report.instances import instances_csv
from advisor.report.sure import flip_sentence
from advisor.report.tables import alternatives_csv
from advisor.report.words import fraction_below, saving_sentence, small_percent
from tests.report.results import SHOP, changed, shop


@pytest.mark.parametrize(
    ("fraction", "shown"),
    [(0.0004, "0.04 %"), (0.0043, "0.4 %"), (0.0199, "1.9 %"), (0.0867, "8 %"), (0.29, "29 %"), (0.534, "53 %")],
)
def test_a_price_that_may_rise_by_less_than_a_figure_is_rounded_down(fraction, shown):
    assert fraction_below(fraction) == shown


@pytest.mark.parametrize(("fraction", "shown"), [(0.0, "0 %"), (0.0043, "0.4 %"), (0.0168, "1.7 %"), (0.0867, "9 %")])
def test_a_small_share_has_a_decimal(fraction, shown):
    assert small_percent(fraction) == shown


def test_an_answer_that_flips_at_half_a_percent_says_so():
    def narrow(data):
        data["recommendation"]["break_even"]["dearer_fraction"] = 0.0043
        data["recommendation"]["saving"]["fraction"] = 0.0043

    recommendation = changed(shop(), narrow)
    assert "rises by less than 0.4 %" in flip_sentence(recommendation)
    assert "(0.4 %)" in saving_sentence(recommendation.recommendation.saving, recommendation)


def test_an_empty_cell_of_a_csv_is_empty():
    """Cells that a spreadsheet would take for a formula begin with an apostrophe; what there is not begins with nothing."""
    for text in (
        alternatives_csv(shop()),
        instances_csv(rank_instances(read_workload(SHOP), read_catalog("us-east-1"), most=2)),
    ):
        rows = list(csv.DictReader(io.StringIO(text)))
        assert {row["missing"] for row in rows} == {""}
        assert not [cell for row in rows for cell in row.values() if cell == "'"]
