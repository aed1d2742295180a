"""A plan as calls of CreateExpressGatewayService."""

from collections.abc import Sequence
from typing import Final

from advisor.emit.ecs import names
from advisor.emit.ecs.calls import Call, Request, call_files, json_bytes, short_path
from advisor.emit.ecs.checks import check_plan
from advisor.emit.express.limits import check_express
from advisor.emit.express.readme import readme
from advisor.plan import Plan, ScalingMetric, ServicePlan

METRICS: Final = {
    ScalingMetric.CPU: "AVERAGE_CPU",
    ScalingMetric.MEMORY: "AVERAGE_MEMORY",
    ScalingMetric.REQUESTS: "REQUEST_COUNT_PER_TARGET",
}
TRUST_TASKS: Final = "policies/trust-ecs-tasks.json"
TRUST_ECS: Final = "policies/trust-ecs.json"
FACTS: Final = ("desired_tasks", "max_tasks", "min_tasks")
"""What a request cannot say is kept in a tag of the service, `advisor:` before its name."""
PUBLIC: Final = "has_public_ip"
"""The kind of its subnets decides that, and their ids do not tell."""
PLACEHOLDER_SCRIPT: Final = "placeholders.sed"


def render_express(plan: Plan) -> dict[str, bytes]:
    """Calls that put ``plan`` into effect with ECS Express Mode: relative path and content of each file.

    Each service becomes one CreateExpressGatewayService, for which AWS makes load balancer, scaling and alarms.

    Raises
    ------
    PlanError
        Express Mode cannot express a part of the plan; the message says which and why.

    Examples
    --------
    >>> import advisor
    >>> workload = advisor.read_workload("examples/cloudwatch/workload.yaml")
    >>> catalog = advisor.read_catalog(workload.region)
    >>> plan = advisor.advise(workload, catalog, replay_weeks=0).recommended.plan
    >>> sorted(advisor.render_express(plan))[:2]
    ['01-create-cluster.json', 'README.md']
    """
    check_plan(plan)
    check_express(plan)
    calls = _calls(plan)
    files = call_files(plan.region, calls)
    files |= {path: json_bytes(document) for path, document in _policies(plan).items()}
    meanings = _placeholders(plan)
    files[PLACEHOLDER_SCRIPT] = "".join(f"s|{text}|{text}|g\n" for text in meanings).encode()
    files["deploy.sh"] = _deploy_script(plan, calls).encode()
    files["README.md"] = readme(plan, meanings).encode()
    return {path: files[path] for path in sorted(files)}


def _calls(plan: Plan) -> list[Call]:
    cluster = {
        "clusterName": plan.cluster,
        "settings": [{"name": "containerInsights", "value": str(plan.container_insights)}],
        "capacityProviders": ["FARGATE"],
    }
    calls = [Call(service="ecs", operation="CreateCluster", step=1, request=cluster)]
    for name in sorted(plan.services):
        group = names.log_group(plan.cluster, name)
        retention = {"logGroupName": group, "retentionInDays": plan.services[name].log_retention_days}
        calls += [
            _call(name, "logs", "CreateLogGroup", {"logGroupName": group}),
            _call(name, "logs", "PutRetentionPolicy", retention),
            _call(name, "ecs", "CreateExpressGatewayService", _service(plan, name)),
        ]
    return calls


def _call(name: str, service: str, operation: str, request: Request) -> Call:
    return Call(service=service, operation=operation, folder=f"services/{name}/", request=request)


def _service(plan: Plan, name: str) -> Request:
    service = plan.services[name]
    zones = plan.capacity_providers[service.capacity_provider].zones
    request: Request = {
        "cluster": plan.cluster,
        "serviceName": name,
        "cpu": str(service.task.cpu_units),
        "memory": str(service.task.memory_mib),
        "cpuArchitecture": str(service.architecture),
        "executionRoleArn": names.arn(plan.region, "iam", f"role/{names.execution_role(plan.cluster, name)}"),
        "infrastructureRoleArn": names.arn(plan.region, "iam", f"role/{infrastructure_role(plan)}"),
        "taskRoleArn": names.arn(plan.region, "iam", f"role/{names.task_role(plan.cluster, name)}"),
        "healthCheckPath": "/",
        "networkConfiguration": {"subnets": names.subnets(zones, is_public=service.has_public_ip)},
        "primaryContainer": _container(plan, name),
        "scalingTarget": _scaling(service),
    }
    beyond = {fact: str(value) for fact, value in _beyond(service).items()}
    if service.has_public_ip:
        beyond[PUBLIC] = "true"
    tags = [{"key": tag_key(fact), "value": value} for fact, value in sorted(beyond.items())]
    return request | ({"tags": tags} if tags else {})


def _container(plan: Plan, name: str) -> Request:
    service = plan.services[name]
    container = service.containers_of(name)[0]
    request: Request = {
        "image": image_placeholder(name) if container.image is None else container.image,
        "containerPort": service.port,
        "awsLogsConfiguration": {"logGroup": names.log_group(plan.cluster, name), "logStreamPrefix": "ecs"},
    }
    if container.command:
        request["command"] = list(container.command)
    if container.environment:
        request["environment"] = [{"name": key, "value": value} for key, value in container.environment.items()]
    if container.secrets:
        request["secrets"] = [{"name": key, "valueFrom": value} for key, value in container.secrets.items()]
    return request


