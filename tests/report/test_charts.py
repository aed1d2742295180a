"""Charts: what they show, that their words fit, that they are the same each time and lead nowhere."""

import itertools
import math
import pickle
import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_hex
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle, StepPatch
from matplotlib.text import Text
from numpy.testing import assert_allclose, assert_array_equal

from advisor import (
    Recommendation,
    plot_busiest_week,
    plot_cheapest_map,
    plot_costs,
    plot_load,
    plot_loads,
    plot_packing,
    plot_replayed_week,
    plot_sensitivity,
    plot_stairs,
)
from advisor.ecs import LaunchType
from advisor.errors import InputError
from advisor.recommend.result import ServiceView, Stairs
from advisor.report.charts import render_charts, rendered_charts
from advisor.report.charts.costs import BAR_PX, INTERVAL_PX
from advisor.report.charts.render import file_names
from advisor.report.charts.series import bin_hours_for, gaps, low_and_high, time_ticks
from advisor.report.charts.steps import ec2_for_good, steps
from advisor.report.charts.style import COLOURS, LOAD_COLOUR, chart_style, mixed_with_black, mixed_with_white
from advisor.report.charts.text import broken, ellipsized, text_width, wrapped
from advisor.report.charts.week import busiest_week
from tests.report.results import HELD, LONG, MANY, PACKED, SHORT, SPOT, TAGS, UNPRICED, explored_shop, hostile, shop, small

SVG = "{http://www.w3.org/2000/svg}"
RESULTS = {
    "shop": explored_shop,
    "packed": lambda: small(PACKED),
    "spot": lambda: small(SPOT),
    "unpriced": lambda: small(UNPRICED),
    "short": lambda: small(SHORT),
    "twelve long names": lambda: small(MANY),
    "hostile": hostile,
}
STAIRS = Stairs(
    fargate_usd_per_task_hour=0.11,
    fargate_title="Fargate ARM64",
    instance_type="m7g.large",
    usd_per_instance_hour=0.30,
    tasks_per_instance=3,
    zones=2,
)
CHANGED = ("tasks_per_instance", "zones", "fargate_usd_per_task_hour", "usd_per_instance_hour")


def with_service(recommendation: Recommendation, **changes: object) -> Recommendation:
    """Its first service changed."""
    first, *others = recommendation.views.services
    return replace(recommendation, views=replace(recommendation.views, services=(replace(first, **changes), *others)))


def with_hours(recommendation: Recommendation, tasks: list[float | None], start: str = "2026-03-02T00:00:00+00:00"):
    """Its first service with other tasks over time, the same number as load."""
    changed = with_service(recommendation, hourly_load=tuple(tasks), hourly_tasks=tuple(tasks), load_form="requests")
    return replace(changed, views=replace(changed.views, start=start))


def steps_in(axes):
    return [patch for patch in axes.patches if isinstance(patch, StepPatch)]


def words_of(figure) -> str:
    return " ".join(text.get_text() for text in figure.texts)


def figures_of(recommendation: Recommendation):
    service = recommendation.views.services[0].name
    yield plot_costs(recommendation)
    yield plot_busiest_week(recommendation)
    yield plot_replayed_week(recommendation)
    yield plot_packing(recommendation)
    yield plot_loads(recommendation)
    yield plot_cheapest_map(recommendation)
    if recommendation.sensitivity is not None:
        yield plot_sensitivity(recommendation.sensitivity)
    yield plot_stairs(recommendation, service)
    yield plot_load(recommendation, service)


# --- stairs and line ------------------------------------------------------------------------------------------------------


def test_instances_are_paid_whole_and_in_every_zone_tasks_one_by_one():
    costs = steps(STAIRS, 10)
    # By hand: two instances for the two zones hold 6 tasks, 3 tasks fit on each one more.
    assert_allclose(costs.ec2_usd_per_hour, [0, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.9, 0.9, 0.9, 1.2])
    assert_allclose(costs.fargate_usd_per_hour, [0, 0.11, 0.22, 0.33, 0.44, 0.55, 0.66, 0.77, 0.88, 0.99, 1.10])


