"""Names, ARNs and placeholders of the deploy files."""

import re
from hashlib import sha256
from string import ascii_lowercase
from typing import Final

from advisor.plan import LoadBalancer

_HASH_DIGITS: Final = 8


def fit(name: str, limit: int) -> str:
    """``name``, cut to ``limit`` characters where needed; a hash of the whole keeps different names different."""
    return name if len(name) <= limit else f"{name[: limit - _HASH_DIGITS - 1]}-{_digest(name)}"


def _digest(name: str) -> str:
    return sha256(name.encode()).hexdigest()[:_HASH_DIGITS]


def family(cluster: str, service: str) -> str:
    """A task definition family belongs to the account, not to the cluster."""
    return fit(f"{cluster}-{service}", 255)


def log_group(cluster: str, service: str) -> str:
    return fit(f"/ecs/{cluster}/{service}", 512)


def execution_role(cluster: str, service: str) -> str:
    return _role(f"{cluster}-{service}", "-execution")


def task_role(cluster: str, service: str) -> str:
    return _role(f"{cluster}-{service}", "-task")


def infrastructure_role(cluster: str) -> str:
    return fit(f"ecsInfrastructureRole-{cluster}", 64)


def instance_role(cluster: str, provider: str) -> str:
    """Role and instance profile. AWS's policy for Managed Instances may pass only roles that start with ecsInstanceRole."""
    return fit(f"ecsInstanceRole-{cluster}-{provider}", 64)


def _role(name: str, suffix: str) -> str:
    return fit(name, 64 - len(suffix)) + suffix


def group_name(cluster: str, provider: str) -> str:
    """Of the Auto Scaling group."""
    return fit(f"{cluster}-{provider}", 255)


def launch_template_name(cluster: str, provider: str) -> str:
    return fit(f"{cluster}-{provider}", 128)


def target_group_name(cluster: str, service: str) -> str:
    """At most 32 letters, digits and hyphens, no hyphen at the ends, not ``internal-`` at the start."""
    name = f"{cluster}-{service}"
    plain = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")
    if plain == name and len(plain) <= 32 and not plain.startswith("internal-"):
        return plain
    return f"tg-{plain[:19].strip('-')}-{_digest(name)}".replace("--", "-")


def security_group_name(kind: str, cluster: str, owner: str) -> str:
    """``kind`` first: a name must not begin with ``sg-``."""
    return fit(f"{kind}-{cluster}-{owner}", 255)


def repository_name(cluster: str, service: str, container: str) -> str:
    """Lower case, single separators between letters and digits; a hash keeps different names different."""
    name = f"{cluster}/{service}" + ("" if container == service else f"/{container}")
    parts = [re.sub(r"[^a-z0-9]+", "-", part.lower()).strip("-") or "x" for part in name.split("/")]
    plain = "/".join(parts)
    return plain if plain == name and len(plain) <= 256 else f"{plain[:240].rstrip('/-')}-{_digest(name)}"


def alarm(cluster: str, service: str, kind: str) -> str:
    return fit(f"{cluster}/{service}/{kind}", 255)


def schedule_name(cluster: str, service: str) -> str:
    return fit(f"{cluster}-{service}", 64)


def scheduler_role(cluster: str, service: str) -> str:
    return _role(f"{cluster}-{service}", "-scheduler")


def partition(region: str) -> str:
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


def arn(region: str, service: str, resource: str) -> str:
    """An ARN of the account, whose number is a placeholder; IAM knows no Region."""
    return f"arn:{partition(region)}:{service}:{'' if service == 'iam' else region}:{ACCOUNT}:{resource}"


# What is not known before the deployment: the owner's to say, or AWS's, once a call was made. Each looks to AWS like the thing
# it stands for, names nothing that exists, and is never the beginning of another.
ACCOUNT: Final = "@account-id@"
VPC: Final = "vpc-@id@"
_APPLICATION: Final = "app/@load-balancer.name@/@load-balancer.id@"
_NETWORK: Final = "net/@network-load-balancer.name@/@network-load-balancer.id@"
LISTENER: Final = f"listener/{_APPLICATION}/@listener.id@"
NETWORK_LOAD_BALANCER: Final = f"loadbalancer/{_NETWORK}"


def load_balancer(kind: LoadBalancer) -> str:
    """The part of its ARN that metrics know it by."""
    return _APPLICATION if kind is LoadBalancer.APPLICATION else _NETWORK


def load_balancer_security_group(kind: LoadBalancer) -> str:
    return f"sg-@{kind}-load-balancer@"


def subnets(zones: int, *, is_public: bool) -> list[str]:
    kind = "public" if is_public else "private"
    return [f"subnet-@{kind}.{letter}@" for letter in ascii_lowercase[:zones]]


def task_security_group(service: str) -> str:
    return f"sg-@tasks.{service}@"


def instance_security_group(provider: str) -> str:
    return f"sg-@instances.{provider}@"


def host_name(service: str) -> str:
    return f"@host.{service}@"


def registry(region: str) -> str:
    """Host of the account's own ECR."""
    return f"{ACCOUNT}.dkr.ecr.{region}.amazonaws.com" + (".cn" if partition(region) == "aws-cn" else "")


def image(region: str, cluster: str, service: str, container: str) -> str:
    """The image to be pushed where the plan names none."""
    return f"{registry(region)}/{repository_name(cluster, service, container)}:{IMAGE_TAG}.{service}@"


IMAGE_TAG: Final = "@image-tag"


def step_policy(service: str, policy: str) -> str:
    """ARN that AWS gives to a step policy."""
    return f"@step-policy.{service}.{policy}@"


def target_group(cluster: str, service: str) -> str:
    """The last part of its ARN, and of the label by which scaling policies know it."""
    return f"targetgroup/{target_group_name(cluster, service)}/@target-group-id.{service}@"
