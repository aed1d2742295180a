"""Makes ``pricing_data/`` from a folder of collected prices: text, one file per Region and concept, the same bytes each time.

Run ``python tools/build_pricing_data.py SOURCE [--out FOLDER]``. SOURCE holds ``pricing/`` (tables of prices, instance types
and their sources) and ``workloads/ecs_registered_resources/`` (what container instances really register).
Needs pandas and pyarrow. Prints how far the registered-memory fit is from the observations.
"""

import argparse
import csv
import io
import re
import shutil
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np
import pandas as pd

from advisor.pricing import missing_meters
from advisor.sources.catalog import read_catalog, regions
from advisor.sources.interruption_bands import INTERRUPTION_COLUMNS
from advisor.sources.prices.registered_memory import FIT_SOURCE, fitted_registered_memory_mib

Row = Sequence[object]
Files = dict[str, str]

RATE_COLUMNS: Final = ("usd", "unit", "source_id", "as_of", "status")
CURRENT, SUPERSEDED, STALE = "current", "superseded", "stale"

ARCHITECTURES: Final = {"x86_64": "X86_64", "i386|x86_64": "X86_64", "arm64": "ARM64"}
"""Spelling of the source to spelling of the ECS API; i386 is not an ECS architecture."""

FARGATE_DIMENSIONS: Final = {
    "vcpu_hour": ("vcpu_hour", "vCPU-hour"),
    "gb_hour": ("gib_hour", "GiB-hour"),  # AWS writes GB and means 1024^3 bytes
    "ephemeral_gb_hour": ("ephemeral_gib_hour", "GiB-hour"),
    "os_license_vcpu_hour": ("os_license_vcpu_hour", "vCPU-hour"),
}

ACCELERATED_FAMILY: Final = re.compile(r"(g|gr|p|vt|dl|f|inf|trn)\d")
"""Families with a GPU, FPGA or ML chip; the counts of the source leave out f1, f2, dl1, vt1 and parts of a GPU (g6f, gr6f)."""

FEE_SCOPES: Final = {
    "default": "default",
    "G series": "g_series",
    "P series and Trainium": "p_series_and_trainium",
}
FEE_SCOPE_OF_FAMILY: Final = ((re.compile(r"gr?\d"), "g_series"), (re.compile(r"(p|trn)\d"), "p_series_and_trainium"))
NOT_IN_MANAGED_INSTANCES: Final = re.compile(r"t\d.*\.(nano|micro)")
"""ECS Developer Guide, "Amazon ECS Managed Instances instance types": T families without nano and micro."""

FIT_MAY_EXCEED_FRACTION: Final = 0.005

