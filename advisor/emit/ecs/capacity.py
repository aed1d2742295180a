"""Capacity: cluster, Auto Scaling groups with their launch templates, capacity providers."""

from base64 import b64encode
from typing import Final

from advisor.ecs import Architecture, LaunchType, PurchaseOption
from advisor.emit.ecs import names
from advisor.emit.ecs.calls import Call, Request
from advisor.emit.ecs.parse import RESERVED_MEMORY, said_group_provider, said_managed_instances
from advisor.emit.ecs.tags import PROVIDER_FACTS, tags_beyond
from advisor.plan import CapacityProvider, Plan
from advisor.pricing.known_meters import BURSTABLE_FAMILIES

_AMI: Final = "resolve:ssm:/aws/service/ecs/optimized-ami/amazon-linux-2023/{kind}recommended/image_id"
_WINDOWS_AMI: Final = (
    "resolve:ssm:/aws/service/ami-windows-latest/Windows_Server-{year}-English-{edition}-ECS_Optimized/image_id"
)
"""Public SSM parameters, resolved when an instance is launched: each new instance boots the newest image."""
_SURGE: Final = 2
"""A rolling deployment at the default maximumPercent of 200 doubles the tasks."""
_WARM_UP_S: Final = 300
"""AWS's default, which the replay assumes."""
_NO_PRICE_PROTECTION: Final = 999_999
"""Types of a pool differ in size, so in price; AWS would leave out those over a threshold."""


def cluster_calls(plan: Plan) -> list[Call]:
    """The cluster, and network trunks where the plan counts on them."""
    insights = {"name": "containerInsights", "value": str(plan.container_insights)}
    request: Request = {"clusterName": plan.cluster, "settings": [insights]}
    calls = [Call(service="ecs", operation="CreateCluster", step=1, request=request)]
    if any(has_trunks(plan, name) for name in plan.capacity_providers):
        # For a single role only the root user and the role itself may set it, so it is set for the account in this Region.
        setting = {"name": "awsvpcTrunking", "value": "enabled"}
        calls.append(Call(service="ecs", operation="PutAccountSettingDefault", step=2, request=setting))
    return calls


def provider_calls(plan: Plan) -> list[Call]:
    """What makes each capacity provider, then the call that gives them all to the cluster."""
    calls: list[Call] = []
    for name in sorted(plan.capacity_providers):
        if plan.capacity_providers[name].launch_type is LaunchType.EC2:
            calls += _auto_scaling_group_calls(plan, name)
        elif plan.capacity_providers[name].launch_type is LaunchType.MANAGED_INSTANCES:
            calls.append(_call(name, "ecs", "CreateCapacityProvider", _managed_instances(plan, name)))
    return [*calls, Call(service="ecs", operation="PutClusterCapacityProviders", step=3, request=_association(plan))]


def _association(plan: Plan) -> Request:
    """No default strategy: every service names its own, so nothing lands on capacity that nobody chose."""
    offered = sorted({provider_name_for_ecs(provider) for provider in plan.capacity_providers.values()})
    return {"cluster": plan.cluster, "capacityProviders": offered, "defaultCapacityProviderStrategy": []}


def provider_name_for_ecs(provider: CapacityProvider) -> str:
    """AWS names the providers of Fargate."""
    if provider.launch_type is not LaunchType.FARGATE:
        return provider.name
    return "FARGATE" if provider.purchase_option is PurchaseOption.ON_DEMAND else "FARGATE_SPOT"


def _call(name: str, service: str, operation: str, request: Request) -> Call:
    return Call(service=service, operation=operation, folder=f"capacity-providers/{name}/", request=request)


def _auto_scaling_group_calls(plan: Plan, name: str) -> list[Call]:
    template, group, provider = _launch_template(plan, name), _auto_scaling_group(plan, name), _group_provider(plan, name)
    wanted = plan.capacity_providers[name]
    said = said_group_provider([template, group, provider], _architecture_of(plan, name), wanted.placement)
    tags = tags_beyond(said, wanted, PROVIDER_FACTS)
    return [
        _call(name, "ec2", "CreateLaunchTemplate", template),
        _call(name, "autoscaling", "CreateAutoScalingGroup", group),
        _call(name, "ecs", "CreateCapacityProvider", provider | ({"tags": tags} if tags else {})),
    ]


def has_trunks(plan: Plan, name: str) -> bool:
    """Only Linux instances have them."""
    provider = plan.capacity_providers[name]
    return provider.launch_type is LaunchType.EC2 and provider.has_trunking and not _is_windows(plan, name)


def _is_windows(plan: Plan, name: str) -> bool:
    return plan.services_on(name)[0].is_windows


