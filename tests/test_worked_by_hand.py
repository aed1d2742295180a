"""Bills worked out by hand, with the real catalog."""

from datetime import UTC, datetime

import numpy as np
import pytest

import advisor
from advisor.billing import amounts_usd
from advisor.ecs import Architecture, PurchaseOption, TaskSize
from advisor.simulate.fargate import fargate_quantities
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
    assert (monthly.low, monthly.high) == (pytest.approx(451.56), pytest.approx(451.56 * 1.05))


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
    ("tasks", "hours", "cpu", "memory_gib", "per_vcpu_second", "per_gb_second", "usd"),
    [
        # AWS Fargate pricing, example 1: 5 tasks of 1 vCPU and 2 GB for 10 minutes a day, 30 days.
        (5, 30 / 6, 1024, 2, 0.000011244, 0.000001235, 1.01 + 0.22),
        # The same kind of sum with the page's ARM rates: 10 tasks of 0.25 vCPU and 1 GB for an hour a day, 30 days.
        (10, 30, 256, 1, 0.0000089944, 0.0000009889, 2.43 + 1.07),
    ],
)
def test_fargate_by_the_second_as_on_the_pricing_page(tasks, hours, cpu, memory_gib, per_vcpu_second, per_gb_second, usd):
    size = TaskSize(cpu_units=cpu, memory_mib=memory_gib * 1024)
    per_hour = fargate_quantities(np.array([float(tasks)]), size, ephemeral_storage_gib=20, has_public_ip=False)[:, 0]
    amounts = amounts_usd(per_hour * hours, np.array([per_vcpu_second, per_gb_second]) * 3600)
    assert amounts.sum() == pytest.approx(usd, abs=0.01)


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
