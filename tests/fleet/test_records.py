"""What a fleet keeps of one workload: its saving with real draws, and every dollar at the service that causes it."""

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

import advisor
from advisor.answer import answer
from advisor.fleet import WorkloadRecord, fleet_of
from advisor.fleet.advised import all_on_fargate, record_of
from advisor.fleet.page import render_page
from advisor.fleet.tables import fleet_markdown, render_fleet
from tests.fleet.fleets import write_workload


def given_of(path, **options):
    workload = advisor.read_workload(path)
    return answer(workload, advisor.read_catalog(workload.region), **options)


def record_from(path):
    given = given_of(path)
    return record_of("a", given, given.recommendation())


def with_services(folder, services, more=""):
    path = write_workload(folder, level=5)
    text = path.read_text(encoding="utf-8")
    path.write_text(text[: text.index("services:")] + "services:\n" + services + more, encoding="utf-8")
    return path


def test_the_interval_of_a_saving_is_that_of_the_differences_of_draws():
    given = given_of("examples/shop/workload.yaml")
    found = given.recommendation()
    against = all_on_fargate(found, given.workload.services)
    assert found.recommendation.saving.against != against.id
    draws = {item.alternative.id: item.draws_usd for item in given.drawn_for_cluster().items}
    saved = draws[against.id] - draws[found.recommendation.alternative]
    saving = record_of("shop", given, found).saving
    assert_allclose([saving.p10, saving.p50, saving.p90], np.quantile(saved, [0.1, 0.5, 0.9]), rtol=1e-8)


def test_the_page_says_of_what_its_intervals_are():
    given = given_of("examples/shop/workload.yaml")
    fleet = fleet_of([record_of("shop", given, given.recommendation())], version="1")
    saving = fleet.totals.saving_fargate
    assert not saving.p10 < saving.mean < saving.p90  # the measured year and the next month are two loads
    for text in (render_page(fleet), render_fleet(fleet), fleet_markdown(fleet)):
        assert "next month $" in text.replace("\\", "")


NOW_AND_NOT = """
  - {name: web, task: {cpu: 512, memory: 1024}, load: {tasks: 4}, present: {launch_type: EC2}}
"""


def test_a_present_that_is_stated_without_its_instances_is_told_as_such(tmp_path):
    found = record_from(with_services(tmp_path / "a", NOW_AND_NOT))
    assert (found.now_usd, found.saving_against) == (None, "fargate")
    fleet = fleet_of([found], version="1")
    for text in (render_page(fleet), render_fleet(fleet), fleet_markdown(fleet)):
        plain = " ".join(text.split()).replace("\\", "")
        assert "does not say" not in plain
        assert "1 workload whose cost today is not known" in plain
        assert "what it costs is not known: a (present.instances)" in plain
    assert WorkloadRecord.from_json(found.to_json()).now_missing == found.now_missing


def test_the_totals_on_the_page_stand_beside_those_of_the_same_workloads(tmp_path):
    paths = [write_workload(tmp_path / name, level=5, present=name == "now") for name in ("now", "other")]
    fleet = fleet_of([replace(record_from(path), name=path.parent.name) for path in paths], version="1")
    page = render_page(fleet)
    assert page.count("<dt>the same at best</dt>") == 2
    assert fleet.totals.best_of_now_usd + fleet.totals.best_of_fargate_usd == pytest.approx(fleet.totals.best.mean)


CALLED_LIKE_INSTANCES = """
  - {name: batch, task: {cpu: 512, memory: 1024}, load: {tasks: 10}, present: {launch_type: EC2, desired_count: 10}}
  - {name: present-web, task: {cpu: 512, memory: 1024}, load: {tasks: 10},
     present: {launch_type: FARGATE, desired_count: 10}}
present: {instances: {m5.large: 4}}
"""


def test_a_service_called_like_the_instances_of_today_keeps_its_own_cost(tmp_path):
    path = with_services(tmp_path / "a", CALLED_LIKE_INSTANCES)
    now = {service.name: service.now_usd for service in record_from(path).services}
    assert now["present-web"] == pytest.approx(730 * 10 * (0.5 * 0.04048 + 0.004445))  # by hand
    assert now["batch"] > 4 * 730 * 0.096  # four m5.large, and their volumes


SAME_PLACE = """
  - {name: web, task: {cpu: 512, memory: 1024}, load: {tasks: 4}, present: {launch_type: EC2, desired_count: 4}}
present: {instances: {%s}}
constraints: {launch_types: [EC2], instance_types: [m5a.large]}
"""


@pytest.mark.parametrize(
    ("now", "change"),
    [("m5a.large: 40", "how many tasks or instances run"), ("m5.xlarge: 20", "m5.xlarge to m5a.large")],
)
def test_what_saves_without_a_move_is_an_effort_of_one_and_has_a_rank(tmp_path, now, change):
    found = record_from(with_services(tmp_path / "a", SAME_PLACE % now))
    (service,) = found.services
    assert (service.effort, service.changes) == (1, (change,))
    (ranked,) = fleet_of([found], version="1").services
    assert ranked.score == pytest.approx(service.saving_usd * found.probability)


HELD = """
commitments:
  - {kind: compute_savings_plan, usd_per_hour: 5, term_years: 1, payment: no_upfront}
"""


def test_what_is_not_used_of_held_commitments_is_shared_by_all_services(tmp_path):
    found = record_from(write_workload(tmp_path / "a", level=5, present=True, extra=HELD))
    assert found.best.mean > 5 * 730 * 0.99
    for whole, part in ((found.best.mean, "best_usd"), (found.now_usd, "now_usd"), (found.fargate_usd, "fargate_usd")):
        assert_allclose(math.fsum(getattr(service, part) for service in found.services), whole, rtol=1e-12)


def test_a_record_comes_back_from_its_file_as_it_was(tmp_path):
    for path in (write_workload(tmp_path / "a", level=5, present=True), write_workload(tmp_path / "b", level=5, hours=12)):
        # A plan is of strings once it was in a file, and usage lies beside the record.
        found = replace(record_from(path), plan=None, usage=None)
        assert WorkloadRecord.from_json(found.to_json()) == found
        assert found.notes
