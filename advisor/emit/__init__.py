"""Deploy files from a plan: pure, `{relative path: bytes}` out, one sub-package or module per format."""

from advisor.emit.copilot import parse_copilot, render_copilot
from advisor.emit.ecs import parse_calls, parse_ecs, render_ecs
from advisor.emit.ecspresso import parse_ecspresso, render_ecspresso
from advisor.emit.express import parse_express, render_express

__all__ = [
    "parse_calls",
    "parse_copilot",
    "parse_ecs",
    "parse_ecspresso",
    "parse_express",
    "render_copilot",
    "render_ecs",
    "render_ecspresso",
    "render_express",
]