OBSERVATION_SOURCES: Final = {
    "2i2c-org/infrastructure": "memory_2i2c",
    "ASFHyP3/hyp3 pull request 1900": "memory_hyp3_2023",
    "ASFHyP3/hyp3 pull request 582": "memory_hyp3_2021",
    "AWS Batch User Guide": "memory_batch_guide",
    "AWS ECS API Reference": "memory_api_reference",
    "aws/amazon-ecs-agent": "memory_ecs_agent",
    "aws/amazon-ecs-ami": "memory_ecs_ami",
    "awscli 1.46.3": "memory_awscli",
    "cloud-custodian/cloud-custodian": "memory_custodian",
    "misterfifi1/exo-lives-aws": "memory_terraform_2019",
    "public file in the text index (id 13519703982)": "memory_terraform_undated",
    "public file in the text index (id 16287845649)": "memory_pasted_2020",
    "public file in the text index (id 34354312677)": "memory_recorded_2020",
    "public file in the text index (id 45121599547)": "memory_pasted_2018",
    "sentiampc/sentialabs.github.io": "memory_sentia_2018",
}
"""Short ids of who observed registered memory, by how the source is called in the collected table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """Memory that a container instance, or what stands in for one, registered."""

    instance_type: str
    memory_mib: int
    observed: str
    is_ecs: bool
    is_low_confidence: bool
    source: str
    kind: str

    @property
    def rank(self) -> tuple[bool, bool, str, bool]:
        """The highest is used: ECS before a proxy, doubtful ones last, then the newest."""
        date = re.search(r"\d{4}(-\d\d)?(-\d\d)?(?!\d)", self.observed)
        return self.is_ecs, not self.is_low_confidence, date[0] if date else "", not self.observed.startswith("before")

    @property
    def source_id(self) -> str:
        return next(short for start, short in OBSERVATION_SOURCES.items() if self.source.startswith(start))


def read_observations(folder: Path) -> list[Observation]:
    """Rows with a number and an instance type. Sums of estimates ("our sum") are not observations."""
    table = pd.read_csv(folder / "workloads/ecs_registered_resources/registered_resources_observed.csv", dtype=str)
    return [
        Observation(
            instance_type=row["instance_type"],
            memory_mib=int(row["registered_memory_mib"]),
            observed=row["observed"],
            is_ecs="not ECS" not in row["os_ami"],
            is_low_confidence=row["confidence"].startswith("low"),
            source=row["source"],
            kind=row["kind"],
        )
        for row in table.fillna("").to_dict("records")
        if row["registered_memory_mib"].isdigit() and "." in row["instance_type"] and not row["kind"].startswith("our sum")
    ]


def number(value: Any) -> str:
    """Shortest text that reads back as the same number, without an exponent; empty where nothing is known."""
    return "" if pd.isna(value) else np.format_float_positional(float(value), trim="-")


def flag(value: bool) -> str:
    return "true" if value else "false"


def csv_text(columns: Sequence[str], rows: Iterable[Row]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return buffer.getvalue()


def regional(name: str, columns: Sequence[str], rows: Iterable[tuple[str, Row]]) -> Files:
    """One file per Region from rows that start with their Region."""
    by_region: defaultdict[str, list[Row]] = defaultdict(list)
    for region, row in rows:
        by_region[region].append(row)
    return {f"{region}/{name}.csv": csv_text(columns, sorted(found, key=str)) for region, found in by_region.items()}


def ec2_files(pricing: Path) -> Files:
    on_demand = in_regions(pricing / "ec2_on_demand.parquet")
    spot = in_regions(pricing / "ec2_spot.parquet")
    linux = on_demand[on_demand["os"] == "linux"]
    windows = on_demand[on_demand["os"] == "windows"].merge(linux[["region", "instance_type"]], on=["region", "instance_type"])
    columns = ("instance_type", *RATE_COLUMNS)
    # Of 74 rates of Windows without one of Linux, some are the licence alone: u-12tb1.112xlarge at 448 x 0.046.
    return {
        **regional("ec2_on_demand", columns, instance_rates(linux, "usd_per_hour")),
        **regional("ec2_windows_on_demand", columns, instance_rates(windows, "usd_per_hour")),
        **regional("ec2_spot", columns, instance_rates(spot[spot["os"] == "linux"], "spot_usd_per_hour_mean_of_azs")),
    }


@cache
def in_regions(path: Path) -> pd.DataFrame:
    """A table of EC2 rates without Local Zones and Wavelength Zones; not to be changed."""
    table = pd.read_parquet(path)
    return table[table["location_kind"] == "region"]


BAND_EDGES: Final = (("0", "5"), ("5", "10"), ("10", "15"), ("15", "20"), ("20", ""))
"""Of the interruption buckets of the Spot Instance Advisor; the highest has no upper edge. [percent a month]"""


def interruption_files(pricing: Path) -> Files:
    """How often Spot instances of a type were interrupted in a month, of types that have a Spot rate in that Region."""
    table = pd.read_parquet(pricing / "ec2_spot_advisor.parquet")
    spot = in_regions(pricing / "ec2_spot.parquet")
    priced = spot[spot["os"] == "linux"][["region", "instance_type"]]
    found = table[table["os"] == "linux"].merge(priced, on=["region", "instance_type"])
    rows = (
        (row["region"], (row["instance_type"], *BAND_EDGES[row["interruption_bucket"]], row["source_id"], row["as_of"]))
        for row in found.to_dict("records")
    )
    return regional("ec2_spot_interruptions", INTERRUPTION_COLUMNS, rows)


RESERVED_KEY: Final = ("instance_type", "os", "term_years", "payment_option")
LICENCE_TOLERANCE: Final = 0.007
"""A Windows rate of this or less beside Linux and the licence follows from them; it has no row of its own."""


def reserved_files(pricing: Path) -> Files:
    """All-upfront rates of standard Reserved Instances for Linux, and those for Windows that do not follow from them."""
    table = in_regions(pricing / "ec2_reserved.parquet")
    windows = windows_reserved(pricing)
    rows = pd.concat([table[table["os"] == "linux"], windows[windows["kind"] == "listed"]])
    return regional("ec2_reserved", (*RESERVED_KEY, *RATE_COLUMNS), map(reserved_row, rows.to_dict("records")))


def windows_reserved(pricing: Path) -> pd.DataFrame:
    """Windows rates with a column ``kind``: ``rule``, ``unlicensed`` or ``listed``.

    Commitments do not lower the Windows licence, so that Windows costs the Linux rate and what Windows costs more on demand:
    rows that say so need no place of their own. Others cost what Linux does, which no Windows with its licence included can:
    these are faults of the source. What remains, old families, differs from the rule and is kept as it is listed.
    """
    table = in_regions(pricing / "ec2_reserved.parquet")
    key = ["region", "instance_type"]
    prices = in_regions(pricing / "ec2_on_demand.parquet").pivot(index=key, columns="os", values="usd_per_hour")
    windows = table[table["os"] == "windows"].merge(prices[["linux", "windows"]], left_on=key, right_index=True)
    linux = table[table["os"] == "linux"][[*key, "term_years", "effective_usd_per_hour"]]
    windows = windows.merge(linux, on=[*key, "term_years"], suffixes=("", "_of_linux"))
    usd, usd_of_linux = windows["effective_usd_per_hour"], windows["effective_usd_per_hour_of_linux"]
    by_rule = usd_of_linux + windows["windows"] - windows["linux"]
    kinds = [(by_rule / usd - 1).abs() <= LICENCE_TOLERANCE, usd <= usd_of_linux * (1 + LICENCE_TOLERANCE)]
    return windows.assign(kind=np.select(kinds, ["rule", "unlicensed"], "listed"))


def reserved_row(row: Mapping[str, Any]) -> tuple[str, Row]:
    usd = number(row["effective_usd_per_hour"])
    rate = (usd, "instance-hour", row["source_id"], row["as_of"], CURRENT)
    return row["region"], (row["instance_type"], row["os"], row["term_years"], row["payment_option"], *rate)


def commitment_files(pricing: Path) -> Files:
    """Savings Plan rates that are known, and what the payment options of a Reserved Instance cost against all upfront."""
    plans = pd.read_csv(pricing / "savings_plans.csv", dtype=str).to_dict("records")
    columns = ("plan", "covered_meter", "term_years", "payment_option", *RATE_COLUMNS)
    relations = pd.read_csv(pricing / "commitment_relations.csv", dtype=str)
    ratios = []
    for row in relations[relations["offering_class"] == "standard"].to_dict("records"):
        for payment, ratio in (
            ("all_upfront", "1"),
            ("partial_upfront", row["partial_over_all_median"]),
            ("no_upfront", row["none_over_all_median"]),
        ):
            ratios.append((row["term_years"], payment, ratio, COMMITMENT_ERROR, row["source_id"], row["as_of"]))
    ratio_columns = ("term_years", "payment_option", "ratio_to_all_upfront", "error_fraction", "source_id", "as_of")
    return {
        **regional("savings_plans", columns, map(savings_plan_row, plans)),
        "commitment_ratios.csv": csv_text(ratio_columns, ratios),
    }


COMMITMENT_ERROR: Final = "0.007"
"""The largest difference of a derived rate from a listed one: m5.large, no upfront for a year, 0.06042 against 0.0600."""
PLAN_KINDS: Final = {"compute": "compute_savings_plan", "ec2_instance": "ec2_instance_savings_plan"}


def savings_plan_row(row: Mapping[str, str]) -> tuple[str, Row]:
    service, _, target = row["target"].partition(":")
    if service == "ec2":
        meter, unit = f"ec2:{row['os']}:on_demand:{target}", "instance-hour"
    else:
        os_, architecture, dimension = target.split(":")
        dimension, unit = FARGATE_DIMENSIONS[dimension]
        meter = f"fargate:{os_}:{architecture}:on_demand:{dimension}"
    rate = (row["usd_per_hour"], unit, row["source_id"], row["as_of"], CURRENT)
    return row["region"], (PLAN_KINDS[row["plan_type"]], meter, row["term_years"], row["payment_option"], *rate)


def instance_rates(table: pd.DataFrame, usd_column: str) -> Iterable[tuple[str, Row]]:
    for row in table.to_dict("records"):
        usd = number(row[usd_column])
        yield row["region"], (row["instance_type"], usd, "instance-hour", row["source_id"], row["as_of"], CURRENT)


def fargate_files(pricing: Path) -> Files:
    columns = ("architecture", "purchase_option", "dimension", *RATE_COLUMNS)
    on_demand = pd.read_csv(pricing / "fargate_on_demand.csv", dtype=str).assign(purchase_option="on_demand", status=CURRENT)
    is_windows = on_demand["os"] == "windows"
    before = pd.read_csv(pricing / "fargate_windows_superseded.csv", dtype=str)
    windows = pd.concat([on_demand[is_windows], before.assign(purchase_option="on_demand", status=SUPERSEDED)])
    on_demand = on_demand[~is_windows]
    spot = pd.read_csv(pricing / "fargate_spot.csv", dtype=str)
    status = np.select([spot["superseded"] == "True", spot["stale"] == "True"], [SUPERSEDED, STALE], CURRENT)
    spot = spot.assign(purchase_option="spot", status=status)
    return {
        **regional("fargate", columns, map(fargate_row, pd.concat([on_demand, spot]).to_dict("records"))),
        **regional("fargate_windows", columns, map(fargate_row, windows.to_dict("records"))),
    }


def fargate_row(row: Mapping[str, str]) -> tuple[str, Row]:
    dimension, unit = FARGATE_DIMENSIONS[row["dimension"]]
    key = (ARCHITECTURES.get(row["arch"], "any"), row["purchase_option"], dimension)
    return row["region"], (*key, row["usd"], unit, row["source_id"], row["as_of"], row["status"])


def ebs_files(pricing: Path) -> Files:
    table = pd.read_csv(pricing / "ebs.csv", dtype=str)
    table = table[(table["volume_type"] == "gp3") & (table["dimension"] == "gb_month")]
    rows = (
        (row["region"], ("gp3", "gib_month", row["usd"], "GiB-month", row["source_id"], row["as_of"], CURRENT))
        for row in table.to_dict("records")
    )
    return regional("ebs", ("volume_type", "dimension", *RATE_COLUMNS), rows)


SIDE_COSTS: Final = {
    "public_ipv4_hour": ("vpc", ("public_ipv4", "address_hour"), "address-hour"),
    "nat_gateway_hour": ("vpc", ("nat_gateway", "hour"), "gateway-hour"),
    "nat_gateway_gb": ("vpc", ("nat_gateway", "gib"), "GiB"),
    "interface_endpoint_hour": ("vpc", ("interface_endpoint", "hour"), "endpoint-hour"),
    "interface_endpoint_gb_first_1pb": ("vpc", ("interface_endpoint", "gib"), "GiB"),
    "alb_hour": ("elb", ("application", "hour"), "load-balancer-hour"),
    "alb_lcu_hour": ("elb", ("application", "lcu_hour"), "LCU-hour"),
    "nlb_hour": ("elb", ("network", "hour"), "load-balancer-hour"),
    "nlb_lcu_hour": ("elb", ("network", "lcu_hour"), "LCU-hour"),
    "logs_ingested_gb_standard": ("cloudwatch", ("logs_ingested", "gib"), "GiB"),
    "logs_stored_gb_month": ("cloudwatch", ("logs_stored", "gib_month"), "GiB-month"),
    "custom_metric_month_first_10000": ("cloudwatch", ("custom_metric_first_10000", "metric_month"), "metric-month"),
    "container_insights_enhanced_metric_month": (
        "cloudwatch", ("container_insights_enhanced", "metric_month"), "metric-month",
    ),
    "alarm_standard_month": ("cloudwatch", ("alarm_standard", "alarm_month"), "alarm-month"),
    "private_storage_gb_month": ("ecr", ("storage", "gib_month"), "GiB-month"),
}  # fmt: skip
"""File, key and unit of each collected item; items that no plan of ECS needs (EKS, App Runner, dashboards) are left out."""
TRANSFERS: Final = {
    "inter_az_each_direction": ("inter_az", "gib"),
    "internet_egress_first_10tb": ("internet_out_first_10tb", "gib"),
    "to_other_regions": ("other_regions", "gib"),
}
"""Kinds of data transfer; the cheaper steps beyond 10 TB a month to the internet are left out."""
SIDE_KEY: Final = ("item", "dimension")


def side_cost_files(pricing: Path) -> Files:
    """What surrounds tasks: addresses, gateways, load balancers, transfer, CloudWatch, ECR; and surplus CPU credits."""
    rows: defaultdict[str, list[tuple[str, Row]]] = defaultdict(list)
    for row in pd.read_csv(pricing / "side_costs.csv", dtype=str).to_dict("records"):
        item = row["item"].split(":")
        if row["item"] in SIDE_COSTS:
            file, key, unit = SIDE_COSTS[row["item"]]
            rows[file].append((row["region"], (*key, row["usd"], unit, row["source_id"], row["as_of"], CURRENT)))
        elif item[0] == "t_unlimited_surplus_vcpu_hour" and item[2] == "linux":
            rate = (row["usd"], row["unit"], row["source_id"], row["as_of"], CURRENT)
            rows["ec2_surplus_credits"].append((row["region"], (item[1], *rate)))
    for row in pd.read_csv(pricing / "data_transfer.csv", dtype=str).to_dict("records"):
        if row["dimension"] in TRANSFERS:
            rate = (row["usd_per_gb"], "GiB", row["source_id"], row["as_of"], CURRENT)
            rows["data_transfer"].append((row["region"], (*TRANSFERS[row["dimension"]], *rate)))
    key_of = {"ec2_surplus_credits": ("family",)}
    files: Files = {}
    for file, found in rows.items():
        files |= regional(file, (*key_of.get(file, SIDE_KEY), *RATE_COLUMNS), found)
    return files


def gaps_file(files: Files) -> str:
    """What a complete Region would have a rate of, and these files do not."""
    with tempfile.TemporaryDirectory() as name:
        write(files, Path(name))
        catalog = read_catalog(*regions(Path(name)), folder=Path(name))
    rows = []
    for region in catalog.regions:
        outdated = catalog.region_prices(region).outdated
        for meter in missing_meters(catalog, region):
            status, rate = outdated.get(meter, ("", None))
            why = (
                f"only a {status} rate of {rate.as_of} ({rate.source_id})"
                if rate
                else NOT_SOURCED.get(meter, "no source found")
            )
            rows.append((region, meter, why))
    return csv_text(("region", "meter", "why"), sorted(rows))


NOT_SOURCED: Final = {
    "ec2:linux:spot:*": "the collected Spot prices leave out GovCloud",
    "cloudwatch:container_insights_enhanced:metric_month": "one source, for us-east-1",
}


def write(files: Files, folder: Path) -> None:
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8", newline="\n")


def zone_files(pricing: Path, priced_types: set[str]) -> Files:
    table = pd.read_parquet(pricing / "ec2_az_offerings.parquet")
    zones = table[table["instance_type"].isin(priced_types)].groupby(["region", "instance_type"])["az_id"].agg(sorted)
    rows = ((region, (instance_type, "|".join(az_ids), "moto")) for (region, instance_type), az_ids in zones.items())
    return regional("zones", ("instance_type", "az_ids", "source_id"), rows)


def fee_file(pricing: Path) -> Files:
    """Ratios of the on-demand rate, with the time they hold; a ratio whose time has ended is superseded."""
    table = pd.read_csv(pricing / "ecs_managed_instances_fee.csv", dtype=str).fillna("")
    table = table[table["measure"] == "ratio_of_on_demand"]
    rows = [
        (
            FEE_SCOPES[row["scope"]],
            row["value"],
            row["valid_from"],
            row["valid_to"],
            row["source_id"],
            row["as_of"],
            SUPERSEDED if row["valid_to"] else CURRENT,
        )
        for row in table.to_dict("records")
    ]
    columns = ("scope", "ratio_of_on_demand", "valid_from", "valid_to", "source_id", "as_of", "status")
    return {"managed_instances_fee.csv": csv_text(columns, sorted(rows))}


@dataclass(frozen=True, slots=True, kw_only=True)
class Specs:
    """What is known of instance types, one table per subject, each indexed by type."""

    types: pd.DataFrame
    enis: pd.DataFrame
    coremark: pd.Series
    observations: Mapping[str, Sequence[Observation]]


INSTANCE_TYPE_COLUMNS: Final = (
    "instance_type",
    "vcpu",
    "memory_mib",
    "registered_memory_mib",
    "registered_memory_basis",
    "registered_memory_as_of",
    "registered_memory_source_id",
    "architectures",
    "max_enis",
    "branch_interfaces",
    "tasks_with_trunking",
    "tasks_with_trunking_source_id",
    "baseline_percent",
    "coremark_per_thread",
    "current_generation",
    "bare_metal",
    "accelerator",
    "gpus",
    "managed_instances_fee_scope",
    "spec_source_id",
)


def read_specs(folder: Path) -> Specs:
    pricing = folder / "pricing"
    observations: defaultdict[str, list[Observation]] = defaultdict(list)
    for observation in read_observations(folder):
        observations[observation.instance_type].append(observation)
    return Specs(
        types=pd.read_parquet(pricing / "ec2_instance_types.parquet").set_index("instance_type"),
        enis=pd.read_csv(pricing / "ecs_eni_task_limits.csv").set_index("instance_type"),
        coremark=pd.read_csv(pricing / "ec2_coremark.csv").set_index("instance_type")["coremark_per_thread"],
        observations=observations,
    )


def instance_type_row(name: str, specs: Specs) -> Row:
    spec = specs.types.loc[name]
    return (
        name,
        spec["vcpu"],
        spec["memory_mib"],
        *registered_memory(name, specs),
        ARCHITECTURES[spec["architectures"]],
        *network(name, specs),
        number(spec["baseline_pct_per_vcpu"]),
        number(specs.coremark.get(name)),
        flag(spec["current_generation"]),
        flag(spec["bare_metal"]),
        flag(has_accelerator(spec)),
        nvidia_gpus(spec),
        fee_scope(name),
        spec["spec_source"],
    )


def registered_memory(name: str, specs: Specs) -> tuple[int, str, str, str]:
    """MiB, basis, date and source."""
    seen = specs.observations.get(name)
    if seen:
        best = max(seen, key=lambda each: each.rank)
        return best.memory_mib, "observed", best.observed, best.source_id
    return fitted(specs.types.loc[name]), "fitted", "", FIT_SOURCE


def fitted(spec: Any) -> int:
    return fitted_registered_memory_mib(
        spec["memory_mib"], spec["vcpu"], is_burstable=spec["burstable"], is_arm=spec["architectures"] == "arm64"
    )


def network(name: str, specs: Specs) -> tuple[str, str, str, str]:
    """ENIs, branch interfaces, awsvpc tasks with trunking and the source of that; empty where not known or not possible.

    Documented counts come first; elsewhere branch interfaces + ENIs - 2, which equals 422 of the 432 documented ones.
    """
    if name not in specs.enis.index:
        return "", "", "", ""
    limits = specs.enis.loc[name]
    branches = limits["branch_interfaces"]
    documented, by_rule = limits["tasks_with_trunking_doc"], limits["tasks_with_trunking_rule"]
    tasks = by_rule if pd.isna(documented) else documented
    source = "" if pd.isna(tasks) else "karpenter_vpclimits" if pd.isna(documented) else "ecs_developer_guide"
    return number(limits["max_enis"]), number(branches) if branches > 0 else "", number(tasks), source


def has_accelerator(spec: Any) -> bool:
    counts = (spec["gpu_count"], spec["accelerator_count"])
    return any(not pd.isna(n) and n > 0 for n in counts) or bool(ACCELERATED_FAMILY.match(spec["family"]))


def nvidia_gpus(spec: Any) -> str:
    """Whole GPUs that ECS gives to tasks. The source names those of NVIDIA, but not the oldest (g2, g3, p2, and most of p3)."""
    is_whole = not pd.isna(spec["gpu_name"]) and not pd.isna(spec["gpu_count"]) and spec["gpu_count"] >= 1
    return number(spec["gpu_count"]) if is_whole else ""


def fee_scope(name: str) -> str:
    if NOT_IN_MANAGED_INSTANCES.fullmatch(name):
        return ""
    return next((scope for family, scope in FEE_SCOPE_OF_FAMILY if family.match(name)), "default")


def source_rows(folder: Path, files: Files, specs: Specs) -> list[Row]:
    """Sources that a row of the files names, with what is known of each."""
    used = {cell for text in files.values() for cell in source_ids(text)}
    rows: dict[str, Row] = {}
    repository = ""
    for row in pd.read_csv(folder / "pricing/sources.csv", dtype=str).fillna("").to_dict("records"):
        where = row["where"].replace("same repo", repository)  # "same" as in the row above, which may not be among the used
        repository = where.partition(",")[0].partition(" at ")[0]
        rows[row["source_id"]] = (row["source_id"], where, row["date"], row["note"], row["licence"])
    for observation in (each for seen in specs.observations.values() for each in seen):
        note = "registered memory: " + ("" if observation.is_ecs else "a proxy for ECS; ") + observation.kind
        about = (observation.source_id, observation.source, "see registered_memory_as_of", note, "facts only")
        rows.setdefault(observation.source_id, about)
    rows[FIT_SOURCE] = (
        FIT_SOURCE,
        "tools/build_pricing_data.py, fitted_registered_memory_mib",
        "2026-11-23",
        "registered memory: our fit to the observed types; equation and error in README.md",
        "",
    )
    # These three describe a whole column of instance_types.csv, so no row names them.
    used |= {"ec2_user_guide", "karpenter_vpclimits", "vantage_coremark"}
    return [rows[each] for each in sorted(used)]


def source_ids(text: str) -> set[str]:
    table = csv.DictReader(io.StringIO(text))
    columns = [name for name in table.fieldnames or () if name.endswith("source_id")]
    return {row[name] for row in table for name in columns if row[name]}


def residuals(specs: Specs) -> list[tuple[Observation, int, float]]:
    """Each observation of a Nitro type with what the fit says, and the relative difference.

    Raises
    ------
    SystemExit
        The fit says more than was observed, by more than it may.
    """
    found = []
    for observation in sorted(
        (o for seen in specs.observations.values() for o in seen), key=lambda o: (o.instance_type, o.rank)
    ):
        spec = specs.types.loc[observation.instance_type]
        if spec["hypervisor"] == "nitro":
            says = fitted(spec)
            found.append((observation, says, says / observation.memory_mib - 1))
    wrong = [f"{o.instance_type}: {says} against {o.memory_mib}" for o, says, apart in found if apart > FIT_MAY_EXCEED_FRACTION]
    if wrong:
        raise SystemExit(f"the registered-memory fit says too much for {'; '.join(wrong)}")
    return found


def readme(files: Files, found: list[tuple[Observation, int, float]], windows: pd.DataFrame) -> str:
    bands = [text for path, text in files.items() if path.endswith("/ec2_spot_interruptions.csv")]
    apart = [each for _, _, each in found]
    table = "\n".join(
        f"| {o.instance_type} | {o.observed} | {o.memory_mib:,} | {says:,} | {apart:+.2%} |" for o, says, apart in found
    )
    return README.format(
        coverage=coverage(files),
        bands_as_of=" and ".join(sorted({row["as_of"] for text in bands for row in csv.DictReader(io.StringIO(text))})),
        n_gaps=files["gaps.csv"].count("\n") - 1,
        side_coverage=side_coverage(files),
        windows_all=len(windows),
        **{f"windows_{kind}": count for kind, count in windows["kind"].value_counts().items()},
        n=len(found),
        high=max(apart),
        low=min(apart),
        median=median(apart),
        half=median(abs(each) for each in apart),
        residuals=table,
    )


def current_rows(files: Files, region: str, name: str) -> list[dict[str, str]]:
    table = csv.DictReader(io.StringIO(files.get(f"{region}/{name}.csv", "")))
    return [row for row in table if row["status"] == CURRENT]


def regions_of(files: Files) -> list[str]:
    return sorted({path.split("/")[0] for path in files if "/" in path})


def coverage(files: Files) -> str:
    """How many current rates each Region has."""
    lines = []
    for region in regions_of(files):
        fargate = {(row["architecture"], row["purchase_option"]) for row in current_rows(files, region, "fargate")}
        cells = [
            len(current_rows(files, region, "ec2_on_demand")) or "",
            len(current_rows(files, region, "ec2_spot")) or "",
            len(current_rows(files, region, "ec2_windows_on_demand")) or "",
            len(current_rows(files, region, "ec2_reserved")) or "",
            *("yes" if (a, p) in fargate else "" for a in ("X86_64", "ARM64") for p in ("on_demand", "spot")),
            "yes" if ("any", "on_demand") in fargate else "",
            " ".join(DIMENSION_WORDS[row["dimension"]] for row in current_rows(files, region, "fargate_windows")),
            "yes" if current_rows(files, region, "ebs") else "",
            " ".join(row["family"] for row in current_rows(files, region, "ec2_surplus_credits")),
            "yes" if f"{region}/zones.csv" in files else "",
        ]
        lines.append(f"| {region} | " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


DIMENSION_WORDS: Final = {"vcpu_hour": "vCPU", "gib_hour": "GiB", "os_license_vcpu_hour": "licence"}


def side_coverage(files: Files) -> str:
    """Which side costs and Savings Plans each Region has prices of; Regions without any but transfer share the last row."""
    lines, only_transfer = [], []
    for region in regions_of(files):
        rows = {name: current_rows(files, region, name) for name in ("vpc", "elb", "cloudwatch", "ecr", "savings_plans")}
        cells = [_words(rows["vpc"]), _words(rows["elb"]), _words(rows["cloudwatch"]), _words(rows["ecr"])]
        cells.append(str(len(rows["savings_plans"]) or ""))
        transfer = "yes" if current_rows(files, region, "data_transfer") else ""
        if any(cells):
            lines.append(f"| {region} | " + " | ".join((*cells, transfer)) + " |")
        elif transfer:
            only_transfer.append(region)
    lines.append(f"| {' '.join(only_transfer)} | | | | | | yes |")
    return "\n".join(lines)


def _words(rows: Iterable[Mapping[str, str]]) -> str:
    return ", ".join(f"{row['item']} {row['dimension']}".replace("_", " ") for row in rows)


README: Final = """\
# Price data

