import csv
import importlib.util
from pathlib import Path

import pytest

from advisor.ecs import Architecture, PurchaseOption
from advisor.errors import PriceNotFoundError
from advisor.meters import (
    ALB_HOUR,
    ALB_LCU_HOUR,
    CONTAINER_INSIGHTS_METRIC_MONTH,
    ECR_STORAGE_GIB_MONTH,
    FARGATE_EPHEMERAL_GIB_HOUR,
    FARGATE_WINDOWS_GIB_HOUR,
    FARGATE_WINDOWS_LICENSE_VCPU_HOUR,
    FARGATE_WINDOWS_VCPU_HOUR,
    GP3_GIB_MONTH,
    INTER_AZ_GIB,
    INTERNET_OUT_GIB,
    LOGS_INGESTED_GIB,
    NAT_GATEWAY_GIB,
    NAT_GATEWAY_HOUR,
    PUBLIC_IPV4_HOUR,
    CommitmentKind,
    PaymentOption,
    committed,
    fargate_gib_hour,
    fargate_vcpu_hour,
    instance_hour,
    managed_instances_fee_hour,
    surplus_vcpu_hour,
    windows_instance_hour,
)
from advisor.sources.catalog import pricing_data_folder, read_catalog, regions

ROOT = Path(__file__).parents[1]
SOURCE = ROOT.parent / "shared"
SCRIPT = ROOT / "tools" / "build_pricing_data.py"
needs_source = pytest.mark.skipif(
    not ((SOURCE / "pricing").is_dir() and SCRIPT.is_file()),
    reason="the collected prices or the script that converts them are not here",
)

X86, ARM = Architecture.X86_64, Architecture.ARM64
ON_DEMAND, SPOT = PurchaseOption.ON_DEMAND, PurchaseOption.SPOT


def ec2(name, purchase_option=ON_DEMAND):
    return instance_hour(name, purchase_option)


# Typed by hand from the tables of collected prices. Those marked * are the same in a second, independent reading.
KNOWN = [
    ("us-east-1", ec2("m5.large"), 0.096),  # *
    ("us-east-1", ec2("c7g.large"), 0.0725),  # *
    ("us-east-1", ec2("t3.medium"), 0.0416),  # *
    ("us-east-1", ec2("p5.48xlarge"), 55.04),  # *
    ("us-east-1", fargate_vcpu_hour(X86, ON_DEMAND), 0.04048),  # *
    ("us-east-1", fargate_gib_hour(X86, ON_DEMAND), 0.004445),
    ("us-east-1", fargate_vcpu_hour(ARM, ON_DEMAND), 0.03238),
    ("us-east-1", fargate_gib_hour(ARM, ON_DEMAND), 0.00356),  # *
    ("us-east-1", fargate_vcpu_hour(X86, SPOT), 0.01288871),
    ("us-east-1", fargate_gib_hour(X86, SPOT), 0.00141527),
    ("us-east-1", fargate_vcpu_hour(ARM, SPOT), 0.01030969),
    ("us-east-1", fargate_gib_hour(ARM, SPOT), 0.00113349),
    ("us-east-1", FARGATE_EPHEMERAL_GIB_HOUR, 0.000111),  # *
    ("us-east-1", GP3_GIB_MONTH, 0.08),  # *
    ("us-east-1", PUBLIC_IPV4_HOUR, 0.005),
    ("us-east-1", surplus_vcpu_hour("t3.large"), 0.05),
    ("us-east-1", surplus_vcpu_hour("t4g.large"), 0.04),
    ("eu-west-1", ec2("m5.large"), 0.107),  # *
    ("eu-west-1", fargate_vcpu_hour(X86, ON_DEMAND), 0.04048),
    ("eu-west-1", fargate_vcpu_hour(ARM, ON_DEMAND), 0.03238),
    ("eu-west-1", fargate_gib_hour(ARM, ON_DEMAND), 0.00356),
    ("eu-west-1", fargate_vcpu_hour(X86, SPOT), 0.01224056),
    ("eu-west-1", FARGATE_EPHEMERAL_GIB_HOUR, 0.000122),
    ("ap-southeast-1", ec2("m5.large"), 0.12),  # *
    ("ap-southeast-1", fargate_vcpu_hour(X86, ON_DEMAND), 0.05056),
    ("ap-southeast-1", fargate_gib_hour(ARM, ON_DEMAND), 0.00442),
    ("ap-northeast-2", ec2("t4g.small"), 0.0208),  # *
    ("ap-northeast-2", GP3_GIB_MONTH, 0.0912),  # *
    ("ap-northeast-2", fargate_vcpu_hour(ARM, ON_DEMAND), 0.03725),
    ("ap-northeast-2", PUBLIC_IPV4_HOUR, 0.005),
    ("ap-south-1", ec2("m6g.2xlarge"), 0.2024),  # *
    ("ap-south-1", fargate_vcpu_hour(ARM, ON_DEMAND), 0.02383),  # 0.56 of x86 here, 0.80 elsewhere
    ("eu-west-2", ec2("r8i.xlarge"), 0.32634),  # *
    ("sa-east-1", fargate_vcpu_hour(X86, SPOT), 0.02337032),  # undated; a row of 2021 is superseded
    ("af-south-1", GP3_GIB_MONTH, 0.1047),
    ("us-gov-west-1", fargate_gib_hour(X86, ON_DEMAND), 0.0053),
]


