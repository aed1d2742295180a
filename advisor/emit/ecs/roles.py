"""IAM roles: who may assume them and what they may do, each no more than its one purpose needs."""

import re
from collections.abc import Sequence
from typing import Final

from advisor.ecs import LaunchType
from advisor.emit.ecs import names
from advisor.emit.ecs.calls import Call, Document, Request, short_path
from advisor.plan import Container, Plan

_TRUST_TASKS: Final = "policies/trust-ecs-tasks.json"
_TRUST_EC2: Final = "policies/trust-ec2.json"
_TRUST_ECS: Final = "policies/trust-ecs.json"
_TRUST_SCHEDULER: Final = "policies/trust-scheduler.json"
_INSTANCE_POLICY: Final = {
    LaunchType.EC2: "service-role/AmazonEC2ContainerServiceforEC2Role",
    LaunchType.MANAGED_INSTANCES: "AmazonECSInstanceRolePolicyForManagedInstances",
}
_INFRASTRUCTURE_POLICY: Final = "AmazonECSInfrastructureRolePolicyForManagedInstances"
_ECR_IMAGE: Final = re.compile(
    r"(?P<account>\d{12}|@account-id@)\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?/(?P<repository>[^:@]+)",
    re.ASCII,
)


def role_calls(plan: Plan) -> list[Call]:
    """Roles of the tasks, of the instances, and of ECS and the scheduler where they act for the cluster."""
    calls: list[Call] = []
    for name in sorted(plan.services):
        calls += _task_role_calls(plan, name)
    for name in sorted(plan.capacity_providers):
        if plan.capacity_providers[name].launch_type is not LaunchType.FARGATE:
            calls += _instance_role_calls(plan, name)
    if any(provider.launch_type is LaunchType.MANAGED_INSTANCES for provider in plan.capacity_providers.values()):
        role = names.infrastructure_role(plan.cluster)
        calls += [_create(role, "Lets ECS manage instances.", _TRUST_ECS, _trust("ecs.amazonaws.com"))]
        calls += [_attach(plan, role, _INFRASTRUCTURE_POLICY)]
    return calls


def _task_role_calls(plan: Plan, name: str) -> list[Call]:
    execution, task = names.execution_role(plan.cluster, name), names.task_role(plan.cluster, name)
    trust = _confined_trust(plan, "ecs-tasks.amazonaws.com")
    calls = [
        _create(execution, "ECS pulls the images, writes the logs and reads the secrets of the tasks.", _TRUST_TASKS, trust),
        _inline(execution, "execution", f"policies/{name}/execution-role.json", _execution_statements(plan, name)),
        _create(task, "What the program may do. Add what it calls.", _TRUST_TASKS, trust),
    ]
    if mounts := _file_system_statements(plan, name):
        calls.append(_inline(task, "file-systems", f"policies/{name}/task-role.json", mounts))
    if plan.services[name].schedule is not None:
        role = names.scheduler_role(plan.cluster, name)
        trust = _confined_trust(plan, "scheduler.amazonaws.com", resource="scheduler")
        calls += [
            _create(role, "Lets the scheduler start the tasks.", _TRUST_SCHEDULER, trust),
            _inline(role, "run-task", f"policies/{name}/scheduler-role.json", _run_task_statements(plan, name)),
        ]
    return calls


def _instance_role_calls(plan: Plan, name: str) -> list[Call]:
    provider, role = plan.capacity_providers[name], names.instance_role(plan.cluster, name)
    service = "ec2.amazonaws.com.cn" if names.partition(plan.region) == "aws-cn" else "ec2.amazonaws.com"
    profile = {"InstanceProfileName": role}
    return [
        _create(role, "Lets instances join the cluster.", _TRUST_EC2, _trust(service)),
        _attach(plan, role, _INSTANCE_POLICY[provider.launch_type]),
        _call(role, "CreateInstanceProfile", profile),
        _call(role, "AddRoleToInstanceProfile", profile | {"RoleName": role}),
    ]


def _call(role: str, operation: str, request: Request, **documents: Document) -> Call:
    return Call(service="iam", operation=operation, folder=f"roles/{role}/", request=request, documents=documents)


def _create(role: str, description: str, file: str, trust: Request) -> Call:
    request = {"RoleName": role, "Description": description}
    return _call(role, "CreateRole", request, AssumeRolePolicyDocument=Document(file=file, content=trust))


def _inline(role: str, policy: str, file: str, statements: Sequence[Request]) -> Call:
    document = Document(file=short_path(file), content={"Version": "2012-10-17", "Statement": list(statements)})
    return _call(role, "PutRolePolicy", {"RoleName": role, "PolicyName": policy}, PolicyDocument=document)


