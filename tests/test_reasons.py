"""Sentences about a load, from its own numbers."""

import numpy as np
import pytest

from advisor.recommend.reasons import load_sentence, named


@pytest.mark.parametrize(
    ("tasks", "hours", "said"),
    [
        ([2, 5], [548, 182], "2 tasks or fewer for 18 hours a day and 5 at the peak"),
        ([3.8, 12.4], [365, 365], "4 tasks or fewer for 12 hours a day and 13 at the peak"),  # means of whole counts
        ([0, 4], [365, 365], "no task for 12 hours a day and 4 at the peak"),
        ([2, 3], [729, 1], "2 tasks or fewer nearly all day and 3 at the peak"),
        ([1], [730], "1 task all day, steady"),
        ([np.nan], [730], "no load was measured"),
    ],
)
def test_how_many_tasks_run_when(tasks, hours, said):
    assert load_sentence(np.array(tasks, dtype=float), np.array(hours, dtype=float)) == said


def test_a_sentence_names_six_and_counts_the_others():
    assert named(["a", "b"]) == "a, b"
    assert named([str(n) for n in range(10)]) == "0, 1, 2, 3, 4, 5 and 4 more"