@pytest.mark.parametrize(("region", "meter", "usd"), KNOWN, ids=lambda value: str(value))
def test_known_prices(region, meter, usd):
    assert read_catalog(region).rate(meter, region).usd == usd


# Other readings than those that the catalog was made from, typed by hand: the files named, found in public repositories.
# GovCloud: aws/karpenter-provider-aws, zz_generated.pricing_aws_us_gov.go, generated 2025-01-20. The others are files of the
# public text index, by its id: 62364918407 and 56238149324 quote the AmazonECS price list; 53229746049, 56172718586 and
# 56865750947 are price tables of tools.
INDEPENDENT = [
    ("us-gov-west-1", ec2("c5.xlarge"), 0.204),
    ("us-gov-west-1", ec2("c7g.large"), 0.0867),
    ("us-gov-west-1", ec2("c6i.large"), 0.102),
    ("us-gov-west-1", ec2("c7i-flex.large"), 0.10175),
    ("us-gov-west-1", ec2("g6.xlarge"), 1.0144),
    ("eu-central-1", fargate_vcpu_hour(X86, ON_DEMAND), 0.04656),  # 62364918407, in force since 2026-07-07
    ("eu-central-1", fargate_gib_hour(X86, ON_DEMAND), 0.00511),
    ("eu-central-1", ec2("m5.large"), 0.115),  # 56172718586
    ("eu-central-1", ec2("c5.xlarge"), 0.194),
    ("eu-central-1", ec2("m6g.large"), 0.092),
    ("eu-central-1", ec2("r5.large"), 0.152),
    ("ap-northeast-1", fargate_vcpu_hour(X86, ON_DEMAND), 0.05056),  # 56238149324
    ("ap-northeast-1", ec2("m5.large"), 0.124),  # 53229746049
    ("ap-northeast-1", ec2("t3.medium"), 0.0544),
    ("ap-northeast-1", ec2("c5.xlarge"), 0.214),
    ("ap-northeast-1", ec2("t4g.large"), 0.0864),  # 56865750947
    ("eu-west-1", ec2("m5.large"), 0.107),  # 53229746049
    ("eu-west-1", ec2("c5.xlarge"), 0.192),
    ("eu-west-1", ec2("r5.large"), 0.141),
    ("us-east-1", ec2("t3.large"), 0.0832),  # 53229746049 and many more
    ("us-east-1", ec2("m5.large"), 0.096),
]


@pytest.mark.parametrize(("region", "meter", "usd"), INDEPENDENT, ids=lambda value: str(value))
def test_independent_readings(region, meter, usd):
    assert read_catalog(region).rate(meter, region).usd == pytest.approx(usd, rel=1e-9)


