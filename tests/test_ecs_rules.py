"""The checker catches planted errors and lets correct requests pass, its own and real ones."""

import base64
import copy
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ecs_rules import (
    FARGATE_MEMORY_MIB,
    architecture_of_type,
    check_all,
    check_call,
    check_order,
    check_set,
    cpu_units,
    input_shape,
    memory_mib,
    remarks,
)

SHARED = Path(__file__).parents[2] / "shared"
DROP = object()

ROLE = "arn:aws:iam::123456789012:role/"
GROUP_ARN = "arn:aws:autoscaling:eu-west-1:123456789012:autoScalingGroup:REPLACE_ME:autoScalingGroupName/shop-ec2"
TARGET_GROUP = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/shop-web/0123456789abcdef"
LABEL = "app/shop/50dc6c495c0c9188/targetgroup/shop-web/0123456789abcdef"
RESOURCE = {
    "ServiceNamespace": "ecs",
    "ResourceId": "service/shop/web",
    "ScalableDimension": "ecs:service:DesiredCount",
}
NETWORK = {
    "awsvpcConfiguration": {
        "subnets": ["subnet-REPLACE_ME_A", "${SubnetB}"],
        "securityGroups": ["sg-REPLACE_ME"],
        "assignPublicIp": "DISABLED",
    }
}


# Correct sets, each call by a short name -------------------------------------------------------------------------------


def role(name, service):
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    return "iam", "CreateRole", {"RoleName": name, "AssumeRolePolicyDocument": document}


def attach(name, policy):
    return "iam", "AttachRolePolicy", {"RoleName": name, "PolicyArn": f"arn:aws:iam::aws:policy/{policy}"}


def user_data(cluster):
    return base64.b64encode(f"#!/bin/bash\necho ECS_CLUSTER={cluster} >> /etc/ecs/ecs.config\n".encode()).decode()


def task(kind, **members):
    container = {
        "name": "web",
        "image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/web:1.4.2",
        "cpu": 512,
        "memory": 1024,
        "essential": True,
        "portMappings": [{"name": "http", "containerPort": 8080, "protocol": "tcp"}],
        "healthCheck": {"command": ["CMD-SHELL", "curl -f http://localhost:8080/ || exit 1"], "interval": 30, "retries": 3},
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": "/ecs/shop/web",
                "awslogs-region": "eu-west-1",
                "awslogs-stream-prefix": "web",
                "mode": "non-blocking",
                "max-buffer-size": "25m",
            },
        },
    }
    request = {
        "family": "web",
        "requiresCompatibilities": [kind],
        "networkMode": "awsvpc",
        "cpu": "512",
        "memory": "1024",
        "executionRoleArn": f"{ROLE}web-execution",
        "taskRoleArn": f"{ROLE}web-task",
        "runtimePlatform": {"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"},
        "containerDefinitions": [container],
        "tags": [{"key": "service", "value": "web"}],
    }
    return "ecs", "RegisterTaskDefinition", {**request, **members}


def service(**members):
    request = {
        "cluster": "shop",
        "serviceName": "web",
        "taskDefinition": "web",
        "desiredCount": 3,
        "deploymentConfiguration": {
            "maximumPercent": 200,
            "minimumHealthyPercent": 100,
            "deploymentCircuitBreaker": {"enable": True, "rollback": True},
        },
        "networkConfiguration": NETWORK,
        "loadBalancers": [{"targetGroupArn": TARGET_GROUP, "containerName": "web", "containerPort": 8080}],
        "healthCheckGracePeriodSeconds": 60,
    }
    return "ecs", "CreateService", {**request, **members}


def common():
    return {
        "cluster": ("ecs", "CreateCluster", {"clusterName": "shop"}),
        "execution role": role("web-execution", "ecs-tasks.amazonaws.com"),
        "execution policy": attach("web-execution", "service-role/AmazonECSTaskExecutionRolePolicy"),
        "task role": role("web-task", "ecs-tasks.amazonaws.com"),
        "log group": ("logs", "CreateLogGroup", {"logGroupName": "/ecs/shop/web"}),
        "retention": ("logs", "PutRetentionPolicy", {"logGroupName": "/ecs/shop/web", "retentionInDays": 30}),
        "target group": (
            "elbv2",
            "CreateTargetGroup",
            {
                "Name": "shop-web",
                "Protocol": "HTTP",
                "Port": 8080,
                "VpcId": "vpc-REPLACE_ME",
                "TargetType": "ip",
                "HealthCheckPath": "/",
                "HealthCheckTimeoutSeconds": 5,
            },
        ),
    }


def scaling():
    return {
        "target": (
            "application-autoscaling",
            "RegisterScalableTarget",
            {**RESOURCE, "MinCapacity": 2, "MaxCapacity": 20},
        ),
        "cpu policy": tracking("cpu", "ECSServiceAverageCPUUtilization", TargetValue=60.0),
        "request policy": tracking("requests", "ALBRequestCountPerTarget", LABEL, TargetValue=1000.0),
        "night": (
            "application-autoscaling",
            "PutScheduledAction",
            {
                **RESOURCE,
                "ScheduledActionName": "night",
                "Schedule": "cron(0 22 * * ? *)",
                "Timezone": "Europe/Dublin",
                "ScalableTargetAction": {"MinCapacity": 2, "MaxCapacity": 4},
            },
        ),
    }


def tracking(name, metric, label=None, **members):
    specification = {"PredefinedMetricType": metric} | ({"ResourceLabel": label} if label else {})
    configuration = {"PredefinedMetricSpecification": specification, "ScaleOutCooldown": 60, "ScaleInCooldown": 300, **members}
    return (
        "application-autoscaling",
        "PutScalingPolicy",
        {
            **RESOURCE,
            "PolicyName": name,
            "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": configuration,
        },
    )


def association(*names):
    strategy = [{"capacityProvider": names[0], "weight": 1}]
    request = {"cluster": "shop", "capacityProviders": list(names), "defaultCapacityProviderStrategy": strategy}
    return "ecs", "PutClusterCapacityProviders", request


def fargate():
    return common() | {"task": task("FARGATE"), "service": service(launchType="FARGATE")} | scaling()


def fargate_arm():
    platform = {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"}
    return fargate() | {"task": task("FARGATE", runtimePlatform=platform, cpu="0.5 vCPU", memory="1 GB")}


def fargate_spot():
    strategy = [
        {"capacityProvider": "FARGATE", "base": 2, "weight": 1},
        {"capacityProvider": "FARGATE_SPOT", "weight": 3},
    ]
    calls = common() | {"association": association("FARGATE", "FARGATE_SPOT"), "task": task("FARGATE")}
    return calls | {"service": service(capacityProviderStrategy=strategy)} | scaling()


def template(instance_type, parameter):
    volume = {"VolumeSize": 30, "VolumeType": "gp3", "Encrypted": True, "DeleteOnTermination": True}
    data = {
        "ImageId": f"resolve:ssm:/aws/service/ecs/optimized-ami/amazon-linux-2023/{parameter}recommended/image_id",
        "InstanceType": instance_type,
        "IamInstanceProfile": {"Name": "shop-instance"},
        "SecurityGroupIds": ["sg-REPLACE_ME"],
        "MetadataOptions": {"HttpTokens": "required", "HttpEndpoint": "enabled", "HttpPutResponseHopLimit": 2},
        "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": volume}],
        "UserData": user_data("shop"),
    }
    return "ec2", "CreateLaunchTemplate", {"LaunchTemplateName": "shop-ec2", "LaunchTemplateData": data}


def ec2(instance_type="m7i.large", other_type="m6i.large", parameter="", **members):
    specification = {"LaunchTemplateName": "shop-ec2", "Version": "$Latest"}
    overrides = [{"InstanceType": instance_type}, {"InstanceType": other_type}]
    group = {
        "AutoScalingGroupName": "shop-ec2",
        "MinSize": 0,
        "MaxSize": 10,
        "VPCZoneIdentifier": "subnet-REPLACE_ME_A,subnet-REPLACE_ME_B",
        "NewInstancesProtectedFromScaleIn": True,
        "MixedInstancesPolicy": {
            "LaunchTemplate": {"LaunchTemplateSpecification": specification, "Overrides": overrides},
            "InstancesDistribution": {
                "OnDemandBaseCapacity": 2,
                "OnDemandPercentageAboveBaseCapacity": 50,
                "SpotAllocationStrategy": "price-capacity-optimized",
            },
        },
    }
    provider = {
        "autoScalingGroupArn": GROUP_ARN,
        "managedScaling": {"status": "ENABLED", "targetCapacity": 100},
        "managedTerminationProtection": "ENABLED",
        "managedDraining": "ENABLED",
    }
    placement = [
        {"type": "spread", "field": "attribute:ecs.availability-zone"},
        {"type": "binpack", "field": "memory"},
    ]
    strategy = [{"capacityProvider": "shop-ec2", "weight": 1}]
    return (
        common()
        | {
            "instance role": role("shop-instance", "ec2.amazonaws.com"),
            "instance policy": attach("shop-instance", "service-role/AmazonEC2ContainerServiceforEC2Role"),
            "profile": ("iam", "CreateInstanceProfile", {"InstanceProfileName": "shop-instance"}),
            "role in profile": (
                "iam",
                "AddRoleToInstanceProfile",
                {"InstanceProfileName": "shop-instance", "RoleName": "shop-instance"},
            ),
            "template": template(instance_type, parameter),
            "group": ("autoscaling", "CreateAutoScalingGroup", group),
            "provider": ("ecs", "CreateCapacityProvider", {"name": "shop-ec2", "autoScalingGroupProvider": provider}),
            "association": association("shop-ec2"),
            "task": task("EC2", **members),
            "service": service(capacityProviderStrategy=strategy, placementStrategy=placement),
        }
        | scaling()
    )


