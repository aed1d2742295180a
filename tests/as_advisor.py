"""The oracle's plain dicts as values of ``advisor``: a workload, a catalog made in memory, a search."""

from datetime import UTC, datetime, timedelta

import numpy as np

from advisor.ecs import Architecture, InstanceType, PurchaseOption, TaskSize
from advisor.meters import (
    FARGATE_EPHEMERAL_GIB_HOUR,
    GP3_GIB_MONTH,
    PUBLIC_IPV4_HOUR,
    Meter,
    fargate_gib_hour,
    fargate_vcpu_hour,
    instance_hour,
    surplus_vcpu_hour,
)
from advisor.optimize.candidates import candidates
from advisor.optimize.search import Search
from advisor.pricing import FeeRatio, PriceCatalog, Rate, RegionPrices, Source
from advisor.simulate.timeline import timeline
from advisor.workload import Constraints, LoadForm, Scaling, Service, Workload
from tests.oracle import model

REGION = "eu-north-1"
MONDAY = datetime(2026, 9, 7, tzinfo=UTC)
ANY_TYPE = ("*.*",)
"""Matches every type by name, so that no rule about families and generations applies."""
SOURCE = Source(id="drawn", where="hypothesis", date="2026-09-01", note="", licence="")


def as_array(series):
    """One value per step, NaN for None."""
    return np.array([np.nan if value is None else value for value in series], dtype=np.float64)


def as_list(array):
    """The inverse of ``as_array``."""
    return [None if value != value else value for value in array.tolist()]


def as_service(service, zones=2):
    return Service(
        name=service["name"],
        task=TaskSize(cpu_units=service["cpu"], memory_mib=service["memory"]),
        load_form=LoadForm(service["form"]),
        scaling=Scaling(
            min_tasks=model.minimum_tasks(service, zones),
            is_min_stated=service.get("min") is not None,
            max_tasks=service.get("max"),
            target_cpu_fraction=service.get("target", 0.6),
        ),
        architectures=tuple(Architecture(name) for name in service.get("architectures", ["X86_64"])),
        requests_per_task=service.get("requests_per_task"),
        cpu_ms_per_request=service.get("cpu_ms_per_request"),
        ephemeral_storage_gib=service.get("ephemeral_gib", 20),
        startup_s=service.get("startup_s", 60),
        is_interruptible=service.get("interruptible", False),
        has_public_ip=service.get("public_ipv4", False),
        port=service.get("port"),
    )


def as_workload(load, zones=2, **more):
    return Workload(
        cluster="drawn",
        region=REGION,
        services=tuple(as_service(service, zones) for service in load["services"]),
        start=MONDAY + timedelta(seconds=load["start_s"]),
        step_s=load["step_s"],
        demand=np.stack([as_array(service["demand"]) for service in load["services"]]),
        constraints=Constraints(**{"zones": zones, "instance_types": ANY_TYPE} | more),
    )


def as_instance_type(each):
    return InstanceType(
        name=each["name"],
        vcpu=each["vcpu"],
        memory_mib=each["memory_mib"] + 200,
        registered_memory_mib=each["memory_mib"],
        is_registered_memory_observed=True,
        architectures=(Architecture(each["architecture"]),),
        max_enis=each["max_enis"],
        branch_interfaces=each["trunked_tasks"],
        trunked_tasks=each["trunked_tasks"],
        baseline_fraction=each["baseline_fraction"],
        coremark_per_thread=None,
        is_current_generation=True,
        is_bare_metal=False,
        has_accelerator=False,
    )


def as_rates(types, prices):
    """Listed rates by meter id, from instance types and rates by architecture and purchase option."""
    listed = {}

    def add(meter: Meter, usd):
        if usd is not None:
            listed[meter.id] = Rate(usd, meter.unit, SOURCE.id, SOURCE.date)

    for (architecture, option), rates in prices.items():
        key = Architecture(architecture), PurchaseOption(option)
        add(fargate_vcpu_hour(*key), rates["fargate_usd_per_vcpu_hour"])
        add(fargate_gib_hour(*key), rates["fargate_usd_per_gib_hour"])
        add(FARGATE_EPHEMERAL_GIB_HOUR, rates["ephemeral_usd_per_gib_hour"])
        add(PUBLIC_IPV4_HOUR, rates["ipv4_usd_per_hour"])
        add(GP3_GIB_MONTH, rates["gp3_usd_per_gib_month"])
    for each in types:
        add(instance_hour(each["name"], PurchaseOption.ON_DEMAND), each["usd_per_hour"])
        add(instance_hour(each["name"], PurchaseOption.SPOT), each["spot_usd_per_hour"])
        add(surplus_vcpu_hour(each["name"]), each["surplus_usd_per_vcpu_hour"])
    return listed


def as_catalog(types, prices, listed=None, region=REGION):
    """A catalog of one Region; ``listed`` stands in for the rates of ``types`` and ``prices``."""
    return PriceCatalog(
        regions={
            region: RegionPrices(
                rates=as_rates(types, prices) if listed is None else listed,
                outdated={},
                zones={each["name"]: 3 for each in types},
            )
        },
        types={each["name"]: as_instance_type(each) for each in types},
        fee_ratios={
            each["name"]: FeeRatio(
                scope="drawn",
                ratio=each["fee_usd_per_hour"] / each["usd_per_hour"],
                source_id=SOURCE.id,
                as_of=SOURCE.date,
                valid_from=SOURCE.date,
            )
            for each in types
            if each["fee_usd_per_hour"] is not None
        },
        sources={SOURCE.id: SOURCE},
    )


def as_search(workload, catalog):
    return Search(
        catalog=catalog,
        region=workload.region,
        axis=timeline(workload.start, workload.step_s, workload.n_steps),
        constraints=workload.constraints,
        candidates=candidates(catalog, workload.region, workload.constraints),
    )