def reserved(covered, years=1, payment=PaymentOption.ALL_UPFRONT):
    return committed(covered, CommitmentKind.RESERVED_INSTANCE, years=years, payment=payment)


def compute_plan(covered, years, payment=PaymentOption.NO_UPFRONT):
    return committed(covered, CommitmentKind.COMPUTE_SAVINGS_PLAN, years=years, payment=payment)


def windows(name):
    return windows_instance_hour(name, ON_DEMAND)


# Typed by hand from the tables of collected prices, five Regions.
KNOWN_FURTHER = [
    ("us-east-1", windows("m5.large"), 0.188, "vantage_landscape"),  # Linux 0.096 and 2 x 0.046
    ("us-east-1", windows("t3.medium"), 0.06, "vantage_landscape"),
    ("us-east-1", FARGATE_WINDOWS_VCPU_HOUR, 0.046552, "ecs_offer_2026_09"),  # not 0.09148, superseded
    ("us-east-1", FARGATE_WINDOWS_GIB_HOUR, 0.00511175, "ecs_offer_2026_09"),
    ("us-east-1", FARGATE_WINDOWS_LICENSE_VCPU_HOUR, 0.046, "ecs_offer_2026_09"),
    ("us-east-1", reserved(ec2("m5.large")), 0.056393, "vantage_landscape"),
    ("us-east-1", compute_plan(fargate_vcpu_hour(X86, ON_DEMAND), 1), 0.032384, "finops_mcp"),
    ("us-east-1", compute_plan(fargate_vcpu_hour(ARM, ON_DEMAND), 3), 0.01749, "compute_sp_2026_09"),
    ("us-east-1", compute_plan(ec2("m5.large"), 1), 0.071, "finops_mcp"),
    ("us-east-1", NAT_GATEWAY_HOUR, 0.045, "finops_mcp"),
    ("us-east-1", NAT_GATEWAY_GIB, 0.045, "finops_mcp"),
    ("us-east-1", ALB_HOUR, 0.0225, "finops_mcp"),
    ("us-east-1", ALB_LCU_HOUR, 0.008, "elb_pricing_page"),
    ("us-east-1", LOGS_INGESTED_GIB, 0.5, "infracost_golden"),
    ("us-east-1", CONTAINER_INSIGHTS_METRIC_MONTH, 0.07, "fortem_dev"),
    ("us-east-1", ECR_STORAGE_GIB_MONTH, 0.1, "infracost_golden"),
    ("eu-west-1", windows("m5.large"), 0.199, "vantage_landscape"),
    ("eu-west-1", reserved(ec2("m5.large")), 0.0629, "vantage_landscape"),
    ("eu-west-1", INTER_AZ_GIB, 0.01, "infracost_golden"),
    ("eu-central-1", windows("m5.large"), 0.207, "vantage_landscape"),
    ("eu-central-1", reserved(ec2("m5.large"), 3), 0.043227, "vantage_landscape"),
    ("eu-central-1", INTERNET_OUT_GIB, 0.09, "infracost_golden"),
    ("ap-northeast-1", windows("m5.large"), 0.216, "vantage_landscape"),
    ("ap-northeast-1", compute_plan(windows("c5.xlarge"), 1), 0.361, "gh_sp_sample_c5"),
    ("ap-northeast-1", ALB_HOUR, 0.0243, "gh_note_tokyo"),
    ("ap-northeast-1", INTERNET_OUT_GIB, 0.114, "infracost_golden"),
    ("us-gov-west-1", windows("m5.large"), 0.213, "vantage_landscape"),
    ("us-gov-west-1", reserved(ec2("m5.large"), 3), 0.04551, "vantage_landscape"),
    ("us-gov-west-1", INTERNET_OUT_GIB, 0.155, "infracost_golden"),
]


