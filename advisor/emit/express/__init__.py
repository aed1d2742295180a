"""ECS Express Mode: one call makes a Fargate service with its load balancer, security groups, scaling and alarms."""

from advisor.emit.express.parse import parse_express
from advisor.emit.express.render import render_express

__all__ = ["parse_express", "render_express"]
