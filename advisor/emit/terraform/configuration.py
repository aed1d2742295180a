"""A Terraform configuration in the making: its resources and variables, and what each placeholder and name refers to."""

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

from advisor.emit.ecs import names
from advisor.emit.ecs.placeholders import PLACEHOLDER
from advisor.emit.terraform.hcl import Block, Encoded, Expr, Template, quoted
from advisor.plan import LoadBalancer, Plan

SPELLED_APART: Final = {
    "enableECSManagedTags": "enable_ecs_managed_tags",
    "sizeInGiB": "size_in_gib",
    "volumes": "volume",
    "loadBalancers": "load_balancer",
    "placementStrategy": "ordered_placement_strategy",
    "services": "service",
    "clientAliases": "client_alias",
    "StepAdjustments": "step_adjustment",
    "Overrides": "override",
    "Conditions": "condition",
    "Actions": "action",
    "DefaultActions": "default_action",
    "settings": "setting",
    "awsvpcConfiguration": "network_configuration",
    "InstanceWarmupPeriod": "instance_warmup_period",
}
"""Members whose name in Terraform is not just the same words with underscores."""
_VARIABLES: Final = {
    "vpc-@id": ("vpc_id", "string", "The VPC of the subnets."),
    "@listener": ("listener_arn", "string", "ARN of the HTTPS listener of the Application Load Balancer."),
    "sg-@application-load-balancer": (
        "load_balancer_security_group_id",
        "string",
        "Security group of the Application Load Balancer.",
    ),
    "sg-@network-load-balancer": (
        "network_load_balancer_security_group_id",
        "string",
        "Security group of the Network Load Balancer.",
    ),
    "@host": ("host_names", "map(string)", "By service: host name under which the load balancer forwards to it."),
    "@image-tag": ("image_tags", "map(string)", "By service: tag of its images."),
    "subnet-@private": (
        "private_subnet_ids",
        "list(string)",
        "Private subnets with a route to a NAT gateway or to VPC endpoints, one a zone.",
    ),
    "subnet-@public": ("public_subnet_ids", "list(string)", "Subnets with a route to an internet gateway, one a zone."),
}
_FULL_NAMES: Final = {
    "application": ("load_balancer_arn_suffix", "Application Load Balancer, app/name/id, the end of its ARN."),
    "network": ("network_load_balancer_arn_suffix", "Network Load Balancer, net/name/id, the end of its ARN."),
}
ACCOUNT: Final = "data.aws_caller_identity.current.account_id"
_SUBNET: Final = re.compile(r"subnet-@(private|public)\.([a-z])@")


def snake(name: str) -> str:
    if name in SPELLED_APART:
        return SPELLED_APART[name]
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