@pytest.mark.parametrize(("region", "meter", "usd", "source"), KNOWN_FURTHER, ids=lambda value: str(value))
def test_known_prices_beyond_linux_on_demand(region, meter, usd, source):
    rate = read_catalog(region).rate(meter, region)
    assert (rate.usd, rate.source_id, rate.is_derived) == (usd, source, False)


# Listed by AWS as of 2026-10-13 (finops_mcp) and in a sample of Savings Plans in Tokyo; the rate of the catalog is derived.
LISTED_ELSEWHERE = [
    ("us-east-1", reserved(ec2("m5.large"), 1, PaymentOption.NO_UPFRONT), 0.0600),
    ("us-east-1", reserved(ec2("m6i.large"), 1, PaymentOption.NO_UPFRONT), 0.0635),
]
TOKYO_SAMPLE = [
    (1, PaymentOption.ALL_UPFRONT, 0.31), (1, PaymentOption.PARTIAL_UPFRONT, 0.312), (1, PaymentOption.NO_UPFRONT, 0.319),
    (3, PaymentOption.ALL_UPFRONT, 0.264), (3, PaymentOption.PARTIAL_UPFRONT, 0.27), (3, PaymentOption.NO_UPFRONT, 0.276),
]  # fmt: skip


@pytest.mark.parametrize(("region", "meter", "usd"), LISTED_ELSEWHERE, ids=lambda value: str(value))
def test_a_derived_commitment_is_as_close_to_the_listed_one_as_it_says(region, meter, usd):
    rate = read_catalog(region).rate(meter, region)
    assert rate.is_derived
    assert abs(rate.usd / usd - 1) <= rate.error_fraction + 1e-4  # 0.0600 is itself read from a rounded 37.5 % off


@pytest.mark.parametrize(("years", "payment", "usd"), TOKYO_SAMPLE)
def test_windows_under_a_commitment_is_linux_and_the_licence(years, payment, usd):
    tokyo = read_catalog("ap-northeast-1")
    rate = tokyo.rate(reserved(windows("c5.xlarge"), years, payment), "ap-northeast-1")
    assert rate.is_derived
    assert abs(rate.usd - usd) <= 0.0005 + rate.error_fraction * usd  # the sample has three digits


def test_nothing_is_derived_that_no_rule_gives():
    virginia = read_catalog("us-east-1")
    m7g = ec2("m7g.large")
    for meter in (
        compute_plan(m7g, 1),  # Compute Savings Plans have no rule
        compute_plan(fargate_vcpu_hour(X86, ON_DEMAND), 1, PaymentOption.PARTIAL_UPFRONT),
        reserved(windows("c4.large"), 3, PaymentOption.NO_UPFRONT),  # listed all upfront, and the rule does not meet that
    ):
        with pytest.raises(PriceNotFoundError):
            virginia.rate(meter, "us-east-1")
    assert virginia.rate(reserved(windows("c4.large"), 3), "us-east-1").is_derived is False


MISSING = [
    ("us-west-2", fargate_vcpu_hour(ARM, ON_DEMAND)),
    ("eu-central-1", fargate_gib_hour(ARM, ON_DEMAND)),
    ("ap-northeast-1", fargate_vcpu_hour(X86, SPOT)),  # only 2021
    ("us-west-2", fargate_gib_hour(X86, SPOT)),  # only 2021
    ("ap-northeast-3", fargate_vcpu_hour(X86, ON_DEMAND)),
    ("us-west-2", FARGATE_EPHEMERAL_GIB_HOUR),
    ("eu-west-1", PUBLIC_IPV4_HOUR),
    ("eu-west-1", surplus_vcpu_hour("t3.large")),
    ("us-east-1", surplus_vcpu_hour("t3a.large")),
    ("us-gov-east-1", ec2("m5.large", SPOT)),
    ("eu-west-2", FARGATE_WINDOWS_GIB_HOUR),  # its vCPU is known
    ("eu-west-1", FARGATE_WINDOWS_VCPU_HOUR),  # only of 2022, before the cut
    ("eu-west-1", NAT_GATEWAY_HOUR),
    ("us-gov-west-1", ALB_HOUR),
    ("us-west-2", CONTAINER_INSIGHTS_METRIC_MONTH),
    ("eu-west-1", compute_plan(fargate_vcpu_hour(X86, ON_DEMAND), 1)),
    ("ap-east-2", reserved(ec2("m7i.large"))),
    ("ap-northeast-3", windows("u-12tb1.112xlarge")),  # the collected rate is the licence alone
    ("us-east-1", windows_instance_hour("m5.large", SPOT)),
    ("eu-west-1", managed_instances_fee_hour("t3.nano")),
]