def ec2_arm():
    platform = {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"}
    return ec2("m7g.large", "m8g.large", "arm64/", runtimePlatform=platform)


def ec2_bridge():
    """By launch type, with dynamic host ports and memory on the container alone."""
    calls = ec2()
    calls["task"] = edited(calls["task"], {"networkMode": "bridge", "cpu": DROP, "memory": DROP})
    calls["service"] = edited(
        calls["service"], {"capacityProviderStrategy": DROP, "launchType": "EC2", "networkConfiguration": DROP}
    )
    calls["target group"] = edited(calls["target group"], {"TargetType": "instance"})
    return calls


def managed_instances():
    instances = {
        "infrastructureRoleArn": f"{ROLE}shop-infrastructure",
        "instanceLaunchTemplate": {
            "ec2InstanceProfileArn": "arn:aws:iam::123456789012:instance-profile/ecsInstanceRole-shop",
            "networkConfiguration": {"subnets": ["subnet-REPLACE_ME"], "securityGroups": ["sg-REPLACE_ME"]},
            "storageConfiguration": {"storageSizeGiB": 80},
            "instanceRequirements": {
                "vCpuCount": {"min": 2, "max": 8},
                "memoryMiB": {"min": 4096, "max": 32768},
                "cpuManufacturers": ["intel", "amd"],
            },
        },
        "propagateTags": "CAPACITY_PROVIDER",
    }
    strategy = [{"capacityProvider": "shop-managed", "weight": 1}]
    profile = "ecsInstanceRole-shop"
    return (
        common()
        | {
            "infrastructure role": role("shop-infrastructure", "ecs.amazonaws.com"),
            "infrastructure policy": attach("shop-infrastructure", "AmazonECSInfrastructureRolePolicyForManagedInstances"),
            "instance role": role(profile, "ec2.amazonaws.com"),
            "instance policy": attach(profile, "AmazonECSInstanceRolePolicyForManagedInstances"),
            "profile": ("iam", "CreateInstanceProfile", {"InstanceProfileName": profile}),
            "role in profile": ("iam", "AddRoleToInstanceProfile", {"InstanceProfileName": profile, "RoleName": profile}),
            "provider": (
                "ecs",
                "CreateCapacityProvider",
                {"name": "shop-managed", "cluster": "shop", "managedInstancesProvider": instances},
            ),
            "task": task("MANAGED_INSTANCES"),
            "service": service(capacityProviderStrategy=strategy),
        }
        | scaling()
    )


def windows():
    platform = {"cpuArchitecture": "X86_64", "operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}
    return fargate() | {"task": task("FARGATE", runtimePlatform=platform, cpu="1024", memory="2048")}


CORRECT = (fargate, fargate_arm, fargate_spot, ec2, ec2_arm, ec2_bridge, managed_instances, windows)
SETS = {make.__name__: make for make in CORRECT}


def edited(call, edits):
    """A call with members set or dropped by dotted path: ``containerDefinitions.0.cpu``."""
    service_name, operation, request = call
    request = copy.deepcopy(request)
    for path, value in edits.items():
        *parents, last = (int(part) if part.isdigit() else part for part in path.split("."))
        place = request
        for part in parents:
            place = place[part] if isinstance(place, list) else place.setdefault(part, {})
        if value is DROP:
            del place[last]
        elif isinstance(place, list) and last == len(place):
            place.append(value)
        else:
            place[last] = value
    return service_name, operation, request


def knows(service_name, operation, *path):
    """Whether this release of botocore has a member: new ones are not in the oldest that the project supports."""
    shape = input_shape(service_name, operation)
    for part in path:
        if part not in shape.members:
            return False
        shape = shape.members[part]
    return True


@pytest.mark.parametrize("make", CORRECT, ids=lambda make: make.__name__)
def test_correct_sets_pass(make):
    assert check_all(make().values()) == []


# One planted error in one request ----------------------------------------------------------------------------------------

WEB = "containerDefinitions.0"
LOGS = f"{WEB}.logConfiguration"
PORT = f"{WEB}.portMappings.0"
SIDECAR = {"name": "log-router", "image": "public.ecr.aws/aws-observability/aws-for-fluent-bit:stable", "cpu": 0}
OVERRIDES = "MixedInstancesPolicy.LaunchTemplate.Overrides"
DISTRIBUTION = "MixedInstancesPolicy.InstancesDistribution"
DATA = "LaunchTemplateData"
VOLUME = f"{DATA}.BlockDeviceMappings.0.Ebs"
TRACKING = "TargetTrackingScalingPolicyConfiguration"
METRIC = f"{TRACKING}.PredefinedMetricSpecification"
CUSTOM = f"{TRACKING}.CustomizedMetricSpecification"
GROUP_PROVIDER = "autoScalingGroupProvider"
MANAGED = "managedInstancesProvider.instanceLaunchTemplate"
REQUIREMENTS = f"{MANAGED}.instanceRequirements"
STEPS = {
    "PolicyType": "StepScaling",
    "TargetTrackingScalingPolicyConfiguration": DROP,
    "StepScalingPolicyConfiguration.AdjustmentType": "ChangeInCapacity",
}
PREDICTIVE = {
    "PolicyType": "PredictiveScaling",
    "TargetTrackingScalingPolicyConfiguration": DROP,
    "PredictiveScalingPolicyConfiguration.MetricSpecifications": [
        {"TargetValue": 40.0, "PredefinedMetricPairSpecification": {"PredefinedMetricType": "ECSServiceCPUUtilization"}}
    ],
}


def provider_items(*weights, **first):
    items = [{"capacityProvider": f"p{index}", "weight": weight} for index, weight in enumerate(weights)]
    items[0].update(first)
    return items


def map_metric(**members):
    metric = {"Metric": {"MetricName": "Backlog", "Namespace": "Shop"}, "Stat": "Average"}
    return {"Id": "m1", "MetricStat": metric, **members}


PLANTED = {
    "fargate task": [
        # what botocore itself refuses
        ({"cpu": 512}, "Invalid type for parameter cpu"),
        ({"family": DROP}, 'Missing required parameter in input: "family"'),
        ({"memoryy": "512"}, 'Unknown parameter in input: "memoryy"'),
        # what its models say and it lets through
        ({"networkMode": "vpc"}, "networkMode is 'vpc'; it must be one of"),
        ({"runtimePlatform.cpuArchitecture": "arm64"}, "runtimePlatform.cpuArchitecture is 'arm64'"),
        ({"requiresCompatibilities": ["FARGATE_SPOT"]}, "requiresCompatibilities[0] is 'FARGATE_SPOT'"),
        ({f"{WEB}.cpu": True}, "containerDefinitions[0].cpu is True; it must be a number"),
        ({"tags.0.value": "v" * 257}, "tags[0].value has 257 characters"),
        ({"tags.0.key": "a!b"}, "tags[0].key is 'a!b'; it must match"),
        ({"tags": [{"key": str(number)} for number in range(51)]}, "tags has 51 entries"),
        # names
        ({"family": "web.api"}, "family is 'web.api'"),
        ({f"{WEB}.name": "web api"}, "The name of a container is 'web api'"),
        ({"containerDefinitions": []}, "needs at least one container"),
        ({"containerDefinitions.1": {"name": "web", "image": "x"}}, "Two containers are called 'web'"),
        ({f"{WEB}.image": DROP}, "has no image"),
        ({f"{WEB}.image": "Web App:1"}, "no image reference"),
        ({f"{WEB}.essential": False}, "No container is essential"),
        ({"tags.1": {"key": "service", "value": "b"}}, "The tag 'service' is given twice"),
        ({"tags.0.key": "aws:x"}, "reserved prefix aws:"),
        # size
        ({"memory": "5120"}, "no task of 512 CPU units with 5120 MiB; nearest are 4096 and 3072"),
        ({"cpu": "768"}, "Fargate has no task of 768 CPU units"),
        ({"cpu": "32768", "memory": "131072"}, "no task of 32768 CPU units with 131072 MiB; nearest are 122880 and 61440"),
        ({"cpu": "half"}, "cpu is 'half'"),
        ({"memory": "1 GiB"}, "memory is '1 GiB'"),
        ({"cpu": DROP}, "needs the task-level cpu"),
        ({"memory": DROP}, "needs the task-level memory"),
        ({"ephemeralStorage": {"sizeInGiB": 20}}, "ephemeralStorage.sizeInGiB is 20"),
        ({"ephemeralStorage": {"sizeInGiB": 500}}, "ephemeralStorage.sizeInGiB is 500"),
        ({f"{WEB}.environment": [{"name": "A", "value": "v" * 66_000}]}, "64 KiB are allowed"),
        # containers within the task
        ({f"{WEB}.cpu": 513}, "reserve 513 CPU units, more than the task's 512"),
        ({f"{WEB}.cpu": -1}, "it cannot be negative"),
        ({f"{WEB}.memory": 1025}, "memory 1025 MiB, more than the task's 1024"),
        (
            {f"{WEB}.memory": 600, "containerDefinitions.1": {**SIDECAR, "memoryReservation": 500}},
            "The containers reserve 1100 MiB",
        ),
        ({f"{WEB}.memoryReservation": 1024}, "must be above its memoryReservation"),
        ({f"{WEB}.memory": 4}, "Docker needs at least 6 MiB"),
        # what Fargate does not have
        ({"networkMode": DROP}, "needs networkMode awsvpc, not the default, bridge"),
        ({"networkMode": "host"}, "needs networkMode awsvpc, not host"),
        ({"ipcMode": "task"}, "ipcMode is not valid on Fargate"),
        ({"pidMode": "host"}, "pidMode can only be task"),
        ({"placementConstraints": [{"type": "memberOf", "expression": "x"}]}, "placementConstraints is not valid on Fargate"),
        ({f"{WEB}.privileged": True}, "has privileged, which is not valid on Fargate"),
        ({f"{WEB}.links": ["web"]}, "has links, which is not valid on Fargate"),
        ({f"{WEB}.dnsServers": ["10.0.0.2"]}, "has dnsServers, which is not valid on Fargate"),
        ({f"{WEB}.linuxParameters": {"maxSwap": 0}}, "linuxParameters.maxSwap, which is not valid on Fargate"),
        ({f"{WEB}.linuxParameters": {"tmpfs": [{"containerPath": "/t", "size": 1}]}}, "linuxParameters.tmpfs"),
        ({f"{WEB}.linuxParameters": {"capabilities": {"add": ["NET_ADMIN"]}}}, "Fargate allows SYS_PTRACE only"),
        ({f"{WEB}.linuxParameters": {"swappiness": 101}}, "swappiness is 101"),
        ({f"{WEB}.resourceRequirements": [{"type": "GPU", "value": "1"}]}, "needs a GPU; Fargate has none"),
        ({f"{LOGS}.logDriver": "json-file"}, "logs with json-file; Fargate has awsfirelens, awslogs, splunk"),
        ({"volumes": [{"name": "data", "host": {"sourcePath": "/data"}}]}, "sourcePath on the host"),
        ({"volumes": [{"name": "d", "dockerVolumeConfiguration": {}}]}, "dockerVolumeConfiguration, which is not valid"),
        ({f"{WEB}.stopTimeout": 300}, "stopTimeout on Fargate is 300"),
        ({f"{WEB}.ulimits": [{"name": "nofile", "softLimit": 1, "hardLimit": 2_000_000}]}, "nofile limit above 1048576"),
        # ports
        ({f"{PORT}.hostPort": 80}, "maps containerPort 8080 to hostPort 80"),
        ({f"{PORT}.containerPort": 70_000}, "containerPort is 70000"),
        ({f"{PORT}.containerPort": DROP}, "port mapping without containerPort"),
        ({f"{PORT}.name": "-http"}, "names a port '-http'"),
        ({f"{WEB}.portMappings.1": {"containerPort": 8080}}, "Port 8080/tcp is claimed twice"),
        ({f"{WEB}.portMappings.1": {"name": "http", "containerPort": 81}}, "Two port mappings are called 'http'"),
        ({f"{PORT}.containerPortRange": "1-2"}, "containerPortRange together with a containerPort"),
        ({f"{WEB}.portMappings.0": {"containerPortRange": "9-8"}}, "containerPortRange '9-8'"),
        ({f"{WEB}.hostname": "web"}, "hostname, which networkMode awsvpc does not allow"),
        # logs
        ({f"{LOGS}.options.awslogs-group": DROP}, "has no awslogs-group"),
        ({f"{LOGS}.options.awslogs-region": DROP}, "has no awslogs-region"),
        ({f"{LOGS}.options.awslogs-stream-prefix": DROP}, "has no awslogs-stream-prefix"),
        ({f"{LOGS}.options.awslogs-group": "shop web"}, "no log group name"),
        ({f"{LOGS}.options.awslogs-create-group": "yes"}, "awslogs-create-group 'yes'"),
        (
            {f"{LOGS}.options.awslogs-datetime-format": "%Y", f"{LOGS}.options.awslogs-multiline-pattern": "x"},
            "both awslogs-datetime-format and awslogs-multiline-pattern",
        ),
        ({f"{LOGS}.options.mode": "async"}, "log mode 'async'"),
        ({f"{LOGS}.options.max-buffer-size": "25 MB"}, "max-buffer-size '25 MB'"),
        ({LOGS: {"logDriver": "splunk", "options": {"splunk-url": "x"}}}, "has no splunk-token"),
        ({LOGS: {"logDriver": "awsfirelens"}}, "no container has a firelensConfiguration"),
        (
            {
                "containerDefinitions.1": {
                    **SIDECAR,
                    "firelensConfiguration": {"type": "fluentbit", "options": {"config-file-type": "s3"}},
                }
            },
            "config-file-type file only",
        ),
        (
            {
                f"containerDefinitions.{n}": {**SIDECAR, "name": f"r{n}", "firelensConfiguration": {"type": "fluentbit"}}
                for n in (1, 2)
            },
            "a task has one log router",
        ),
        # roles
        ({"executionRoleArn": DROP}, "logs with awslogs, but the task has no executionRoleArn"),
        ({"executionRoleArn": DROP, LOGS: DROP}, "pulls from a private ECR repository, but"),
        ({"taskRoleArn": "arn:aws:s3:::bucket"}, "taskRoleArn is 'arn:aws:s3:::bucket'"),
        # containers of one task
        ({f"{WEB}.dependsOn": [{"containerName": "db", "condition": "START"}]}, "depends on 'db'"),
        (
            {f"{WEB}.dependsOn": [{"containerName": "log-router", "condition": "HEALTHY"}], "containerDefinitions.1": SIDECAR},
            "that has no healthCheck",
        ),
        (
            {f"{WEB}.dependsOn": [{"containerName": "log-router", "condition": "SUCCESS"}], "containerDefinitions.1": SIDECAR},
            "which is essential and must not end",
        ),
        ({f"{WEB}.dependsOn": [{"containerName": "web", "condition": "START"}]}, "wait for each other in a circle"),
        ({f"{WEB}.volumesFrom": [{"sourceContainer": "db"}]}, "takes volumes from 'db'"),
        ({"proxyConfiguration": {"containerName": "envoy"}}, "proxyConfiguration names 'envoy'"),
        ({f"{WEB}.mountPoints": [{"sourceVolume": "data", "containerPath": "/d"}]}, "mounts 'data', which is no volume"),
        (
            {"volumes": [{"name": "d"}], f"{WEB}.mountPoints": [{"sourceVolume": "d"}]},
            "mount point without containerPath",
        ),
        ({"volumes": [{"name": "d"}, {"name": "d"}]}, "Two volumes are called 'd'"),
        ({"volumes": [{"name": "a b"}]}, "The name of a volume is 'a b'"),
        (
            {"volumes": [{"name": "d", "host": {}, "efsVolumeConfiguration": {"fileSystemId": "fs-1"}}]},
            "of several kinds: host, efsVolumeConfiguration",
        ),
        (
            {
                "volumes": [
                    {"name": "d", "efsVolumeConfiguration": {"fileSystemId": "f", "authorizationConfig": {"iam": "ENABLED"}}}
                ]
            },
            "IAM authorization of EFS, which needs transitEncryption",
        ),
        (
            {
                "volumes": [
                    {
                        "name": "d",
                        "efsVolumeConfiguration": {
                            "fileSystemId": "f",
                            "rootDirectory": "/x",
                            "authorizationConfig": {"accessPointId": "a"},
                        },
                    }
                ]
            },
            "its rootDirectory must be /",
        ),
        # health, environment, limits
        ({f"{WEB}.healthCheck.command": ["curl", "-f"]}, "it must start with CMD or CMD-SHELL"),
        ({f"{WEB}.healthCheck.command": ["CMD-SHELL", "curl", "-f"]}, "the shell takes one"),
        ({f"{WEB}.healthCheck.interval": 3}, "health check interval is 3"),
        ({f"{WEB}.healthCheck.retries": 11}, "health check retries is 11"),
        ({f"{WEB}.restartPolicy": {"enabled": True, "restartAttemptPeriod": 5}}, "restartAttemptPeriod is 5"),
        ({f"{WEB}.restartPolicy": {"enabled": True, "ignoredExitCodes": [*range(51)]}}, "more than 50 exit codes"),
        ({f"{WEB}.environment": [{"name": "A"}, {"name": "A"}]}, "sets the variable 'A' twice"),
        ({f"{WEB}.environment": [{"value": "x"}]}, "a variable without a name"),
        ({f"{WEB}.secrets": [{"name": "A", "valueFrom": "arn:aws:s3:::x"}]}, "not from Secrets Manager or SSM"),
        ({f"{WEB}.environmentFiles": [{"type": "s3", "value": "arn:aws:s3:::b/a.txt"}]}, "an environment file ends in .env"),
        ({f"{WEB}.environmentFiles": [{"type": "s3", "value": "a.env"}] * 11}, "10 are allowed"),
        ({f"{WEB}.ulimits": [{"name": "core", "softLimit": 2, "hardLimit": 1}]}, "softLimit of core above its hardLimit"),
        ({f"{WEB}.ulimits": [{"name": "core", "softLimit": 1, "hardLimit": 1}] * 2}, "the ulimit core twice"),
    ],
    "ec2 task": [
        ({"cpu": "64", f"{WEB}.cpu": 64}, "Task cpu in CPU units is 64; it must be from 128 to 196608"),
        ({"memory": DROP, f"{WEB}.memory": DROP}, "has no memory and no memoryReservation, and the task has no memory either"),
        ({f"{WEB}.privileged": True}, "is privileged: it is root on the instance"),
        ({"pidMode": "host"}, "pidMode host opens the instance"),
        ({f"{WEB}.linuxParameters": {"capabilities": {"add": ["SYS_ADMIN"]}}}, "adds the capability SYS_ADMIN"),
        ({"ephemeralStorage": {"sizeInGiB": 30}}, "for tasks on Fargate only"),
        ({"networkMode": "bridge", f"{PORT}.hostPort": 51678}, "hostPort 51678, which the instance reserves"),
        ({"networkMode": "bridge", f"{PORT}.hostPort": 50_000}, "in the range that Docker hands out"),
        ({"networkMode": "bridge", f"{PORT}.hostPort": -1}, "hostPort is -1"),
        ({"networkMode": "host", f"{PORT}.hostPort": 0}, "with host leave hostPort out"),
        ({"networkMode": "host", f"{WEB}.portMappings.0": {"containerPortRange": "1-2"}}, "needs networkMode bridge or awsvpc"),
        ({"networkMode": "none"}, "maps ports, which networkMode none does not allow"),
        ({"networkMode": "bridge", f"{WEB}.links": ["db:db"]}, "links to 'db', which is no container"),
        ({f"{WEB}.links": ["web"]}, "work with networkMode bridge only"),
        (
            {"executionRoleArn": DROP, f"{WEB}.secrets": [{"name": "A", "valueFrom": "param"}]},
            "reads secrets, but the task has no executionRoleArn",
        ),
        (
            {"executionRoleArn": DROP, f"{WEB}.repositoryCredentials": {"credentialsParameter": "c"}},
            "has repositoryCredentials, but the task has no executionRoleArn",
        ),
        (
            {"executionRoleArn": DROP, f"{WEB}.environmentFiles": [{"type": "s3", "value": "a.env"}]},
            "reads environmentFiles, but the task has no executionRoleArn",
        ),
        ({"placementConstraints": [{"type": "memberOf", "expression": "x"}] * 11}, "10 are allowed"),
        ({"placementConstraints": [{"type": "memberOf"}]}, "needs an expression of 1 to 2000 characters"),
        ({f"{WEB}.resourceRequirements": [{"type": "NeuronDevice", "value": "ALL"}]}, "only Managed Instances have these"),
        ({f"{WEB}.resourceRequirements": [{"type": "GPU"}]}, "needs a value or a sharingStrategy"),
        ({f"{WEB}.stopTimeout": -1}, "stopTimeout -1; it cannot be negative"),
    ],
    "windows task": [
        ({"runtimePlatform.cpuArchitecture": "ARM64"}, "Windows tasks run on X86_64 only"),
        ({"runtimePlatform.operatingSystemFamily": "WINDOWS_SERVER_2025_CORE"}, "does not run WINDOWS_SERVER_2025_CORE"),
        ({"cpu": "512", "memory": "2048"}, "Windows on Fargate runs with 1024, 2048 or 4096 CPU units, not 512"),
        ({"networkMode": "bridge"}, "Windows tasks have networkMode awsvpc or none given"),
        ({"requiresCompatibilities": ["MANAGED_INSTANCES"]}, "Managed Instances run Linux only"),
        ({f"{WEB}.user": "app"}, "has user, which is not valid on Windows"),
        ({f"{WEB}.readonlyRootFilesystem": True}, "has readonlyRootFilesystem, which is not valid on Windows"),
    ],
    "managed_instances task": [
        ({"networkMode": "bridge"}, "needs networkMode awsvpc or host, not bridge"),
        ({"ephemeralStorage": {"sizeInGiB": 30}}, "ephemeralStorage is not valid on Managed Instances"),
        ({f"{LOGS}.logDriver": "syslog"}, "Managed Instances has awsfirelens, awslogs, json-file, splunk"),
        ({f"{WEB}.hostname": "web"}, "has hostname, which is not valid on Managed Instances"),
        (
            {f"{WEB}.resourceRequirements": [{"type": "InferenceAccelerator", "value": "d"}]},
            "InferenceAccelerator; Managed Instances have none",
        ),
    ],
    "fargate cluster": [
        ({"clusterName": "shop/eu"}, "clusterName is 'shop/eu'"),
        ({"settings": [{"name": "containerInsights", "value": "on"}]}, "containerInsights is 'on'"),
        ({"configuration": {"executeCommandConfiguration": {"logging": "OVERRIDE"}}}, "needs a logConfiguration"),
        ({"tags": [{"key": "a", "value": "b"}] * 2}, "The tag 'a' is given twice"),
    ],
    "fargate_spot association": [
        ({"capacityProviders": ["FARGATE", "FARGATE"]}, "Capacity provider 'FARGATE' is listed twice"),
        ({"capacityProviders": ["FARGATE_SPOT"]}, "The default strategy uses 'FARGATE', which capacityProviders does not list"),
        ({"capacityProviders.0": "fargate"}, "no capacity provider 'fargate': aws, ecs and fargate are reserved"),
    ],
    "ec2 provider": [
        ({"name": "ecs-shop"}, "no capacity provider 'ecs-shop'"),
        ({"name": "AWS-shop"}, "no capacity provider 'AWS-shop'"),
        ({"name": "FARGATE"}, "FARGATE exists already"),
        ({"name": "shop ec2"}, "The name of a capacity provider is 'shop ec2'"),
        ({GROUP_PROVIDER: DROP}, "needs autoScalingGroupProvider or managedInstancesProvider"),
        ({f"{GROUP_PROVIDER}.managedScaling.status": "DISABLED"}, "managedTerminationProtection needs managedScaling"),
        ({f"{GROUP_PROVIDER}.managedScaling.targetCapacity": 250}, "targetCapacity is 250; the model allows at most 100"),
        ({f"{GROUP_PROVIDER}.managedScaling.targetCapacity": 0}, "valid min value: 1"),
        (
            {
                f"{GROUP_PROVIDER}.managedScaling.minimumScalingStepSize": 9,
                f"{GROUP_PROVIDER}.managedScaling.maximumScalingStepSize": 3,
            },
            "minimumScalingStepSize is above maximumScalingStepSize",
        ),
        ({f"{GROUP_PROVIDER}.autoScalingGroupArn": "arn:aws:ec2:x:1:instance/i"}, "no ARN of autoscaling"),
    ],
    "managed_instances provider": [
        ({"cluster": DROP}, "Managed Instances needs its cluster"),
        ({f"{MANAGED}.networkConfiguration": {}}, "need at least one subnet"),
        ({f"{MANAGED}.networkConfiguration.subnets": ["sg-1"]}, "subnets holds 'sg-1'"),
        ({f"{MANAGED}.networkConfiguration.subnets": ["subnet-1"] * 2}, "subnets holds 'subnet-1' twice"),
        ({f"{MANAGED}.ec2InstanceProfileArn": f"{ROLE}x"}, "no ARN of iam:instance-profile/"),
        ({f"{MANAGED}.storageConfiguration.storageSizeGiB": 20}, "storageSizeGiB is 20"),
        (
            {f"{MANAGED}.capacityReservations": {"reservationPreference": "RESERVATIONS_ONLY"}},
            "need capacityOptionType RESERVED",
        ),
        ({f"{REQUIREMENTS}.vCpuCount.min": 16}, "vCpuCount has a minimum of 16 above its maximum of 8"),
        (
            {f"{REQUIREMENTS}.allowedInstanceTypes": ["m7i.*"], f"{REQUIREMENTS}.excludedInstanceTypes": ["m7i.large"]},
            "allowedInstanceTypes and excludedInstanceTypes exclude each other",
        ),
        ({"managedInstancesProvider.infrastructureOptimization": {"scaleInAfter": 4000}}, "scaleInAfter is 4000"),
    ],
    "fargate service": [
        ({"serviceName": "web app"}, "serviceName is 'web app'"),
        ({"taskDefinition": DROP}, "needs a taskDefinition"),
        ({"taskDefinition": "web:latest"}, "taskDefinition is 'web:latest'"),
        ({"desiredCount": DROP}, "needs a desiredCount"),
        ({"desiredCount": -1}, "desiredCount is -1"),
        ({"desiredCount": 6000}, "desiredCount is 6000; it must be from 0 to 5000"),
        ({"desiredCount": 2000, "serviceConnectConfiguration": {"enabled": True}}, "it must be from 0 to 1000"),
        ({"launchType": "FARGATE_SPOT"}, "launchType is 'FARGATE_SPOT'"),
        ({"launchType": "MANAGED_INSTANCES"}, "reached by a capacityProviderStrategy, not by a launchType"),
        ({"capacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 1}]}, "exclude each other"),
        ({"networkConfiguration": DROP}, "awsvpcConfiguration with subnets is needed"),
        ({"networkConfiguration.awsvpcConfiguration.subnets": []}, "awsvpcConfiguration needs at least one subnet"),
        (
            {"networkConfiguration.awsvpcConfiguration.subnets": [f"subnet-{n}" for n in range(17)]},
            "17 subnets; 16 are allowed",
        ),
        ({"networkConfiguration.awsvpcConfiguration.securityGroups": [f"sg-{n}" for n in range(6)]}, "6 security groups"),
        ({"placementStrategy": [{"type": "random"}]}, "Fargate supports no placementStrategy"),
        ({"placementConstraints": [{"type": "distinctInstance"}]}, "Fargate supports no placementConstraints"),
        ({"platformVersion": "1.5.0"}, "platformVersion is '1.5.0'"),
        ({"schedulingStrategy": "DAEMON"}, "Fargate does not support schedulingStrategy DAEMON"),
        ({"deploymentConfiguration.maximumPercent": 100}, "both 100, so no deployment can move"),
        ({"desiredCount": 1, "deploymentConfiguration.maximumPercent": 150}, "round to 1 tasks each way"),
        ({"deploymentConfiguration.maximumPercent": 50}, "maximumPercent is 50"),
        ({"deploymentConfiguration.minimumHealthyPercent": 120}, "minimumHealthyPercent is 120"),
        ({"deploymentController": {"type": "CODE_DEPLOY"}}, "circuit breaker works with rolling updates only"),
        (
            {"deploymentConfiguration.deploymentCircuitBreaker": DROP, "deploymentConfiguration.strategy": "BLUE_GREEN"},
            "BLUE_GREEN needs bakeTimeInMinutes",
        ),
        (
            {"deploymentConfiguration.strategy": "CANARY", "loadBalancers": [], "deploymentController": {"type": "EXTERNAL"}},
            "CANARY needs the ECS deployment controller, not EXTERNAL",
        ),
        ({"deploymentConfiguration.strategy": "LINEAR", "loadBalancers": []}, "LINEAR needs a load balancer"),
        ({"deploymentConfiguration.canaryConfiguration": {}}, "valid with strategy CANARY only"),
        (
            {
                "deploymentConfiguration.strategy": "CANARY",
                "deploymentConfiguration.canaryConfiguration": {"canaryPercent": 0.0},
            },
            "canaryPercent is 0.0",
        ),
        ({"loadBalancers.0.containerPort": DROP}, "needs the containerPort"),
        ({"loadBalancers.0.loadBalancerName": "old"}, "needs a targetGroupArn or, when Classic, a loadBalancerName"),
        ({"loadBalancers.0": {"loadBalancerName": "x", "containerName": "web", "containerPort": 80}}, "not with a Classic"),
        ({"loadBalancers.0.targetGroupArn": "arn:aws:ecs:x:1:cluster/a"}, "no ARN of elasticloadbalancing:targetgroup/"),
        (
            {"loadBalancers": [{"targetGroupArn": TARGET_GROUP, "containerName": "web", "containerPort": 80}] * 6},
            "5 are allowed",
        ),
        ({"loadBalancers": []}, "healthCheckGracePeriodSeconds is only for a service behind a load balancer"),
        (
            {"loadBalancers": [], "deploymentController": {"type": "CODE_DEPLOY"}},
            "CODE_DEPLOY deployment controller needs a load",
        ),
        ({"role": "ecsServiceRole"}, "role is for a service behind a load balancer"),
        ({"serviceRegistries": [{"registryArn": "a"}] * 2}, "2 service registries; 1 is allowed"),
        ({"serviceRegistries": [{"port": 80, "containerName": "web", "containerPort": 80}]}, "a port or a container, not both"),
        ({"serviceRegistries": [{"containerName": "web"}]}, "names containerName and containerPort together"),
        (
            {
                "serviceConnectConfiguration": {
                    "enabled": True,
                    "services": [{"portName": "a", "clientAliases": [{"port": 1}] * 2}],
                }
            },
            "several clientAliases",
        ),
        ({"clientToken": "t" * 37}, "clientToken has up to 36"),
        (
            {"availabilityZoneRebalancing": "ENABLED", "deploymentConfiguration.maximumPercent": 100},
            "a maximumPercent above 100",
        ),
    ],
    "fargate_spot service": [
        ({"capacityProviderStrategy.1.weight": 1001}, "capacityProviderStrategy[1].weight is 1001"),
        ({"capacityProviderStrategy.1.base": 1}, "gives a base to FARGATE, FARGATE_SPOT"),
        ({"capacityProviderStrategy.1.capacityProvider": "shop-ec2"}, "mixes Fargate with other capacity providers"),
        ({"capacityProviderStrategy.1.capacityProvider": "FARGATE"}, "uses 'FARGATE' twice"),
        ({"capacityProviderStrategy.0.weight": 0, "capacityProviderStrategy.1.weight": 0}, "no weight above 0"),
        ({"capacityProviderStrategy": provider_items(*[1] * 21)}, "21 capacity providers; 20 are allowed"),
        ({"capacityProviderStrategy": provider_items(1, capacityProvider="arn:aws:ecs:a:1:capacity-provider/p")}, "short name"),
    ],
    "ec2 service": [
        ({"platformVersion": "1.4.0"}, "platformVersion is for Fargate only"),
        ({"placementStrategy.1.field": "memory_mib"}, "binpack packs by cpu or memory, not by 'memory_mib'"),
        ({"placementStrategy.0.field": "zone"}, "spread goes over instanceId, host or attribute:..., not 'zone'"),
        ({"placementStrategy.0": {"type": "random", "field": "cpu"}}, "random takes no field"),
        ({"placementStrategy.0.type": "pack"}, "placementStrategy[0].type is 'pack'"),
        ({"placementStrategy": [{"type": "random"}] * 6}, "6 placement strategies; 5 are allowed"),
        ({"placementConstraints": [{"type": "distinctInstance", "expression": "x"}]}, "takes no expression"),
        ({"schedulingStrategy": "DAEMON"}, "A DAEMON service takes no placementStrategy"),
        ({"schedulingStrategy": "DAEMON", "placementStrategy": []}, "A DAEMON service has a maximumPercent of 100"),
        (
            {"schedulingStrategy": "DAEMON", "deploymentController": {"type": "EXTERNAL"}},
            "EXTERNAL deployment controller does not",
        ),
        (
            {"availabilityZoneRebalancing": "ENABLED", "placementStrategy": [{"type": "binpack", "field": "cpu"}]},
            "Availability Zone spread as the first placement strategy",
        ),
        (
            {
                "launchType": "EC2",
                "capacityProviderStrategy": DROP,
                "networkConfiguration.awsvpcConfiguration.assignPublicIp": "ENABLED",
            },
            "assignPublicIp ENABLED works on Fargate only",
        ),
    ],
    "fargate target": [
        ({"ResourceId": "shop/web"}, "ResourceId is 'shop/web'"),
        ({"ServiceNamespace": "ec2"}, "not as ec2 and ecs:service:DesiredCount"),
        ({"ScalableDimension": "ecs:service:Count"}, "ScalableDimension is 'ecs:service:Count'"),
        ({"MinCapacity": 30}, "MinCapacity 30 is above MaxCapacity 20"),
        ({"MinCapacity": -1}, "MinCapacity is -1"),
        ({"MaxCapacity": 5001}, "MaxCapacity is 5001"),
        ({"MaxCapacity": DROP}, "needs MaxCapacity"),
        ({"RoleARN": TARGET_GROUP}, "RoleARN is"),
    ],
    "fargate cpu policy": [
        ({"PolicyType": DROP}, "needs a PolicyType"),
        ({"PolicyType": "StepScaling"}, "type StepScaling needs StepScalingPolicyConfiguration"),
        ({"PolicyType": "StepScaling"}, "type StepScaling cannot have TargetTrackingScalingPolicyConfiguration"),
        ({"PolicyName": "p\n"}, "PolicyName is"),
        (
            {f"{TRACKING}.TargetValue": DROP},
            'Missing required parameter in TargetTrackingScalingPolicyConfiguration: "TargetValue"',
        ),
        ({f"{TRACKING}.TargetValue": 0.0}, "TargetValue is 0.0; it must be above 0"),
        ({f"{TRACKING}.TargetValue": float("nan")}, "it must be a finite number"),
        ({METRIC: DROP}, "needs a predefined or a customized metric"),
        ({f"{METRIC}.PredefinedMetricType": "CPUUtilization"}, "PredefinedMetricType is 'CPUUtilization'"),
        ({f"{METRIC}.PredefinedMetricType": "RDSReaderAverageCPUUtilization"}, "is no metric of an ECS service"),
        ({f"{METRIC}.PredefinedMetricType": "ALBRequestCountPerTarget"}, "needs a ResourceLabel"),
        ({f"{METRIC}.ResourceLabel": LABEL}, "ResourceLabel is only for ALBRequestCountPerTarget"),
        ({f"{TRACKING}.ScaleInCooldown": -1}, "ScaleInCooldown is -1"),
        ({METRIC: DROP, CUSTOM: {}}, "is one metric or a list of Metrics"),
        ({METRIC: DROP, CUSTOM: {"MetricName": "Backlog"}}, "needs MetricName, Namespace and Statistic"),
        ({METRIC: DROP, CUSTOM: {"Metrics": [map_metric(Id="M1")]}}, "a lower-case letter first"),
        ({METRIC: DROP, CUSTOM: {"Metrics": [map_metric(Expression="m1")]}}, "an Expression or a MetricStat, and not both"),
        ({METRIC: DROP, CUSTOM: {"Metrics": [map_metric()] * 2}}, "Two metric queries have the Id 'm1'"),
        ({METRIC: DROP, CUSTOM: {"Metrics": [map_metric(ReturnData=False)]}}, "Exactly one metric query must have ReturnData"),
        ({"PolicyType": "StepScaling", TRACKING: DROP, "StepScalingPolicyConfiguration": {}}, "needs an AdjustmentType"),
        (STEPS, "at least one StepAdjustment"),
        ({**STEPS, "StepScalingPolicyConfiguration.MinAdjustmentMagnitude": 2}, "is for PercentChangeInCapacity only"),
        ({**STEPS, "StepScalingPolicyConfiguration.Cooldown": -1}, "Cooldown is -1"),
        (
            {
                **STEPS,
                "StepScalingPolicyConfiguration.StepAdjustments": [
                    {"MetricIntervalLowerBound": 0.0, "MetricIntervalUpperBound": 10.0, "ScalingAdjustment": 1},
                    {"MetricIntervalLowerBound": 20.0, "ScalingAdjustment": 2},
                ],
            },
            "leave a gap between 20.0 and 10.0",
        ),
        (
            {
                **STEPS,
                "StepScalingPolicyConfiguration.StepAdjustments": [
                    {"MetricIntervalLowerBound": 9.0, "MetricIntervalUpperBound": 1.0, "ScalingAdjustment": 1},
                ],
            },
            "A step from 9.0 to 1.0 is empty",
        ),
        (
            {
                **STEPS,
                "StepScalingPolicyConfiguration.AdjustmentType": "ExactCapacity",
                "StepScalingPolicyConfiguration.StepAdjustments": [{"ScalingAdjustment": -1}],
            },
            "ExactCapacity cannot be negative",
        ),
        ({**PREDICTIVE, "PredictiveScalingPolicyConfiguration.MetricSpecifications": []}, "it needs 1"),
        (
            {**PREDICTIVE, "PredictiveScalingPolicyConfiguration.MetricSpecifications": [{"TargetValue": -1.0}]},
            "TargetValue is -1.0",
        ),
        (
            {**PREDICTIVE, "PredictiveScalingPolicyConfiguration.MetricSpecifications": [{"TargetValue": 1.0}]},
            "needs a metric beside its TargetValue",
        ),
        ({**PREDICTIVE, "PredictiveScalingPolicyConfiguration.SchedulingBufferTime": 3600}, "must be below 3600 s"),
        ({**PREDICTIVE, "PredictiveScalingPolicyConfiguration.MaxCapacityBuffer": 10}, "goes with MaxCapacityBreachBehavior"),
    ],
    "fargate request policy": [
        ({f"{METRIC}.ResourceLabel": "app/shop"}, "ResourceLabel is 'app/shop'"),
    ],
    "fargate night": [
        ({"Schedule": DROP}, "needs a Schedule"),
        ({"Schedule": "cron(0 22 * * *)"}, "Schedule is 'cron(0 22 * * *)'"),
        ({"Schedule": "rate(1 hours)"}, "Schedule is 'rate(1 hours)'"),
        ({"ScalableTargetAction": DROP}, "needs a ScalableTargetAction"),
        ({"ScalableTargetAction": {"MinCapacity": 9, "MaxCapacity": 4}}, "MinCapacity 9 is above MaxCapacity 4"),
        ({"Timezone": "Mars/Olympus"}, "no IANA time zone"),
        ({"ScheduledActionName": "a:b"}, "ScheduledActionName is 'a:b'"),
    ],
    "ec2 group": [
        ({"AutoScalingGroupName": "shop:ec2"}, "without spaces and colons"),
        ({"MinSize": 11}, "must rise"),
        ({"DesiredCapacity": 11}, "MinSize 0, DesiredCapacity 11 and MaxSize 10 must rise"),
        ({"MixedInstancesPolicy": DROP}, "exactly one of LaunchTemplate"),
        ({"LaunchTemplate": {"LaunchTemplateName": "shop-ec2"}}, "exactly one of LaunchTemplate"),
        ({"MixedInstancesPolicy": DROP, "LaunchTemplate": {"Version": "1"}}, "goes by LaunchTemplateId or LaunchTemplateName"),
        ({"MixedInstancesPolicy": DROP, "LaunchConfigurationName": "old"}, "closed to new accounts"),
        ({"VPCZoneIdentifier": DROP}, "needs subnets in VPCZoneIdentifier"),
        ({"VPCZoneIdentifier": "vpc-1"}, "subnets holds 'vpc-1'"),
        ({"HealthCheckType": "ECS"}, "HealthCheckType is 'ECS'"),
        ({"MaxInstanceLifetime": 3600}, "MaxInstanceLifetime is 3600 s"),
        (
            {"LifecycleHookSpecificationList": [{"LifecycleHookName": "h", "LifecycleTransition": "stop"}]},
            "LifecycleTransition is 'stop'",
        ),
        ({"MixedInstancesPolicy.LaunchTemplate.LaunchTemplateSpecification": DROP}, "needs LaunchTemplate.LaunchTemplateSpec"),
        (
            {"MixedInstancesPolicy.LaunchTemplate.LaunchTemplateSpecification.Version": "newest"},
            "version of the launch template",
        ),
        ({f"{OVERRIDES}.0": {"WeightedCapacity": "2"}}, "does not support WeightedCapacity"),
        ({f"{OVERRIDES}.0": {}}, "needs an InstanceType or InstanceRequirements"),
        ({f"{OVERRIDES}.1.InstanceType": "m7i.large"}, "m7i.large is listed twice"),
        ({f"{OVERRIDES}.1.InstanceType": "m7g.large"}, "are of two architectures"),
        ({OVERRIDES: [{"InstanceType": f"m7i.{n}"} for n in range(41)]}, "41 overrides"),
        (
            {OVERRIDES: [{"InstanceRequirements": {"VCpuCount": {"Min": 4, "Max": 2}, "MemoryMiB": {"Min": 1}}}] * 5},
            "5 sets of instance requirements",
        ),
        (
            {OVERRIDES: [{"InstanceRequirements": {"VCpuCount": {"Min": 4, "Max": 2}, "MemoryMiB": {"Min": 1}}}]},
            "vCpuCount has a minimum of 4 above its maximum of 2",
        ),
        (
            {
                OVERRIDES: [{"InstanceRequirements": {"VCpuCount": {"Min": 1}, "MemoryMiB": {"Min": 1}}}],
                f"{DISTRIBUTION}.OnDemandAllocationStrategy": "prioritized",
                f"{DISTRIBUTION}.SpotAllocationStrategy": "capacity-optimized-prioritized",
            },
            "prioritized does not go with InstanceRequirements",
        ),
        ({f"{DISTRIBUTION}.OnDemandAllocationStrategy": "cheapest"}, "OnDemandAllocationStrategy is 'cheapest'"),
        ({f"{DISTRIBUTION}.SpotAllocationStrategy": "diversified"}, "SpotAllocationStrategy is 'diversified'"),
        ({f"{DISTRIBUTION}.OnDemandPercentageAboveBaseCapacity": 150}, "OnDemandPercentageAboveBaseCapacity is 150"),
        ({f"{DISTRIBUTION}.OnDemandBaseCapacity": 11}, "OnDemandBaseCapacity is 11; it must be from 0 to 10"),
        ({f"{DISTRIBUTION}.SpotInstancePools": 2}, "SpotInstancePools go with SpotAllocationStrategy lowest-price"),
    ],
    "ec2 template": [
        ({f"{DATA}.MetadataOptions": DROP}, "HttpTokens must be required"),
        ({f"{DATA}.MetadataOptions.HttpTokens": "optional"}, "HttpTokens must be required"),
        ({f"{DATA}.MetadataOptions.HttpPutResponseHopLimit": 65}, "HttpPutResponseHopLimit is 65"),
        ({"LaunchTemplateName": "shop ec2"}, "LaunchTemplateName is 'shop ec2'"),
        ({f"{DATA}.BlockDeviceMappings": DROP}, "name no EBS volume"),
        ({f"{VOLUME}.Encrypted": False}, "Volume '/dev/xvda' is not encrypted"),
        ({f"{VOLUME}.VolumeType": "gp2"}, "is of type gp2; use gp3"),
        ({f"{VOLUME}.VolumeType": "io2", f"{VOLUME}.Throughput": 125}, "has a Throughput, which only gp3 takes"),
        ({f"{VOLUME}.Iops": 1000}, "Iops is 1000"),
        ({f"{VOLUME}.VolumeSize": 0}, "VolumeSize is 0"),
        ({f"{DATA}.BlockDeviceMappings.0.DeviceName": DROP}, "needs a DeviceName"),
        ({f"{DATA}.BlockDeviceMappings.1": {"DeviceName": "/dev/xvda"}}, "'/dev/xvda' is mapped twice"),
        ({f"{DATA}.ImageId": DROP}, "needs an ImageId"),
        ({f"{DATA}.ImageId": "ami-0123456789abcdef0"}, "is one AMI of one Region"),
        (
            {f"{DATA}.ImageId": "resolve:ssm:/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended"},
            "must end in /image_id",
        ),
        (
            {f"{DATA}.ImageId": "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023/image_id"},
            "is no ECS-optimized AMI",
        ),
        ({f"{DATA}.InstanceType": "m7g.large"}, "The AMI is for X86_64, but m7g.large is ARM64"),
        ({f"{DATA}.InstanceType": "m7i.lrge"}, "InstanceType is 'm7i.lrge'"),
        (
            {f"{DATA}.InstanceRequirements": {"VCpuCount": {"Min": 1}, "MemoryMiB": {"Min": 1}}},
            "InstanceType and InstanceRequirements exclude each other",
        ),
        ({f"{DATA}.IamInstanceProfile.Arn": "arn:aws:iam::123456789012:instance-profile/x"}, "an Arn or a Name, not both"),
        ({f"{DATA}.NetworkInterfaces": [{"DeviceIndex": 0}]}, "the security groups belong into these"),
        ({f"{DATA}.CreditSpecification": {"CpuCredits": "unlimited"}}, "CreditSpecification is for T instances"),
        ({f"{DATA}.UserData": "#!/bin/bash"}, "UserData is not base64"),
        ({f"{DATA}.UserData": base64.b64encode(b"#" * 16_385).decode()}, "16 KiB are allowed"),
        ({f"{DATA}.UserData": base64.b64encode(b"ECS_RESERVED_MEMORY=256MiB").decode()}, "no whole number of MiB"),
        (
            {f"{DATA}.TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "aws:x", "Value": "y"}]}]},
            "reserved prefix aws:",
        ),
    ],
    "fargate log group": [
        ({"logGroupName": "aws/shop"}, "cannot start with aws/"),
        ({"tags": {f"k{number}": "v" for number in range(51)}}, "tags has 51 entries"),
        ({"logGroupName": "shop web"}, "logGroupName is 'shop web'; it must match"),
    ],
    "fargate retention": [({"retentionInDays": 31}, "retentionInDays is 31")],
    "fargate target group": [
        ({"Name": "-shop"}, "The name of the target group is '-shop'"),
        ({"VpcId": DROP}, "needs VpcId"),
        ({"TargetType": "lambda"}, "of type ip or instance, not lambda"),
        ({"HealthCheckTimeoutSeconds": 30}, "must be below its interval of 30 s"),
        ({"HealthCheckProtocol": "TCP"}, "HealthCheckProtocol TCP does not go with"),
        ({"HealthCheckPath": "health"}, "it starts with /"),
    ],
    "fargate execution role": [
        ({"AssumeRolePolicyDocument": "{}"}, "is no JSON policy"),
        ({"AssumeRolePolicyDocument": '{"Statement": [{"Effect": "Allow"}]}'}, "lets nobody assume the role"),
        ({"AssumeRolePolicyDocument": '{"Statement": {"Effect": "Allow", "Principal": "*"}}'}, "lets anybody assume the role"),
        ({"RoleName": "r" * 65}, "RoleName has 65 characters"),
    ],
    "fargate execution policy": [
        ({"PolicyArn": f"{ROLE}not-a-policy"}, "no ARN of iam:policy/"),
        ({"PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}, "allows nearly everything"),
    ],
}
ROWS = [(call, edits, fragment) for call, rows in PLANTED.items() for edits, fragment in rows]


def named_call(name):
    make, _, call = name.partition(" ")
    return SETS[make]()[call]


@pytest.mark.parametrize(("name", "edits", "fragment"), ROWS, ids=[f"{name}: {fragment}" for name, _, fragment in ROWS])
def test_a_planted_error_is_caught(name, edits, fragment):
    before = named_call(name)
    assert check_call(*before) == []
    findings = check_call(*edited(before, edits))
    assert any(fragment in finding for finding in findings), findings


def test_other_calls_are_judged_too():
    policy = {"RoleName": "r", "PolicyName": "p", "PolicyDocument": '{"Statement": {"Effect": "Allow", "Action": "*"}}'}
    assert check_call("iam", "PutRolePolicy", policy) == ["PolicyDocument allows every action."]
    assert check_call("iam", "PutRolePolicy", {**policy, "PolicyDocument": "{"}) == ["PolicyDocument is no JSON policy."]
    balancer = {"Name": "internal-shop", "Subnets": ["subnet-1"], "SubnetMappings": [{"SubnetId": "subnet-1"}]}
    assert len(check_call("elbv2", "CreateLoadBalancer", balancer)) == 3
    listener = {"LoadBalancerArn": "REPLACE_ME", "Protocol": "HTTPS", "DefaultActions": [{"Type": "forward"}]}
    assert len(check_call("elbv2", "CreateListener", listener)) == 2
    assert check_call("ecs", "CreateCapacity", {}) == ["botocore knows no operation CreateCapacity of a service ecs."]
    assert check_call("efs", "CreateTaskSet", {}) == ["botocore knows no operation CreateTaskSet of a service efs."]


@pytest.mark.skipif(not knows("ecs", "CreateService", "monitoring"), reason="this botocore has no 20-second metrics")
def test_20_second_metrics():
    monitoring = {"metricConfigurations": [{"metricNames": ["CPUUtilization"], "resolutionSeconds": 20}]}
    calls = fargate() | {
        "service": edited(fargate()["service"], {"monitoring": monitoring}),
        "cpu policy": tracking("cpu", "ECSServiceAverageCPUUtilizationHighResolution", TargetValue=60.0),
    }
    assert check_all(calls.values()) == []
    calls["service"] = edited(calls["service"], {"monitoring.metricConfigurations.0.resolutionSeconds": 30})
    assert check_all(calls.values()) == [
        "CreateService 'web': monitoring has a resolution of 30 s; ECS has 20 and 60.",
        "Policy 'cpu' tracks ECSServiceAverageCPUUtilizationHighResolution, but the service does not monitor CPUUtilization "
        "every 20 s.",
    ]
    classic = {"monitoring": monitoring, "deploymentController": {"type": "EXTERNAL"}}
    assert "20-second metrics need the ECS deployment controller and no Classic Load Balancer." in check_call(
        *edited(fargate()["service"], classic)
    )


# One planted error between requests --------------------------------------------------------------------------------------

BETWEEN = [
    ("fargate", {"cluster": DROP}, "is for the cluster 'shop', which nothing creates"),
    ("fargate", {"task": DROP}, "runs the task definition 'web', which nothing registers"),
    ("fargate", {"task": {"requiresCompatibilities": ["EC2"]}}, "runs on FARGATE, but its task definition lists EC2"),
    ("fargate", {"task": {"requiresCompatibilities": []}}, "lists nothing in requiresCompatibilities"),
    ("fargate", {"task": {"cpu": "8192", "memory": "16384"}, "service": {"platformVersion": "1.3.0"}}, "needs 1.4.0 or LATEST"),
    ("fargate", {"service": {"networkConfiguration": DROP}}, "so it needs a networkConfiguration"),
    ("fargate", {"service": {"loadBalancers.0.containerName": "api"}}, "sends to container 'api'"),
    ("fargate", {"service": {"loadBalancers.0.containerPort": 80}}, "port 80 of container 'web', which does not map it"),
    ("fargate", {"target group": {"TargetType": "instance"}}, "must be of type ip, not instance"),
    ("fargate", {"target group": {"Name": "other"}}, "targetgroup/shop-web/0123456789abcdef', which nothing creates"),
    (
        "fargate",
        {"service": {"serviceConnectConfiguration": {"enabled": True, "services": [{"portName": "grpc"}]}}},
        "offers the port 'grpc'",
    ),
    ("fargate", {"task": {"volumes": [{"name": "v", "configuredAtLaunch": True}]}}, "volume 'v' must be configuredAtLaunch"),
    ("fargate", {"service": {"launchType": DROP}}, "has neither launchType nor strategy"),
    ("fargate", {"target": {"ResourceId": "service/shop/api"}}, "service/shop/api is no service of this set"),
    ("fargate", {"target": DROP}, "PutScalingPolicy is for service/shop/web, which no call registers"),
    ("fargate", {"target": DROP}, "PutScheduledAction is for service/shop/web"),
    ("fargate", {"service": {"desiredCount": 1}}, "desiredCount 1, outside its scalable target of 2 to 20"),
    ("fargate", {"cpu policy": {f"{TRACKING}.TargetValue": 120.0}}, "aims at 120.0 % utilization"),
    ("fargate", {"request policy": {METRIC: {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"}}}, "has two target"),
    ("fargate", {"request policy": {"PolicyName": "cpu"}}, "'cpu' of service/shop/web is put twice"),
    ("fargate", {"service": {"loadBalancers": []}}, "counts requests per target, but the service has no target group"),
    ("fargate", {"service": {"deploymentController": {"type": "CODE_DEPLOY"}}}, "which CODE_DEPLOY does not support"),
    (
        "fargate",
        {"request policy": {f"{METRIC}.ResourceLabel": LABEL.replace("shop-web", "other")}},
        "counts requests of target group 'other'",
    ),
    ("fargate", {"log group": DROP}, "logs to '/ecs/shop/web', which nothing creates"),
    ("fargate", {"log group": DROP}, "PutRetentionPolicy is for '/ecs/shop/web', which nothing creates"),
    (
        "fargate",
        {"task": {f"{LOGS}.options.awslogs-create-group": "true"}},
        "creates its log group, which 'web-execution' does not allow",
    ),
    ("fargate", {"task": {"taskRoleArn": f"{ROLE}web-execution"}}, "as execution role and task role"),
    ("fargate", {"execution role": role("web-execution", "ec2.amazonaws.com")}, "cannot be assumed by ecs-tasks.amazonaws.com"),
    ("fargate", {"execution policy": DROP}, "has neither AmazonECSTaskExecutionRolePolicy nor a policy of its own"),
    ("fargate", {"execution policy": {"RoleName": "web-task"}}, "which belongs to the execution role"),
    ("fargate", {"execution policy": {"RoleName": "other"}}, "AttachRolePolicy is for the role 'other'"),
    ("fargate", {"second": ("logs", "CreateLogGroup", {"logGroupName": "/ecs/shop/web"})}, "called twice for '/ecs/shop/web'"),
    ("fargate", {"second": service(launchType="FARGATE")}, "CreateService is called twice for 'service/shop/web'"),
    ("fargate", {"task": {"cpu": 512}}, "RegisterTaskDefinition is not well-formed"),
    (
        "fargate_spot",
        {"association": {"capacityProviders": ["FARGATE"]}},
        "'FARGATE_SPOT', which is not associated with cluster",
    ),
    ("fargate_spot", {"association": {"cluster": "other"}}, "PutClusterCapacityProviders is for the cluster 'other'"),
    (
        "fargate_spot",
        {"association": {"capacityProviders": ["FARGATE", "FARGATE_SPOT", "x"]}},
        "lists the capacity provider 'x'",
    ),
    (
        "fargate_spot",
        {"task": {"runtimePlatform.operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}},
        "runs Windows, which FARGATE_SPOT does not",
    ),
    ("windows", {"service": {"platformVersion": "1.4.0"}}, "a Windows task needs 1.0.0 or LATEST"),
    ("ec2", {"provider": DROP}, "uses the capacity provider 'shop-ec2', which nothing creates"),
    ("ec2", {"association": DROP}, "'shop-ec2', which is not associated with cluster 'shop'"),
    ("ec2", {"group": DROP}, "autoScalingGroupName/shop-ec2', which nothing creates"),
    ("ec2", {"group": {"NewInstancesProtectedFromScaleIn": DROP}}, "needs NewInstancesProtectedFromScaleIn"),
    ("ec2", {"group": {"MinSize": 0, "MaxSize": 0}}, "MaxSize of its group is 0"),
    ("ec2", {"template": DROP}, "uses the launch template 'shop-ec2', which nothing creates"),
    ("ec2", {"template": {f"{DATA}.IamInstanceProfile": DROP}}, "so its instances cannot register"),
    ("ec2", {"template": {f"{DATA}.UserData": user_data("other")}}, "puts instances into 'other', but their provider serves"),
    ("ec2", {"template": {f"{DATA}.UserData": DROP}}, "puts instances into 'default'"),
    ("ec2", {"template": {f"{DATA}.InstanceMarketOptions": {"MarketType": "spot"}}}, "cannot have InstanceMarketOptions"),
    ("ec2", {"template": {f"{DATA}.InstanceType": DROP}, "group": {OVERRIDES: []}}, "has no instance type"),
    ("ec2", {"group": {f"{OVERRIDES}.0.InstanceType": "m7g.large"}}, "m7g.large, which is ARM64, with an AMI for X86_64"),
    ("ec2", {"task": {"runtimePlatform.cpuArchitecture": "ARM64"}}, "built for ARM64, but 'shop-ec2' launches X86_64"),
    ("ec2_arm", {"task": {"runtimePlatform": DROP}}, "built for X86_64, but 'shop-ec2' launches ARM64"),
    ("ec2_bridge", {"task": {"runtimePlatform.cpuArchitecture": "ARM64"}}, "built for ARM64, but the groups launch X86_64"),
    ("ec2", {"task": {"runtimePlatform.operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}}, "but the AMI is"),
    ("ec2", {"task": {"requiresCompatibilities": ["FARGATE"]}}, "runs on EC2, but its task definition lists FARGATE"),
    ("ec2", {"service": {"networkConfiguration.awsvpcConfiguration.assignPublicIp": "ENABLED"}}, "does not work on instances"),
    (
        "ec2_bridge",
        {
            "task": {"networkMode": "awsvpc"},
            "service": {"loadBalancers": [{"loadBalancerName": "old", "containerName": "web", "containerPort": 8080}]},
        },
        "has a Classic Load Balancer, which does not work with networkMode awsvpc",
    ),
    ("ec2_bridge", {"service": {"networkConfiguration": NETWORK}}, "but its tasks have networkMode bridge"),
    (
        "ec2_arm",
        {
            "template": {f"{DATA}.ImageId": "${Image}", f"{DATA}.InstanceType": DROP},
            "group": {
                OVERRIDES: [
                    {"InstanceRequirements": {"VCpuCount": {"Min": 1}, "MemoryMiB": {"Min": 1}, "CpuManufacturers": ["intel"]}}
                ]
            },
        },
        "built for ARM64, but 'shop-ec2' launches X86_64",
    ),
    (
        "fargate",
        {"service": {"placementStrategy": [{"type": "random"}]}},
        "runs on Fargate, which supports no placementStrategy",
    ),
    ("ec2_bridge", {"target group": {"TargetType": "ip"}}, "must be of type instance, not ip"),
    (
        "ec2",
        {
            "service": {
                "placementStrategy": [
                    {"type": "binpack", "field": "cpu"},
                    {"type": "spread", "field": "attribute:ecs.availability-zone"},
                ]
            }
        },
        "packs before it spreads over Availability Zones",
    ),
    (
        "ec2",
        {"provider": {f"{GROUP_PROVIDER}.managedScaling.targetCapacity": 90}},
        "with targetCapacity below 100 of 'shop-ec2', binpack must come first",
    ),
    (
        "ec2",
        {
            "provider": {f"{GROUP_PROVIDER}.managedScaling.targetCapacity": 90},
            "service": {"placementStrategy": [{"type": "spread", "field": "host"}]},
        },
        "spreads without binpack",
    ),
    ("ec2", {"service": {"schedulingStrategy": "DAEMON"}}, "is a DAEMON service, which does not scale"),
    ("ec2", {"instance role": role("shop-instance", "ecs-tasks.amazonaws.com")}, "cannot be assumed by ec2.amazonaws.com"),
    ("ec2", {"instance policy": DROP}, "has neither AmazonEC2ContainerServiceforEC2Role nor"),
    (
        "ec2",
        {
            "second": association("shop-ec2"),
            "third": ("ecs", "CreateCluster", {"clusterName": "b", "capacityProviders": ["shop-ec2"]}),
        },
        "belongs to 2 clusters",
    ),
    (
        "ec2",
        {
            "second": (
                "ecs",
                "CreateCapacityProvider",
                {"name": "twin", "autoScalingGroupProvider": {"autoScalingGroupArn": GROUP_ARN}},
            )
        },
        "Two capacity providers have the Auto Scaling group",
    ),
    ("managed_instances", {"provider": {"cluster": "other"}}, "is for the cluster 'other', which nothing creates"),
    ("managed_instances", {"task": {"requiresCompatibilities": ["EC2"]}}, "runs on MANAGED_INSTANCES, but its task definition"),
    ("managed_instances", {"task": {"runtimePlatform.cpuArchitecture": "ARM64"}}, "but 'shop-managed' launches X86_64"),
    (
        "managed_instances",
        {"provider": {f"{REQUIREMENTS}.allowedInstanceTypes": ["m7g.large", "c8g.*"]}},
        "built for X86_64, but 'shop-managed' launches ARM64",
    ),
    ("managed_instances", {"task": {"cpu": "16384"}}, "'shop-managed' takes instances up to 8 vCPU"),
    ("managed_instances", {"task": {"memory": "32768"}}, "'shop-managed' takes instances up to 32768 MiB"),
    (
        "managed_instances",
        {"service": {"capacityProviderStrategy.1": {"capacityProvider": "FARGATE", "weight": 1}}},
        "mixes FARGATE and MANAGED_INSTANCES",
    ),
    (
        "managed_instances",
        {"infrastructure role": role("shop-infrastructure", "ec2.amazonaws.com")},
        "assumed by ecs.amazonaws.com",
    ),
    (
        "managed_instances",
        {"instance role": {"RoleName": "shop"}, "role in profile": {"RoleName": "shop"}},
        "Instance role 'shop' must start with ecsInstanceRole",
    ),
]


@pytest.mark.parametrize(("name", "edits", "fragment"), BETWEEN, ids=[f"{name}: {fragment}" for name, _, fragment in BETWEEN])
def test_an_error_between_requests_is_caught(name, edits, fragment):
    calls = SETS[name]()
    for call, edit in edits.items():
        if edit is DROP:
            del calls[call]
        else:
            calls[call] = edit if isinstance(edit, tuple) else edited(calls[call], edit)
    findings = check_set(calls.values())
    assert any(fragment in finding for finding in findings), findings


# What must not be caught -------------------------------------------------------------------------------------------------


def test_fargate_has_77_sizes():
    assert sum(map(len, FARGATE_MEMORY_MIB.values())) == 77


@pytest.mark.parametrize(("cpu", "memory"), [(cpu, memory) for cpu, sizes in FARGATE_MEMORY_MIB.items() for memory in sizes])
def test_every_size_of_fargate_passes(cpu, memory):
    call = edited(fargate()["task"], {"cpu": str(cpu), "memory": str(memory), f"{WEB}.cpu": 64, f"{WEB}.memory": 128})
    assert check_call(*call) == []


@pytest.mark.parametrize(
    "edits",
    [
        {f"{PORT}.hostPort": 8080},
        {f"{WEB}.links": [], f"{WEB}.privileged": False, f"{WEB}.dnsServers": []},
        {f"{WEB}.linuxParameters": {"initProcessEnabled": True, "capabilities": {"add": ["SYS_PTRACE"], "drop": ["ALL"]}}},
        {f"{WEB}.memory": DROP, f"{WEB}.cpu": DROP},
        {f"{WEB}.portMappings.0": {"containerPortRange": "7000-7010"}},
        {"requiresCompatibilities": ["EC2", "FARGATE"]},
        {"ephemeralStorage": {"sizeInGiB": 21}},
        {"executionRoleArn": "arn:aws:iam::<account-id>:role/web", f"{WEB}.image": "${Image}"},
        {f"{LOGS}.options.awslogs-region": "${AWS_REGION}", f"{LOGS}.options.awslogs-group": "<log group>"},
        {"executionRoleArn": DROP, f"{WEB}.image": "public.ecr.aws/nginx/nginx:1.27", LOGS: DROP},
    ],
    ids=lambda edits: ", ".join(f"{path} {'dropped' if value is DROP else value}" for path, value in edits.items()),
)
def test_unusual_tasks_pass(edits):
    assert check_call(*edited(fargate()["task"], edits)) == []


def test_one_task_may_be_replaced_by_stopping_it_first():
    limits = {"desiredCount": 1, "deploymentConfiguration.maximumPercent": 100}
    call = edited(fargate()["service"], {**limits, "deploymentConfiguration.minimumHealthyPercent": 0})
    assert check_call(*call) == []


def test_spare_capacity_wants_packing_first():
    calls = ec2()
    calls["provider"] = edited(calls["provider"], {f"{GROUP_PROVIDER}.managedScaling.targetCapacity": 90})
    calls["service"] = edited(calls["service"], {"placementStrategy": list(reversed(calls["service"][2]["placementStrategy"]))})
    assert check_set(calls.values()) == []


def test_a_role_of_its_own_may_create_log_groups():
    statement = {"Effect": "Allow", "Action": ["logs:CreateLogGroup"], "Resource": "*"}
    policy = {"RoleName": "web-execution", "PolicyName": "logs", "PolicyDocument": json.dumps({"Statement": [statement]})}
    calls = fargate() | {"inline policy": ("iam", "PutRolePolicy", policy)}
    calls["task"] = edited(calls["task"], {f"{LOGS}.options.awslogs-create-group": "true"})
    del calls["log group"], calls["retention"]
    assert check_all(calls.values()) == []


def test_a_placeholder_may_stand_for_the_only_group():
    calls = ec2()
    calls["provider"] = edited(calls["provider"], {f"{GROUP_PROVIDER}.autoScalingGroupArn": "${AutoScalingGroupArn}"})
    assert check_all(calls.values()) == []
    del calls["group"][2]["NewInstancesProtectedFromScaleIn"]
    assert len(check_set(calls.values())) == 1


def test_an_instance_type_newer_than_botocore_passes():
    assert check_call(*edited(ec2()["template"], {f"{DATA}.InstanceType": "m99i.4xlarge"})) == []


@pytest.mark.parametrize("schedule", ["at(2026-12-24T18:00:00)", "rate(1 hour)", "rate(5 minutes)", "cron(0 7 ? * MON-FRI *)"])
def test_schedules(schedule):
    assert check_call(*edited(fargate()["night"], {"Schedule": schedule})) == []


def test_placeholders_refer_to_something_outside():
    calls = fargate()
    del calls["cluster"], calls["target group"], calls["log group"], calls["retention"]
    calls["service"] = edited(calls["service"], {"cluster": "${Cluster}", "loadBalancers.0.targetGroupArn": "${TargetGroup}"})
    calls["task"] = edited(calls["task"], {f"{LOGS}.options.awslogs-group": "${LogGroup}"})
    for name in ("target", "cpu policy", "request policy", "night"):
        calls[name] = edited(calls[name], {"ResourceId": "service/${Cluster}/web"})
    assert check_all(calls.values()) == []


@pytest.mark.parametrize(
    ("text", "units"), [("1024", 1024), ("1 vCPU", 1024), (".25 vcpu", 256), ("0.1 vCPU", None), ("1,5 vCPU", None), ("", None)]
)
def test_cpu_units(text, units):
    assert cpu_units(text) == units


@pytest.mark.parametrize(("text", "mib"), [("3072", 3072), ("3 GB", 3072), ("0.5GB", 512), ("3 GiB", None), ("3G", None)])
def test_memory_mib(text, mib):
    assert memory_mib(text) == mib


@pytest.mark.parametrize(
    ("name", "architecture"),
    [
        *[
            (name, "ARM64")
            for name in ("t4g.micro", "m7gd.large", "c8gn.xlarge", "x2gd.metal", "im4gn.large", "a1.large", "g5g.xlarge")
        ],
        *[
            (name, "X86_64")
            for name in ("t3.micro", "m7i-flex.large", "g6e.xlarge", "g4dn.xlarge", "u7i-12tb.224xlarge", "m5.large")
        ],
    ],
)
def test_architecture_of_an_instance_type(name, architecture):
    assert architecture_of_type(name) == architecture


def test_remarks_never_fail_a_call():
    call = fargate()["task"]
    assert check_call(*call) == []
    assert remarks(*call) == ["Container 'web' can write to its root file system."]
    call = edited(call, {f"{WEB}.environment": [{"name": "DB_PASSWORD", "value": "x"}], "taskRoleArn": DROP})
    assert len(remarks(*call)) == 3
    call = edited(
        fargate()["service"], {"deploymentConfiguration.deploymentCircuitBreaker": DROP, "enableECSManagedTags": True}
    )
    assert len(remarks(*call)) == 2


# Order, real requests, anything at all -----------------------------------------------------------------------------------


@pytest.mark.parametrize("make", CORRECT, ids=lambda make: make.__name__)
def test_calls_in_order_pass_and_reversed_do_not(make):
    calls = list(make().values())
    calls.sort(key=lambda call: call[1] == "CreateCluster", reverse=True)
    assert check_order(calls) == []
    assert "CreateService 'web' comes before the task definition 'web' that it needs." in check_order(reversed(calls))


@pytest.mark.skipif(not SHARED.is_dir(), reason="no real requests here: ../shared is absent")
class TestRealRequests:
    """Requests and answers printed in the AWS CLI's examples, and answers recorded in real accounts."""

    @pytest.mark.parametrize(
        ("name", "operation"),
        [
            ("ecs__create-service_4", "CreateService"),
            ("ecs__create-service_6", "CreateService"),
            ("ecs__register-task-definition_1", "RegisterTaskDefinition"),
            ("ecs__run-task_2", "RunTask"),
            ("ecs__update-service_2", "UpdateService"),
        ],
    )
    def test_a_request_of_the_cli_examples_passes(self, name, operation):
        request = json.loads((SHARED / "workloads" / "aws_cli_examples" / f"{name}.json").read_text())
        assert check_call("ecs", operation, request) == []

    @pytest.mark.parametrize(
        ("pattern", "key", "call"),
        [
            ("*/*TaskDefinition_*.json", "taskDefinition", ("ecs", "RegisterTaskDefinition")),
            ("*/ecs__describe-task-definition_*.json", "taskDefinition", ("ecs", "RegisterTaskDefinition")),
            ("*/*ecs.DescribeServices_*.json", "services", ("ecs", "CreateService")),
            ("aws_cli_examples/ecs__*-service*.json", "service", ("ecs", "CreateService")),
            ("aws_cli_examples/ecs__capacity-provider-update_1.json", "capacityProvider", ("ecs", "CreateCapacityProvider")),
            ("*/*describe-scalable-targets_1.json", "ScalableTargets", ("application-autoscaling", "RegisterScalableTarget")),
            ("*/*describe-scaling-policies_1.json", "ScalingPolicies", ("application-autoscaling", "PutScalingPolicy")),
        ],
    )
    def test_what_aws_describes_would_pass_as_a_request(self, pattern, key, call):
        described = [thing for path in (SHARED / "workloads").glob(pattern) for thing in things(path, key)]
        assert described
        members = input_shape(*call).members
        findings = set()
        for thing in described:
            request = {name: value for name, value in thing.items() if name in members and value not in ([], None)}
            findings.update(check_call(*call, request))
        # One recorded service has one task and 100 to 150 %: AWS took it, and its deployments cannot move.
        assert {finding for finding in findings if "round to 1 tasks each way" not in finding} == set()


def things(path, key):
    answer = json.loads(path.read_text())
    found = answer.get("data", answer).get(key, [])
    return [found] if isinstance(found, dict) else [thing for thing in found if isinstance(thing, dict)]


VALUES = st.sampled_from([DROP, None, 0, -1, 10**9, 1.5, True, "", "x", "${X}", [], {}, [{}], [""], {"a": 1}])


@given(data=st.data())
def test_anything_gets_findings_and_no_crash(data):
    make = data.draw(st.sampled_from(CORRECT))
    calls = make()
    for _ in range(data.draw(st.integers(1, 3))):
        name = data.draw(st.sampled_from(sorted(calls)))
        paths = sorted(members_of(calls[name][2]))
        if paths:
            calls[name] = edited(calls[name], {data.draw(st.sampled_from(paths)): data.draw(VALUES)})
    for findings in (check_all(calls.values()), check_order(calls.values())):
        assert all(isinstance(finding, str) and finding for finding in findings)


def members_of(value, path=""):
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, entry in entries:
        here = f"{path}.{name}".lstrip(".")
        if "." not in str(name):
            yield here
            yield from members_of(entry, here)
