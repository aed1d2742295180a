"""Memory that the user states as a base and a slope: what it lets smaller tasks have, and what it may not contradict."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.answer import advise
from advisor.ecs import TaskSize
from advisor.errors import InputError
from advisor.sizing import MEMORY_MARGIN_FRACTION, ObservedTask, least_tasks_for_memory, memory_with_tasks_mib
from advisor.sources import read_catalog, read_workload
from advisor.workload import LoadForm, MemoryUse, Scaling, Service

N_STEPS = 24 * 21
COLUMNS = {"tasks": 2, "cpu_percent_average": 45, "cpu_percent_maximum": 48, "memory_percent_maximum": 48.8}
"""Two tasks of 1 vCPU and 2 GiB, each with 0.45 vCPU and 999 MiB in use."""


@pytest.fixture(scope="module")
def catalog():
    return read_catalog("us-east-1")


@pytest.fixture
def read(tmp_path):
    def read_with(memory_use="", load="", columns=COLUMNS):
        times = np.datetime64("2026-09-07T00:00") + np.arange(N_STEPS) * np.timedelta64(1, "h")
        cells = ",".join(str(value) for value in columns.values())
        (tmp_path / "web.csv").write_text("\n".join([f"timestamp,{','.join(columns)}", *(f"{t}Z,{cells}" for t in times)]))
        stated = f", memory_use: {memory_use}" if memory_use else ""
        entry = f"name: web, task: {{cpu: 1024, memory: 2048}}, load: {{file: web.csv{load}}}{stated}"
        path = tmp_path / "workload.yaml"
        path.write_text(
            f"cluster: c\nregion: us-east-1\nservices:\n  - {{{entry}}}\nconstraints: {{launch_types: [FARGATE], zones: 1}}\n"
        )
        return read_workload(path)

    return read_with


def test_a_smaller_task_gets_less_than_the_observed_peak_only_by_a_stated_base_and_slope(read, catalog):
    """Three tasks of 512 units take 0.3 vCPU each: by 100 + 2,000 x 0.3 = 700 MiB, x 1.15 = 805, 1,024 is enough.

    Without, each keeps the 999 MiB that a task was seen with, x 1.15 = 1,149, and so 2,048.
    """
    for stated, memory_mib in (("", 2048), ("{base: 100, per_vcpu: 2000}", 1024)):
        answer = advise(read(stated), catalog)
        assert answer.recommendation.services[0].task_size == {"cpu": 512, "memory": memory_mib}
    assert (
        read("{base: 100, per_vcpu: 2000}").defaults_used["memory of web"] == "100 MiB and 2000 for each vCPU in use, as stated"
    )


def test_the_headroom_is_that_of_what_is_stated(read, catalog):
    answer = advise(read("{base: 100, per_vcpu: 2000}"), catalog)
    size = answer.recommendation.services[0].size
    assert size.memory_headroom_fraction == pytest.approx(1 - 700 / 1024)


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        (
            "{base: 100, per_vcpu: 100}",
            "by the stated memory a task needs 145 MiB at 2026-09-07 00:00 UTC, and one was measured",
        ),
        ("{base: 100, per_request: 1}", "web has a load without requests, over which its memory is stated"),
        ("{base: 100}", "a base goes with one slope, 0 where memory does not grow"),
        ("{base: 100, per_vcpu: 1, per_request: 1}", "a base goes with one slope"),
        ("{base: 0, per_vcpu: 1}", "expected a number above 0"),
        ("{base: 100, slope: 1}", "unknown key `slope`"),
    ],
)
def test_what_a_stated_memory_may_not_be(read, stated, said):
    with pytest.raises(InputError) as caught:
        read(stated)
    assert said in str(caught.value)
    assert "workload.yaml, line 4" in str(caught.value)


def test_task_counts_tell_no_load_of_a_task(read):
    with pytest.raises(InputError, match="a load without CPU in use"):
        read("{base: 100, per_vcpu: 1}", columns={"tasks": 2})


def service(form, use, **more):
    return Service(
        name="s",
        task=TaskSize(cpu_units=1024, memory_mib=2048),
        load_form=form,
        scaling=Scaling(min_tasks=1),
        memory_use=use,
        **more,
    )


@pytest.mark.parametrize(
    ("form", "use", "more", "slope"),
    [
        (LoadForm.USAGE, MemoryUse(base_mib=1, mib_per_vcpu=512), {}, 0.5),
        (LoadForm.UTILIZATION, MemoryUse(base_mib=1, mib_per_vcpu=0), {}, 0.0),
        (LoadForm.REQUESTS, MemoryUse(base_mib=1, mib_per_vcpu=512), {"cpu_ms_per_request": 20}, 10.24),
        (LoadForm.REQUESTS, MemoryUse(base_mib=1, mib_per_request=3), {"requests_per_task": 5}, 3.0),
        (LoadForm.REQUESTS, MemoryUse(base_mib=1, mib_per_vcpu=512), {"requests_per_task": 5}, None),
        (LoadForm.TASKS, MemoryUse(base_mib=1, mib_per_vcpu=512), {}, None),
    ],
)
def test_the_slope_in_the_unit_of_the_demand(form, use, more, slope):
    assert service(form, use, **more).memory_mib_per_demand == (None if slope is None else pytest.approx(slope))


@given(
    base=st.floats(1, 2000),
    slope=st.floats(0, 5),
    demand=st.floats(1, 20_000),
    ran=st.integers(1, 50),
    size=st.sampled_from([512, 1024, 2048, 8192]),
)
def test_fewest_tasks_keep_the_margin_or_are_as_many_as_ran(base, slope, demand, ran, size):
    seen = ObservedTask(
        running_tasks=np.array([float(ran)]),
        memory_mib=np.array([np.nan]),
        is_memory_maximum=False,
        cpu_units_max=np.array([np.nan]),
        base_mib=base,
        mib_per_demand=slope,
    )
    (least,) = least_tasks_for_memory(np.array([demand]), seen, float(size))
    assert least <= ran
    (needed,) = memory_with_tasks_mib(np.array([demand]), np.array([least]), seen) * (1 + MEMORY_MARGIN_FRACTION)
    assert needed <= size * (1 + 1e-6) or least == ran