@pytest.mark.parametrize(("region", "meter"), MISSING, ids=lambda value: str(value))
def test_what_was_not_sourced_is_missing(region, meter):
    with pytest.raises(PriceNotFoundError):
        read_catalog(region).rate(meter, region)


def test_there_are_34_standard_regions_and_govcloud():
    names = regions()
    assert len(names) == 36
    assert [name for name in names if name.startswith("us-gov-")] == ["us-gov-east-1", "us-gov-west-1"]
    assert not [name for name in names if name.startswith("cn-")]


@pytest.mark.parametrize("region", regions())
def test_spot_is_not_above_on_demand(region):
    catalog = read_catalog(region)
    names = [each.name for each in catalog.instance_types(region)]
    on_demand = catalog.rates_usd([ec2(name) for name in names], region)
    spot = catalog.rates_usd([ec2(name, SPOT) for name in names], region)
    assert not (spot > 1.0001 * on_demand).any()  # one is 0.004 % above: a mean over zones, rounded


# --- instance types


@pytest.fixture(scope="module")
def virginia():
    return read_catalog("us-east-1")


@pytest.mark.parametrize(
    ("name", "mib"),
    [
        ("m6i.large", 7817),  # the newer of two reports, of 2025-12
        ("m5.large", 7680),  # an ECS AMI of about 2019, not the EKS estimate of 2023
        ("c5.large", 3705),  # output of DescribeContainerInstances of 2019-06
        ("t3.medium", 3884),  # not the doubtful 3,828
        ("t2.small", 2001),  # of 2018; the later 1,800 is doubtful
        ("r5.xlarge", 31627),  # only a proxy
    ],
)
def test_registered_memory_as_observed(virginia, name, mib):
    found = virginia.instance_type(name)
    assert (found.registered_memory_mib, found.is_registered_memory_observed) == (mib, True)


@pytest.mark.parametrize(
    ("name", "mib"),
    [
        ("m7i.large", 7680),  # 8,192 - 8 x 30 - 2 x 30 - 212
        ("m7g.large", 7616),  # the same less 64 on ARM
        ("t3.large", 7820),  # 8,192 - 8 x 30 - 2 x 30 - 72
        ("t4g.small", 1792),  # 2,048 - 2 x 30 - 2 x 30 - 72 - 64; a sum of estimates is not an observation
        ("m7i.xlarge", 15572),  # 16,384 - 16 x 30 - 4 x 30 - 212
    ],
)
def test_registered_memory_as_fitted(virginia, name, mib):
    found = virginia.instance_type(name)
    assert (found.registered_memory_mib, found.is_registered_memory_observed) == (mib, False)


def test_every_type_registers_less_memory_than_it_has_and_something():
    catalog = read_catalog(*regions())
    for region in regions():
        for each in catalog.instance_types(region):
            assert 0 < each.registered_memory_mib < each.memory_mib, each


def test_network_slots(virginia):
    c5 = virginia.instance_type("c5.large")
    assert (c5.max_enis, c5.branch_interfaces, c5.trunked_tasks) == (3, 9, 10)  # documented: 2 tasks without, 10 with trunking
    assert virginia.instance_type("m8g.large").trunked_tasks == virginia.instance_type("m7g.large").trunked_tasks  # by the rule
    for name in ("t2.micro", "t3.large", "t3a.medium", "t4g.xlarge"):  # T types cannot trunk
        each = virginia.instance_type(name)
        assert each.max_enis is not None
        assert (each.branch_interfaces, each.trunked_tasks) == (None, None)


