"""Deploy files from a plan: pure, `{relative path: bytes}` out, one sub-package or module per format."""

from advisor.emit.ecs import parse_calls, parse_ecs, render_ecs

__all__ = ["parse_calls", "parse_ecs", "render_ecs"]
