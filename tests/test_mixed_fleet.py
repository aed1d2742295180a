"""The cheapest mixed fleet against exhaustive search, known optima, and the laws of packing."""

import subprocess
import sys
from dataclasses import replace
from functools import cache
from itertools import count, product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from advisor.optimize.fleet import QUICK, Effort, FleetProblem, cheapest_fleet, least_usd_per_hour
from advisor.optimize.fleet.dominance import reduced
from advisor.optimize.fleet.generation import Generation
from advisor.optimize.fleet.heuristics import cheapest_single_type, classic_packings
from advisor.optimize.fleet.parts import parts_of
from advisor.optimize.fleet.pricing import Pricing
from advisor.optimize.fleet.whole_numbers import WholeNumbers

PROVEN = Effort(gap_fraction=0.0)


def problem(tasks, counts, capacity, usd, *, least=0):
    return FleetProblem(
        tasks=np.array(tasks), counts=np.array(counts), capacity=np.array(capacity), usd_per_hour=np.array(usd, float),
        least_instances=least,
    )  # fmt: skip


def exhaustive_usd(p):
    """Cheapest cost by trying everything: some instance holds the first task that is left, whatever else it holds."""
    tasks, capacity, usd = p.tasks.tolist(), p.capacity.tolist(), p.usd_per_hour.tolist()

    def sets_on(at, left):
        for counts in product(*(range(n + 1) for n in left)):
            used = [sum(n * task[d] for n, task in zip(counts, tasks, strict=True)) for d in range(len(capacity[at]))]
            if all(u <= c for u, c in zip(used, capacity[at], strict=True)):
                yield counts

    @cache
    def cheapest(left, instances):
        first = next((s for s, n in enumerate(left) if n), None)
        if first is None:
            return max(0, p.least - instances) * min(usd)
        return min(
            usd[at] + cheapest(tuple(a - b for a, b in zip(left, taken, strict=True)), min(instances + 1, p.least))
            for at in range(len(usd))
            for taken in sets_on(at, left)
            if taken[first]
        )

    return cheapest(tuple(p.counts.tolist()), 0)