def _ami(plan: Plan, name: str) -> str:
    """The ECS-optimized image for the architecture and operating system of the tasks, with drivers where they use GPUs."""
    services = plan.services_on(name)
    if services[0].is_windows:
        _, _, year, edition = services[0].operating_system.split("_")
        return _WINDOWS_AMI.format(year=year, edition=edition.title())
    if any(service.gpus for service in services):
        return _AMI.format(kind="gpu/")
    return _AMI.format(kind="arm64/" if _architecture_of(plan, name) is Architecture.ARM64 else "")


def _is_single_type(provider: CapacityProvider) -> bool:
    return len(provider.instance_types) == 1 and provider.purchase_option is PurchaseOption.ON_DEMAND


def has_public_instances(plan: Plan, name: str) -> bool:
    """Whether a service on this provider asks for a public address, which on EC2 is the instance's."""
    return any(service.has_public_ip for service in plan.services_on(name))


def _launch_template(plan: Plan, name: str) -> Request:
    provider, label = plan.capacity_providers[name], [{"Key": "Name", "Value": names.group_name(plan.cluster, name)}]
    role = names.instance_role(plan.cluster, name)
    volume = {"VolumeSize": provider.root_volume_gib, "VolumeType": "gp3", "Encrypted": True, "DeleteOnTermination": True}
    data: Request = {
        "ImageId": _ami(plan, name),
        "IamInstanceProfile": {"Arn": names.arn(plan.region, "iam", f"instance-profile/{role}")},
        # One hop keeps containers in bridge mode from the instance's credentials; the user data does so for awsvpc.
        "MetadataOptions": {"HttpEndpoint": "enabled", "HttpTokens": "required", "HttpPutResponseHopLimit": 1},
        "BlockDeviceMappings": [{"DeviceName": "/dev/sda1" if _is_windows(plan, name) else "/dev/xvda", "Ebs": volume}],
        "NetworkInterfaces": [
            {
                "DeviceIndex": 0,
                "AssociatePublicIpAddress": has_public_instances(plan, name),
                "DeleteOnTermination": True,
                "Groups": [names.instance_security_group(name)],
            }
        ],
        "UserData": b64encode(user_data(plan, name).encode()).decode(),
        "TagSpecifications": [{"ResourceType": kind, "Tags": label} for kind in ("instance", "volume")],
    }
    if _is_single_type(provider):
        data["InstanceType"] = provider.instance_types[0]
    if all(each.partition(".")[0] in BURSTABLE_FAMILIES for each in provider.instance_types):
        # As they are billed: T2 starts in standard mode, which holds it to its baseline, and an account may have others do so.
        data["CreditSpecification"] = {"CpuCredits": "unlimited"}
    if has_trunks(plan, name):
        data["PrivateDnsNameOptions"] = {
            "EnableResourceNameDnsARecord": False
        }  # instances with a trunk fail to register with it
    return {"LaunchTemplateName": names.launch_template_name(plan.cluster, name), "LaunchTemplateData": data}


def user_data(plan: Plan, name: str) -> str:
    """Joins the cluster, and keeps tasks from the instance's credentials."""
    reserved_mib = plan.capacity_providers[name].ecs_reserved_memory_mib
    if _is_windows(plan, name):
        reserved = f'[Environment]::SetEnvironmentVariable("{RESERVED_MEMORY}", "{reserved_mib}", "Machine")\n'
        return (
            "<powershell>\n"
            '[Environment]::SetEnvironmentVariable("ECS_ENABLE_AWSLOGS_EXECUTIONROLE_OVERRIDE", $TRUE, "Machine")\n'
            f"{reserved if reserved_mib else ''}"
            "Import-Module ECSTools\n"
            f"Initialize-ECSAgent -Cluster '{plan.cluster}' -EnableTaskIAMRole -EnableTaskENI -AwsvpcBlockIMDS "
            '-LoggingDrivers \'["json-file","awslogs"]\'\n'
            "</powershell>\n"
        )
    gpu = "ECS_ENABLE_GPU_SUPPORT=true\n" if any(service.gpus for service in plan.services_on(name)) else ""
    reserved = f"{RESERVED_MEMORY}={reserved_mib}\n" if reserved_mib else ""
    return (
        "#!/bin/bash\n"
        "cat <<'EOF' >> /etc/ecs/ecs.config\n"
        f"ECS_CLUSTER={plan.cluster}\n"
        "ECS_AWSVPC_BLOCK_IMDS=true\n"
        "ECS_DISABLE_PRIVILEGED=true\n"
        f"{gpu}"
        f"{reserved}"
        "EOF\n"
    )