AWS list prices in USD, before tax and private discounts. Made by `tools/build_pricing_data.py`; do not edit by hand, a rate of
your own goes into a rates file (`--rates`). CSV in UTF-8 with LF. China Regions are priced in CNY and left out.

Every price row has `usd` per `unit`, a `source_id` that `sources.csv` explains, `as_of`, the date on which the source says it
was true (`undated` where it gives none), and a `status`: `current` rows price, `superseded` (a newer row exists) and `stale`
(too old to trust) rows are kept and price nothing. What could not be sourced is absent, never estimated.

| file | one row per | what |
|---|---|---|
| `REGION/ec2_on_demand.csv` | instance type | Linux, shared tenancy |
| `REGION/ec2_windows_on_demand.csv` | instance type | Windows with its licence, shared tenancy |
| `REGION/ec2_reserved.csv` | instance type, os, years, payment | standard Reserved Instances, upfront spread over the term |
| `REGION/savings_plans.csv` | plan, covered meter, years, payment | the Savings Plan rates that are known |
| `REGION/ec2_spot.csv` | instance type | Linux, mean over the zones of the Region: a level, not a quote |
| `REGION/ec2_spot_interruptions.csv` | instance type | Linux, share of Spot instances interrupted in a month, as a band |
| `REGION/ec2_surplus_credits.csv` | T family | CPU credits beyond the earned ones, Linux, unlimited mode |
| `REGION/fargate.csv` | architecture, purchase option, dimension | Linux; ephemeral storage beyond 20 GiB |
| `REGION/fargate_windows.csv` | the same | Windows, and its licence per vCPU |
| `REGION/ebs.csv` | volume type, dimension | gp3 storage |
| `REGION/vpc.csv` | item, dimension | public IPv4 addresses, NAT gateways, interface endpoints |
| `REGION/elb.csv` | item, dimension | Application and Network Load Balancers and their capacity units |
| `REGION/data_transfer.csv` | item, dimension | between zones (each direction), to the internet, to other Regions |
| `REGION/cloudwatch.csv` | item, dimension | logs, metrics, alarms, Container Insights |
| `REGION/ecr.csv` | item, dimension | storage of images |
| `REGION/zones.csv` | instance type | ids of the zones that offer it; an absent type is unknown, not refused |
| `instance_types.csv` | instance type | what it offers to ECS, for every type with a price anywhere |
| `gaps.csv` | Region, meter or pattern | why there is no rate |
| `commitment_ratios.csv` | years, payment | what a payment option costs against all upfront, and its error |
| `managed_instances_fee.csv` | scope, time | Managed Instances fee as a ratio of the on-demand list rate, from few examples |
| `sources.csv` | source | where, date, note, licence |