@st.composite
def small_problems(draw, most_tasks=7):
    n_services = draw(st.integers(1, 3))
    dimensions = draw(st.integers(1, 3))
    tasks = [[draw(st.integers(1, 9)) for _ in range(dimensions)] for _ in range(n_services)]
    counts = [draw(st.integers(0, max(1, most_tasks // n_services))) for _ in range(n_services)]
    largest = [max(column) for column in zip(*tasks, strict=True)]
    types = [[c + draw(st.integers(0, 9)) for c in largest]]
    types += [[draw(st.integers(1, 20)) for _ in range(dimensions)] for _ in range(draw(st.integers(0, 3)))]
    usd = [draw(st.integers(1, 40)) / 8 for _ in types]
    return problem(tasks, counts, types, usd, least=draw(st.integers(0, 3)))


def test_two_small_instances_beat_a_large_one_and_a_mix_beats_both():
    # By hand: tasks of 2 and of 3; instances of 4 for 1 USD and of 6 for 1.6 USD. One task of 3 and one of 2 want 5: 1.6 USD or
    # 1 + 1. Two of 3 and two of 2: 6 + 4 is 2.6; three of 4 are 3; two of 6 are 3.2.
    solved = cheapest_fleet(problem([[3], [2]], [2, 2], [[4], [6]], [1.0, 1.6]), PROVEN)
    assert solved.usd_per_hour == pytest.approx(2.6)
    assert solved.lower_bound_usd_per_hour == pytest.approx(2.6, rel=1e-5)
    assert solved.fleet.by_type(problem([[3], [2]], [2, 2], [[4], [6]], [1.0, 1.6])) == {"type 0": 1, "type 1": 1}


def test_each_zone_has_an_instance_while_a_task_runs_and_none_when_none_runs():
    # By hand: one instance of 1 USD holds the task; the second zone takes the cheapest type, which holds nothing.
    p = problem([[4]], [1], [[4], [1]], [1.0, 0.25], least=2)
    assert cheapest_fleet(p, PROVEN).usd_per_hour == pytest.approx(1.25)
    assert cheapest_fleet(p, PROVEN).lower_bound_usd_per_hour == pytest.approx(1.25, rel=1e-5)
    empty = cheapest_fleet(problem([[4]], [0], [[4], [1]], [1.0, 0.25], least=2))
    assert empty.usd_per_hour == empty.lower_bound_usd_per_hour == empty.gap_fraction == 0.0


@pytest.mark.parametrize(("least", "usd"), [(2, 2.6), (3, 3.6)])
def test_two_architectures_are_packed_apart_and_zones_count_the_instances_of_both(least, usd):
    # By hand: two x86 tasks of 3 fill an instance of 6 for 1.6 USD, two ARM tasks of 2 one of 4 for 1; a third zone is 1 more.
    p = problem([[3, 1, 0], [2, 0, 1]], [2, 2], [[6, 9, 0], [4, 0, 9]], [1.6, 1.0], least=least)
    assert [part.services.tolist() for part in parts_of(p)] == [[0], [1]]
    solved = cheapest_fleet(p, PROVEN)
    assert solved.fleet.faults(p) == ()
    assert solved.usd_per_hour == pytest.approx(usd)
    assert solved.lower_bound_usd_per_hour == pytest.approx(usd, rel=1e-5)


@settings(max_examples=60, deadline=None)
@given(small_problems())
def test_small_clusters_cost_what_exhaustive_search_finds(p):
    solved = cheapest_fleet(p, PROVEN)
    best = exhaustive_usd(p)
    assert solved.fleet.faults(p) == ()
    assert solved.usd_per_hour == pytest.approx(best)
    assert solved.lower_bound_usd_per_hour <= best * (1 + 1e-9)
    assert solved.lower_bound_usd_per_hour >= best * (1 - 1e-4)
    assert least_usd_per_hour(p) == pytest.approx(best, rel=1e-12)


@settings(max_examples=40, deadline=None)
@given(small_problems())
def test_no_bound_is_above_a_fleet_that_any_method_finds(p):
    by_columns = cheapest_fleet(p, Effort(patterns=0, rounds=10, improvements=2, dives=1))
    best = exhaustive_usd(p)
    assert by_columns.lower_bound_usd_per_hour <= best * (1 + 1e-9) <= by_columns.usd_per_hour * (1 + 2e-9)
    worth = by_columns.task_values_usd_per_hour @ p.counts + by_columns.floor_value_usd_per_hour * p.least
    assert worth <= best * (1 + 1e-5)


@settings(max_examples=40, deadline=None)
@given(small_problems())
def test_no_numbers_of_instances_that_are_not_refuted_cost_more_than_the_cheapest_fleet(p):
    assume(p.counts.any())
    generation = Generation(reduced(p).problem)
    numbers = WholeNumbers(generation.pricing, generation.columns, generation.proofs)
    usd, counts = generation.problem.usd_per_hour, generation.problem.counts
    bounds = [generation.bound_usd]
    for _ in range(6):
        bound, instances = numbers.least(usd, counts, p.least)
        bounds.append(bound)
        if not numbers.refute(instances, counts, lambda: False):
            break
    assert max(bounds) <= exhaustive_usd(p) * (1 + 1e-6)
    assert (np.diff(bounds) > -2e-5 * bounds[-1]).all()


def test_a_type_that_is_priced_badly_lowers_only_what_tasks_that_fit_on_it_are_worth():
    """Values of 1.5 and 1.0: a pattern on the first type is worth 1.5 times its price, and none on the second is."""
    generation = Generation(problem([[4, 1], [0, 2]], [1, 1], [[4, 1], [0, 4]], [1, 1]))
    generation.cover(np.ones(2))
    generation.values = np.array([1.5, 1.0])
    generation.prove()
    assert generation.bound_usd == pytest.approx(2.0)
    assert generation.scaled_values[0] == pytest.approx([1.0, 1.0])


def test_half_an_instance_holds_nothing():
    # By hand: tasks of 3 and of 2 on instances of 4 for 1 USD and of 6 for 1.6 USD. 5 / 4 of the first are 1.25 USD, but one
    # holds too little, two are 2 USD, and one of 6 is 1.6.
    generation = Generation(problem([[3], [2]], [1, 1], [[4], [6]], [1.0, 1.6]))
    numbers = WholeNumbers(generation.pricing, generation.columns, generation.proofs)
    assert generation.bound_usd < 1.3
    assert numbers.least(np.array([1.0, 1.6]), np.array([1, 1]), 0)[0] == pytest.approx(1.6)


@settings(max_examples=25, deadline=None)
@given(small_problems(), st.data())
def test_less_to_hold_and_more_to_choose_from_never_cost_more(p, data):
    cost = cheapest_fleet(p, PROVEN).usd_per_hour
    fewer = np.array([data.draw(st.integers(0, n)) for n in p.counts.tolist()])
    larger = p.capacity + np.array(
        data.draw(st.lists(st.integers(0, 5), min_size=p.capacity.shape[1], max_size=p.capacity.shape[1]))
    )
    extra = np.vstack(
        [p.capacity, data.draw(st.lists(st.integers(1, 25), min_size=p.capacity.shape[1], max_size=p.capacity.shape[1]))]
    )
    usd = np.append(p.usd_per_hour, data.draw(st.integers(1, 40)) / 8)
    least = p.least_instances
    slack = 1 + 1e-9
    assert cheapest_fleet(problem(p.tasks, fewer, p.capacity, p.usd_per_hour, least=least), PROVEN).usd_per_hour <= cost * slack
    assert cheapest_fleet(problem(p.tasks, p.counts, larger, p.usd_per_hour, least=least), PROVEN).usd_per_hour <= cost * slack
    assert cheapest_fleet(problem(p.tasks, p.counts, extra, usd, least=least), PROVEN).usd_per_hour <= cost * slack
    twice = problem(p.tasks, 2 * p.counts, p.capacity, p.usd_per_hour, least=least)
    assert cheapest_fleet(twice, Effort()).lower_bound_usd_per_hour <= 2 * cost * slack


@settings(max_examples=25, deadline=None)
@given(small_problems(), st.integers(2, 7), st.randoms(use_true_random=False))
def test_units_names_and_order_change_no_cost(p, factor, random):
    cost = cheapest_fleet(p, PROVEN).usd_per_hour
    scale = np.ones(p.capacity.shape[1], dtype=np.int64)
    scale[random.randrange(len(scale))] = factor
    scaled = problem(p.tasks * scale, p.counts, p.capacity * scale, p.usd_per_hour, least=p.least_instances)
    assert cheapest_fleet(scaled, PROVEN).usd_per_hour == pytest.approx(cost)
    services, types = (random.sample(range(n), n) for n in (len(p.counts), len(p.usd_per_hour)))
    shuffled = problem(p.tasks[services], p.counts[services], p.capacity[types], p.usd_per_hour[types], least=p.least_instances)
    assert cheapest_fleet(shuffled, PROVEN).usd_per_hour == pytest.approx(cost)


@settings(max_examples=25, deadline=None)
@given(small_problems())
def test_a_dearer_type_that_is_nowhere_larger_is_named_and_never_used(p):
    worse_capacity = np.maximum(p.capacity[0] - 1, 0)
    capacity = np.vstack([p.capacity, worse_capacity])
    with_worse = problem(p.tasks, p.counts, capacity, np.append(p.usd_per_hour, p.usd_per_hour[0] + 1), least=p.least_instances)
    solved = cheapest_fleet(with_worse, PROVEN)
    worse = f"type {len(p.usd_per_hour)}"
    assert worse in solved.dominated
    assert worse not in solved.fleet.by_type(with_worse)
    assert solved.usd_per_hour == pytest.approx(cheapest_fleet(p, PROVEN).usd_per_hour)
    assert not set(solved.dominated) & set(solved.fleet.by_type(with_worse))


@given(st.integers(1, 400), st.integers(1, 9), st.integers(9, 60), st.integers(1, 12))
@settings(max_examples=40, deadline=None)
def test_equal_tasks_fill_instances_one_after_the_other(n, cpu, offered, slots):
    per_instance = min(offered // cpu, slots)  # by hand; the network slots hold however small the task is
    solved = cheapest_fleet(problem([[cpu, 1]], [n], [[offered, slots]], [0.5]), PROVEN)
    assert solved.usd_per_hour == pytest.approx(0.5 * -(-n // per_instance))
    assert solved.gap_fraction <= 1e-5


def cut_instances(rng, n_instances, pieces, dimensions=3, size=1_000):
    """Tasks cut out of full instances without waste: the optimum is the number of instances."""
    tasks = []
    for _ in range(n_instances):
        cuts = np.sort(rng.integers(1, size, (dimensions, pieces - 1)), axis=1)
        tasks.append(np.diff(cuts, axis=1, prepend=0, append=size).T)
    tasks = np.concatenate(tasks)
    return problem(tasks, np.ones(len(tasks), int), [[size] * dimensions], [1.0])


@pytest.mark.parametrize(("n_instances", "pieces"), [(3, 4), (5, 3), (8, 2)])
def test_instances_cut_into_tasks_are_put_together_again(n_instances, pieces):
    p = cut_instances(np.random.default_rng(n_instances), n_instances, pieces)
    solved = cheapest_fleet(p, PROVEN)
    assert solved.lower_bound_usd_per_hour == pytest.approx(n_instances)
    assert solved.usd_per_hour == pytest.approx(n_instances)


def uniform(seed, n, dimensions=3, low=100, high=400):
    rng = np.random.default_rng([seed, n])
    return problem(rng.integers(low, high + 1, (n, dimensions)), np.ones(n, int), [[1_000] * dimensions], [1.0])


@pytest.mark.parametrize("seed", range(4))
def test_equal_instances_are_never_more_than_the_best_classic_heuristic_needs(seed):
    p = uniform(seed, 40)
    solved = cheapest_fleet(p, QUICK)
    classic = dict(classic_packings(p, 0))
    assert len(classic) == 12
    for placed in classic.values():
        assert (placed @ p.tasks <= 1_000).all()
        assert (placed.sum(axis=0) == p.counts).all()
        assert solved.usd_per_hour <= len(placed)
        assert solved.lower_bound_usd_per_hour <= len(placed)


def generated(seed, n_services=12, n_types=40):
    rng = np.random.default_rng(seed)
    cpu = rng.choice([256, 512, 1024, 2048], n_services)
    memory = cpu * rng.choice([2, 4, 8], n_services) // 2 + rng.integers(0, 300, n_services)
    vcpu, ratio = rng.choice([2, 4, 8, 16, 32], n_types), rng.choice([2, 4, 8], n_types)
    usd = (vcpu * 0.034 + vcpu * ratio * 0.0042) * np.exp(rng.normal(0, 0.1, n_types))
    return problem(
        np.column_stack([cpu, memory, np.ones(n_services, int)]),
        rng.integers(1, 12, n_services),
        np.column_stack([vcpu * 1024, vcpu * ratio * 960, np.maximum(10, vcpu * 3)]),
        usd,
        least=2,
    )


@pytest.mark.parametrize("seed", range(3))
def test_a_mixed_fleet_costs_no_more_than_the_best_single_type_and_is_near_its_bound(seed):
    p = generated(seed)
    solved = cheapest_fleet(p, QUICK)
    at, placed = cheapest_single_type(p)
    assert solved.fleet.faults(p) == ()
    assert solved.usd_per_hour < len(placed) * p.usd_per_hour[at]
    assert solved.gap_fraction < 0.05
    assert solved.lower_bound_usd_per_hour <= cheapest_fleet(p, Effort(improvements=2, rounds=10)).usd_per_hour


@pytest.mark.parametrize(("n_services", "counts"), [(1, [900]), (3, [3, 40, 2]), (4, [2, 0, 3, 30])])
def test_the_exact_cost_is_between_the_bound_and_the_fleet(n_services, counts):
    p = replace(generated(7, n_services), counts=np.array(counts))
    solved = cheapest_fleet(p, PROVEN)
    assert solved.lower_bound_usd_per_hour <= least_usd_per_hour(p) <= solved.usd_per_hour * (1 + 1e-12)


def test_a_problem_with_many_patterns_is_left_to_its_bound():
    assert least_usd_per_hour(generated(7)) is None


def test_the_same_problem_gives_the_same_fleet_and_nothing_is_printed():
    script = (
        "import tests.test_mixed_fleet as t\n"
        "s = t.cheapest_fleet(t.generated(5), t.Effort(rounds=20, dives=2, exact_types=2, improvements=3, patterns=0))\n"
        "import sys; sys.stderr.write(repr((s.usd_per_hour, s.lower_bound_usd_per_hour, s.fleet.tasks.tolist())))"
    )
    runs = [subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True) for _ in range(2)]
    assert runs[0].stdout == runs[1].stdout == ""
    assert runs[0].stderr == runs[1].stderr != ""


def test_a_cap_on_time_ends_the_search_with_a_fleet_and_a_bound():
    ticks = count()
    solved = cheapest_fleet(generated(1), Effort(gap_fraction=0.0, seconds=3.0, clock=lambda: float(next(ticks))))
    assert solved.n_rounds <= 3
    assert 0 < solved.lower_bound_usd_per_hour <= solved.usd_per_hour
    assert solved.fleet.faults(generated(1)) == ()


@pytest.mark.parametrize("least", [2, 40])
def test_a_cap_on_time_is_one_of_all_parts_and_what_one_of_them_leaves_is_for_the_others(least):
    many = generated(1)
    tasks, capacity = np.zeros((13, 4), dtype=np.int64), np.zeros((41, 4), dtype=np.int64)
    tasks[:12, :3], capacity[:40, :3] = many.tasks, many.capacity
    tasks[12, 3], capacity[40, 3] = 1, 2  # a service that shares no type with the others, packed in no time
    p = problem(tasks, [*many.counts, 2], capacity, [*many.usd_per_hour, 0.1], least=least)
    ticks = count()
    endless = Effort(gap_fraction=0.0, dives=10**6, improvements=10**6, seconds=60.0, clock=lambda: float(next(ticks)))
    assert cheapest_fleet(p, endless).fleet.faults(p) == ()
    assert 60 <= next(ticks) <= 70


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"usd": [np.nan]}, "price above zero"),
        ({"usd": [0.0]}, "price above zero"),
        ({"capacity": [[1]]}, "no type holds a task of service 0"),
        ({"tasks": [[0]]}, "needs something"),
        ({"counts": [-1]}, "not negative"),
        ({"counts": [1, 2]}, "1 services with counts"),
        ({"capacity": [[1, 2]]}, "same dimensions"),
    ],
)
def test_what_is_no_problem_is_refused(change, message):
    given_ = {"tasks": [[2]], "counts": [1], "capacity": [[4]], "usd": [1.0]} | change
    with pytest.raises(ValueError, match=message):
        problem(**given_)


def test_a_type_without_a_dimension_is_filled_with_tasks_that_need_none_of_it():
    """One task with much CPU and one with much memory fill an instance without GPUs; only the third kind of task needs one."""
    problem = FleetProblem(
        tasks=np.array([[6, 2, 0], [2, 6, 0], [1, 1, 1]]),
        counts=np.array([10, 10, 4]),
        capacity=np.array([[8, 8, 0], [4, 4, 4]]),
        usd_per_hour=np.array([1.0, 9.0]),
    )
    types, tasks = Pricing(problem).greedy(np.array([0.5, 0.5, 2.0]), problem.counts, fills=((0.0, 0.0),))
    assert dict(zip(types.tolist(), tasks.tolist(), strict=True)) == {0: [1, 1, 0], 1: [0, 0, 4]}
    assert cheapest_fleet(problem).usd_per_hour == pytest.approx(10 * 1.0 + 9.0)
