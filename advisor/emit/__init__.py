"""Deploy files from a plan: pure, `{relative path: bytes}` out, one sub-package or module per format."""

from advisor.emit.cloudformation import parse_cloudformation, render_cloudformation
from advisor.emit.copilot import parse_copilot, render_copilot
from advisor.emit.ecs import parse_calls, parse_ecs, render_ecs
from advisor.emit.ecspresso import parse_ecspresso, render_ecspresso
from advisor.emit.express import parse_express, render_express
from advisor.emit.terraform import parse_terraform, render_terraform
from advisor.emit.terraform_module import parse_terraform_module, render_terraform_module

__all__ = [
    "parse_calls",
    "parse_cloudformation",
    "parse_copilot",
    "parse_ecs",
    "parse_ecspresso",
    "parse_express",
    "parse_terraform",
    "parse_terraform_module",
    "render_cloudformation",
    "render_copilot",
    "render_ecs",
    "render_ecspresso",
    "render_express",
    "render_terraform",
    "render_terraform_module",
]