def test_crossings_are_the_counts_at_which_the_cheaper_launch_type_changes():
    # By hand from the rates above: EC2 at 6, Fargate at 7, EC2 at 9, Fargate at 10, ..., and from 20 on EC2.
    assert steps(STAIRS, 25).crossings == [6, 7, 9, 10, 11, 13, 14, 16, 17, 19, 20]
    assert ec2_for_good(STAIRS, 25) == 20
    assert ec2_for_good(STAIRS, 18) is None


@given(k=st.integers(1, 12), zones=st.integers(1, 3), instance=st.floats(0.01, 2), task=st.floats(0.01, 0.5))
def test_from_where_on_ec2_is_cheaper_for_good(k, zones, instance, task):
    assume(abs(instance - task * k) > 0.02 * instance)  # nearer, the stairs and the line part later than the oracle looks
    stairs = replace(STAIRS, tasks_per_instance=k, zones=zones, usd_per_instance_hour=instance, fargate_usd_per_task_hour=task)
    is_ec2 = [max(math.ceil(n / k), zones) * instance < task * n * (1 - 1e-9) for n in range(1, 2_000)]
    others = [n for n, ec2 in enumerate(is_ec2, start=1) if not ec2]
    expected = others[-1] + 1 if others and others[-1] < 60 else None
    assert ec2_for_good(stairs, 60) == expected


def test_the_stairs_that_are_drawn_are_those_of_the_counts():
    figure = plot_stairs(shop(), "worker")
    stairs = next(view for view in shop().views.services if view.name == "worker").stairs
    (patch,) = steps_in(figure.axes[0])
    values, edges, _ = patch.get_data()
    counts = np.arange(1, int(edges[-1]) + 1)
    drawn = values[np.searchsorted(edges, counts) - 1]
    assert_allclose(drawn, [max(-(-n // 30), 2) * stairs.usd_per_instance_hour for n in counts])
    line = max(figure.axes[0].lines, key=lambda line: len(line.get_xdata()))
    assert_allclose(line.get_ydata(), line.get_xdata() * stairs.fargate_usd_per_task_hour)


def test_the_bars_under_the_stairs_are_the_hours_of_each_count():
    figure = plot_stairs(shop(), "search")
    hours = next(view for view in shop().views.services if view.name == "search").task_hours
    bars = [patch for patch in figure.axes[1].patches if isinstance(patch, Rectangle)]
    drawn = {round(bar.get_x() + bar.get_width() / 2): bar.get_height() for bar in bars}
    assert drawn == {int(count): lasting for count, lasting in hours.items()}


def test_many_counts_are_folded_into_bars_that_keep_their_hours():
    lasting = {str(count): 0.5 for count in range(100, 1_560)}
    figure = plot_stairs(with_service(small(PACKED), task_hours=lasting), small(PACKED).views.services[0].name)
    bars = figure.axes[1].patches
    assert len(bars) <= 100
    assert sum(bar.get_height() for bar in bars) == pytest.approx(730)


def test_the_title_of_the_stairs_follows_the_bill_when_the_hour_says_otherwise():
    # As with burstable instances: cheap by the hour, made dear by surplus credits that only the bill knows.
    view = shop().views.services[0]
    cheap = with_service(shop(), stairs=replace(view.stairs, usd_per_instance_hour=0.001))
    figure = plot_stairs(cheap, view.name)
    cheaper = f"EC2 {view.stairs.instance_type} is cheaper"
    assert figure.finding == f"{cheaper} at every count that storefront runs, by the month Fargate"
    assert "instances outlast their tasks, which the stairs leave out" in words_of(figure)


def test_where_the_other_hours_outweigh_the_most_the_stairs_say_that():
    """Two tasks for 400 hours cost 1.9 against 2, three tasks for 330 hours 3.8 against 3."""
    few = replace(STAIRS, tasks_per_instance=2, zones=1, fargate_usd_per_task_hour=0.1, usd_per_instance_hour=0.19)
    stairs = replace(shop().views.services[0].stairs, **{name: getattr(few, name) for name in CHANGED})
    figure = plot_stairs(with_service(shop(), stairs=stairs, task_hours={"2": 400.0, "3": 330.0}), "storefront")
    assert "is cheaper in 55 % of the hours of storefront, by the month Fargate" in figure.finding
    assert "the other hours differ by more" in words_of(figure)
    assert "outlast" not in words_of(figure)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"fargate_usd_per_task_hour": None}, "Fargate"),
        ({"usd_per_instance_hour": None, "instance_type": None, "tasks_per_instance": None}, "EC2"),
        ({"fargate_usd_per_task_hour": None, "usd_per_instance_hour": None, "tasks_per_instance": None}, "Fargate"),
    ],
)
def test_stairs_without_a_price_say_so(changes, words):
    view = shop().views.services[0]
    figure = plot_stairs(with_service(shop(), stairs=replace(view.stairs, **changes)), view.name)
    assert words in figure.finding
    assert "nothing to compare" in figure.finding