Interruption bands are those of AWS's Spot Instance Advisor, of the month before: a copy of {bands_as_of}, without families
that are newer. The highest has no upper edge; a type without a row is unknown, not seldom interrupted. For Fargate Spot AWS
publishes none.

A GB of AWS's price list is 1,024^3 bytes, so units say GiB. Empty cells are unknown. In `instance_types.csv`, ENIs and branch
interfaces come from `karpenter_vpclimits`, `baseline_percent` from `ec2_user_guide`, CoreMark from `vantage_coremark`;
`tasks_with_trunking` is the documented count, elsewhere branch interfaces + ENIs - 2. The Managed Instances fee of 0.12 meets
the two fees seen: 0.037 of 0.306 for c6a.2xlarge (0.1209, read 2026-09-20), and 3.615744 for g6e.48xlarge, before the cut of
2026-07.

## Commitments

Listed are all-upfront Reserved Instances. The other payment options follow by `commitment_ratios.csv`, which was the same to
five digits in 25 Regions, and an EC2 Instance Savings Plan costs what the Reserved Instance does, type for type. Such rates are
marked derived, with an error of up to 0.7 %: older families are rounded (m5.large, no upfront for a year: 0.06042 against a
listed 0.0600; m6i.large: 0.06348 against 0.0635). Compute Savings Plans have no such rule and are never derived.

