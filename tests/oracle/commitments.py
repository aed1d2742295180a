"""Reserved Instances and Savings Plans in one hour, in plain loops and exact fractions, written from AWS's user guides.

A usage has ``kind`` (instance, fargate or other), ``type``, ``os``, ``zone``, ``quantity`` and rates per unit: ``on_demand``,
and by terms ``compute`` and ``instance_plan``. A commitment is what the workload file holds. Nothing here imports ``advisor``.
"""

from fractions import Fraction

# Reserved Instances of these families cover their own type alone, whatever the size.
NO_SIZE_FLEXIBILITY = ["g4ad", "g4dn", "g5", "g5g", "g6", "g6e", "g6f", "gr6", "gr6f", "hpc7a", "p5", "inf1", "inf2"]
SMALL = {"nano": Fraction(1, 4), "micro": Fraction(1, 2), "small": 1, "medium": 2, "large": 4, "xlarge": 8}


def units(instance_type):
    size = instance_type.split(".")[1]
    return Fraction(SMALL[size]) if size in SMALL else Fraction(8 * int(size.replace("xlarge", "")))


def family(instance_type):
    return instance_type.split(".")[0]


def hour(usages, commitments):
    """What is left of each usage, what each commitment covers of its worth, and the dollars of the hour.

    Returns ``{"left": [...], "used": [...], "usd", "charge_usd"}``; ``used`` in units, instances or dollars.
    """
    left = [Fraction(each["quantity"]) for each in usages]
    used = [Fraction(0) for _ in commitments]
    zonal = [c for c, held in enumerate(commitments) if held["kind"] == "reserved_instance" and held["scope"] != "region"]
    regional = [c for c, held in enumerate(commitments) if held["kind"] == "reserved_instance" and held["scope"] == "region"]
    for c in zonal:
        for u, usage in enumerate(usages):
            if (
                is_linux(usage)
                and usage["type"] == commitments[c]["instance_type"]
                and usage["zone"] == commitments[c]["scope"]
            ):
                instances = min(left[u], commitments[c]["count"] - used[c])
                left[u] -= instances
                used[c] += instances
    for c in regional:
        reserve(usages, commitments[c], c, left, used)
    for kind in ("ec2_instance_savings_plan", "compute_savings_plan"):
        plans = [c for c, held in enumerate(commitments) if held["kind"] == kind]
        while True:
            best = None
            for c in plans:
                budget = Fraction(commitments[c]["usd_per_hour"]) - used[c]
                for u, usage in enumerate(usages):
                    rate = plan_rate(usage, commitments[c])
                    if rate is None or not left[u] or not budget:
                        continue
                    saving = round(1 - rate / Fraction(usage["on_demand"]), 9)  # rates are floats: equal savings differ by dust
                    if best is None or (-saving, rate) < best[0]:
                        best = (-saving, rate), c, u, budget
            if best is None:
                break
            (_, rate), c, u, budget = best
            quantity = min(left[u], budget / rate)
            left[u] -= quantity
            used[c] += quantity * rate
    charge = sum(charge_usd(held) for held in commitments)
    rest = sum(q * Fraction(usage["on_demand"]) for q, usage in zip(left, usages, strict=True))
    return {"left": left, "used": used, "usd": rest + charge, "charge_usd": charge}


def reserve(usages, held, c, left, used):
    """A regional Reserved Instance: its family from the smallest size up, or its own type alone."""
    own = held["instance_type"]
    if family(own) in NO_SIZE_FLEXIBILITY:
        candidates = [(1, u) for u, usage in enumerate(usages) if is_linux(usage) and usage["type"] == own]
        whole = Fraction(held["count"])
    else:
        candidates = [
            (units(usage["type"]), u)
            for u, usage in enumerate(usages)
            if is_linux(usage) and family(usage["type"]) == family(own)
        ]
        whole = held["count"] * units(own)
    for size, u in sorted(candidates):
        quantity = min(left[u], (whole - used[c]) / size)
        left[u] -= quantity
        used[c] += quantity * size


def is_linux(usage):
    return usage["kind"] == "instance" and usage["os"] == "linux"


def plan_rate(usage, held):
    """What a unit costs under a Savings Plan; None where the plan does not cover it."""
    terms = (held["term_years"], held["payment"])
    if held["kind"] == "compute_savings_plan" and usage["kind"] in ("instance", "fargate"):
        return Fraction(usage["compute"][terms])
    if held["kind"] == "ec2_instance_savings_plan" and usage["kind"] == "instance" and family(usage["type"]) == held["family"]:
        return Fraction(usage["instance_plan"][terms])
    return None


def charge_usd(held):
    """Due whatever is used."""
    if held["kind"] == "reserved_instance":
        return held["count"] * Fraction(held["usd_per_hour"])
    return Fraction(held["usd_per_hour"])
