"""Random small workloads, instance types and rates in the form of plain dicts, as the oracle takes them.

Everything is kept small enough for plain loops: some 40 tasks a service, some 60 steps. Demand is drawn on purpose at and
around exact multiples of what a task serves, task sizes on and off the Fargate grid, gaps in runs.
"""

from hypothesis import strategies as st

STEPS_S = [3600, 1800, 900, 600]
"""Long enough for the envelope of the oracle: counts of shorter steps are replayed, tests/test_counts_replay.py."""
FARGATE_GRID_SAMPLE = [
    (256, 512),
    (256, 2048),
    (512, 1024),
    (512, 4096),
    (1024, 2048),
    (1024, 8192),
    (2048, 4096),
    (4096, 8192),
]
VCPUS = (1, 2, 4, 8, 16)
BRANCH_SLOTS = [10, 20, 40, 60]
ARCHITECTURES = ["X86_64", "ARM64"]
PURCHASE_OPTIONS = ["on_demand", "spot"]


def rounded(low, high, digits=4):
    """Floats with few digits: readable when a test fails."""
    scale = 10**digits
    return st.integers(round(low * scale), round(high * scale)).map(lambda number: number / scale)


def task_sizes():
    """(CPU units, MiB): on the Fargate grid, or anything a task definition for EC2 may say."""
    off_grid = st.tuples(st.integers(128, 4096), st.integers(64, 12_000))
    near_grid = st.tuples(
        st.sampled_from([128, 256, 300, 512, 1000, 1024, 1536]), st.sampled_from([256, 500, 1000, 1024, 3000])
    )
    return st.one_of(st.sampled_from(FARGATE_GRID_SAMPLE), near_grid, off_grid)


@st.composite
def gaps(draw, n_steps, keep):
    """True where a step was measured: up to three runs of gaps; step ``keep`` is always measured."""
    measured = [True] * n_steps
    for _ in range(draw(st.integers(0, 3))):
        first = draw(st.integers(0, n_steps - 1))
        for step in range(first, min(n_steps, first + draw(st.integers(1, 6)))):
            measured[step] = False
    measured[keep] = True
    return measured


@st.composite
def in_tasks(draw, n_steps, task_counts):
    """A series that moves in plateaus, as real counts do: repeated values, jumps, now and then zero."""
    series = []
    while len(series) < n_steps:
        series.extend([draw(task_counts)] * draw(st.integers(1, 12)))
    return series[:n_steps]


def task_multiples(max_tasks):
    """How many tasks' worth of load: exact, nearly exact, anything, nothing."""
    whole = st.integers(0, max_tasks).map(float)
    return st.one_of(whole, rounded(0, max_tasks, 3), whole.map(lambda n: n + 0.001), st.just(0.0))


@st.composite
def services(draw, name, n_steps, keep, forms=("tasks", "utilization", "cpu_ms", "requests"), max_tasks=40, with_gaps=True):
    """One service; ``forms`` are those of the load, ``cpu_ms`` being requests with ``cpu_ms_per_request``."""
    form = draw(st.sampled_from(forms))
    cpu, memory = draw(task_sizes())
    minimum = draw(st.one_of(st.none(), st.integers(0, 6)))
    maximum = draw(st.one_of(st.none(), st.integers(max(minimum or 0, 2), max_tasks)))
    target = draw(st.sampled_from([0.3, 0.5, 0.6, 0.7, 0.75, 0.9, 1.0]))
    service = {
        "name": name,
        "form": "requests" if form == "cpu_ms" else form,
        "cpu": cpu,
        "memory": memory,
        "target": target,
        "min": minimum,
        "max": maximum,
        "port": draw(st.sampled_from([None, 80])),
        "cpu_ms_per_request": draw(rounded(1, 200, 1)) if form == "cpu_ms" else None,
        "requests_per_task": draw(rounded(0.5, 200, 1)) if form == "requests" else None,
        "startup_s": draw(st.sampled_from([0, 30, 60, 60, 137])),
        "ephemeral_gib": draw(st.sampled_from([20, 20, 21, 100])),
        "public_ipv4": draw(st.booleans()),
        "architectures": draw(st.sampled_from([["X86_64"], ["ARM64"], ["X86_64", "ARM64"]])),
        "interruptible": draw(st.booleans()),
    }
    if form == "tasks":
        counts = st.one_of(st.integers(0, max_tasks), st.integers(0, 4 * max_tasks).map(lambda quarters: quarters / 4))
        one_task = 1
    else:
        counts = task_multiples(max_tasks)
        one_task = {
            "utilization": target * cpu,
            "cpu_ms": target * cpu / 1024 * 1000 / (service["cpu_ms_per_request"] or 1),
            "requests": service["requests_per_task"],
        }[form]
    series = draw(in_tasks(n_steps, counts))
    measured = draw(gaps(n_steps, keep)) if with_gaps else [True] * n_steps
    service["demand"] = [value * one_task if seen else None for value, seen in zip(series, measured, strict=True)]
    return service


