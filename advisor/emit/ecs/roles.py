"""IAM roles: who may assume them and what they may do. Policy documents, not calls: roles are often made by someone else."""

import re
from typing import Final

from advisor.ecs import LaunchType
from advisor.emit.ecs import names
from advisor.emit.ecs.calls import Request
from advisor.plan import Plan

TRUST_TASKS: Final = "policies/trust-ecs-tasks.json"
TRUST_EC2: Final = "policies/trust-ec2.json"
TRUST_ECS: Final = "policies/trust-ecs.json"
_ECR_IMAGE: Final = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?/(?P<repository>[^:@]+)", re.ASCII
)


def execution_policy_file(service: str) -> str:
    return f"policies/{service}/execution-role.json"


def policy_documents(plan: Plan) -> dict[str, Request]:
    """Policy documents by path."""
    documents = {execution_policy_file(name): _execution_policy(plan, name) for name in plan.services}
    launch_types = {provider.launch_type for provider in plan.capacity_providers.values()}
    if plan.services:
        documents[TRUST_TASKS] = _tasks_trust_policy(plan)
    if launch_types - {LaunchType.FARGATE}:
        documents[TRUST_EC2] = _trust_policy("ec2.amazonaws.com.cn" if plan.region.startswith("cn-") else "ec2.amazonaws.com")
    if LaunchType.MANAGED_INSTANCES in launch_types:
        documents[TRUST_ECS] = _trust_policy("ecs.amazonaws.com")
    return documents


def _trust_policy(service: str, *, condition: Request | None = None) -> Request:
    """Who may assume a role."""
    statement: Request = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    if condition is not None:
        statement["Condition"] = condition
    return {"Version": "2012-10-17", "Statement": [statement]}


def _tasks_trust_policy(plan: Plan) -> Request:
    """ECS may assume the roles for tasks of this account and Region only: no confused deputy."""
    condition = {
        "StringEquals": {"aws:SourceAccount": names.ACCOUNT},
        "ArnLike": {"aws:SourceArn": names.arn(plan.region, "ecs", "*")},
    }
    return _trust_policy("ecs-tasks.amazonaws.com", condition=condition)


def _execution_policy(plan: Plan, name: str) -> Request:
    """What ECS itself needs to start a task: the image's repository and the log group, nothing else."""
    group = names.arn(plan.region, "logs", f"log-group:{names.log_group(plan.cluster, name)}:*")
    statements = [_allow("WriteLogs", ["logs:CreateLogStream", "logs:PutLogEvents"], group)]
    repository = _repository(plan, name)
    if repository is not None:
        pull = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        statements.append(_allow("PullImage", pull, repository))
        statements.append(_allow("LogInToRegistry", ["ecr:GetAuthorizationToken"], "*"))  # knows no resource
    return {"Version": "2012-10-17", "Statement": statements}


def _allow(sid: str, actions: list[str], resource: str) -> Request:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource}


def _repository(plan: Plan, name: str) -> str | None:
    """ARN of the ECR repository; None for an image from elsewhere."""
    image = plan.services[name].image
    if image is None:
        return names.arn(plan.region, "ecr", f"repository/{names.repository(name)}")
    found = _ECR_IMAGE.match(image)
    if found is None:
        return None
    return f"arn:{names.partition(found['region'])}:ecr:{found['region']}:{found['account']}:repository/{found['repository']}"