Commitments do not lower the licence of Windows: it costs the Linux rate and what Windows costs more on demand. The collected
table of Windows follows that in {windows_rule:,} of {windows_all:,} rows, which are therefore left out. {windows_unlicensed:,}
rows carry no licence (they cost what Linux does, which Windows with its licence cannot) and are dropped. {windows_listed:,}
rows, of old families, differ otherwise and are kept; for these types nothing else is derived.

## What is there

Numbers of current rates. Columns: EC2 on-demand, Spot, Windows on-demand, reserved; Fargate x86, x86 Spot, ARM, ARM Spot,
ephemeral storage, Windows; gp3; surplus credits; zones.

| Region | EC2 | Spot | Windows | reserved | x86 | x86 Spot | ARM | ARM Spot | ephemeral | Windows | gp3 | surplus | zones |
|---|---|---|---|---|---|---|---|---|---|---|---|---|---|
{coverage}

Side costs, and numbers of Savings Plan rates:

| Region | VPC | load balancers | CloudWatch | ECR | Savings Plans | transfer |
|---|---|---|---|---|---|---|
{side_coverage}

Collected, but not here: Windows Spot (178 of 13,527 rates are below the Linux Spot rate of the same type), 74 rates of Windows
without a Linux rate beside them (some are the licence alone), RHEL, SUSE, Ubuntu Pro, Local Zones and Wavelength Zones,
convertible Reserved Instances, volumes other than gp3, transfer beyond 10 TB a month.