@st.composite
def workloads(
    draw,
    steps_s=tuple(STEPS_S),
    min_steps=1,
    max_steps=60,
    max_services=4,
    forms=("tasks", "utilization", "cpu_ms", "requests"),
    max_tasks=40,
    with_gaps=True,
):
    """``{"start_s": seconds after a Monday 00:00 UTC, "step_s", "services"}``; some step is measured in all services."""
    step_s = draw(st.sampled_from(steps_s))
    n_steps = draw(st.integers(min_steps, max_steps))
    keep = draw(st.integers(0, n_steps - 1))
    names = [f"service-{number}" for number in range(draw(st.integers(1, max_services)))]
    return {
        "start_s": draw(st.integers(0, 168 * 3600 // step_s - 1)) * step_s,
        "step_s": step_s,
        "services": [draw(services(name, n_steps, keep, forms, max_tasks, with_gaps)) for name in names],
    }


@st.composite
def workloads_of_weeks(draw, max_services=2, forms=("tasks", "utilization", "cpu_ms", "requests"), max_tasks=40):
    """Hourly workloads of one to three and a bit weeks: a random day or so, repeated, some hours changed, some missing."""
    n_steps = 168 * draw(st.integers(1, 3)) + draw(st.integers(0, 40))
    keep = draw(st.integers(0, n_steps - 1))
    short = draw(
        workloads(steps_s=(3600,), min_steps=5, max_steps=30, max_services=max_services, forms=forms, max_tasks=max_tasks)
    )
    for service in short["services"]:
        pattern = [0.0 if value is None else value for value in service["demand"]]
        series = [pattern[step % len(pattern)] for step in range(n_steps)]
        first = draw(st.integers(0, n_steps - 1))
        factor = draw(st.sampled_from([0.25, 0.5, 1, 1.5]))
        series[first : first + 60] = [value * factor for value in series[first : first + 60]]
        measured = draw(gaps(n_steps, keep))
        if draw(st.booleans()):  # more than a week missing, but for the one hour
            hole = draw(st.integers(0, n_steps - 1))
            measured = [seen and not hole <= step < hole + 200 for step, seen in enumerate(measured)]
            measured[keep] = True
        service["demand"] = [value if seen else None for value, seen in zip(series, measured, strict=True)]
    return short


@st.composite
def instance_types(draw, name="any.large", burstable=None, fully_priced=True, vcpus=VCPUS):
    """One instance type: nominal shape less some memory, slots with or without trunking, rates. ``burstable`` None draws it."""
    vcpu = draw(st.sampled_from(vcpus))
    nominal = vcpu * draw(st.sampled_from([2, 4, 8])) * 1024
    trunked_tasks = draw(st.one_of(st.none(), st.sampled_from(BRANCH_SLOTS)))
    max_enis = draw(st.integers(2, 15))
    rate = draw(rounded(0.01, 1.5))
    has_spot = fully_priced or draw(st.integers(0, 4)) > 0
    has_fee = fully_priced or draw(st.integers(0, 4)) > 0
    is_burstable = draw(st.booleans()) if burstable is None else burstable
    return {
        "name": name,
        "architecture": draw(st.sampled_from(ARCHITECTURES)),
        "vcpu": vcpu,
        "memory_mib": nominal - draw(st.integers(0, nominal // 16)),
        "max_enis": max_enis,
        "trunked_tasks": trunked_tasks,
        "slots": trunked_tasks or max_enis - 1,
        "usd_per_hour": rate,
        "spot_usd_per_hour": rate * draw(rounded(0.1, 0.9, 2)) if has_spot else None,
        "fee_usd_per_hour": rate * 0.12 if has_fee else None,
        "baseline_fraction": draw(st.sampled_from([0.05, 0.1, 0.2, 0.3, 0.4])) if is_burstable else None,
        "surplus_usd_per_vcpu_hour": draw(st.sampled_from([0.04, 0.05])) if is_burstable else None,
    }


@st.composite
def instance_catalogs(draw, min_size=1, max_size=8, burstable=None, fully_priced=True, vcpus=VCPUS):
    """Several types with different names. ``fully_priced`` False leaves out some Spot rates and fees."""
    n_types = draw(st.integers(min_size, max_size))
    return [draw(instance_types(f"t{number}.large", burstable, fully_priced, vcpus)) for number in range(n_types)]


@st.composite
def rates(draw):
    """Fargate, storage and address rates, around those of AWS."""
    return {
        "fargate_usd_per_vcpu_hour": draw(rounded(0.01, 0.08, 5)),
        "fargate_usd_per_gib_hour": draw(rounded(0.001, 0.01, 6)),
        "ephemeral_usd_per_gib_hour": draw(rounded(0.00005, 0.0003, 6)),
        "ipv4_usd_per_hour": 0.005,
        "gp3_usd_per_gib_month": draw(rounded(0.05, 0.2)),
    }


@st.composite
def price_lists(draw):
    """Rates by architecture and purchase option: Fargate's differ, the others are the same."""
    common = draw(rates())
    return {
        (architecture, option): common
        | {
            "fargate_usd_per_vcpu_hour": draw(rounded(0.01, 0.08, 5)),
            "fargate_usd_per_gib_hour": draw(rounded(0.001, 0.01, 6)),
        }
        for architecture in ARCHITECTURES
        for option in PURCHASE_OPTIONS
    }
