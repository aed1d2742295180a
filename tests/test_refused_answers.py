"""Inputs for which any number would be a wrong one are refused."""

from pathlib import Path

import pytest

from advisor import advise, read_catalog, read_workload
from advisor.errors import AdvisorError, InputError

TWO = """
cluster: two
region: us-east-1
services:
  - {name: busy, task: {cpu: 512, memory: 1024}, load: {tasks: 3}}
  - {name: idle, task: {cpu: 512, memory: 1024}, load: {file: idle.csv, requests_per_task: 40}, scaling: {min: LEAST}}
"""
RATED = """
cluster: rated
region: us-east-1
services: [{name: web, task: {cpu: 512, memory: 1024}, load: {tasks: 3}}]
rates: own.csv
"""


@pytest.fixture
def workload(tmp_path):
    def workload(text):
        (tmp_path / "idle.csv").write_text(
            "time,requests_per_second\n" + "".join(f"2026-01-05T{hour:02d}:00:00Z,0\n" for hour in range(24))
        )
        (tmp_path / "own.csv").write_text(
            "meter,region,usd,unit,discount_fraction,source,as_of\nfargate:*,*,,,0.5,deal,2026-09-01\n"
        )
        (tmp_path / "workload.yaml").write_text(text)
        return read_workload(tmp_path / "workload.yaml")

    return workload


NIGHTS = """
cluster: nights
region: us-east-1
services:
  - {name: web, task: {cpu: 512, memory: 1024}, load: {file: nights.csv}}
  - {name: api, task: {cpu: 512, memory: 1024}, load: {file: nights.csv}}
  - {name: always, task: {cpu: 512, memory: 1024}, load: {tasks: 2}}
"""


@pytest.mark.parametrize(("at_night", "is_said"), [("", True), ("0", False)])
def test_hours_of_the_week_that_were_never_measured_are_said(workload, tmp_path, at_night, is_said):
    """Eight hours a night, 56 a week: a third, so that every week counts as measured."""
    times = [f"2026-06-{day:02d}T{hour:02d}:00:00Z" for day in range(1, 29) for hour in range(24)]
    rows = (f"{time},{at_night if int(time[11:13]) < 8 else 6}\n" for time in times)
    (tmp_path / "nights.csv").write_text("time,tasks\n" + "".join(rows))
    warnings = advise(workload(NIGHTS), read_catalog("us-east-1"), replay_weeks=0).warnings
    never = [each.partition(":")[0] for each in warnings if "never measured" in each]
    assert never == ["56 of the 168 hours of a week were never measured for web, api"] * is_said
    common = [each.partition(":")[0] for each in warnings if "measured for all services" in each]
    assert common == ["only 67% of the hours of always were measured for all services"] * is_said


ARM = """
cluster: arm
region: ap-southeast-2
services: [{name: web, task: {cpu: 512, memory: 1024}, load: {tasks: 3}, architectures: [ARM64], assign_public_ip: ADDRESS}]
"""


def test_a_launch_type_without_a_price_is_named_with_all_meters_and_how_to_leave_it_out(workload):
    catalog = read_catalog("ap-southeast-2")
    with pytest.raises(AdvisorError) as refused:
        advise(workload(ARM.replace("ADDRESS", "false")), catalog)
    meters = "fargate:linux:arm64:on_demand:vcpu_hour, fargate:linux:arm64:on_demand:gib_hour"
    assert f"no price for {meters} in ap-southeast-2" in str(refused.value)
    constraints = "constraints: {launch_types: [EC2, MANAGED_INSTANCES]}"
    assert f"leave Fargate out with `{constraints}`" in str(refused.value)
    advise(workload(ARM.replace("ADDRESS", "false") + constraints), catalog, replay_weeks=0)
    with pytest.raises(AdvisorError, match=r"vpc:public_ipv4:address_hour in .* Give the price with `--rates FILE`, or pick"):
        advise(workload(ARM.replace("ADDRESS", "true").replace("[ARM64]", "[X86_64]")), catalog)


def test_a_service_that_never_runs_has_no_cheapest_launch_type(workload):
    with pytest.raises(InputError, match=r"idle: no task ever runs: its load is 0 throughout and scaling\.min is 0"):
        advise(workload(TWO.replace("LEAST", "0")), read_catalog("us-east-1"))


def test_one_task_that_waits_for_load_is_priced(workload):
    assert advise(workload(TWO.replace("LEAST", "1")), read_catalog("us-east-1")).recommended.monthly_usd is not None


def test_own_rates_of_a_workload_are_never_left_out_in_silence(workload):
    rated = workload(RATED)
    with pytest.raises(InputError, match=r"the workload has its own rates \(.*own\.csv\), and the catalog was read without"):
        advise(rated, read_catalog("us-east-1"))
    listed = advise(workload(RATED.replace("rates: own.csv", "")), read_catalog("us-east-1")).recommended
    own = advise(rated, read_catalog("us-east-1", rates_file=Path(rated.rates_file))).recommended
    assert own.monthly_usd.mean == pytest.approx(listed.monthly_usd.mean / 2)


def test_burstable_types_alone_are_refused_for_what_is_not_known_of_the_load(workload):
    counts = "cluster: t\nregion: us-east-1\nservices: [{name: web, task: {cpu: 512, memory: 1024}, load: {tasks: 3}}]\n"
    only = 'constraints: {launch_types: [EC2], instance_types: ["t3.*"]}\n'
    with pytest.raises(AdvisorError, match="burstable types alone are left, and the CPU that the tasks use"):
        advise(workload(counts + only), read_catalog("us-east-1"))