def _scaling(service: ServicePlan) -> Request:
    """A count that is to be kept has no metric, and no room to follow the one that AWS takes instead."""
    if service.scaling_target is None:
        return {"minTaskCount": service.desired_tasks, "maxTaskCount": service.desired_tasks}
    return {
        "minTaskCount": service.min_tasks,
        "maxTaskCount": service.max_tasks,
        "autoScalingMetric": METRICS[service.scaling_metric],
        "autoScalingTargetValue": int(service.scaling_target),
    }


def tag_key(fact: str) -> str:
    return f"advisor:{fact.replace('_', '-')}"


def _beyond(service: ServicePlan) -> dict[str, int]:
    """Facts that the scaling target does not say."""
    said = _scaling(service)
    held = {"desired_tasks": said["minTaskCount"], "min_tasks": said["minTaskCount"], "max_tasks": said["maxTaskCount"]}
    return {fact: getattr(service, fact) for fact in FACTS if getattr(service, fact) != held[fact]}


def image_placeholder(name: str) -> str:
    return f"@image.{name}@"


def infrastructure_role(plan: Plan) -> str:
    return names.fit(f"ecsInfrastructureRoleForExpress-{plan.cluster}", 64)


def _policies(plan: Plan) -> dict[str, Request]:
    """Who may assume the roles, and for each service what ECS may read to start its tasks."""
    source = {
        "StringEquals": {"aws:SourceAccount": names.ACCOUNT},
        "ArnLike": {"aws:SourceArn": names.arn(plan.region, "ecs", "*")},
    }
    documents = {
        TRUST_TASKS: _document(
            {
                "Effect": "Allow",
                "Principal": {"Service": "ecs-tasks.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": source,
            }
        ),
        TRUST_ECS: _document({"Effect": "Allow", "Principal": {"Service": "ecs.amazonaws.com"}, "Action": "sts:AssumeRole"}),
    }
    for name, service in plan.services.items():
        secrets = sorted(set(service.containers_of(name)[0].secrets.values()))
        if secrets:
            documents[secrets_policy(name)] = _document(*(_may_read(plan, secret) for secret in secrets))
    return documents


def secrets_policy(name: str) -> str:
    return short_path(f"policies/{name}/read-secrets.json")


def _may_read(plan: Plan, secret: str) -> Request:
    if ":secretsmanager:" in secret:
        resource = ":".join(secret.split(":")[:7])  # without the JSON key, stage and version that may follow
        return {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": resource}
    resource = secret if secret.startswith("arn:") else names.arn(plan.region, "ssm", f"parameter/{secret.lstrip('/')}")
    return {"Effect": "Allow", "Action": "ssm:GetParameters", "Resource": resource}


def _document(*statements: Request) -> Request:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _placeholders(plan: Plan) -> dict[str, str]:
    """Text that stands for what only the owner of the account knows, and what it is."""
    meanings = {names.ACCOUNT: "Number of the AWS account: `aws sts get-caller-identity --query Account --output text`"}
    for name, service in sorted(plan.services.items()):
        if service.containers_of(name)[0].image is None:
            meanings[image_placeholder(name)] = (
                f"Container image of `{name}`, `repository-url/image:tag`, for `{service.architecture}`"
            )
        zones = plan.capacity_providers[service.capacity_provider].zones
        kind = (
            "with a route to an internet gateway" if service.has_public_ip else "with a route to a NAT gateway or VPC endpoints"
        )
        for subnet in names.subnets(zones, is_public=service.has_public_ip):
            meanings[subnet] = f"Subnet {kind}"
    return meanings


def _deploy_script(plan: Plan, calls: Sequence[Call]) -> str:
    lines = [
        "#!/bin/sh",
        "# Fills in the placeholders, then makes the roles and every call in order. A call refuses what exists already.",
        "set -eu",
        'cd "$(dirname "$0")"',
        f"find . -name '*.json' -type f -exec sed -i.bak -f {PLACEHOLDER_SCRIPT} {{}} + && find . -name '*.json.bak' -delete",
        *_role_lines(plan),
    ]
    lines += [f"aws {call.service} {call.command} --region {plan.region} --cli-input-json file://{call.file}" for call in calls]
    return "".join(f"{line}\n" for line in lines)


def _role_lines(plan: Plan) -> list[str]:
    managed = f"arn:{names.partition(plan.region)}:iam::aws:policy/service-role"
    infrastructure = infrastructure_role(plan)
    lines = [
        _create_role(infrastructure, TRUST_ECS),
        f"aws iam attach-role-policy --role-name {infrastructure}"
        f" --policy-arn {managed}/AmazonECSInfrastructureRoleforExpressGatewayServices",
    ]
    for name, service in sorted(plan.services.items()):
        execution = names.execution_role(plan.cluster, name)
        lines += [
            _create_role(execution, TRUST_TASKS),
            f"aws iam attach-role-policy --role-name {execution} --policy-arn {managed}/AmazonECSTaskExecutionRolePolicy",
        ]
        if service.containers_of(name)[0].secrets:
            lines.append(
                f"aws iam put-role-policy --role-name {execution} --policy-name read-secrets"
                f" --policy-document file://{secrets_policy(name)}"
            )
        lines.append(_create_role(names.task_role(plan.cluster, name), TRUST_TASKS))
    return lines


def _create_role(role: str, trust: str) -> str:
    return f"aws iam create-role --role-name {role} --assume-role-policy-document file://{trust}"
