"""Whole alternatives of a workload in the form of plain dicts, from load to dollars.

A workload is ``{"start_s", "step_s", "services": [...]}``; a service ``{"name", "form": "tasks" | "utilization" | "requests",
"demand": one value per step, "cpu", "memory", "target", "min", "max", "port", "cpu_ms_per_request", "requests_per_task",
"startup_s", "ephemeral_gib", "public_ipv4"}``; an instance type ``{"name", "vcpu", "memory_mib" (registered), "slots",
"usd_per_hour", "spot_usd_per_hour", "fee_usd_per_hour", "baseline_fraction", "surplus_usd_per_vcpu_hour"}``. Alternatives of
one service are billed on what was measured of it, unless ``measured`` says otherwise; those of several on what was measured
of all.
"""

from tests.oracle import model, packing

SPOT_DISPERSION = 1.19


def demand_of(workload, service):
    """Demand of a service per substep."""
    return model.substeps(service["demand"], workload["step_s"])


def known_demand(workload, name):
    """Substeps in which the service of that name was measured."""
    return model.known(demand_of(workload, next(each for each in workload["services"] if each["name"] == name)))


def measured_in_all(workload):
    """Substeps in which every service of the workload was measured."""
    return model.known_in_all([demand_of(workload, service) for service in workload["services"]])


def counts_of(workload, service, task_cpu, minimum):
    """Need, unmet need and running tasks of a service with tasks of ``task_cpu``."""
    need, unmet = model.needed_tasks(service, demand_of(workload, service), task_cpu, minimum)
    return need, unmet, model.running_tasks(service, need, model.grid_seconds(workload["step_s"]))


def declared_counts(workload, service, zones=2):
    """Need, unmet need and running tasks of a service with tasks of its declared size."""
    return counts_of(workload, service, service["cpu"], model.minimum_tasks(service, zones))


def month_and_weeks(workload, month, usd_per_hour, measured):
    """Month, dollars per hour at each substep, dollars of each whole week."""
    grid_s = model.grid_seconds(workload["step_s"])
    weeks = model.weekly_usd(usd_per_hour, measured, workload["start_s"], grid_s)
    return {"month": month, "usd_per_hour": usd_per_hour, "weekly_usd": weeks}


def weights_of(workload, measured):
    """Month-hours of each substep of the workload's time axis."""
    return model.month_weights(measured, workload["start_s"], model.grid_seconds(workload["step_s"]))


def fargate_way_counts(workload, service, way, zones=2):
    """Minimum, need, unmet need and running tasks of a service that runs on Fargate in one way."""
    cpu, _, is_count_kept = way
    minimum = model.minimum_tasks(service, zones)
    if is_count_kept or not model.counts_react_to_cpu(service):
        return minimum, *counts_of(workload, service, service["cpu"], minimum)
    if service.get("min") is None or service["min"] != service.get("max"):  # a count that both bounds fix stays that count
        minimum = model.minimum_after_resize(minimum, service["cpu"], cpu, service.get("port") is not None)
    return minimum, *counts_of(workload, service, cpu, minimum)


def fargate_plan(workload, service, rates, zones=2, measured=None, size=None):
    """A service on Fargate in its cheapest way; None where no Fargate size holds its task.

    ``rates`` decide between On-Demand and Spot and between x86 and ARM; ``size`` leaves only the ways with that size.
    """
    if measured is None:
        measured = model.known(demand_of(workload, service))
    weights = weights_of(workload, measured)
    grid_s = model.grid_seconds(workload["step_s"])
    startup_s = service.get("startup_s", 60)
    extras = {"ephemeral_gib": service.get("ephemeral_gib", 20), "public_ipv4": service.get("public_ipv4", False)}
    counts, best = {}, None
    for way in model.fargate_ways(service["cpu"], service["memory"], model.counts_react_to_cpu(service)):
        cpu, memory, is_count_kept = way
        if size is not None and size != (cpu, memory):
            continue
        same_counts = None if is_count_kept else cpu
        if same_counts not in counts:
            counts[same_counts] = fargate_way_counts(workload, service, way, zones)
        running = counts[same_counts][3]
        month = model.fargate_month_usd(running, grid_s, weights, cpu, memory, rates, startup_s, **extras)
        if best is None or (month is not None and month["total_usd"] < best[1]["total_usd"]):
            best = way, month, counts[same_counts]
    if best is None:
        return None
    (cpu, memory, is_count_kept), month, (minimum, need, unmet, running) = best
    billed = model.fargate_billed_tasks(running, grid_s, startup_s)
    usd_per_hour = model.fargate_usd_per_hour(billed, cpu, memory, rates, **extras)
    return {
        "size": (cpu, memory),
        "is_count_kept": is_count_kept,
        "minimum": minimum,
        "need": need,
        "running": running,
        "unmet_task_hours": model.month_total(unmet, weights),
        **month_and_weeks(workload, month, usd_per_hour, measured),
    }


