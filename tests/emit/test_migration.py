"""The page that leads from what runs today to the plan."""

import re
from dataclasses import replace

import pytest

from advisor.answer import advise
from advisor.ecs import LaunchType
from advisor.emit.migration import PAGE, migration_files, migration_page
from advisor.workload import Constraints, PresentService
from tests.gate.changes import CATALOG, ON_EC2, ON_FARGATE, instances, web, workload


def answer(*services, present, cluster=None, to):
    load = workload(*services, present=present, cluster=cluster)
    constraints = Constraints(launch_types=(to,), instance_types=("*.*",))
    return advise(replace(load, constraints=constraints), CATALOG)


def to_fargate():
    """Two services on four instances; one is to be three times as dear as the other."""
    services = (web(), web(name="api", demand=[6144.0] * 336))
    return answer(*services, present=ON_EC2, cluster=instances(m5_large=4), to=LaunchType.FARGATE)


def to_ec2():
    fargate = PresentService(launch_type=LaunchType.FARGATE, desired_count=4)
    return answer(web(), present=fargate, to=LaunchType.EC2)


def test_from_instances_to_fargate():
    """4 instances x 24 h x $0.1 and their volumes, 4 x 30 GiB x $0.08 / 730 h x 24 h: $9.92 a day, $69.41 a week."""
    page = migration_page(to_fargate())
    assert page is not None
    assert "| today's instances, until they are ended | $9.92 | $69.41 | $138.82 |" in page
    assert page.index("1. `web`: $140.16 a month") < page.index("2. `api`: $420.48 a month")
    assert "16 vCPU" in page  # 4 and 12 tasks of one vCPU
    assert "capacityProvider=FARGATE,base=0,weight=1" in page
    assert "TODAYS_PROVIDER" in page
    assert "--desired-count " not in re.sub(r"Leave `--desired-count` out", "", page)


def test_from_fargate_to_instances():
    """The plan's two instances before tasks run on them: 2 x 24 x $0.1 + 2 x 30 x $0.08 / 730 x 24 = $4.96 a day."""
    page = migration_page(to_ec2())
    assert page is not None
    assert "| `web` | Fargate | EC2, capacity provider `web-m5-large` |" in page
    assert "| the plan's instances, before tasks run on them | $4.96 | $34.70 | $69.41 |" in page
    assert "put-cluster-capacity-providers" in page
    assert "capacityProvider=web-m5-large" in page
    assert "Nothing is left to end on Fargate" in page
    assert "capacityProvider=FARGATE" in page.split("## Way back")[1]


def test_every_page_has_its_sections_in_order():
    for page in (migration_page(to_fargate()), migration_page(to_ec2())):
        titles = re.findall(r"^## (.*)$", page or "", re.MULTILINE)
        assert titles == ["Order", "Cost of running double", "Steps", "Way back"]
        numbers = re.findall(r"^(\d+)\. ", (page or "").split("## Steps")[1], re.MULTILINE)
        assert numbers == [str(number) for number in range(1, len(numbers) + 1)]


@pytest.mark.parametrize("present", [None, replace(ON_FARGATE, desired_count=4)])
def test_no_page_where_nothing_moves_or_nobody_said_what_runs(present):
    found = answer(web(), present=present, to=LaunchType.FARGATE)
    assert migration_page(found) is None
    assert migration_files(found) == {}


def test_the_page_is_one_of_the_files_of_a_result():
    from advisor.cli.results import EmitFormat, result_files

    assert PAGE in result_files(to_fargate(), [EmitFormat.ECS])