@pytest.mark.parametrize("task_hours", [{}, {"0": 730.0}])
def test_a_service_that_never_ran_has_a_chart_that_says_so(task_hours):
    view = shop().views.services[0]
    nothing = (None,) * 48 if not task_hours else (0.0,) * 48
    idle = with_service(shop(), task_hours=task_hours, hourly_load=nothing, hourly_tasks=nothing)
    assert (
        "no load was measured" in plot_stairs(idle, view.name).finding or "ran no tasks" in plot_stairs(idle, view.name).finding
    )
    assert plot_load(idle, view.name).finding
    assert plot_loads(idle).finding


# --- costs ----------------------------------------------------------------------------------------------------------------


def test_a_strip_under_each_bar_is_the_interval_of_the_draws():
    recommendation = RESULTS["shop"]()
    (axes,) = plot_costs(recommendation).axes
    strips = [(p.get_x(), p.get_x() + p.get_width()) for p in axes.patches if p.get_height() == INTERVAL_PX]
    monthly = [a.monthly_usd for a in recommendation.of_scope("cluster") if a.monthly_usd is not None]
    assert_allclose(strips, [(each.p10, each.p90) for each in monthly])
    assert not axes.lines


@pytest.mark.parametrize("name", ["shop", "packed", "spot"])
def test_bars_add_up_to_the_mean_of_the_month(name):
    recommendation = RESULTS[name]()
    (axes,) = plot_costs(recommendation).axes
    bars: dict[float, float] = {}
    for patch in axes.patches:
        if patch.get_height() == BAR_PX:
            bars[patch.get_y()] = bars.get(patch.get_y(), 0.0) + patch.get_width()
    expected = [a.monthly_usd.mean for a in recommendation.of_scope("cluster") if a.monthly_usd is not None]
    if recommendation.present is not None:
        expected.append(recommendation.present.monthly_usd.mean)
    assert_allclose([bars[y] for y in sorted(bars)], expected)


def test_an_alternative_without_a_price_is_a_row_that_says_so():
    recommendation = small(UNPRICED)
    (axes,) = plot_costs(recommendation).axes
    unpriced = [a.title for a in recommendation.of_scope("cluster") if a.monthly_usd is None]
    words = [text.get_text() for text in axes.texts]
    assert unpriced
    assert all(title in words for title in unpriced)
    assert sum(word.startswith("no price in us-west-2") for word in words) == len(unpriced)


def test_each_part_of_a_mixed_plan_has_the_colour_of_its_launch_type():
    (axes,) = plot_costs(shop()).axes
    best = min(patch.get_y() for patch in axes.patches)
    colours = {to_hex(patch.get_facecolor()) for patch in axes.patches if patch.get_y() == best}
    assert {COLOURS[LaunchType.EC2].lower(), COLOURS[LaunchType.FARGATE].lower()} <= colours


