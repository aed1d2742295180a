"""Every launch choice of a workload with every candidate instance type tried: what a search must not miss.

A choice is ``(launch type, purchase option, architecture)``, a cost ``{"usd": a month, "high": its upper end}``, or None where
the choice is not possible. ``prices`` are rates by architecture and purchase option. Services have ``architectures`` and
``interruptible`` besides what ``plans`` says, instance types an ``architecture``; a rate that is None is not known.
"""

from tests.oracle import model, packing, plans

LAUNCH_TYPES = ["FARGATE", "EC2", "MANAGED_INSTANCES"]
ARCHITECTURES = ["X86_64", "ARM64"]
PACKING_RANGE = 0.05
FEE_RANGE = 0.10


def purchase_options(launch_type, interruptible):
    """Spot only for what may be interrupted, and not on Managed Instances. (This model's own rule.)"""
    return ["on_demand", "spot"] if interruptible and launch_type != "MANAGED_INSTANCES" else ["on_demand"]


def on_fargate(plan):
    """The cost of a plan on Fargate: a figure, not a range."""
    return None if plan is None else {"usd": plan["month"]["total_usd"], "high": plan["month"]["total_usd"]}


def on_instances(month_usd, fee_usd=0.0):
    """The cost of a plan on instances: up to 5 % more for ECS's own packing, 10 % of a fee that is not published."""
    return {"usd": month_usd, "high": month_usd * (1 + PACKING_RANGE) + fee_usd * FEE_RANGE}


def together(costs):
    """Several costs as one; None where one of them is missing."""
    if None in costs:
        return None
    return {"usd": sum(cost["usd"] for cost in costs), "high": sum(cost["high"] for cost in costs)}


def cheapest(costs):
    """The cost with the lowest upper end; None where none is possible."""
    return min((cost for cost in costs if cost is not None), key=lambda cost: cost["high"], default=None)


def can_run(services, instance_type, launch_type, option, architecture):
    """Whether an instance type may be used at all: architecture, known rates, room for each task, known credits."""
    needed = {"MANAGED_INSTANCES": "fee_usd_per_hour", "EC2": "spot_usd_per_hour" if option == "spot" else "usd_per_hour"}
    if instance_type["architecture"] != architecture or instance_type[needed[launch_type]] is None:
        return False
    if instance_type["baseline_fraction"] is not None and not all(map(model.counts_react_to_cpu, services)):
        return False
    return all(packing.tasks_per_instance(each["cpu"], each["memory"], instance_type) > 0 for each in services)


def instances_cost(workload, services, types, prices, choice, zones=2, measured=None, default_spread=False):
    """Services together on instances: the cheapest of the ``types``, or the pool of six; None where not possible."""
    launch_type, option, architecture = choice
    rates = prices[architecture, "on_demand"]
    if launch_type == "MANAGED_INSTANCES":
        # Amazon ECS Developer Guide, "Allocate a network interface for tasks on Amazon ECS Managed Instances": a trunk wherever
        # the type supports one, without a setting.
        types = [each | {"slots": each["trunked_tasks"] or each["max_enis"] - 1} for each in types]
    purchase_option = "managed" if launch_type == "MANAGED_INSTANCES" else option
    tried, vcpu = {}, {}
    for each in types:
        if can_run(services, each, launch_type, option, architecture):
            tried[each["name"]] = (
                plans.dedicated_plan(workload, services[0], each, rates, purchase_option, zones, measured)
                if len(services) == 1 and not default_spread
                else plans.shared_plan(
                    workload, each, rates, purchase_option, zones, default_spread=default_spread, services=services
                )
            )
            vcpu[each["name"]] = each["vcpu"]
    if option == "spot":
        pool = plans.spot_pool_plan(tried, vcpu)
        return None if pool is None else on_instances(pool["total_usd"])
    return cheapest([on_instances(plan["month"]["total_usd"], plan["month"]["usd"]["fee"]) for plan in tried.values()])


def of_service(workload, service, types, prices, launch_types, zones=2, measured=None):
    """Cost of each choice for one service alone."""
    costs = {}
    for launch_type in launch_types:
        for option in purchase_options(launch_type, service["interruptible"]):
            for architecture in service["architectures"]:
                choice = launch_type, option, architecture
                if launch_type == "FARGATE":
                    plan = plans.fargate_plan(workload, service, prices[architecture, option], zones, measured)
                    costs[choice] = on_fargate(plan)
                else:
                    costs[choice] = instances_cost(workload, [service], types, prices, choice, zones, measured)
    return costs


def of_shared_cluster(workload, types, prices, launch_types, zones=2):
    """Cost of each choice for all services together; those that lack the architecture share a second cluster of the other."""
    services, costs = workload["services"], {}
    if len(services) < 2:
        return costs
    for launch_type in launch_types:
        if launch_type == "FARGATE":
            continue
        for option in purchase_options(launch_type, all(service["interruptible"] for service in services)):
            for architecture, other in (ARCHITECTURES, ARCHITECTURES[::-1]):
                first = [service for service in services if architecture in service["architectures"]]
                second = [service for service in services if architecture not in service["architectures"]]
                if not first:
                    continue
                groups = [(first, architecture)] + ([(second, other)] if second else [])
                costs[launch_type, option, architecture] = together(
                    [
                        instances_cost(
                            workload,
                            group,
                            types,
                            prices,
                            (launch_type, option, its_architecture),
                            zones,
                            plans.measured_in_all(workload),
                        )
                        for group, its_architecture in groups
                    ]
                )
    return costs


def of_separate_services(workload, types, prices, launch_types, zones=2):
    """Costs of all services each alone: all in the same way, and each where it is cheapest, without and with Spot.

    Each is billed on what was measured of all services.
    """
    measured = plans.measured_in_all(workload)
    tables = [of_service(workload, each, types, prices, launch_types, zones, measured) for each in workload["services"]]
    choices = {choice for table in tables for choice in table}
    groups = [[choice] for choice in choices]
    groups += [[choice for choice in choices if choice[0] == launch_type] for launch_type in launch_types]
    groups += [[choice for choice in choices if choice[1] == "on_demand"], list(choices)]
    return [together([cheapest([table.get(choice) for choice in group]) for table in tables]) for group in groups]