def _auto_scaling_group(plan: Plan, name: str) -> Request:
    provider, group = plan.capacity_providers[name], names.group_name(plan.cluster, name)
    request: Request = {
        "AutoScalingGroupName": group,
        "MinSize": provider.min_instances,
        "MaxSize": _max_size(plan, provider),
        "VPCZoneIdentifier": ",".join(names.subnets(provider.zones, is_public=has_public_instances(plan, name))),
        "NewInstancesProtectedFromScaleIn": True,
        "Tags": [{"Key": "AmazonECSManaged", "Value": "", "PropagateAtLaunch": True}],
    }
    template = {"LaunchTemplateName": names.launch_template_name(plan.cluster, name), "Version": "$Latest"}
    if _is_single_type(provider):
        return request | {"LaunchTemplate": template}
    overrides = [{"InstanceType": instance_type} for instance_type in provider.instance_types]
    policy = {
        "InstancesDistribution": _distribution(provider),
        "LaunchTemplate": {"LaunchTemplateSpecification": template, "Overrides": overrides},
    }
    return request | {"MixedInstancesPolicy": policy}


def _max_size(plan: Plan, provider: CapacityProvider) -> int:
    """The plan's figure; without one, room for its base, and for each task of a doubling deployment on its own instance."""
    if provider.max_instances is not None:
        return provider.max_instances
    tasks = sum(service.max_tasks for service in plan.services_on(provider.name))
    return max(_SURGE * tasks, provider.zones, provider.min_instances, provider.on_demand_base)


def _distribution(provider: CapacityProvider) -> Request:
    if provider.purchase_option is PurchaseOption.ON_DEMAND:
        return {
            "OnDemandAllocationStrategy": "prioritized",
            "OnDemandBaseCapacity": 0,
            "OnDemandPercentageAboveBaseCapacity": 100,
        }
    # The first type for what is On-Demand: types are in the order in which the plan prefers them.
    first = {"OnDemandAllocationStrategy": "prioritized"} if provider.on_demand_base else {}
    return first | {
        "OnDemandBaseCapacity": provider.on_demand_base,
        "OnDemandPercentageAboveBaseCapacity": 0,
        "SpotAllocationStrategy": "price-capacity-optimized",
    }


def _group_provider(plan: Plan, name: str) -> Request:
    scaling = {
        "status": "ENABLED",
        "targetCapacity": plan.capacity_providers[name].target_capacity_percent,
        "minimumScalingStepSize": 1,
        "maximumScalingStepSize": 10_000,
        "instanceWarmupPeriod": _WARM_UP_S,
    }
    group = {
        "autoScalingGroupArn": names.group_name(plan.cluster, name),  # the API takes the name, the ARN holds a number of AWS's
        "managedScaling": scaling,
        "managedTerminationProtection": "ENABLED",
        "managedDraining": "ENABLED",
    }
    return {"name": name, "autoScalingGroupProvider": group}


def _managed_instances(plan: Plan, name: str) -> Request:
    provider, role = plan.capacity_providers[name], names.instance_role(plan.cluster, name)
    template = {
        "ec2InstanceProfileArn": names.arn(plan.region, "iam", f"instance-profile/{role}"),
        "networkConfiguration": {
            "subnets": names.subnets(provider.zones, is_public=has_public_instances(plan, name)),
            "securityGroups": [names.instance_security_group(name)],
        },
        "storageConfiguration": {"storageSizeGiB": provider.root_volume_gib},
        "monitoring": "BASIC",
        "capacityOptionType": "SPOT" if provider.purchase_option is PurchaseOption.SPOT else "ON_DEMAND",
        "instanceRequirements": _instance_requirements(provider),
    }
    infrastructure_role = names.arn(plan.region, "iam", f"role/{names.infrastructure_role(plan.cluster)}")
    request: Request = {
        "name": name,
        "cluster": plan.cluster,
        "managedInstancesProvider": {
            "infrastructureRoleArn": infrastructure_role,
            "instanceLaunchTemplate": template,
            "propagateTags": "CAPACITY_PROVIDER",
        },
    }
    tags = tags_beyond(said_managed_instances(request, _architecture_of(plan, name)), provider, PROVIDER_FACTS)
    return request | ({"tags": tags} if tags else {})


def _architecture_of(plan: Plan, name: str) -> Architecture:
    return plan.services_on(name)[0].architecture


def _instance_requirements(provider: CapacityProvider) -> Request:
    """The plan's types and no others; the least vCPU and memory are required fields, the list says it all."""
    requirements: Request = {
        "vCpuCount": {"min": 1},
        "memoryMiB": {"min": 1},
        "allowedInstanceTypes": list(provider.instance_types),
    }
    if any(instance_type.startswith("t") for instance_type in provider.instance_types):
        requirements["burstablePerformance"] = "included"  # excluded by default
    if len(provider.instance_types) > 1:
        is_spot = provider.purchase_option is PurchaseOption.SPOT
        kind = "spotMaxPricePercentageOverLowestPrice" if is_spot else "onDemandMaxPricePercentageOverLowestPrice"
        requirements[kind] = _NO_PRICE_PROTECTION
    return requirements