def _attach(plan: Plan, role: str, policy: str) -> Call:
    arn = f"arn:{names.partition(plan.region)}:iam::aws:policy/{policy}"
    return _call(role, "AttachRolePolicy", {"RoleName": role, "PolicyArn": arn})


def _trust(service: str, *, condition: Request | None = None) -> Request:
    """Who may assume a role."""
    statement: Request = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    if condition is not None:
        statement["Condition"] = condition
    return {"Version": "2012-10-17", "Statement": [statement]}


def _confined_trust(plan: Plan, service: str, *, resource: str = "ecs") -> Request:
    """For resources of this account and Region only: no confused deputy."""
    source = {"aws:SourceArn": names.arn(plan.region, resource, "*")}
    return _trust(service, condition={"StringEquals": {"aws:SourceAccount": names.ACCOUNT}, "ArnLike": source})


def _allow(sid: str, actions: Sequence[str], *resources: str) -> Request:
    resource = resources[0] if len(resources) == 1 else list(resources)
    return {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": resource}


def _execution_statements(plan: Plan, name: str) -> list[Request]:
    """What ECS itself needs to start a task: its images, its log group, its secrets, nothing else."""
    group = names.arn(plan.region, "logs", f"log-group:{names.log_group(plan.cluster, name)}:*")
    statements = [_allow("WriteLogs", ["logs:CreateLogStream", "logs:PutLogEvents"], group)]
    containers = plan.services[name].containers_of(name)
    repositories = sorted({arn for container in containers if (arn := _repository(plan, name, container)) is not None})
    if repositories:
        pull = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        statements.append(_allow("PullImage", pull, *repositories))
        statements.append(_allow("LogInToRegistry", ["ecr:GetAuthorizationToken"], "*"))  # knows no resource
    references = sorted({reference for container in containers for reference in container.secrets.values()})
    secrets = sorted({_secret_arn(reference) for reference in references if ":secretsmanager:" in reference})
    parameters = sorted({_parameter_arn(plan, reference) for reference in references if ":secretsmanager:" not in reference})
    if secrets:
        statements.append(_allow("ReadSecrets", ["secretsmanager:GetSecretValue"], *secrets))
    if parameters:
        statements.append(_allow("ReadParameters", ["ssm:GetParameters"], *parameters))
    return statements


def _repository(plan: Plan, name: str, container: Container) -> str | None:
    """ARN of the ECR repository; None for an image from elsewhere."""
    found = _ECR_IMAGE.match(container.image or names.image(plan.region, plan.cluster, name, container.name))
    if found is None:
        return None
    return f"arn:{names.partition(found['region'])}:ecr:{found['region']}:{found['account']}:repository/{found['repository']}"


def _secret_arn(reference: str) -> str:
    """Without the JSON key, stage and version that may follow."""
    return ":".join(reference.split(":")[:7])


def _parameter_arn(plan: Plan, reference: str) -> str:
    return reference if reference.startswith("arn:") else names.arn(plan.region, "ssm", f"parameter/{reference.lstrip('/')}")


def _file_system_statements(plan: Plan, name: str) -> list[Request]:
    """Mounting by IAM, where a volume has an access point."""
    statements = []
    service = plan.services[name]
    for number, volume in enumerate(volume for volume in service.volumes if volume.access_point_id is not None):
        mounts = [m for c in service.containers for m in c.mount_points if m.volume == volume.name]
        actions = ["elasticfilesystem:ClientMount"]
        if any(not mount.is_read_only for mount in mounts):
            actions.append("elasticfilesystem:ClientWrite")
        statement = _allow(
            f"Mount{number}", actions, names.arn(plan.region, "elasticfilesystem", f"file-system/{volume.file_system_id}")
        )
        point = names.arn(plan.region, "elasticfilesystem", f"access-point/{volume.access_point_id}")
        statements.append(statement | {"Condition": {"StringEquals": {"elasticfilesystem:AccessPointArn": point}}})
    return statements


def _run_task_statements(plan: Plan, name: str) -> list[Request]:
    family = names.arn(plan.region, "ecs", f"task-definition/{names.family(plan.cluster, name)}")
    cluster = {"ArnEquals": {"ecs:cluster": names.arn(plan.region, "ecs", f"cluster/{plan.cluster}")}}
    roles = [names.execution_role(plan.cluster, name), names.task_role(plan.cluster, name)]
    passed = {"StringLike": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
    return [
        _allow("StartTasks", ["ecs:RunTask"], family, f"{family}:*") | {"Condition": cluster},
        _allow("TagTasks", ["ecs:TagResource"], names.arn(plan.region, "ecs", f"task/{plan.cluster}/*")),
        _allow("PassRoles", ["iam:PassRole"], *(names.arn(plan.region, "iam", f"role/{role}") for role in roles))
        | {"Condition": passed},
    ]
