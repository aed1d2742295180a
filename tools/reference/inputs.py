"""The workload file and load files, from what reads them."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, get_args

from pydantic import BaseModel

from tools.reference.markup import UNDESCRIBED, attribute_docs, code, first_paragraph, table


def workload_page() -> str:
    """Every key of the workload file, from the models that read it."""
    from advisor.sources.workload_models import WorkloadEntry

    text = [
        "# Workload file\n",
        "YAML, read by every command that takes a WORKLOAD. `advisor schema workload` prints the same as JSON Schema, for an",
        "editor's completion. Relative files resolve against the folder of the workload file. An unknown key is an error that names",
        "the line and the nearest known key. How load files are read: [load files](load-files.md).\n",
    ]
    for path, model in _models(WorkloadEntry):
        schema = model.model_json_schema()["properties"]
        text += [f"## {path}\n", f"{first_paragraph(model.__doc__)}\n"]
        rows = []
        for name, info in model.model_fields.items():
            meaning, default = _split_default(info.description or "")
            if info.is_required():
                default = "required"
            elif not default:
                default = _shown_default(info.get_default(call_default_factory=True))
            rows.append(
                (
                    code(name),
                    _json_type(schema[name], info.annotation),
                    default,
                    meaning or _split_default(_meaning_of(info.annotation))[0],
                )
            )
        text.append(table(("key", "value", "default", "meaning"), rows))
    return "\n".join(text)


def _models(model: type[BaseModel], path: str = "the file") -> Iterable[tuple[str, type[BaseModel]]]:
    yield path, model
    for name, info in model.model_fields.items():
        for inner in _models_in(info.annotation):
            is_list = "list" in str(info.annotation)
            here = f"{name}[]" if is_list else name
            yield from _models(inner, here if path == "the file" else f"{path}.{here}")


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for inner in get_args(annotation) for found in _models_in(inner)]


def _meaning_of(annotation: Any) -> str:
    models = _models_in(annotation)
    return first_paragraph(models[0].__doc__) if models else UNDESCRIBED


def _split_default(description: str) -> tuple[str, str]:
    """Meaning, and the default that the description states in its words."""
    parts = re.split(r"\bDefault:? ", description, maxsplit=1)
    if len(parts) == 1:
        return description, ""
    return parts[0].strip(), parts[1].strip().rstrip(".")


def _shown_default(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, BaseModel):
        return ""
    return code(json.dumps(value))


def _json_type(schema: Mapping[str, Any], annotation: Any) -> str:
    """Words for a JSON Schema."""
    if models := _models_in(annotation):
        return "list of objects" if "list" in str(annotation) else f"object ({len(models[0].model_fields)} keys)"
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_json_type(each, None) for each in schema["anyOf"] if each.get("type") != "null"))
    if "enum" in schema:
        return ", ".join(code(value) for value in schema["enum"])
    if "const" in schema:
        return code(schema["const"])
    kind = schema.get("type", "value")
    if kind == "array":
        return f"list of {_json_type(schema['items'], None)}"
    if kind == "object":
        inner = schema.get("additionalProperties")
        return f"object of {_json_type(inner, None)}" if isinstance(inner, dict) else "object"
    word = {"string": "text", "integer": "whole number", "boolean": "true or false"}.get(kind, kind)
    return word + _limits(schema)


def _limits(schema: Mapping[str, Any]) -> str:
    words = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}
    said = [f"{word} {schema[key]:,.12g}" for key, word in words.items() if key in schema]
    return f", {' and '.join(said)}" if said else ""


def load_files_page() -> str:
    """What the columns of a load file may be called."""
    from advisor.sources import meanings as of

    docs = attribute_docs(of, "Meaning")
    own = {
        "time": "When the row's step starts (or, where the export says so, ends).",
        "service": "Name of the service: the file is in long form.",
        "tasks": "Running tasks.",
        "cpu_percent": docs.get("CPU_PERCENT", ""),
        "cpu_percent_maximum": "Of the busiest task in the step.",
        "memory_percent": "Average over the tasks and the step, of the memory in the task definition.",
        "memory_percent_maximum": "Of the task that used most in the step.",
        "requests_per_second": "Requests that arrive, all tasks together.",
        "metric": docs.get("METRIC", ""),
        "ignore": "Not read.",
    }
    rows = []
    for meaning in of.Meaning:
        names = of._NAMES.get(meaning, frozenset()) if meaning is not of.Meaning.TIME else of._TIME
        said = own.get(meaning.value) or docs.get(meaning.name) or UNDESCRIBED
        rows.append((code(meaning.value), said, ", ".join(sorted(names)) or "only by that name, or `--column name=meaning`"))
    units = [
        (kind, ", ".join(sorted(factors)), meaning.value if meaning else "cpu_percent or memory_percent")
        for kind, factors, meaning in (
            ("CPU", of._CPU_FACTORS, of._FAMILIES[0][2]),
            ("memory", of._MEMORY_FACTORS, of._FAMILIES[1][2]),
            ("requests", of._RATE_FACTORS, of._FAMILIES[2][2]),
            ("shares", of._SHARE_FACTORS, None),
        )
    ]
    return "\n".join(
        [
            "# Load files\n",
            "CSV, JSON (CloudWatch's `get-metric-data` and `get-metric-statistics`, Prometheus' `query_range`, rows) and Parquet;",
            "performance events of Container Insights, one a line or as Logs Insights exports them (`@message`). Answers of one kind",
            "may stand one after the other in a file. A file needs a time and at least one measure. What was understood is said on stderr, and `advisor inspect LOAD` shows all of",
            "it. What is ambiguous (3/4/2024, a share that may be a fraction, a unit that nothing names) is refused with the option that",
            "settles it.\n",
            "Names are compared without case, spaces and signs. A unit in brackets or at the end of the name counts:",
            "`CpuUsage(m)`, `memory_bytes`. German and French words of these names are read, and names such as",
            "`aws.ecs.service.cpuutilization{service:web}` or `avg(RunningTaskCount)`.\n",
            "A zone in the header of the times (`Time (UTC+1)`, `timestamp (Europe/Berlin)`) is theirs, unless `--time-zone` states",
            "another. Lines of totals below the rows are left out, and so is a service called a total that is the sum of the others.\n",
            table(("meaning", "what the numbers say", "also recognised"), rows),
            "## Units\n",
            table(("kind", "endings", "becomes"), units),
            "`--column name=meaning` and `load.columns` overrule names, also with a unit or a factor:",
            "`--column cpu=cpu_millicores`, `--column mhz=cpu_units*0.4`. K, M and G are powers of 1,000, Ki, Mi and Gi of 1,024.\n",
            "A gap is unknown, and not zero, except for counts (`requests`): CloudWatch leaves a step out when there is nothing to count.",
            "Counts of longer steps beside shorter ones belong in files of their own (`load.files`): in one file they are refused, "
            "because an hour's count would be taken for one of five minutes and eleven zeros.",
        ]
    )
