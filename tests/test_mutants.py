"""Mutation testing of the code that handles money: the tests must notice small faults in it."""

import re
import subprocess
import sys

import pytest

from tools.mutants import KILLERS, explained, mutants_of

LEAST_KILLED = 0.9


def test_a_mutant_is_one_fault_with_a_name_of_its_own():
    for module in KILLERS:
        names = [mutant.id for mutant in mutants_of(module)]
        assert len(names) == len(set(names)) > 0


def test_what_is_explained_is_a_mutant():
    """An explanation of code that is gone misleads."""
    names = {mutant.id for module in KILLERS for mutant in mutants_of(module)}
    assert explained() <= names


@pytest.mark.prove
def test_nine_mutants_of_ten_die_and_survivors_are_explained():
    run = subprocess.run([sys.executable, "-m", "tools.mutants"], capture_output=True, text=True, check=True)
    alive = [line for line in run.stdout.splitlines() if line.startswith("survives: ")]
    died, of = map(int, re.findall(r"(\d+) of (\d+) mutants died", run.stderr)[0])
    assert died >= LEAST_KILLED * of
    assert not alive, "\n".join(alive)
