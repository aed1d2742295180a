"""Bounds of service auto scaling that the bill, the plan and the notes agree on."""

import numpy as np
import pytest

from advisor import advise, read_catalog, read_workload

VIRGINIA = read_catalog("us-east-1")


@pytest.fixture
def advised(tmp_path):
    def run(rows, header, *, task="{cpu: 512, memory: 1024}", load="", scaling="{}", launch_types="[FARGATE]"):
        times = [f"2026-01-{5 + hour // 24:02d}T{hour % 24:02d}:00Z" for hour in range(len(rows))]
        lines = [f"timestamp,{header}", *(f"{time},{row}" for time, row in zip(times, rows, strict=True))]
        (tmp_path / "load.csv").write_text("\n".join(lines))
        (tmp_path / "workload.yaml").write_text(
            "cluster: c\nregion: us-east-1\nservices:\n"
            f"  - {{name: q, task: {task}, load: {{file: load.csv{load}}}, scaling: {scaling}}}\n"
            f"constraints: {{launch_types: {launch_types}}}\n"
        )
        return advise(read_workload(tmp_path / "workload.yaml"), VIRGINIA, replay_weeks=0)

    return run


def said(found, words):
    return any(words in warning for warning in found.warnings)


def test_a_minimum_of_none_is_billed_and_emitted_as_one(advised):
    """20 requests/s for an hour a day, 5 a task: 4 tasks then, and one in all other hours."""
    rows = [20 if hour % 24 == 9 else 0 for hour in range(14 * 24)]
    found = advised(rows, "requests_per_second", load=", requests_per_task: 5", scaling="{min: 0}")
    assert found.recommended.plan.services["q"].min_tasks == 1
    assert said(found, "one task is kept, in the bill and in the deploy files")
    assert found.recommended.monthly_usd.mean >= 730 * 0.024685


def test_a_minimum_that_larger_tasks_meet_with_fewer_is_said(advised):
    """1216/5988 is no size of Fargate: 2048/10240 has the CPU of 6 such tasks with 4."""
    rows = [f"{40 + 20 * np.sin(hour / 24 * 6.283):.2f},8" for hour in range(14 * 24)]
    found = advised(rows, "cpu_percent,tasks", task="{cpu: 1216, memory: 5988}", scaling="{min: 6}")
    plan = found.recommended.plan.services["q"]
    sentence = f"q: its minimum of 6 tasks of 1216/5988 becomes {plan.min_tasks} of {plan.task}, with as much CPU"
    assert (plan.min_tasks < 6) is said(found, sentence)
    assert plan.min_tasks < 6


def test_bounds_beside_counts_that_ran_are_said_to_be_unused_and_what_moved_the_counts_to_be_unknown(advised):
    found = advised([3 if hour % 24 < 12 else 6 for hour in range(14 * 24)], "tasks", scaling="{min: 5, max: 8}")
    assert said(found, "q: the stated bounds of scaling are not used")
    assert said(found, "q: the bill follows the counts that ran, and nothing tells what moved them")
    steady = advised([3] * (14 * 24), "tasks")
    assert not said(steady, "bounds of scaling")
    assert not said(steady, "what moved them")