def test_the_recommended_one_is_saturated_and_no_other():
    (axes,) = plot_costs(shop()).axes
    best = min(patch.get_y() for patch in axes.patches)
    pure = {colour.lower() for colour in COLOURS.values()}
    assert {patch.get_y() for patch in axes.patches if to_hex(patch.get_facecolor()) in pure} == {best}


def test_spot_is_hatched():
    (axes,) = plot_costs(small(SPOT)).axes
    best = min(patch.get_y() for patch in axes.patches)
    assert {bool(patch.get_hatch()) for patch in axes.patches if patch.get_y() == best} == {True}
    assert {bool(patch.get_hatch()) for patch in axes.patches if patch.get_y() != best} == {False}


def test_what_is_held_is_told_from_what_runs_on_demand():
    figure = plot_costs(small(HELD))
    assert {"Commitments held", "not used", "under commitments"} <= {text.get_text() for text in figure.texts}
    (axes,) = figure.axes
    best = min(patch.get_y() for patch in axes.patches)
    covered, unused = (patch for patch in axes.patches if patch.get_y() == best and patch.get_height() == BAR_PX)
    assert to_hex(covered.get_facecolor()) == mixed_with_black(COLOURS[LaunchType.FARGATE], 0.6)
    assert to_hex(unused.get_facecolor()) == mixed_with_white(LOAD_COLOUR, 0.5)


# --- load and busiest week ------------------------------------------------------------------------------------------------


@given(
    values=st.lists(st.one_of(st.none(), st.floats(0, 1e6)), min_size=1, max_size=300),
    bin_hours=st.sampled_from([1, 6, 24, 168]),
    offset=st.integers(0, 23),
)
def test_bins_lose_no_peak_and_no_gap(values, bin_hours, offset):
    series = np.array([np.nan if value is None else value for value in values], dtype=float)
    edges, low, high = low_and_high(series, bin_hours, offset % bin_hours)
    assert_array_equal([edges[0], edges[-1]], [0, series.size])
    for first, end, least, most in zip(edges[:-1].astype(int), edges[1:].astype(int), low, high, strict=True):
        inside = series[first:end][~np.isnan(series[first:end])]
        assert_array_equal([least, most], [inside.min(), inside.max()] if inside.size else [np.nan, np.nan])


def test_a_gap_is_left_out_of_the_line_and_hatched():
    tasks = [3.0] * 20 + [None] * 30 + [5.0] * 22
    name = small(SHORT).views.services[0].name
    figure = plot_load(with_hours(small(SHORT), tasks), name)
    for axes in figure.axes:
        (band,) = [patch for patch in axes.patches if patch.get_hatch()]
        assert (band.get_x(), band.get_width()) == (20, 30)
        for patch in steps_in(axes):
            assert_array_equal(np.isnan(patch.get_data().values), [value is None for value in tasks])
        assert "no data" in [text.get_text() for text in axes.texts]


def test_gaps_are_found():
    assert gaps(np.array([np.nan, 1, np.nan, np.nan, 2, np.nan])) == [(0, 1), (2, 4), (5, 6)]
    assert gaps(np.array([1.0])) == []


