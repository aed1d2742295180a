"""EC2 with several capacity providers: offered where it saves, replayed and emitted like any other plan."""

import pytest

import advisor
from advisor.answer import answer
from advisor.ecs import LaunchType, PurchaseOption
from advisor.emit import (
    parse_cloudformation,
    parse_ecs,
    parse_terraform,
    render_cloudformation,
    render_ecs,
    render_terraform,
)
from advisor.optimize.loads import cost_usd

SERVICES = {  # name: (CPU units, MiB, tasks); s4 needs four times the memory for its CPU of the others
    "s0": (1024, 1663, 8), "s1": (256, 133, 17), "s2": (2048, 4173, 16), "s3": (1024, 2212, 9), "s4": (2048, 8660, 3),
    "s5": (1024, 521, 21), "s6": (256, 128, 21), "s7": (256, 237, 11), "s8": (256, 128, 5), "s9": (1024, 2016, 19),
}  # fmt: skip


def read(folder, services, more=""):
    lines = ["cluster: mix", "region: us-east-1", "services:"]
    for name, (cpu, memory, tasks) in services.items():
        task = f"task: {{cpu: {cpu}, memory: {memory}}}"
        lines.append(f"  - {{name: {name}, {task}, load: {{tasks: {tasks}}}, architectures: [X86_64, ARM64]}}")
    file = folder / "workload.yaml"
    file.write_text("\n".join([*lines, f"constraints: {{launch_types: [FARGATE, EC2]{more}}}"]))
    return advisor.read_workload(file)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    workload = read(tmp_path_factory.mktemp("mixed"), SERVICES)
    return answer(workload, advisor.read_catalog(workload.region))


@pytest.fixture(scope="module")
def result(mixed):
    return mixed.replayed(1).recommendation()


def choice_of(found, prefix):
    return next(choice for choice in found.found.for_cluster if choice.id.startswith(prefix))


def test_every_service_runs_once_on_providers_of_one_type_each(mixed):
    parts = choice_of(mixed, "cluster:ec2_mixed").parts
    names = [name for part in parts for name in part.services]
    assert sorted(names) == sorted(SERVICES)
    on_instances = [part.provider for part in parts if part.provider.launch_type is LaunchType.EC2]
    assert len(on_instances) >= 2
    assert all(len(provider.instance_types) == 1 and provider.min_instances == 2 for provider in on_instances)
    assert all(provider.purchase_option is PurchaseOption.ON_DEMAND for provider in on_instances)
    assert len({provider.instance_types for provider in on_instances}) == len(on_instances)


def test_the_mix_is_offered_because_it_saves_and_says_how_much(mixed):
    hours = mixed.found.common_hours
    choice = choice_of(mixed, "cluster:ec2_mixed")
    others = [
        cost_usd(mixed.search, other.parts, hours)
        for other in mixed.found.for_cluster
        if other.parts and not other.is_comparison and not other.id.startswith("cluster:ec2_mixed")
    ]
    usd = cost_usd(mixed.search, choice.parts, hours)
    assert usd < min(others) * 0.98
    assert choice.reasons == (
        f"2 capacity providers of one instance type each: {1 - usd / min(others):.0%} below the cheapest plan whose shared "
        "instances are of one type",
    )


def test_the_mix_is_replayed_provider_by_provider_and_recommended(result):
    best = result.recommended
    assert best.id.startswith("cluster:ec2_mixed")
    assert best.replay is not None
    assert best.monthly_usd.low == best.monthly_usd.high
    assert result.lower_bound["gap_fraction"] < 0.1


def test_the_mix_survives_every_format_that_knows_capacity_providers(result):
    plan = result.recommended.plan
    assert len(plan.capacity_providers) >= 2
    for render, parse in (
        (render_ecs, parse_ecs),
        (render_cloudformation, parse_cloudformation),
        (render_terraform, parse_terraform),
    ):
        assert parse(render(plan)) == plan


def test_services_of_one_shape_get_no_mix(tmp_path):
    same = {f"s{at}": (1024, 2048, 10) for at in range(4)}
    workload = read(tmp_path, same)
    found = answer(workload, advisor.read_catalog(workload.region)).found
    assert not [choice for choice in found.for_cluster if "ec2_mixed" in choice.id]


def test_the_constraint_on_types_binds_the_mix(tmp_path):
    workload = read(tmp_path, SERVICES, ', instance_types: ["m6g*"]')
    found = answer(workload, advisor.read_catalog(workload.region)).found
    types = {
        name
        for choice in found.for_cluster
        if "ec2_mixed" in choice.id
        for part in choice.parts
        for name in part.provider.instance_types
    }
    assert all(name.startswith("m6g") for name in types)
