"""Offer files in the shape that AWS gives them: the lines about the file, its columns in its order, every cell quoted or none.

Columns of AmazonEC2 as in its file of 2025-09-12, of AmazonECS as in that of 2020-12-14, of the Savings Plans as in that of
2025-09-11, all quoted in public projects. Prices are made up unless a test says where they are from.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from itertools import count


def columns_of(text: str) -> list[str]:
    return [name.strip() for name in text.replace("\n", " ").split(", ")]


EC2_COLUMNS = columns_of("""
SKU, OfferTermCode, RateCode, TermType, PriceDescription, EffectiveDate, StartingRange, EndingRange, Unit,
PricePerUnit, Currency, RelatedTo, LeaseContractLength, PurchaseOption, OfferingClass, Product Family,
serviceCode, Location, Location Type, Instance Type, Current Generation, Instance Family, vCPU,
Physical Processor, Clock Speed, Memory, Storage, Network Performance, Processor Architecture, Storage Media,
Volume Type, Max Volume Size, Max IOPS/volume, Max IOPS Burst Performance, Max throughput/volume,
Provisioned, Tenancy, EBS Optimized, Operating System, License Model, Group, Group Description,
Transfer Type, From Location, From Location Type, To Location, To Location Type, usageType, operation,
AvailabilityZone, CapacityStatus, ClassicNetworkingSupport, Dedicated EBS Throughput, ECU,
Elastic Graphics Type, Enhanced Networking Supported, From Region Code, GPU, GPU Memory, Instance,
Instance Capacity - 10xlarge, instanceSKU, Intel AVX2 Available, Intel AVX Available, Intel Turbo Available,
MarketOption, Normalization Size Factor, Physical Cores, Pre Installed S/W, Processor Features, Product Type,
Region Code, Resource Type, serviceName, SnapshotArchiveFeeType, To Region Code, Volume API Name,
VPCNetworkingSupport
""")
ECS_COLUMNS = columns_of("""
SKU, OfferTermCode, RateCode, TermType, PriceDescription, EffectiveDate, StartingRange, EndingRange, Unit,
PricePerUnit, Currency, Product Family, serviceCode, Location, Location Type, Tenancy, Operating System,
usageType, operation, CPU Architecture, CPUType, External Instance Type, MemoryType, Region Code, Resource,
serviceName, StorageType
""")
OTHER_COLUMNS = columns_of("""
SKU, OfferTermCode, RateCode, TermType, PriceDescription, EffectiveDate, StartingRange, EndingRange, Unit,
PricePerUnit, Currency, RelatedTo, Product Family, serviceCode, Location, Location Type, Group,
Group Description, usageType, operation, Region Code, serviceName
""")
TRANSFER_COLUMNS = columns_of("""
SKU, OfferTermCode, RateCode, TermType, PriceDescription, EffectiveDate, StartingRange, EndingRange, Unit,
PricePerUnit, Currency, RelatedTo, Product Family, serviceCode, Transfer Type, From Location,
From Location Type, To Location, To Location Type, usageType, operation, From Region Code, serviceName,
To Region Code
""")
PLAN_COLUMNS = columns_of("""
SKU, RateCode, Unit, EffectiveDate, DiscountedRate, Currency, DiscountedSKU, DiscountedServiceCode,
DiscountedUsageType, DiscountedOperation, PurchaseOption, LeaseContractLength, LeaseContractLengthUnit,
ServiceCode, UsageType, Operation, Description, Instance Family, Location, Location Type, Granularity,
Product Family, DiscountedRegionCode, DiscountedInstanceType
""")

DISCLAIMER = (
    "This pricing list is for informational purposes only. All prices are subject to the additional terms included in the "
    "pricing pages on http://aws.amazon.com. All Free Tier prices are also subject to the terms included at "
    "https://aws.amazon.com/free/"
)
Row = dict[str, str]
_skus = count(1)


def offer_csv(offer: str, columns: Iterable[str], rows: Iterable[Row], *, published: str = "2026-11-20T22:53:08Z") -> str:
    """An offer file. Savings Plans come without quotes, the others with."""
    text = io.StringIO()
    is_plan = offer.endswith("SavingsPlan")
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_MINIMAL if is_plan else csv.QUOTE_ALL)
    writer.writerow(("FormatVersion", "v1.0"))
    writer.writerow(("Disclaimer", DISCLAIMER))
    writer.writerow(("Publication Date", published))
    writer.writerow(("Version", published[:19].replace("-", "").replace("T", "").replace(":", "")))
    writer.writerow(("OfferCode", offer))
    names = list(columns)
    writer.writerow(names)
    for row in rows:
        unknown = set(row) - set(names)
        assert not unknown, unknown
        writer.writerow([row.get(name, "") for name in names])
    return text.getvalue()


def priced(usd: str, unit: str, **cells: str) -> Row:
    """What a row of any offer has."""
    sku = f"SKU{next(_skus):013}"
    return {
        "SKU": sku,
        "OfferTermCode": "JRTCKXETXF",
        "RateCode": f"{sku}.JRTCKXETXF.6YS6EN2CT7",
        "TermType": "OnDemand",
        "EffectiveDate": "2026-11-01",
        "StartingRange": "0",
        "EndingRange": "Inf",
        "Unit": unit,
        "PricePerUnit": usd,
        "Currency": "USD",
    } | {name.replace("_", " "): text for name, text in cells.items()}


def instance(name: str, usd: str, *, region: str = "eu-west-1", prefix: str = "EU-", **cells: str) -> Row:
    """On-demand Linux with shared tenancy, unless ``cells`` say otherwise."""
    return (
        priced(usd, "Hrs")
        | {
            "Product Family": "Compute Instance",
            "serviceCode": "AmazonEC2",
            "Location Type": "AWS Region",
            "Instance Type": name,
            "Tenancy": "Shared",
            "Operating System": "Linux",
            "License Model": "No License required",
            "usageType": f"{prefix}BoxUsage:{name}",
            "operation": "RunInstances",
            "CapacityStatus": "Used",
            "MarketOption": "OnDemand",
            "Pre Installed S/W": "NA",
            "Region Code": region,
        }
        | {name.replace("_", " "): text for name, text in cells.items()}
    )


def windows(name: str, usd: str, **cells: str) -> Row:
    return instance(name, usd) | {"Operating System": "Windows", "operation": "RunInstances:0002"} | cells


def reserved(name: str, *, upfront: str, hourly: str, years: int, payment: str, offering: str = "standard") -> Iterator[Row]:
    """Both rows of a reserved offer, as AWS has them: no upfront row where nothing is paid upfront."""
    base = instance(name, hourly) | {
        "TermType": "Reserved",
        "LeaseContractLength": f"{years}yr",
        "PurchaseOption": payment,
        "OfferingClass": offering,
    }
    yield base
    if upfront != "0":
        fee = {"PricePerUnit": upfront, "Unit": "Quantity", "PriceDescription": "Upfront Fee", "StartingRange": ""}
        yield base | fee | {"EndingRange": "", "RateCode": base["RateCode"].replace("6YS6EN2CT7", "2TG2D8R56U")}


def product(usage: str, usd: str, unit: str, family: str = "", **cells: str) -> Row:
    """A row of an offer other than EC2 instances."""
    return (
        priced(usd, unit)
        | {
            "Product Family": family,
            "Location Type": "AWS Region",
            "usageType": usage,
            "Region Code": "eu-west-1",
        }
        | {name.replace("_", " "): text for name, text in cells.items()}
    )


def transfer(usage: str, usd: str, kind: str, to: str, to_type: str = "AWS Region", **cells: str) -> Row:
    row = priced(usd, "GB") | {
        "Product Family": "Data Transfer",
        "Transfer Type": kind,
        "From Location Type": "AWS Region",
        "From Region Code": "eu-west-1",
        "To Region Code": to,
        "To Location Type": to_type,
        "usageType": usage,
    }
    return row | {name.replace("_", " "): text for name, text in cells.items()}


def plan(
    usage: str,
    usd: str,
    *,
    service: str = "AmazonEC2",
    operation: str = "RunInstances",
    years: str = "1",
    payment: str = "No Upfront",
    family: str = "ComputeSavingsPlans",
    **cells: str,
) -> Row:
    sku = f"SP{next(_skus):014}"
    return {
        "SKU": sku,
        "RateCode": f"{sku}.{sku}",
        "Unit": "Hrs",
        "EffectiveDate": "2026-06-05T18:51:13Z",
        "DiscountedRate": usd,
        "Currency": "USD",
        "DiscountedServiceCode": service,
        "DiscountedUsageType": usage,
        "DiscountedOperation": operation,
        "PurchaseOption": payment,
        "LeaseContractLength": years,
        "LeaseContractLengthUnit": "year",
        "ServiceCode": "ComputeSavingsPlans",
        "Product Family": family,
        "DiscountedRegionCode": "eu-west-1",
    } | cells


def ireland() -> dict[str, str]:
    """Every offer file of eu-west-1, with a few products each."""
    ec2 = [
        instance("m5.large", "0.1070000000"),
        instance("m5.xlarge", "0.2140000000"),
        instance("m5.metal", "5.1360000000", Product_Family="Compute Instance (bare metal)"),
        windows("m5.large", "0.1990000000"),
        *reserved("m5.large", upfront="561", hourly="0.0000000000", years=1, payment="All Upfront"),
        *reserved("m5.large", upfront="286", hourly="0.0330000000", years=1, payment="Partial Upfront"),
        *reserved("m5.large", upfront="0", hourly="0.0690000000", years=1, payment="No Upfront"),
        *reserved("m5.large", upfront="1156", hourly="0.0000000000", years=3, payment="All Upfront"),
        *reserved("m5.large", upfront="1500", hourly="0", years=3, payment="All Upfront", offering="convertible"),
        product("EU-EBS:VolumeUsage.gp3", "0.0880000000", "GB-Mo", "Storage", Volume_API_Name="gp3"),
        product("EU-EBS:VolumeUsage.gp2", "0.1100000000", "GB-Mo", "Storage", Volume_API_Name="gp2"),
        product("EU-NatGateway-Hours", "0.0480000000", "Hrs", "NAT Gateway", operation="NatGateway"),
        product("EU-NatGateway-Bytes", "0.0480000000", "GB", "NAT Gateway", operation="NatGateway"),
        product("EU-CPUCredits:t3", "0.0500000000", "vCPU-Hours", "CPU Credits", Operating_System="Linux"),
        product("EU-CPUCredits:t3", "0.0960000000", "vCPU-Hours", "CPU Credits", Operating_System="Windows"),
        product("EU-CPUCredits:t4g", "0.0400000000", "vCPU-Hours", "CPU Credits", Operating_System="Linux"),
    ]
    ecs = [
        product("EU-Fargate-vCPU-Hours:perCPU", "0.0404800000", "hours", "Compute"),
        product("EU-Fargate-GB-Hours", "0.0044450000", "hours", "Compute"),
        product("EU-Fargate-ARM-vCPU-Hours:perCPU", "0.0323800000", "hours", "Compute"),
        product("EU-Fargate-ARM-GB-Hours", "0.0035600000", "hours", "Compute"),
        product("EU-Fargate-Windows-vCPU-Hours:perCPU", "0.0465520000", "hours", "Compute", Operating_System="Windows"),
        product("EU-Fargate-Windows-GB-Hours", "0.0051117500", "hours", "Compute", Operating_System="Windows"),
        product("EU-Fargate-Windows-OS-Hours:perCPU", "0.0460000000", "hours", "Compute", Operating_System="Windows"),
        product("EU-Fargate-EphemeralStorage-GB-Hours", "0.0001220000", "GB-Hours", "Compute"),
        product("EU-ECS-EC2-GB-Hours", "0.0000000000", "GB-Hours", "Compute Metering"),
        product(
            "EU-ECS-Managed-Instances:m5.large-management-hours",
            "0.0128400000",
            "hours",
            "Compute",
            operation="ECSManagedInstancesUsage",
        ),
        product("EU-ECS-Anywhere-Instance-hours-WithFree", "0.0102500000", "hours", "Compute", operation="AddExternalInstance"),
    ]
    vpc = [
        product("EU-PublicIPv4:InUseAddress", "0.0050000000", "Hrs"),
        product("EU-PublicIPv4:IdleAddress", "0.0050000000", "Hrs"),
        product("EU-VpcEndpoint-Hours", "0.0110000000", "Hrs", "VpcEndpoint", operation="VpcEndpoint"),
        product("EU-VpcEndpoint-Bytes", "0.0100000000", "GB", "VpcEndpoint", operation="VpcEndpoint", EndingRange="1048576"),
        product("EU-VpcEndpoint-Bytes", "0.0060000000", "GB", "VpcEndpoint", StartingRange="1048576"),
    ]
    application, network = "Load Balancer-Application", "Load Balancer-Network"
    elb = [
        product("EU-LoadBalancerUsage", "0.0252000000", "Hrs", application, operation="LoadBalancing:Application"),
        product("EU-LCUUsage", "0.0080000000", "LCU-Hrs", application, operation="LoadBalancing:Application"),
        product("EU-TS-LoadBalancerUsage", "0.0056000000", "Hrs", application, operation="LoadBalancing:Application"),
        product("EU-ReservedLCUUsage", "0.0080000000", "LCU-Hrs", application, operation="LoadBalancing:Application"),
        product("EU-LoadBalancerUsage", "0.0253000000", "Hrs", network, operation="LoadBalancing:Network"),
        product("EU-LCUUsage", "0.0060000000", "LCU-Hrs", network, operation="LoadBalancing:Network"),
        product("EU-LoadBalancerUsage", "0.0280000000", "Hrs", "Load Balancer", operation="LoadBalancing"),
    ]
    data = [
        transfer("EU-DataTransfer-Regional-Bytes", "0.0100000000", "IntraRegion", "eu-west-1"),
        transfer("EU-DataTransfer-Out-Bytes", "0.0000000000", "AWS Outbound", "", "Other", EndingRange="1"),
        transfer("EU-DataTransfer-Out-Bytes", "0.0850000000", "AWS Outbound", "", "Other", StartingRange="10240"),
        transfer("EU-DataTransfer-Out-Bytes", "0.0900000000", "AWS Outbound", "", "Other", StartingRange="1"),
        transfer("EU-USE1-AWS-Out-Bytes", "0.0200000000", "InterRegion Outbound", "us-east-1"),
        transfer("EU-EUC1-AWS-Out-Bytes", "0.0200000000", "InterRegion Outbound", "eu-central-1"),
        transfer("EU-EUN1-AWS-Out-Bytes", "0.0100000000", "InterRegion Outbound", "eu-north-1"),
        transfer("EU-USE1-AWS-In-Bytes", "0.0000000000", "InterRegion Inbound", "us-east-1"),
    ]
    cloudwatch = [
        product("EU-DataProcessing-Bytes", "0.5700000000", "GB", "Data Payload", Group="Ingested Logs"),
        product("EU-VendedLog-Bytes", "0.4000000000", "GB", "Data Payload", Group="Vended Logs"),
        product("EU-TimedStorage-ByteHrs", "0.0300000000", "GB-Mo", "Storage Snapshot"),
        product("EU-CW:MetricMonitorUsage", "0.1000000000", "Metrics", "Metric", StartingRange="10000"),
        product("EU-CW:MetricMonitorUsage", "0.3000000000", "Metrics", "Metric", EndingRange="10000"),
        product("EU-CW:AlarmMonitorUsage", "0.1000000000", "Alarms", "Alarm"),
        product("EU-CW:HighResAlarmMonitorUsage", "0.3000000000", "Alarms", "Alarm"),
    ]
    ecr = [
        product("EU-TimedStorage-ByteHrs", "0.1000000000", "GB-Mo", "EC2 Container Registry"),
        product("EU-TimedStorage-Archive-ByteHrs", "0.0700000000", "GB-Mo", "EC2 Container Registry"),
    ]
    plans = [
        plan("EU-BoxUsage:m5.large", "0.0780000000"),
        plan("EU-BoxUsage:m5.large", "0.1700000000", operation="RunInstances:0002"),
        plan("EU-BoxUsage:m5.large", "0.1600000000", operation="RunInstances:0010"),
        plan("EU-DedicatedUsage:m5.large", "0.0850000000"),
        plan("EU-UnusedBox:m5.large", "0.0780000000"),
        plan("EU-BoxUsage:m5.large", "0.0690000000", family="EC2InstanceSavingsPlans"),
        plan("EU-BoxUsage:m5.large", "0.0440000000", family="EC2InstanceSavingsPlans", years="3", payment="All Upfront"),
        plan("EU-Fargate-vCPU-Hours:perCPU", "0.0323840000", service="AmazonECS", operation=""),
        plan("EU-Fargate-ARM-GB-Hours", "0.0028480000", service="AmazonECS", operation="", payment="Partial Upfront"),
        plan("EU-Lambda-GB-Second", "0.0000137500", service="AWSLambda", operation=""),
    ]
    return {
        "AmazonEC2": offer_csv("AmazonEC2", EC2_COLUMNS, ec2),
        "AmazonECS": offer_csv("AmazonECS", ECS_COLUMNS, ecs),
        "AmazonVPC": offer_csv("AmazonVPC", OTHER_COLUMNS, vpc),
        "AWSELB": offer_csv("AWSELB", OTHER_COLUMNS, elb),
        "AWSDataTransfer": offer_csv("AWSDataTransfer", TRANSFER_COLUMNS, data),
        "AmazonCloudWatch": offer_csv("AmazonCloudWatch", OTHER_COLUMNS, cloudwatch),
        "AmazonECR": offer_csv("AmazonECR", OTHER_COLUMNS, ecr),
        "AWSComputeSavingsPlan": offer_csv("AmazonComputeSavingsPlan", PLAN_COLUMNS, plans),
    }