def test_a_year_is_a_heat_map_of_weeks_by_hours_of_the_week():
    view = next(view for view in shop().views.services if view.name == "chat")
    figure = plot_load(shop(), "chat")
    image = np.asarray(next(each for each in figure.axes[0].get_images() if isinstance(each, AxesImage)).get_array())
    start = datetime.fromisoformat(shop().views.start)
    assert image.shape == (168, -(-(start.weekday() * 24 + start.hour + len(view.hourly_load)) // 168), 4)
    for hour in (0, 1_000, 8_000):
        column, row = divmod(start.weekday() * 24 + start.hour + hour, 168)
        grey = 240 + (26 - 240) * (view.hourly_load[hour] or 0.0) / max(value or 0.0 for value in view.hourly_load)
        assert image[row, column, 0] == pytest.approx(grey, abs=1)
    n_gaps = sum(value is None for value in view.hourly_load)
    assert (image[..., 3] == 0).sum() == n_gaps > 0  # a gap is clear, zero is not


def test_the_peak_is_named_with_its_time():
    tasks = [2.0] * 200
    tasks[87] = 41.0
    figure = plot_load(with_hours(small(SHORT), tasks), small(SHORT).views.services[0].name)
    assert "41 tasks, Thu 5 Mar, 15:00" in [text.get_text() for text in figure.axes[-1].texts]


def test_the_busiest_week_is_the_one_with_most_instance_hours():
    start = datetime(2026, 3, 2, 5, tzinfo=UTC)
    instances = np.full(24 * 30, 2.0)
    instances[300:340] = 9
    tasks = np.ones_like(instances)
    week = busiest_week(instances, tasks, start)
    assert week.stop - week.start == 168
    assert week.start <= 300
    assert week.stop >= 340
    assert (start + timedelta(hours=week.start)).hour == 0
    assert busiest_week(instances[:30], tasks[:30], start) == slice(0, 30)


def test_among_equal_weeks_the_one_with_most_tasks():
    tasks = np.ones(24 * 30)
    tasks[400] = 5
    week = busiest_week(np.full(24 * 30, 2.0), tasks, datetime(2026, 3, 2, tzinfo=UTC))
    assert week.start <= 400 < week.stop


def test_the_busiest_week_shows_instances_against_their_bound():
    recommendation = shop()
    view = recommendation.views.instances
    figure = plot_busiest_week(recommendation)
    instances, bound = (patch.get_data().values for patch in steps_in(figure.axes[1]))
    week = busiest_week(
        np.array([np.nan if value is None else value for value in view.hourly_instances]),
        np.array([np.nan if value is None else value for value in view.hourly_tasks]),
        datetime.fromisoformat(recommendation.views.start),
    )
    assert_array_equal(instances, np.array(view.hourly_instances[week], dtype=float))
    assert_array_equal(bound, np.array(view.hourly_bound[week], dtype=float))


def test_where_fargate_is_recommended_the_busiest_week_says_what_it_shows():
    texts = [text.get_text() for text in plot_busiest_week(small(SHORT)).texts]
    assert any("the cheapest alternative with instances. Recommended is Fargate" in text for text in texts)


def test_without_an_alternative_on_instances_there_is_a_sentence():
    recommendation = replace(shop(), views=replace(shop().views, instances=None))
    assert "No alternative on instances" in plot_busiest_week(recommendation).finding


def test_a_service_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(InputError, match=r"no service 'nope'.*storefront, search"):
        plot_load(shop(), "nope")
    with pytest.raises(InputError, match="no service 'nope'"):
        plot_stairs(shop(), "nope")


@given(
    start=st.integers(0, 24 * 3_650).map(lambda hours: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(hours=hours)),
    n_hours=st.integers(1, 24 * 800),
    width=st.floats(120, 900),
)
def test_dates_on_an_axis_do_not_touch(start, n_hours, width):
    ticks = time_ticks(start, n_hours, width)
    assert ticks
    assert all(0 <= hour <= n_hours for hour, _ in ticks)
    middles = [(hour / n_hours * width, text_width(label, 8.0)) for hour, label in ticks]
    for (a, wide_a), (b, wide_b) in itertools.pairwise(middles):
        assert b - a > min(wide_a, wide_b) / 2
    assert n_hours / bin_hours_for(n_hours, width) <= width


# --- every chart ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RESULTS)
def test_all_words_are_inside_and_none_cover_others(name):
    for figure in figures_of(RESULTS[name]()):
        figure.canvas.draw()
        renderer, canvas = figure.canvas.get_renderer(), figure.bbox
        with chart_style():
            texts = [text for text in figure.findobj(Text) if text.get_text().strip() and text.get_visible()]
            boxes = [(text.get_text(), Text.get_window_extent(text, renderer)) for text in texts]
        for text, box in boxes:
            assert canvas.x0 <= box.x0, text
            assert box.x1 <= canvas.x1, text
            assert canvas.y0 <= box.y0, text
            assert box.y1 <= canvas.y1, text
        for (a, box_a), (b, box_b) in itertools.combinations(boxes, 2):
            wide = min(box_a.x1, box_b.x1) - max(box_a.x0, box_b.x0)
            high = min(box_a.y1, box_b.y1) - max(box_a.y0, box_b.y0)
            assert wide <= 1 or high <= 2, f"{figure.finding}: {a!r} covers {b!r}"


@pytest.mark.parametrize("name", ["shop", "spot", "short"])
def test_quantities_start_at_zero_and_have_units(name):
    for figure in figures_of(RESULTS[name]()):
        panels = [axes for axes in figure.axes if axes.get_ylabel() and not axes.get_images()]
        assert all(axes.get_ylim()[0] == 0 for axes in panels)
        assert all(re.match("Dollars|Hours|Tasks|Instances|Load, ", axes.get_ylabel()) for axes in panels)
    (axes,) = plot_costs(RESULTS[name]()).axes
    assert axes.get_xlim()[0] == 0
    assert axes.get_xlabel() == "dollars a month"


def test_every_chart_names_its_source_and_the_date_of_the_prices():
    for figure in figures_of(shop()):
        texts = [text.get_text() for text in figure.texts]
        assert any(text.startswith(f"Source: prices of {shop().run.catalog['newest']} in us-east-1") for text in texts)


def test_a_launch_type_has_one_colour_everywhere():
    ec2 = COLOURS[LaunchType.EC2].lower()
    assert to_hex(steps_in(plot_stairs(shop(), "worker").axes[0])[0].get_edgecolor()) == ec2
    assert to_hex(steps_in(plot_busiest_week(shop()).axes[1])[0].get_edgecolor()) == ec2
    assert ec2 in {to_hex(patch.get_facecolor()) for patch in plot_costs(shop()).axes[0].patches}


def test_the_same_bytes_again_whatever_the_settings_of_the_user(monkeypatch):
    first = render_charts(small(SHORT))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    with mpl.rc_context({"font.size": 20, "axes.facecolor": "black", "svg.fonttype": "path", "savefig.dpi": 30}):
        assert render_charts(small(SHORT)) == first


def test_settings_of_the_user_are_left_as_they_were():
    with mpl.rc_context({"font.size": 17}):
        plot_costs(small(SHORT))
        render_charts(small(SHORT))
        assert mpl.rcParams["font.size"] == 17


def test_charts_need_no_pyplot_and_no_matplotlib_before_the_first_one():
    code = (
        "import sys, pickle; import advisor.report.charts as charts; assert 'matplotlib' not in sys.modules;"
        "result = pickle.load(sys.stdin.buffer); charts.plot_costs(result); assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], input=pickle.dumps(small(SHORT)), check=True)


def test_a_user_saves_a_figure_as_any_other(tmp_path):
    for suffix in ("png", "svg", "pdf"):
        plot_stairs(small(SHORT), "web").savefig(tmp_path / f"stairs.{suffix}")
        assert (tmp_path / f"stairs.{suffix}").stat().st_size > 1_000


def test_a_notebook_shows_a_figure_by_itself():
    png, size = plot_costs(small(SHORT))._repr_png_()
    assert png.startswith(b"\x89PNG")
    assert size["width"] == 800


# --- files ----------------------------------------------------------------------------------------------------------------


def test_every_chart_is_a_png_and_an_svg():
    paths = sorted(render_charts(small(SHORT)))
    names = ["busiest-week", "costs", "load-web", "packing", "stairs-web"]
    assert paths == [f"charts/{name}.{suffix}" for name in names for suffix in ("png", "svg")]
    assert "charts/loads.svg" in render_charts(small(PACKED), services=())


def test_charts_of_chosen_services_alone():
    names = {chart.name for chart in rendered_charts(small(PACKED), services=("jobs",))}
    assert names == {"costs", "busiest-week", "packing", "replayed-week", "loads", "load-jobs", "stairs-jobs"}


@pytest.mark.parametrize("name", ["short", "hostile"])
def test_svgs_are_whole_and_lead_nowhere(name):
    for chart in rendered_charts(RESULTS[name]()):
        text = chart.svg.decode("utf-8")
        root = ElementTree.fromstring(text)  # noqa: S314
        assert root.findtext(f"{SVG}title") == chart.title
        assert "<!DOCTYPE" not in text
        assert "<metadata" not in text
        assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
            "svg", "title", "g", "path", "defs", "use", "text", "tspan", "image", "clipPath", "rect", "pattern",
        }  # fmt: skip
        for element in root.iter():
            for key, value in element.attrib.items():
                if key.endswith("href"):
                    assert value.startswith(("#", "data:image/png;base64,"))
                assert not key.startswith("on")
                assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)\)", value))