def test_only_t_types_are_burstable(virginia):
    baselines = {each.name: each.baseline_fraction for each in virginia.instance_types("us-east-1")}
    assert {name[:2] for name, baseline in baselines.items() if baseline is not None} == {"t2", "t3", "t4"}
    assert baselines["t3.large"] == 0.3
    assert baselines["t2.xlarge"] == 0.225


def test_accelerators_are_marked_even_where_they_are_counted_in_fractions(virginia):
    for name in (
        "g6f.large",
        "gr6f.4xlarge",
        "f2.12xlarge",
        "inf2.xlarge",
        "trn1.2xlarge",
        "p5.48xlarge",
        "vt1.3xlarge",
        "dl1.24xlarge",
    ):
        assert virginia.instance_type(name).has_accelerator, name
    for name in ("m7i.large", "i4i.large", "r7gd.large", "x2gd.large", "hpc7g.4xlarge", "u-6tb1.56xlarge"):
        assert not virginia.instance_type(name).has_accelerator, name


def test_architectures_and_flags(virginia):
    assert virginia.instance_type("m7g.large").architectures == (ARM,)
    assert virginia.instance_type("t2.micro").architectures == (X86,)  # i386 is not an ECS architecture
    assert virginia.instance_type("m5.metal").is_bare_metal
    assert not virginia.instance_type("m5.large").is_bare_metal
    assert virginia.instance_type("m8g.large").is_current_generation


# --- the files


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


DATA = pricing_data_folder()


def test_files_are_text_with_line_feeds_of_moderate_size():
    files = [path for path in DATA.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".csv", ".md"}
    assert not [path for path in files if b"\r" in path.read_bytes()]
    assert sum(path.stat().st_size for path in files) < 10e6


def test_every_source_is_used_and_described():
    named = {
        text
        for path in DATA.rglob("*.csv")
        if path.name != "sources.csv"
        for row in rows_of(path)
        for column, text in row.items()
        if column.endswith("source_id") and text
    }
    described = {row["source_id"] for row in rows_of(DATA / "sources.csv")}
    assert named <= described
    assert described - named == {"ec2_user_guide", "karpenter_vpclimits", "vantage_coremark"} - named


def test_every_fee_scope_of_a_type_has_one_ratio_now():
    now = [row["scope"] for row in rows_of(DATA / "managed_instances_fee.csv") if row["status"] == "current"]
    assert len(now) == len(set(now))
    assert {row["managed_instances_fee_scope"] for row in rows_of(DATA / "instance_types.csv")} == {*now, ""}


