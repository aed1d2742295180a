"""Terraform with the public module terraform-aws-modules/ecs/aws: its cluster and service, and resources for the rest."""

from advisor.emit.terraform_module.parse import parse_terraform_module
from advisor.emit.terraform_module.render import render_terraform_module

__all__ = ["parse_terraform_module", "render_terraform_module"]
