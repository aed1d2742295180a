"""Manifests for the AWS Copilot CLI: a workspace with one application, one environment, and one folder a service or job."""

from advisor.emit.copilot.parse import parse_copilot
from advisor.emit.copilot.render import ENVIRONMENT, image_variables, render_copilot

__all__ = ["ENVIRONMENT", "image_variables", "parse_copilot", "render_copilot"]
