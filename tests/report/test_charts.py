"""Charts say what the result says: behavior, not pixels."""

import io
import re

import pytest
from matplotlib.figure import Figure

import advisor
from advisor.report.charts import render_charts, rendered_charts


@pytest.fixture(scope="module")
def recommendation():
    workload = advisor.read_workload("examples/cloudwatch/workload.yaml")
    return advisor.advise(workload, advisor.read_catalog(workload.region))


@pytest.fixture(scope="module")
def charts(recommendation):
    return {chart.name: chart for chart in rendered_charts(recommendation)}


def test_every_plot_is_a_figure_without_pyplot_state(recommendation):
    import matplotlib.pyplot as plt

    figures = [
        advisor.plot_costs(recommendation),
        advisor.plot_loads(recommendation),
        advisor.plot_load(recommendation, "api"),
        advisor.plot_stairs(recommendation, "api"),
        advisor.plot_busiest_week(recommendation),
    ]
    assert all(isinstance(figure, Figure) for figure in figures)
    assert plt.get_fignums() == []


def test_each_chart_is_a_png_and_an_svg(recommendation):
    files = render_charts(recommendation)
    assert {path.rpartition(".")[0] for path in files} == {
        f"charts/{name}" for name in ("costs", "busiest-week", "stairs-api", "load-api")
    }
    for path, content in files.items():
        assert content.startswith(b"\x89PNG" if path.endswith(".png") else b"<?xml")


def test_the_same_result_gives_the_same_bytes(recommendation, charts):
    again = {chart.name: chart for chart in rendered_charts(recommendation)}
    assert {name: (c.png, c.svg) for name, c in again.items()} == {name: (c.png, c.svg) for name, c in charts.items()}


def test_svgs_fetch_nothing_and_run_nothing(charts):
    for chart in charts.values():
        text = chart.svg.decode()
        assert "<script" not in text
        assert not re.search(r'href="(?!#|data:image/png)', text)
        assert "DOCTYPE" not in text


def test_titles_are_findings_of_this_load(recommendation, charts):
    best = recommendation.recommended
    assert best.title in charts["costs"].title
    assert "api" in charts["stairs-api"].title


def test_money_axes_start_at_zero(recommendation):
    figure = advisor.plot_costs(recommendation)
    assert min(axes.get_xlim()[0] for axes in figure.axes) <= 0


def test_a_figure_can_be_saved_by_the_user(recommendation):
    file = io.BytesIO()
    advisor.plot_stairs(recommendation, "api").savefig(file, format="png")
    assert file.getvalue().startswith(b"\x89PNG")
