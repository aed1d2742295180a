"""recommendation.json and the CSV outputs, from what writes them."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from tools.reference.markup import ROOT, UNDESCRIBED, attribute_docs, code, first_paragraph, markdown, table
from tools.reference.words import OUTPUTS, RESULT, SHARED


def result_page() -> str:
    """Every field of recommendation.json, from the dataclasses that it is written from."""
    from advisor.recommend import Recommendation
    from advisor.recommend.result import SCHEMA

    text = [
        "# Result (recommendation.json)\n",
        f"`advisor recommend --format json`, and `recommendation.json` of `--out`. Its `schema` is {code(SCHEMA)};",
        "`advisor schema recommendation` prints the JSON Schema. The same inputs, catalog and seed give the same bytes; only files",
        "hold `generated_at`, which follows `SOURCE_DATE_EPOCH`. What was not computed is `null`, never zero.\n",
    ]
    for kind in _dataclasses(Recommendation):
        text += [f"## {kind.__name__}\n", f"{markdown(first_paragraph(kind.__doc__))}\n", _fields(kind)]
    return "\n".join(text)


def _dataclasses(kind: type, seen: dict[type, None] | None = None) -> dict[type, None]:
    """A dataclass and all that its fields hold, in order of appearance."""
    seen = {} if seen is None else seen
    if is_dataclass(kind) and kind not in seen and kind.__name__ != "TaskSize":
        seen[kind] = None
        for hint in _hints(kind).values():
            for inner in _classes_in(hint):
                _dataclasses(inner, seen)
    return seen


def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind, vars(sys.modules[kind.__module__]) | {"DataFrame": object})


def _classes_in(hint: Any) -> Iterable[type]:
    if isinstance(hint, type) and not get_args(hint):
        yield hint
    for inner in get_args(hint):
        yield from _classes_in(inner)


def _fields(kind: type) -> str:
    docs, hints = attribute_docs(sys.modules[kind.__module__], kind.__name__), _hints(kind)
    rows = []
    for each in fields(kind):
        if each.name == "task" and kind.__name__ == "ServicePlan":
            rows += [("`cpu`", "number", "CPU units of a task."), ("`memory`", "number", "MiB of a task.")]
            continue
        named = RESULT.get(f"{kind.__name__}.{each.name}") or RESULT.get(each.name)
        inner = next((found for found in _classes_in(hints[each.name]) if is_dataclass(found)), None)
        meaning = markdown(docs.get(each.name) or named or first_paragraph(inner.__doc__ if inner else None))
        if each.metadata.get("omit_default") and each.default is not MISSING:
            meaning = f"{meaning} Left out where it is {code(json.dumps(_plain(each.default)))}.".strip()
        rows.append((code(each.name), _type_words(hints[each.name]), meaning))
    if kind.__name__ == "Run":
        rows.append(("`generated_at`", "text", "When the file was written; in files only."))
    return table(("field", "value", "meaning"), rows)


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else list(value) if isinstance(value, tuple) else value


def _type_words(hint: Any) -> str:
    origin, inner = get_origin(hint), [each for each in get_args(hint) if each is not Ellipsis]
    if origin is Annotated:
        return _type_words(inner[0])
    if origin in (Union, UnionType):
        words = [_type_words(each) for each in inner if each is not NoneType]
        return " or ".join([*words, *(["null"] if NoneType in inner else [])])
    if origin is not None and issubclass(origin, Mapping):
        return f"object of {_type_words(inner[1])}"
    if origin is not None and inner:
        return f"list of {' and '.join(dict.fromkeys(map(_type_words, inner)))}"
    if isinstance(hint, type) and issubclass(hint, Enum):
        return ", ".join(code(member.value) for member in hint)
    if is_dataclass(hint):
        return (
            "object of `cpu_units`, `memory_mib`"
            if hint.__name__ == "TaskSize"
            else f"[{hint.__name__}](#{hint.__name__.lower()})"
        )
    return {str: "text", bool: "true or false", int: "number", float: "number"}.get(hint, getattr(hint, "__name__", str(hint)))


def csv_page() -> str:
    """The columns of every CSV that a command prints."""
    text = [
        "# CSV output\n",
        "`--format csv`: UTF-8, commas, LF, one header. An empty cell is a figure that there is not, and never zero. Text that",
        "would start a formula in a spreadsheet has an apostrophe before it.\n",
    ]
    for name, columns in _csv_columns().items():
        what, own = OUTPUTS.get(name, (UNDESCRIBED, {}))
        rows = [(code(column), own.get(column) or SHARED.get(column) or UNDESCRIBED) for column in columns]
        text += [f"## {name}\n", f"{what}\n", table(("column", "meaning"), rows)]
    return "\n".join(text)


def _csv_columns() -> dict[str, Sequence[str]]:
    from advisor.cli import backtest, collect, price_tables, prices_refresh
    from advisor.emit import diff_text
    from advisor.fleet import tables as fleet_tables
    from advisor.report import commitments, explain, focus, gate, instances, reconciliation, sweeps, tables
    from advisor.sources.inspection import inspect_load, measure_rows

    inspected = measure_rows(inspect_load(ROOT / "examples" / "shop" / "orders.csv"))
    return {
        "advisor recommend": tables.CSV_COLUMNS,
        "line-items.focus.csv of advisor recommend --out": focus.FOCUS_COLUMNS,
        "advisor recommend FOLDER": fleet_tables.CSV_COLUMNS,
        "saving_steps.csv of advisor recommend FOLDER": fleet_tables.STEP_COLUMNS,
        "advisor explain": explain.CSV_COLUMNS,
        "advisor instances": instances.CSV_COLUMNS,
        "advisor gate": gate.CSV_COLUMNS,
        "advisor sweep": sweeps.SWEEP_COLUMNS,
        "advisor sweep --rank": sweeps.RANK_COLUMNS,
        "advisor commit": commitments.CSV_COLUMNS,
        "advisor backtest": backtest._COLUMNS,
        "advisor backtest --bill": reconciliation.COLUMNS,
        "advisor emit --diff": diff_text._COLUMNS,
        "advisor inspect": list(inspected[0]),
        "advisor collect": collect._COLUMNS,
        "advisor prices show": price_tables.COLUMNS,
        "advisor prices refresh": prices_refresh._COLUMNS,
    }