@pytest.fixture(scope="module")
def built():
    """Files and residuals that the script makes now."""
    spec = importlib.util.spec_from_file_location("build_pricing_data", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.build(SOURCE)


@needs_source
def test_the_files_are_what_the_script_makes(built):
    files, _ = built
    assert {path.relative_to(DATA).as_posix() for path in DATA.rglob("*") if path.is_file()} == set(files)
    for path, text in files.items():
        assert (DATA / path).read_bytes() == text.encode(), path


@needs_source
def test_the_memory_fit_exceeds_no_observation_of_a_nitro_type(built):
    _, residuals = built
    assert len(residuals) > 50
    assert all(apart <= 0.005 for _, _, apart in residuals)


def shipped(file: str, *columns: str) -> dict[tuple[str, ...], float]:
    """Every row of one file of every Region, by Region and the columns named."""
    return {
        (path.parent.name, *(row[column] for column in columns)): float(row["usd"])
        for path in DATA.glob(f"*/{file}")
        for row in rows_of(path)
    }


@needs_source
@pytest.mark.parametrize(("file", "column"), [("ec2_on_demand", "usd_per_hour"), ("ec2_spot", "spot_usd_per_hour_mean_of_azs")])
def test_ec2_rates_equal_the_collected_ones(file, column):
    pandas = pytest.importorskip("pandas")
    table = pandas.read_parquet(SOURCE / "pricing" / f"{file}.parquet")
    table = table[(table["os"] == "linux") & (table["location_kind"] == "region")]
    keys = zip(table["region"], table["instance_type"], table["source_id"], table["as_of"], strict=True)
    collected = dict(zip(keys, table[column], strict=True))
    assert shipped(f"{file}.csv", "instance_type", "source_id", "as_of") == collected
    assert len(collected) == len(table)


@needs_source
def test_fargate_rates_equal_the_collected_ones():
    dimensions = {"vcpu_hour": "vcpu_hour", "gb_hour": "gib_hour", "ephemeral_gb_hour": "ephemeral_gib_hour"}
    architectures = {"x86_64": "X86_64", "arm64": "ARM64", "any": "any"}
    collected = {}
    for row in rows_of(SOURCE / "pricing/fargate_on_demand.csv"):
        if row["os"] != "windows":
            key = row["region"], architectures[row["arch"]], "on_demand", dimensions[row["dimension"]], row["as_of"], "current"
            collected[key] = float(row["usd"])
    for row in rows_of(SOURCE / "pricing/fargate_spot.csv"):
        status = "superseded" if row["superseded"] == "True" else "stale" if row["stale"] == "True" else "current"
        key = row["region"], architectures[row["arch"]], "spot", dimensions[row["dimension"]], row["as_of"], status
        collected[key] = float(row["usd"])
    assert shipped("fargate.csv", "architecture", "purchase_option", "dimension", "as_of", "status") == collected


@needs_source
def test_storage_rates_equal_the_collected_ones():
    collected = {
        (row["region"], row["source_id"], row["as_of"]): float(row["usd"])
        for row in rows_of(SOURCE / "pricing/ebs.csv")
        if (row["volume_type"], row["dimension"]) == ("gp3", "gb_month")
    }
    assert shipped("ebs.csv", "source_id", "as_of") == collected
    assert len(collected) == 36


@needs_source
def test_surplus_credits_and_fees_equal_the_collected_ones():
    side = rows_of(SOURCE / "pricing/side_costs.csv")
    surplus = {
        (row["region"], row["item"].split(":")[1]): float(row["usd"])
        for row in side
        if row["item"].startswith("t_unlimited") and row["item"].endswith(":linux")
    }
    assert shipped("ec2_surplus_credits.csv", "family") == surplus
    ratios = [
        row for row in rows_of(SOURCE / "pricing/ecs_managed_instances_fee.csv") if row["measure"] == "ratio_of_on_demand"
    ]
    shipped_ratios = rows_of(DATA / "managed_instances_fee.csv")
    key = ("valid_from", "valid_to", "source_id", "as_of")
    assert sorted((row["ratio_of_on_demand"], *map(row.get, key)) for row in shipped_ratios) == sorted(
        (row["value"], *map(row.get, key)) for row in ratios
    )


@needs_source
def test_windows_reserved_and_side_rates_equal_the_collected_ones():
    pandas = pytest.importorskip("pandas")
    table = pandas.read_parquet(SOURCE / "pricing/ec2_on_demand.parquet")
    table = table[table["location_kind"] == "region"].set_index(["region", "instance_type"])
    on_demand = {os: table[table["os"] == os]["usd_per_hour"].to_dict() for os in ("linux", "windows")}
    with_linux = {key: usd for key, usd in on_demand["windows"].items() if key in on_demand["linux"]}
    assert shipped("ec2_windows_on_demand.csv", "instance_type") == with_linux
    assert len(on_demand["windows"]) - len(with_linux) == 74
    terms = pandas.read_parquet(SOURCE / "pricing/ec2_reserved.parquet")
    collected = {
        (row.region, row.instance_type, row.os, str(row.term_years), row.payment_option): row.effective_usd_per_hour
        for row in terms.itertuples()
        if row.os in ("linux", "windows")
    }
    ours = shipped("ec2_reserved.csv", "instance_type", "os", "term_years", "payment_option")
    assert ours.items() <= collected.items()
    assert {key for key in collected if key[2] == "linux"} <= ours.keys()
    for region, name, os, years, payment in (
        collected.keys() - ours.keys()
    ):  # what is left out follows from a rule, or is a fault
        usd, linux = collected[region, name, os, years, payment], collected.get((region, name, "linux", years, payment))
        if linux is not None and (region, name) in with_linux:
            licence = with_linux[region, name] - on_demand["linux"][region, name]
            assert abs((linux + licence) / usd - 1) <= 0.007 or usd <= linux * 1.007


@needs_source
def test_side_rates_equal_the_collected_ones():
    side = rows_of(SOURCE / "pricing/side_costs.csv")
    of_service = {"vpc": 8 + 4, "elb": 15, "cloudwatch": 8, "ecr": 2}
    for service, n in of_service.items():
        ours = shipped(f"{service}.csv", "item", "dimension", "as_of")
        prices = {(row["region"], float(row["usd"])) for row in side if row["service"] == service}
        assert {(key[0], usd) for key, usd in ours.items()} <= prices
        assert len(ours) == n
    transfer = {
        (row["region"], row["dimension"]): float(row["usd_per_gb"]) for row in rows_of(SOURCE / "pricing/data_transfer.csv")
    }
    ours = shipped("data_transfer.csv", "item")
    assert len(ours) == 3 * 27
    for (region, item), usd in ours.items():
        names = {"inter_az": "inter_az_each_direction", "other_regions": "to_other_regions"}
        assert transfer[region, names.get(item, "internet_egress_first_10tb")] == usd


@needs_source
def test_savings_plans_and_ratios_equal_the_collected_ones():
    plans = rows_of(SOURCE / "pricing/savings_plans.csv")
    ours = shipped("savings_plans.csv", "plan", "covered_meter", "term_years", "payment_option")
    assert len(ours) == len(plans)
    assert sorted(ours.values()) == sorted(float(row["usd_per_hour"]) for row in plans)
    (one, three) = (row for row in rows_of(SOURCE / "pricing/commitment_relations.csv") if row["offering_class"] == "standard")
    ratios = {(row["term_years"], row["payment_option"]): row for row in rows_of(DATA / "commitment_ratios.csv")}
    for years, relation in (("1", one), ("3", three)):
        assert ratios[years, "partial_upfront"]["ratio_to_all_upfront"] == relation["partial_over_all_median"]
        assert ratios[years, "no_upfront"]["ratio_to_all_upfront"] == relation["none_over_all_median"]
        assert ratios[years, "all_upfront"]["ratio_to_all_upfront"] == "1"
    assert {row["error_fraction"] for row in ratios.values()} == {"0.007"}


@needs_source
def test_specs_and_zones_equal_the_collected_ones():
    pandas = pytest.importorskip("pandas")
    specs = pandas.read_parquet(SOURCE / "pricing/ec2_instance_types.parquet").set_index("instance_type")
    shipped_types = rows_of(DATA / "instance_types.csv")
    for row in shipped_types:
        spec = specs.loc[row["instance_type"]]
        assert (int(row["vcpu"]), int(row["memory_mib"])) == (spec["vcpu"], spec["memory_mib"])
        assert row["bare_metal"] == str(bool(spec["bare_metal"])).lower()
        assert row["current_generation"] == str(bool(spec["current_generation"])).lower()
        assert row["max_enis"] == ("" if pandas.isna(spec["max_enis"]) else str(spec["max_enis"]))
    names = {row["instance_type"] for row in shipped_types}
    offers = pandas.read_parquet(SOURCE / "pricing/ec2_az_offerings.parquet")
    collected = {
        offer for offer in zip(offers["region"], offers["az_id"], offers["instance_type"], strict=True) if offer[2] in names
    }
    assert collected == {
        (path.parent.name, az_id, row["instance_type"])
        for path in DATA.glob("*/zones.csv")
        for row in rows_of(path)
        for az_id in row["az_ids"].split("|")
    }
