"""Names, ARNs and placeholders of the deploy files."""

import re
from hashlib import sha256
from string import ascii_lowercase
from typing import Final

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


def partition(region: str) -> str:
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


def arn(region: str, service: str, resource: str) -> str:
    """An ARN of the account, whose number is a placeholder; IAM knows no Region."""
    return f"arn:{partition(region)}:{service}:{'' if service == 'iam' else region}:{ACCOUNT}:{resource}"


# What only the owner of the account knows. Each looks to AWS like the thing it stands for, names nothing that exists, and is
# never the beginning of another.
ACCOUNT: Final = "@account-id@"
VPC: Final = "vpc-@id@"
LOAD_BALANCER: Final = "app/@load-balancer.name@/@load-balancer.id@"
LISTENER: Final = f"listener/{LOAD_BALANCER}/@listener.id@"
IMAGE_HOST: Final = "image.invalid"
"""Reserved never to exist (RFC 2606), so a task with it does not start."""


def subnets(zones: int, *, is_public: bool) -> list[str]:
    kind = "public" if is_public else "private"
    return [f"subnet-@{kind}.{letter}@" for letter in ascii_lowercase[:zones]]


def task_security_group(service: str) -> str:
    return f"sg-@tasks.{service}@"


def instance_security_group(provider: str) -> str:
    return f"sg-@instances.{provider}@"


def host_name(service: str) -> str:
    return f"@host.{service}@"


def repository(service: str) -> str:
    return f"@ecr-repository.{service}@"


def image(service: str) -> str:
    return f"{IMAGE_HOST}/service:{fit(service, 100)}.fill-in"


def target_group(cluster: str, service: str) -> str:
    """The last part of its ARN, and of the label by which scaling policies know it."""
    return f"targetgroup/{target_group_name(cluster, service)}/@target-group-id.{service}@"