def test_ids_of_several_charts_do_not_meet_in_one_page():
    ids = [set(re.findall(r'\bid="([^"]*)"', chart.svg.decode())) for chart in rendered_charts(small(SHORT))]
    assert all(ids)
    assert sum(map(len, ids)) == len(set().union(*ids))


def test_text_in_an_svg_is_text_as_it_was_written():
    svgs = {chart.name: ElementTree.fromstring(chart.svg) for chart in rendered_charts(hostile())}  # noqa: S314
    words = {name: " ".join(svg.itertext()) for name, svg in svgs.items()}
    assert "$" in words["costs"]
    assert '"><script>alert(1)</script><img src=x' in words["loads"]
    texts = [element for svg in svgs.values() for element in svg.iter(f"{SVG}text")]
    assert all("sans-serif" in element.get("style", "") for element in texts)


@pytest.mark.parametrize("name", ["a_b^c", r"a\frac{b}{c}", "$x$ and $y$", "<&>", "a%b"])
def test_no_name_is_taken_for_a_formula(name):
    figure = plot_load(with_service(small(SHORT), name=name), name)
    assert figure.finding.startswith(name)
    assert not figure.findobj(lambda artist: isinstance(artist, Text) and artist.get_parse_math())


@given(st.lists(st.one_of(st.text(max_size=8), st.from_regex(r"\A[A-Za-z0-9_-]{1,255}\Z")), unique=True, max_size=8))
def test_names_of_files_are_safe_and_differ_also_where_capitals_do_not_count(services):
    names = file_names(services)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,80}", name) for name in names)
    assert len({name.casefold() for name in names}) == len(services)


