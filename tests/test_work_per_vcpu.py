"""A vCPU that does more work: less CPU reserved on that type, in search, bill, replay and plan alike."""

from dataclasses import replace

import numpy as np
import pytest

import advisor
from advisor.ecs import Architecture, LaunchType, PurchaseOption, TaskSize
from advisor.errors import AdvisorError, InputError
from advisor.optimize.loads import service_loads
from advisor.optimize.replayed import replay_inputs
from advisor.optimize.search import CapacityKind, dedicated_part, search_for
from advisor.optimize.work import work_per_vcpu
from advisor.workload import WorkPerVcpu

ON_ARM = CapacityKind(launch_type=LaunchType.EC2, purchase_option=PurchaseOption.ON_DEMAND, architecture=Architecture.ARM64)


@pytest.fixture
def written(tmp_path):
    """Reads a workload of one steady service: 20 vCPU in use at a target of 50 %, so 40 tasks of 1 vCPU and 1 GiB."""
    rows = [f"2026-09-{day:02}T{hour:02}:00:00Z,20480" for day in range(1, 29) for hour in range(24)]
    (tmp_path / "web.csv").write_text("time,cpu_units\n" + "\n".join(rows) + "\n")

    def read(constraints, more="", cpu=1024):
        path = tmp_path / "workload.yaml"
        path.write_text(
            f"cluster: c\nregion: us-east-1\n{more}constraints: {constraints}\nservices:\n  - name: web\n"
            f"    task: {{cpu: {cpu}, memory: 1024}}\n"
            "    load: {file: web.csv}\n    scaling: {min: 1, target_cpu: 50}\n"
            "    architectures: [ARM64, X86_64]\n"
        )
        return advisor.read_workload(path)

    return read


@pytest.fixture(scope="module")
def catalog():
    return advisor.read_catalog("us-east-1")


def dedicated(workload, catalog):
    search = search_for(workload, catalog)
    (load,) = service_loads(workload, search.axis)
    return dedicated_part(search, load.run, ON_ARM, load.hours), search


def test_stated_work_takes_cpu_from_the_reservation_and_nothing_from_memory(written, catalog):
    plain, _ = dedicated(written('{instance_types: ["m7g.xlarge"]}'), catalog)
    part, _ = dedicated(written('{instance_types: ["m7g.xlarge"], work_per_vcpu: {"m7g.*": 1.5}}'), catalog)
    assert part.services["web"].task == TaskSize(cpu_units=682, memory_mib=1024)  # 1024 / 1.5, rounded down
    assert part.services["web"].max_tasks == plain.services["web"].max_tasks
    # By hand: 4 vCPU hold 4 tasks of 1024 units and 6 of 682 (4,092 of 4,096): 40 tasks on 10 instances and on 7.
    assert (np.unique(plain.on_instances.running), np.unique(part.on_instances.running)) == ([10], [7])


def test_what_the_replay_places_is_what_the_search_packed(written, catalog):
    workload = written('{instance_types: ["m7g.xlarge"], work_per_vcpu: {"m7g.*": 1.5}}')
    part, search = dedicated(workload, catalog)
    (service,), cluster, _ = replay_inputs(part, workload, search)
    assert cluster.capacity[0] // service.reservation[0] == 6
    assert 6 * part.services["web"].task.cpu_units <= 4 * 1024


def test_a_type_without_a_factor_is_left_out_by_name(written, catalog):
    workload = written('{instance_types: ["m7g.xlarge", "c7g.xlarge"], work_per_vcpu: {"m7g.*": 1.5}}')
    found = search_for(workload, catalog).candidates
    assert [t.name for t in found.types] == ["m7g.xlarge"]
    assert any("left out" in note and "c7g (xlarge)" in note for note in found.notes)


def test_no_type_with_a_factor_is_refused(written, catalog):
    with pytest.raises(InputError, match=r"has a factor.*m7g \(xlarge\)"):
        search_for(written('{instance_types: ["m7g.xlarge"], work_per_vcpu: {"c7*": 1.5}}'), catalog)


def test_the_first_pattern_that_matches_counts(catalog):
    types = [catalog.instance_type(name) for name in ("m7g.large", "m7g.xlarge", "m6i.large")]
    wanted = WorkPerVcpu(stated=(("m7g.xlarge", 1.2), ("m7g.*", 1.5), ("*", 1.0)))
    assert work_per_vcpu(types, wanted) == {"m7g.large": 1.5, "m7g.xlarge": 1.2, "m6i.large": 1.0}


def test_coremark_goes_by_the_median_of_the_family_and_leaves_out_what_was_not_run(catalog):
    ran = replace(catalog.instance_type("m6i.large"), coremark_per_thread=10_000.0)
    faster = [
        replace(catalog.instance_type(name), coremark_per_thread=mark)
        for name, mark in (("m7g.large", 14_000.0), ("m7g.xlarge", 14_900.0), ("m7g.2xlarge", 25_000.0))
    ]
    unknown = replace(catalog.instance_type("c7g.large"), coremark_per_thread=None)
    found = work_per_vcpu([ran, *faster, unknown], WorkPerVcpu(measured_on="m6i.large"))
    assert found == {"m6i.large": 1.0, "m7g.large": 1.45, "m7g.xlarge": 1.45, "m7g.2xlarge": 1.45}  # 1.49, down to 0.05
    with pytest.raises(InputError, match="no CoreMark for c7g"):
        work_per_vcpu([ran, unknown], WorkPerVcpu(measured_on="c7g.large"))


def test_coremark_is_of_the_present_type_or_says_that_it_is_missing(written):
    present = "present: {instances: {m6i.large: 6}}\n"
    assert written("{work_per_vcpu: coremark}", present).constraints.work_per_vcpu == WorkPerVcpu(measured_on="m6i.large")
    assert (
        written("{work_per_vcpu: coremark, measured_on: c5.large}", present).constraints.work_per_vcpu.measured_on == "c5.large"
    )
    with pytest.raises(AdvisorError, match="needs the instance type on which the load was measured"):
        written("{work_per_vcpu: coremark}")
    with pytest.raises(AdvisorError, match="measured_on is given without"):
        written("{measured_on: c5.large}")


def test_surplus_credits_are_of_the_vcpu_of_the_type_itself(written, catalog):
    part, _ = dedicated(written('{instance_types: ["t4g.large"], work_per_vcpu: {"*": 1.25}}', cpu=2048), catalog)
    surplus = part.quantity_per_hour[[meter.id.startswith("ec2:linux:surplus") for meter in part.meters]]
    # By hand: one task of 1,638 units on 2 vCPU, 20 instances; 20 / 1.25 = 16 vCPU are busy, 0.3 x 40 = 12 are earned.
    assert np.unique(part.on_instances.running) == [20]
    assert surplus == pytest.approx(np.full_like(surplus, 4.0))


def test_the_answer_says_which_factor_it_used_and_from_where(written, catalog):
    constraints = '{instance_types: ["m7g.*"], work_per_vcpu: coremark, measured_on: m6i.large, launch_types: [EC2]}'
    answer = advisor.advise(written(constraints), catalog, replay_weeks=0)
    assert any(
        "work per vCPU: m7g." in warning and "CoreMark per thread over that of m6i.large" in warning
        for warning in answer.warnings
    )
    assert "work per vCPU" not in answer.run.defaults
    assert advisor.advise(written("{launch_types: [EC2]}"), catalog, replay_weeks=0).run.defaults["work per vCPU"] == "1"