`gaps.csv` lists what a complete Region would have and these do not: {n_gaps:,} rates. Nothing stands in for them.

## Registered memory

A container instance registers less memory than the type has. `registered_memory_basis` is `observed` where someone read it
(ECS before proxies such as Kubernetes nodes, doubtful ones last, then the newest), else `fitted`, which is ours:

    registered MiB = nominal MiB - (30 per GiB + 30 per vCPU + 212; burstable 72 instead of 212; ARM 64 more), rounded down

Conservative: it exceeds none of the {n} observations of Nitro types by more than 0.5 %. Error against them: median
{median:+.2%}, from {low:+.2%} to {high:+.2%}, half of them within {half:.2%}. It is worst for small burstable types. One report
says that AL2023 registers about 34 MiB less than Amazon Linux 2, which most observations are from; the fit holds the AL2023
observations that there are (r6id).

| type | observed | MiB | fit | difference |
|---|---|---|---|---|
{residuals}
"""


def build(folder: Path) -> tuple[Files, list[tuple[Observation, int, float]]]:
    """All files of ``pricing_data/`` by relative path, and the residuals of the fit."""
    pricing = folder / "pricing"
    specs = read_specs(folder)
    files = {**ec2_files(pricing), **fargate_files(pricing), **ebs_files(pricing), **side_cost_files(pricing)}
    files |= reserved_files(pricing) | commitment_files(pricing)
    ec2 = [text for path, text in files.items() if path.partition("/")[2].startswith("ec2_") and "surplus" not in path]
    priced_types = {row["instance_type"] for text in ec2 for row in csv.DictReader(io.StringIO(text))}
    files |= zone_files(pricing, priced_types) | fee_file(pricing) | interruption_files(pricing)
    rows = [instance_type_row(name, specs) for name in sorted(priced_types)]
    files["instance_types.csv"] = csv_text(INSTANCE_TYPE_COLUMNS, rows)
    files["sources.csv"] = csv_text(("source_id", "where", "date", "note", "licence"), source_rows(folder, files, specs))
    files["gaps.csv"] = gaps_file(files)
    found = residuals(specs)
    files["README.md"] = readme(files, found, windows_reserved(pricing))
    return files, found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="folder with pricing/ and workloads/ecs_registered_resources/")
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[1] / "pricing_data")
    arguments = parser.parse_args()
    files, found = build(arguments.source)
    if arguments.out.exists():
        shutil.rmtree(arguments.out)
    write(files, arguments.out)
    for observation, says, apart in found:
        sys.stdout.write(f"{observation.instance_type:14} observed {observation.memory_mib:>8} fit {says:>8} {apart:+8.2%}\n")
    size = sum(len(text.encode()) for text in files.values())
    sys.stdout.write(f"{len(files)} files, {size / 1e6:.1f} MB in {arguments.out}\n")


if __name__ == "__main__":
    main()
