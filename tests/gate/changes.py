"""Small workloads and changes of them, with rates that can be worked out in the head."""

from dataclasses import replace

from advisor.ecs import LaunchType, TaskSize
from advisor.workload import PresentCluster, PresentService, Workload
from tests.as_advisor import as_catalog, as_workload

RATES = {
    "fargate_usd_per_vcpu_hour": 0.04,
    "fargate_usd_per_gib_hour": 0.004,
    "ephemeral_usd_per_gib_hour": 0.0001,
    "ipv4_usd_per_hour": 0.005,
    "gp3_usd_per_gib_month": 0.08,
}
HALF = {name: usd / 2 if name.startswith("fargate") else usd for name, usd in RATES.items()}
PRICES = {("X86_64", "on_demand"): RATES, ("ARM64", "on_demand"): HALF, ("X86_64", "spot"): HALF}
LARGE = {
    "name": "m5.large",
    "architecture": "X86_64",
    "vcpu": 2,
    "memory_mib": 7_680,
    "max_enis": 3,
    "trunked_tasks": 10,
    "usd_per_hour": 0.1,
    "spot_usd_per_hour": None,
    "fee_usd_per_hour": None,
    "baseline_fraction": None,
    "surplus_usd_per_vcpu_hour": None,
}
XLARGE = {**LARGE, "name": "m5.xlarge", "vcpu": 4, "memory_mib": 15_360, "usd_per_hour": 0.2}
N_HOURS = 336
CATALOG = as_catalog([LARGE, XLARGE], PRICES)
ON_FARGATE = PresentService(launch_type=LaunchType.FARGATE)
ON_EC2 = PresentService(launch_type=LaunchType.EC2)


def web(**more):
    """4 tasks of 1 vCPU and 2 GiB at 50 %: 2,048 CPU units in use, all the time."""
    service = {
        "name": "web",
        "form": "utilization",
        "demand": [2048.0] * N_HOURS,
        "cpu": 1024,
        "memory": 2048,
        "target": 0.5,
        "min": 2,
        "max": 40,
        "startup_s": 0,
    }
    return {**service, **more}


def workload(*services, present=ON_FARGATE, cluster=None, **more) -> Workload:
    load = as_workload({"start_s": 0, "step_s": 3600, "services": list(services or [web()])})
    placed = tuple(replace(service, present=present) for service in load.services)
    return replace(load, services=placed, present=cluster, **more)


def changed(load: Workload, name="web", **fields) -> Workload:
    """The workload with fields of one service replaced; ``task`` as (CPU units, MiB), ``scaling`` as its fields."""
    services = []
    for service in load.services:
        if service.name == name:
            if "task" in fields:
                cpu, memory = fields["task"]
                fields["task"] = TaskSize(cpu_units=cpu, memory_mib=memory)
            if "scaling" in fields:
                fields["scaling"] = replace(service.scaling, **fields["scaling"])
            service = replace(service, **fields)
        services.append(service)
    return replace(load, services=tuple(services))


def instances(**types) -> PresentCluster:
    return PresentCluster(instances={name.replace("_", "."): count for name, count in types.items()})
