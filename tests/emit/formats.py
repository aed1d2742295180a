"""The formats of deploy files that hold whole plans, each with what reads it back."""

from advisor.emit import (
    parse_cloudformation,
    parse_ecs,
    parse_terraform,
    parse_terraform_module,
    render_cloudformation,
    render_ecs,
    render_terraform,
    render_terraform_module,
)

FORMATS = [
    (render_ecs, parse_ecs),
    (render_cloudformation, parse_cloudformation),
    (render_terraform, parse_terraform),
    (render_terraform_module, parse_terraform_module),
]
