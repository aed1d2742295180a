"""What ECS says of a cluster: services, task definitions, capacity providers, container instances, running tasks.

Environment values are dropped on reading: only the names of the variables are kept, and nothing else of a task definition
that could hold a secret (commands, labels, log options).
"""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final

from advisor.sources.aws.ecs_facts import (
    Cluster,
    ContainerInstance,
    EcsService,
    Provider,
    RunningTask,
    TaskDefinition,
    read_cluster,
    read_container_instance,
    read_provider,
    read_service,
    read_task,
    read_task_definition,
)
from advisor.sources.aws.errors import AccessDeniedError, AwsError, NotOfferedError, lost, reading
from advisor.sources.aws.session import Aws, Skipped, batches

SERVICES_PER_CALL: Final = 10
"""Limit of DescribeServices."""
TASKS_PER_CALL: Final = 100
"""Limit of DescribeTasks, DescribeContainerInstances and DescribeCapacityProviders, and the longest page of the lists."""

_NO_TAGS: Final = Skipped("ecs:DescribeServices", "tags of services", "refused with tags, and answered without")


def fetch_cluster(aws: Aws, cluster: str) -> Cluster:
    """The cluster by name or ARN.

    Raises
    ------
    AwsError
        There is no such cluster in the Region; the message names those that are near.
    """
    answer = aws.call("ecs", "DescribeClusters", clusters=[cluster], include=["SETTINGS"])
    described = _described(answer, "clusters", "ecs:DescribeClusters", asked=1)
    if not described or described[0].get("status") == "INACTIVE":
        raise _no_cluster(aws, cluster)
    with reading("ecs:DescribeClusters"):
        return read_cluster(described[0])


def fetch_services(aws: Aws, cluster: Cluster, names: Sequence[str]) -> list[EcsService]:
    """The services named, or all of the cluster, by name.

    Raises
    ------
    AwsError
        A named service does not exist; the message names those that are near.
    """
    wanted = list(dict.fromkeys(names)) or _all_services(aws, cluster)
    found: list[EcsService] = []
    missing: list[str] = []
    for some in batches(wanted, SERVICES_PER_CALL):
        answer = _services_answer(aws, cluster, some)
        described = _described(answer, "services", "ecs:DescribeServices", asked=len(some))
        with reading("ecs:DescribeServices"):
            found += [read_service(facts) for facts in described]
        known = {s.name for s in found} | {s.arn for s in found}
        missing += [name for name in some if name not in known and name.rpartition("/")[2] not in known]
    if names and missing:
        raise _no_services(aws, cluster, missing)
    aws.skipped += [
        Skipped("ecs:DescribeServices", f"service {name.rpartition('/')[2]}", "listed, and gone a moment later")
        for name in missing
    ]
    return sorted(found, key=lambda s: s.name)


def _services_answer(aws: Aws, cluster: Cluster, names: Sequence[str]) -> Mapping[str, Any]:
    """What AWS says of services, with their tags where it gives them.

    Partitions without tags refuse the question, and a service with an ARN of the old form has none.
    """
    question: dict[str, Any] = {"cluster": cluster.arn, "services": list(names)}
    if _NO_TAGS in aws.skipped:
        return aws.call("ecs", "DescribeServices", **question)
    try:
        return aws.call("ecs", "DescribeServices", **question, include=["TAGS"])
    except AwsError as error:
        if not isinstance(error, AccessDeniedError | NotOfferedError) and error.code != "InvalidParameterException":
            raise
    answer = aws.call("ecs", "DescribeServices", **question)
    aws.skipped.append(_NO_TAGS)
    return answer


def fetch_task_definition(aws: Aws, arn: str) -> TaskDefinition:
    """A task definition, cleaned of what could be secret."""
    answer = aws.call("ecs", "DescribeTaskDefinition", taskDefinition=arn)
    facts = answer.get("taskDefinition")
    if not isinstance(facts, Mapping) or not isinstance(facts.get("containerDefinitions"), list):
        raise lost("ecs:DescribeTaskDefinition", "task definition with container definitions")
    with reading("ecs:DescribeTaskDefinition"):
        return read_task_definition(facts)


def fetch_providers(aws: Aws, names: Sequence[str], cluster: Cluster | None = None) -> dict[str, Provider]:
    """Capacity providers by name, but for FARGATE and FARGATE_SPOT, which are known without asking.

    Those of ECS Managed Instances belong to a cluster: what is not found by its name is asked for with the cluster.
    """
    found = _named_providers(aws, names)
    missing = [name for name in names if name not in found]
    if missing and cluster is not None:
        found |= _named_providers(aws, missing, cluster=cluster.arn)
    return found


