"""Bills worked out by hand, with the real catalog."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

import advisor
from advisor.ecs import Architecture, PurchaseOption, TaskSize
from advisor.workload import LoadForm, Scaling, Service, Workload


def stated(tasks, cpu, memory, **more):
    service = Service(
        name="worker",
        task=TaskSize(cpu_units=cpu, memory_mib=memory),
        load_form=LoadForm.TASKS,
        scaling=Scaling(min_tasks=1),
        is_stated=True,
        **more,
    )
    start = datetime(2024, 1, 1, tzinfo=UTC)
    return Workload(
        cluster="c", region="us-east-1", services=(service,), start=start, step_s=3600, demand=np.full((1, 168), tasks, float)
    )


@pytest.fixture(scope="module")
def worker():
    return advisor.advise(stated(60, 256, 512), advisor.read_catalog("us-east-1"))


def line_items(recommendation, alternative_id):
    return {item.meter: item for item in recommendation.alternative(alternative_id).bill.line_items}


def test_sixty_small_tasks_on_fargate(worker):
    """60 x 730 h x (0.25 vCPU x $0.04048 + 0.5 GiB x $0.004445) = 43,800 x $0.0123425 = $540.60."""
    assert worker.alternative("worker:fargate_x86_64").monthly_usd.mean == pytest.approx(540.6015)


def test_sixty_small_tasks_on_two_instances(worker):
    """30 x 512 MiB fit on a c6a.2xlarge; 2 x 730 h x $0.306 = $446.76 and 2 x 30 GiB x $0.08 = $4.80."""
    items = line_items(worker, "worker:ec2:x86_64:on_demand")
    instances, volume = items["ec2:linux:on_demand:c6a.2xlarge"], items["ebs:gp3:gib_month"]
    assert (instances.quantity, instances.rate_usd) == (pytest.approx(1460), 0.306)
    assert instances.amount_usd == pytest.approx(446.76)
    assert (volume.quantity, volume.amount_usd) == (pytest.approx(60), pytest.approx(4.80))
    monthly = worker.alternative("worker:ec2:x86_64:on_demand").monthly_usd
    assert (monthly.low, monthly.high) == (pytest.approx(451.56), pytest.approx(451.56))


def test_sixty_small_tasks_without_a_replay_are_a_range():
    answer = advisor.advise(stated(60, 256, 512), advisor.read_catalog("us-east-1"), replay_weeks=0)
    monthly = answer.alternative("worker:ec2:x86_64:on_demand").monthly_usd
    assert (monthly.low, monthly.high) == (pytest.approx(451.56), pytest.approx(451.56 * 1.05))


def test_tasks_that_fill_three_instances_on_paper_need_four_under_ecs_s_placement():
    """17 x (256, 900), 9 x (700, 300) and 5 x (300, 1900) are 12,152 CPU units: 98.9 % of three m5a.xlarge.

    Spread over two zones, one task after the other, they need a fourth one, so that two c6a.2xlarge at $446.76 and $4.80 for
    their volumes beat four m5a.xlarge at 4 x 730 h x $0.172 = $502.24.
    """
    names = {"api": (17, 256, 900), "jobs": (9, 700, 300), "cache": (5, 300, 1900)}
    one = stated(60, 256, 512)
    services = tuple(
        replace(one.services[0], name=name, task=TaskSize(cpu_units=cpu, memory_mib=memory))
        for name, (_, cpu, memory) in names.items()
    )
    demand = np.stack([np.full(168, float(n)) for n, _, _ in names.values()])
    workload = replace(one, services=services, demand=demand)
    catalog = advisor.read_catalog("us-east-1")
    packed = advisor.advise(workload, catalog, replay_weeks=0).alternative("cluster:ec2_shared:x86_64:on_demand")
    replayed = advisor.advise(workload, catalog).alternative("cluster:ec2_shared:x86_64:on_demand")
    assert packed.title == "EC2 shared m5a.xlarge"
    assert packed.monthly_usd.mean == pytest.approx(3 * (730 * 0.172 + 30 * 0.08))
    assert replayed.title == "EC2 shared c6a.2xlarge"
    assert replayed.monthly_usd.mean == pytest.approx(2 * (730 * 0.306 + 30 * 0.08))


def test_managed_instances_add_an_eighth_of_the_price(worker):
    """12 % of $0.306 is $0.03672 an instance-hour: $53.61 for 1,460 of them."""
    fee = line_items(worker, "worker:managed_instances:x86_64:on_demand")["ecs_managed_instances:fee:c6a.2xlarge"]
    assert (fee.rate_usd, fee.amount_usd, fee.is_derived) == (pytest.approx(0.03672), pytest.approx(53.6112), True)


def test_the_answer_of_the_worker(worker):
    assert worker.recommendation.services[0].instance_types == ("c6a.2xlarge",)
    against = worker.alternative(worker.recommendation.saving.against)
    assert against.title == "Managed Instances c6a.2xlarge, fee derived"
    assert worker.recommendation.saving.mean == pytest.approx(53.6112)


@pytest.mark.parametrize(
    ("tasks", "steps_a_day", "cpu", "memory", "storage_gib", "architecture", "cents"),
    [
        (5, 1, 1024, 2048, 30, Architecture.X86_64, [101, 22, 3]),
        (5, 1, 1024, 2048, 30, Architecture.ARM64, [81, 18, 3]),
        (10, 6, 256, 1024, 20, Architecture.X86_64, [304, 133]),
    ],
)
def test_the_examples_of_the_fargate_pricing_page(tasks, steps_a_day, cpu, memory, storage_gib, architecture, cents):
    """AWS Fargate pricing, examples 1 to 3: tasks for 10 minutes or an hour a day, 30 days: vCPU, memory, storage beyond 20 GB.

    The page leaves out the image pull and counts 720 hours; a month here has 730.
    """
    four_weeks = np.tile([tasks] * steps_a_day + [0] * (144 - steps_a_day), 28)
    load = stated(0, cpu, memory, ephemeral_storage_gib=storage_gib, architectures=(architecture,), startup_s=0.0)
    load = replace(load, step_s=600, demand=four_weeks[np.newaxis].astype(float))
    items = line_items(advisor.advise(load, advisor.read_catalog("us-east-1")), f"worker:fargate_{architecture.lower()}")
    assert [round(item.amount_usd * 720 / 730 * 100) for item in items.values()] == cents


def test_spot_is_billed_at_the_mean_of_six_types_with_the_dispersion():
    catalog = advisor.read_catalog("us-east-1")
    answer = advisor.advise(stated(40, 2048, 8192, is_interruptible=True), catalog)
    pool = answer.alternative("worker:ec2:x86_64:spot")
    items = [item for item in pool.bill.line_items if item.meter.startswith("ec2:linux:spot_pool:")]
    assert len(items) == 6
    for item in items:
        name = item.meter.rpartition(":")[2]
        spot = next(rate for meter, rate in catalog.rates("us-east-1").items() if meter == f"ec2:linux:spot:{name}")
        assert item.rate_usd == pytest.approx(1.19 * spot.usd)
        assert item.quantity * 6 / 730 == pytest.approx(
            round(item.quantity * 6 / 730)
        )  # whole instances of each, a sixth of the month


def test_ephemeral_storage_bills_only_what_is_beyond_20_gib():
    """60 tasks x 30 GiB beyond 20 x 730 h x $0.000111."""
    answer = advisor.advise(stated(60, 256, 512, ephemeral_storage_gib=50), advisor.read_catalog("us-east-1"))
    item = line_items(answer, "worker:fargate_x86_64")["fargate:ephemeral:gib_hour"]
    assert (item.quantity, item.amount_usd) == (pytest.approx(60 * 30 * 730), pytest.approx(60 * 30 * 730 * 0.000111))


def test_arm_is_never_priced_as_x86():
    answer = advisor.advise(stated(60, 256, 512, architectures=tuple(Architecture)), advisor.read_catalog("us-east-1"))
    arm = line_items(answer, "worker:fargate_arm64")
    assert [item.rate_usd for item in arm.values()] == [0.03238, 0.00356]


def test_no_spot_plan_without_leave_to_interrupt(worker):
    options = {s.purchase_option for a in worker.alternatives if a.plan for s in a.plan.services.values()}
    assert options == {PurchaseOption.ON_DEMAND}
