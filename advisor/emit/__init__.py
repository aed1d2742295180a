"""Deploy files from a plan: pure, `{relative path: bytes}` out, one sub-package or module per format."""

from advisor.emit.cloudformation import parse_cloudformation, render_cloudformation
from advisor.emit.ecs import parse_calls, parse_ecs, render_ecs
from advisor.emit.terraform import parse_terraform, render_terraform

__all__ = [
    "parse_calls",
    "parse_cloudformation",
    "parse_ecs",
    "parse_terraform",
    "render_cloudformation",
    "render_ecs",
    "render_terraform",
]