def surplus_of(workload, services, instances, instance_type):
    """Surplus vCPUs of a burstable type, None for other types; raises where the CPU in use is not known."""
    if instance_type.get("baseline_fraction") is None:
        return None
    together = [0.0] * len(instances)
    for service in services:
        units = model.cpu_units_in_use(service, demand_of(workload, service))
        if units is None:
            raise ValueError(f"the CPU that {service['name']} uses is not known, so no surplus credits either")
        for now, value in enumerate(units):
            together[now] = None if value is None or together[now] is None else together[now] + value
    hours = model.grid_seconds(workload["step_s"]) / 3600
    return model.surplus_vcpu(together, instances, instance_type["vcpu"], instance_type["baseline_fraction"], hours)


def rate_of(instance_type, purchase_option):
    """Instance rate and fee: ``"on_demand"``, ``"spot"`` (with dispersion) or ``"managed"`` (On-Demand and fee)."""
    if purchase_option == "spot":
        return instance_type["spot_usd_per_hour"] * SPOT_DISPERSION, 0.0
    if purchase_option == "managed":
        return instance_type["usd_per_hour"], instance_type["fee_usd_per_hour"]
    return instance_type["usd_per_hour"], 0.0


def priced_instances(workload, services, instances, instance_type, rates, purchase_option, measured, root_gib=None):
    """Money of known instance counts of one type that run ``services``.

    An instance has a public address where one of its services asks for public addresses. (This model's own rule.)
    """
    surplus = surplus_of(workload, services, instances, instance_type)
    surplus_rate = instance_type["surplus_usd_per_vcpu_hour"] if surplus is not None else 0.0
    rate, fee = rate_of(instance_type, purchase_option)
    ipv4 = rates["ipv4_usd_per_hour"] if any(service.get("public_ipv4") for service in services) else 0.0
    given = workload, services, instances, instance_type, rates, purchase_option, measured
    if root_gib is None:
        root_gib = packing.root_volume_gib(services, instance_type)
    each = model.instance_usd_per_hour(
        rate, rates["gp3_usd_per_gib_month"], root_gib, fee_usd_per_hour=fee, ipv4_usd_per_hour=ipv4
    )
    month = model.instances_month_usd(instances, weights_of(workload, measured), each, surplus, surplus_rate)
    usd_per_hour = model.instances_usd_per_hour(instances, each, surplus, surplus_rate)
    return {
        "instances": instances,
        "root_gib": root_gib,
        "given": given,
        **month_and_weeks(workload, month, usd_per_hour, measured),
    }


def dedicated_plan(workload, service, instance_type, rates, purchase_option="on_demand", zones=2, measured=None):
    """A service alone on instances of one type; None where its task does not fit."""
    _, _, running = declared_counts(workload, service, zones)
    per_instance = packing.tasks_per_instance(service["cpu"], service["memory"], instance_type)
    instances = packing.dedicated_instances(running, per_instance, model.grid_seconds(workload["step_s"]), zones)
    if instances is None:
        return None
    if measured is None:
        measured = model.known(demand_of(workload, service))
    return priced_instances(workload, [service], instances, instance_type, rates, purchase_option, measured)


def shared_plan(
    workload,
    instance_type,
    rates,
    purchase_option="on_demand",
    zones=2,
    count_instances=packing.first_fit_instances,
    default_spread=False,
    services=None,
):
    """Services (default: all) on one cluster of one type; None where a task of any of them does not fit.

    Billed on the substeps in which every service of the workload was measured.
    """
    services = workload["services"] if services is None else services
    running = [declared_counts(workload, service, zones)[2] for service in services]
    sizes = [(service["cpu"], service["memory"]) for service in services]
    grid_s = model.grid_seconds(workload["step_s"])
    packed = packing.shared_instances(running, sizes, instance_type, grid_s, zones, count_instances)
    if packed is None:
        return None
    instances = packed["instances"]
    if default_spread:
        instances = packing.default_spread_instances(instances, packed["tasks_trailing"])
    measured = measured_in_all(workload)
    return priced_instances(workload, services, instances, instance_type, rates, purchase_option, measured)


def spot_pool_plan(plans, vcpu, size=6):
    """The mean of ``size`` of ``plans`` on types of one size: by name of the type, on Spot or None where not possible.

    All have the root volume of the member that needs the largest: an Auto Scaling group has one launch template.
    """
    totals = {}
    for name, plan in plans.items():
        totals[name] = None if plan is None or plan["month"] is None else plan["month"]["total_usd"]
    members = model.spot_pool_members(totals, vcpu, size)
    if members is None:
        return None
    root_gib = max(plans[name]["root_gib"] for name in members)
    alike = [priced_instances(*plans[name]["given"], root_gib=root_gib) for name in members]
    weeks = []
    for many in zip(*(each["weekly_usd"] for each in alike), strict=True):
        weeks.append(None if None in many else sum(many) / size)
    return {"members": members, "total_usd": sum(each["month"]["total_usd"] for each in alike) / size, "weekly_usd": weeks}
