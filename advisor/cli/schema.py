"""``advisor schema``: JSON Schemas of what goes in and what comes out."""

import json

import typer

schema_app = typer.Typer(
    help="JSON Schemas of the workload file and of recommendation.json.", no_args_is_help=True, rich_markup_mode=None
)


@schema_app.command("workload")
def workload_command() -> None:
    """JSON Schema of the workload file.

    Example: advisor schema workload > workload.schema.json
    """
    from advisor.sources import workload_schema

    typer.echo(json.dumps(workload_schema(), indent=2))


@schema_app.command("recommendation")
def recommendation_command() -> None:
    """JSON Schema of recommendation.json.

    Example: advisor schema recommendation
    """
    from advisor.recommend import recommendation_schema

    typer.echo(json.dumps(recommendation_schema(), indent=2))