class Configuration:
    """Collects resources and variables; knows what each placeholder and name refers to."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.resources: list[Block] = []
        self.variables: dict[str, Block] = {}
        self.values: dict[str, Any] = {}
        """Variables to fill in, with what stands in for the value."""
        self._labels: dict[str, str] = {}
        self._refs: dict[str, Expr] = {}
        self._inside: dict[str, str] = {}

    def put(self, kind: str, name: str, request: Mapping[str, Any], **extra: Any) -> Block:
        """A resource: members that are structures become blocks, what ``extra`` has stays an argument."""
        block = Block(kind="resource", labels=(kind, self.label(name)))
        self._fill(block, request)
        block.attributes |= {key: self.value(value) for key, value in extra.items()}
        self.resources.append(block)
        return block

    def _fill(self, block: Block, request: Mapping[str, Any]) -> None:
        for member, value in request.items():
            if isinstance(value, dict):
                self.nest(block, snake(member), value)
            elif isinstance(value, list) and value and isinstance(value[0], dict):
                for item in value:
                    self.nest(block, snake(member), item)
            elif value != []:
                block.attributes[snake(member)] = self.value(value)

    def nest(self, block: Block, kind: str, request: Mapping[str, Any]) -> Block:
        nested = Block(kind=kind)
        self._fill(nested, request)
        block.blocks.append(nested)
        return nested

    def found(self, kind: str, name: str) -> Block:
        return next(block for block in self.resources if block.labels == (kind, self.label(name)))

    def label(self, name: str) -> str:
        """A name of the language: begins with a letter; a hash keeps different names different."""
        if name not in self._labels:
            plain = re.sub(r"[^A-Za-z0-9_-]", "_", name)
            plain = plain if plain[:1].isalpha() else f"r_{plain}"
            if plain != name and plain in {*self._labels, *self._labels.values()}:
                plain = f"{plain}_{sha256(name.encode()).hexdigest()[:8]}"
            self._labels[name] = plain
        return self._labels[name]

    def reference(self, kind: str, name: str, attribute: str) -> Expr:
        return Expr(f"{kind}.{self.label(name)}.{attribute}")

    def refer(self, text: str, reference: Expr) -> None:
        self._refs[text] = reference

    def refer_inside(self, text: str, reference: Expr) -> None:
        self._inside[text] = reference.text

    def value(self, value: Any) -> Any:
        if isinstance(value, Encoded):
            return Encoded(self.value(value.value))
        if isinstance(value, dict):
            return {key: self.value(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return self._subnets(value) or [self.value(item) for item in value]
        return self._text(value) if isinstance(value, str) else value

    def _subnets(self, items: Any) -> Expr | None:
        found = [_SUBNET.fullmatch(item) if isinstance(item, str) else None for item in items]
        if not found or not all(found) or found[0] is None:
            return None
        kind = f"subnet-@{found[0][1]}"
        name = self.variable(kind)
        self.values[name] = self.values[name] if len(self.values[name]) >= len(found) else ["subnet-FILL-IN"] * len(found)
        return Expr(f"slice(var.{name}, 0, {len(found)})")

    def _text(self, text: str) -> Any:
        if text in self._refs:
            return self._refs[text]
        if not PLACEHOLDER.search(text):
            return text
        marked: list[str | Expr] = [text]
        for known, reference in self._replacements(text):
            marked = [piece for part in marked for piece in _split(part, known, reference)]
        parts: list[str | Expr] = []
        for part in marked:
            parts += [part] if isinstance(part, Expr) else self._variables_in(part)
        parts = [part for part in parts if part != ""]
        return parts[0] if len(parts) == 1 else Template(tuple(parts))

    def _replacements(self, text: str) -> list[tuple[str, str]]:
        """Longer pieces of ``text`` that one reference stands for."""
        found = [(known, reference) for known, reference in self._inside.items() if known in text]
        for kind, (name, description) in _FULL_NAMES.items():
            part = names.load_balancer(LoadBalancer(kind))
            if part in text:
                found.append((part, f"var.{self._declare(name, 'string', description)}"))
        return [*found, (names.ACCOUNT, ACCOUNT)]

    def _variables_in(self, text: str) -> list[str | Expr]:
        parts: list[str | Expr] = []
        at = 0
        for found in PLACEHOLDER.finditer(text):
            name = self.variable(found["kind"])
            owner = f"[{quoted(found['owner'])}]" if found["kind"] in ("@host", "@image-tag") else ""
            if owner:
                self.values[name][found["owner"]] = "FILL-IN"
            parts += [text[at : found.start()], Expr(f"var.{name}{owner}")]
            at = found.end()
        return [*parts, text[at:]]

    def variable(self, kind: str) -> str:
        return self._declare(*_VARIABLES[kind])

    def _declare(self, name: str, kind: str, description: str) -> str:
        if name not in self.variables:
            block = Block(kind="variable", labels=(name,))
            block.attributes = {"type": Expr(kind), "description": description}
            self.variables[name] = block
            self.values[name] = {"map(string)": {}, "list(string)": []}.get(kind, "FILL-IN")
        return name

    def declare(self, name: str, description: str) -> str:
        return self._declare(name, "string", description)

    def topics(self) -> Expr:
        if "alarm_topic_arns" not in self.variables:
            block = Block(kind="variable", labels=("alarm_topic_arns",))
            block.attributes = {"type": Expr("list(string)"), "description": "SNS topics that alarms go to.", "default": []}
            self.variables["alarm_topic_arns"] = block
        return Expr("var.alarm_topic_arns")


def _split(part: str | Expr, known: str, reference: str) -> list[str | Expr]:
    if isinstance(part, Expr) or known not in part:
        return [part]
    pieces: list[str | Expr] = []
    for index, piece in enumerate(part.split(known)):
        pieces += [Expr(reference), piece] if index else [piece]
    return pieces
