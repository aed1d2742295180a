"""Once services have been replayed each stands where it is cheapest, and a plan has a rival where a service could move."""

import numpy as np
import pytest

import advisor

WORKLOAD = """
cluster: two
region: us-east-1
services:
  - {name: web, task: {cpu: 1024, memory: 2048}, load: {tasks: 7}, architectures: [ARM64]}
  - {name: legacy, task: {cpu: 1024, memory: 2048}, load: {tasks: 50}, architectures: [X86_64]}
daemons:
  - {name: agent, task: {cpu: 20, memory: 128}, architectures: %s}
"""


@pytest.fixture(scope="module", params=["[X86_64, ARM64]", "[X86_64]"])
def told(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("two") / "w.yaml"
    path.write_text(WORKLOAD % request.param)
    workload = advisor.read_workload(path)
    return advisor.advise(workload, advisor.read_catalog("us-east-1"))


def test_the_first_plan_costs_no_more_than_the_cheapest_choice_of_each_service_together(told):
    each = [
        min(a.monthly_usd.high for a in told.of_scope(name) if a.monthly_usd and not a.is_comparison)
        for name in ("web", "legacy")
    ]
    assert told.recommended.monthly_usd.high <= sum(each) + 1e-6


def test_legacy_goes_to_two_instances_and_web_to_fargate(told):
    """2 c6a.8xlarge at $1.224 and two volumes of $2.40 against 50 tasks at $0.04937 an hour; 7 ARM tasks at $0.0395 an hour."""
    assert told.recommended.title == "Fargate ARM64 + EC2 c6a.8xlarge (legacy)"
    expected = 730 * 2 * 1.224 + 2 * 2.4 + 730 * 7 * (0.03238 + 2 * 0.00356)
    assert told.recommended.monthly_usd.mean == pytest.approx(expected, rel=1e-3)
    assert told.recommendation.saving.against in [a.id for a in told.of_scope("cluster")]


def test_what_cannot_run_is_told_once_and_names_the_daemons(told):
    refused = [(a.title, a.reasons) for a in told.of_scope("cluster") if not a.feasible]
    assert len(refused) == len(set(refused))
    of_architecture = [reasons[0] for _, reasons in refused if "no candidate instance type is ARM64" in reasons[0]]
    assert all(reason.endswith("every instance runs the daemons agent, which are not") for reason in of_architecture)
    assert len(of_architecture) == (2 if len(told.of_scope("cluster")) < 5 else 0)


def test_a_plan_without_a_rival_is_held_against_the_one_in_which_a_service_moves(tmp_path):
    """Instances of the daemons' architecture only: no plan puts both services on instances."""
    path = tmp_path / "w.yaml"
    path.write_text((WORKLOAD % "[X86_64]").replace("tasks: 50", "tasks: 5"))
    found = advisor.advise(advisor.read_workload(path), advisor.read_catalog("us-east-1"))
    assert found.recommended.title == "Fargate ARM64 + Fargate X86_64 (legacy)"
    rival = found.alternative(found.recommendation.saving.against)
    assert rival.title.startswith("Fargate ARM64 + EC2")
    assert np.isfinite(rival.monthly_usd.mean)


SETS = """
cluster: sets
region: us-east-1
services:
  - {name: p, task: {cpu: 2048, memory: 4096}, load: {tasks: 2}}
  - {name: q, task: {cpu: 2048, memory: 10240}, load: {tasks: 2}}
  - {name: %s, task: {cpu: 1024, memory: 2048}, load: {tasks: 3}}
constraints: {instance_types: ["m5a.*", "m6i.*"]}
"""


@pytest.mark.parametrize("name", ["a", "z"])
def test_the_services_that_share_instances_do_not_hang_on_their_names(tmp_path, name):
    """p and q on 2 m5a.xlarge, the third on Fargate, by hand; equally steady services were once taken by name."""
    path = tmp_path / "w.yaml"
    path.write_text(SETS % name)
    found = advisor.advise(advisor.read_workload(path), advisor.read_catalog("us-east-1"))
    by_hand = 2 * (0.172 * 730 + 2.4) + 3 * 730 * (0.04048 + 2 * 0.004445)
    assert found.recommended.monthly_usd.mean == pytest.approx(by_hand, rel=1e-3)


def test_the_default_placement_is_recommended_where_it_needs_fewer_instances(tmp_path):
    """6 tasks that may not share an instance: packed first, 9 others leave them room on 1 of 3 m6i.large; spread, on 6 of 6."""
    path = tmp_path / "w.yaml"
    path.write_text(
        "cluster: spread\nregion: us-east-1\nservices:\n"
        "  - name: kafka\n    task: {cpu: 256, memory: 512}\n    load: {tasks: 6}\n    launch_types: [EC2]\n"
        "    placement_constraints: [{type: distinctInstance}]\n"
        "  - {name: web, task: {cpu: 512, memory: 1024}, load: {tasks: 9}}\n"
        "constraints: {instance_types: [m6i.large, m6i.xlarge]}\n"
    )
    found = advisor.advise(advisor.read_workload(path), advisor.read_catalog("us-east-1"))
    best = found.recommended
    assert (best.title, best.is_comparison) == ("EC2 shared m6i.large, default AZ spread", False)
    assert best.monthly_usd.mean == pytest.approx(6 * (0.096 * 730 + 2.4), rel=1e-3)
    rival = found.alternative(found.recommendation.saving.against)
    assert found.recommendation.saving.mean == pytest.approx(rival.monthly_usd.mean - best.monthly_usd.mean)
    assert {provider.placement.name for provider in best.plan.capacity_providers.values()} == {"DEFAULT_SPREAD"}