def _named_providers(aws: Aws, names: Sequence[str], **within: str) -> dict[str, Provider]:
    questions: list[dict[str, Any]] = [{"capacityProviders": list(some), **within} for some in batches(names, TASKS_PER_CALL)]
    with reading("ecs:DescribeCapacityProviders"):
        return {
            str(facts["name"]): read_provider(facts)
            for question in questions
            for facts in aws.pages("ecs", "DescribeCapacityProviders", "capacityProviders", **question)
        }


def fetch_container_instances(aws: Aws, cluster: Cluster) -> list[ContainerInstance]:
    """Every container instance of the cluster."""
    arns = aws.pages("ecs", "ListContainerInstances", "containerInstanceArns", cluster=cluster.arn, maxResults=TASKS_PER_CALL)
    found = []
    for some in batches(arns, TASKS_PER_CALL):
        answer = aws.call("ecs", "DescribeContainerInstances", cluster=cluster.arn, containerInstances=list(some))
        described = _described(answer, "containerInstances", "ecs:DescribeContainerInstances", asked=len(some))
        with reading("ecs:DescribeContainerInstances"):
            found += [read_container_instance(facts) for facts in described]
    return found


def fetch_tasks(aws: Aws, cluster: Cluster, services: Sequence[str] = ()) -> list[RunningTask]:
    """Tasks that run or are meant to: of the services named, or all of the cluster."""
    questions: list[dict[str, Any]] = [{"serviceName": name} for name in services] or [{}]
    arns = [
        arn
        for question in questions
        for arn in aws.pages("ecs", "ListTasks", "taskArns", cluster=cluster.arn, maxResults=TASKS_PER_CALL, **question)
    ]
    found = []
    for some in batches(arns, TASKS_PER_CALL):
        answer = aws.call("ecs", "DescribeTasks", cluster=cluster.arn, tasks=list(some))
        described = _described(answer, "tasks", "ecs:DescribeTasks", asked=len(some))
        with reading("ecs:DescribeTasks"):
            found += [read_task(facts) for facts in described]
    return found


def _described(answer: Mapping[str, Any], key: str, action: str, *, asked: int) -> list[Mapping[str, Any]]:
    """Items of an answer that must account for everything that was asked: described, or failed."""
    items, failures = answer.get(key), answer.get("failures", [])
    if not isinstance(items, list):
        raise lost(action, f"list {key!r}")
    if not isinstance(failures, list) or not all(isinstance(item, Mapping) for item in items):
        raise lost(action, f"usable {key}")
    if len(items) + len(failures) < asked:
        raise lost(action, f"word on {asked - len(items) - len(failures)} of the {asked} {key} asked for")
    return items


def fetch_cluster_names(aws: Aws) -> list[str]:
    """Names of the active clusters of the Region, in alphabetical order. Raises AwsError."""
    found = aws.pages("ecs", "ListClusters", "clusterArns", maxResults=TASKS_PER_CALL)
    return sorted(arn.rpartition("/")[2] for arn in found)


def _all_services(aws: Aws, cluster: Cluster) -> list[str]:
    return list(aws.pages("ecs", "ListServices", "serviceArns", cluster=cluster.arn, maxResults=TASKS_PER_CALL))


def _no_cluster(aws: Aws, cluster: str) -> AwsError:
    known = aws.optional("names of other clusters, for a message", lambda: fetch_cluster_names(aws)) or []
    return AwsError(
        f"there is no cluster {cluster!r} in {aws.region}{_near(cluster, known, 'clusters')}. Check --cluster and --region."
    )


def _no_services(aws: Aws, cluster: Cluster, missing: Sequence[str]) -> AwsError:
    def names() -> list[str]:
        return [arn.rpartition("/")[2] for arn in _all_services(aws, cluster)]

    known = aws.optional("names of other services, for a message", names) or []
    asked = ", ".join(repr(name) for name in missing)
    return AwsError(f"cluster {cluster.name} has no service {asked}{_near(missing[0], known, 'services')}. Check --service.")


def _near(name: str, known: Sequence[str], what: str) -> str:
    if not known:
        return ""
    near = get_close_matches(name, known, n=5, cutoff=0.5) or sorted(known)[:5]
    return f" ({what} there: {', '.join(near)}{' and others' if len(known) > len(near) else ''})"