@pytest.mark.parametrize("name", ["web", "a_b-C9", "x" * 64])
def test_a_short_name_that_ecs_allows_is_kept(name):
    assert file_names([name]) == [name]


@pytest.mark.parametrize("name", ["../web", "web/../../x", ".", "", "con\0", TAGS, LONG, "a b"])
def test_any_other_name_is_not_part_of_a_path(name):
    (safe,) = file_names([name])
    assert re.fullmatch(r"service-[0-9a-f]{8}", safe)


# --- words that fit -------------------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(text=st.text(st.characters(codec="utf-8"), max_size=80), width=st.floats(60, 700))
def test_shortened_text_fits(text, width):
    assert text_width(ellipsized(text, width)) <= width
    assert all(text_width(line) <= width for line in wrapped(text, width))
    assert all(text_width(line) <= width for line in broken(text, width))


def test_names_are_shortened_in_the_middle():
    name = "payments-eu-west-1-settlement-and-reconciliation-worker-0042"
    short = ellipsized(name, 200)
    assert short.startswith("payments")
    assert short.endswith("0042")


def test_a_service_view_has_all_that_the_charts_read():
    assert {"hourly_load", "hourly_tasks", "task_hours", "stairs", "load_unit"} <= set(ServiceView.__dataclass_fields__)
