"""What pydantic finds wrong in a workload file, as one message with line, column, key and fix."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from advisor.errors import InputError
from advisor.sources.input_files import listed, plain, shown
from advisor.sources.workload_models import WorkloadEntry
from advisor.sources.yaml_document import Document, Path

_EXPECTED: Final = {
    "string_type": "a text",
    "string_too_short": "a text that is not empty",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "list_type": "a list",
    "too_short": "a list that is not empty",
    "dict_type": "keys with values",
    "model_type": "keys with values",
}
_EXAMPLES: Final = {
    "cluster": "cluster: shop",
    "services": "services: [...]",
    "name": "name: web",
    "task": "task: {cpu: 512, memory: 1024}",
    "load": "load: {file: web.csv}",
    "launch_type": "launch_type: FARGATE",
    "instances": "instances: {m6i.large: 6}",
    "kind": "kind: compute_savings_plan",
    "term_years": "term_years: 1",
    "payment": "payment: no_upfront",
}


def named_services(document: Document) -> dict[int, str]:
    """Names of services by their places in the list, and the place where there is no name; nothing else is checked."""
    services = document.root.get("services") if isinstance(document.root, dict) else None
    names = [one.get("name") if isinstance(one, dict) else None for one in services] if isinstance(services, list) else []
    return {at: name if isinstance(name, str) else _dotted(("services", at)) for at, name in enumerate(names)}


def checked(document: Document, services: Sequence[int] | None = None) -> WorkloadEntry:
    """The file's content, checked.

    Parameters
    ----------
    services
        Places of the services that it holds then; the others are not looked at. All of them without it.

    Raises
    ------
    InputError
        For the first problem of the file, with the number of further ones.
    """
    root = document.root
    if services is not None and isinstance(root, dict):
        root = {**root, "services": [root["services"][at] for at in services]}
    try:
        return WorkloadEntry.model_validate(root)
    except ValidationError as error:
        problems = [_problem(details, document, services) for details in error.errors(include_url=False)]
        first = min(problems, key=lambda problem: problem.line or 0)
    if len(problems) > 1:
        more = f"{first.problem} ({len(problems) - 1} more after this)"
        first = InputError(more, fix=first.fix, file=first.file, line=first.line, column=first.column)
    raise first


def _problem(details: ErrorDetails, document: Document, services: Sequence[int] | None) -> InputError:
    path: Path = tuple(details["loc"])
    if services is not None and path[:1] == ("services",) and len(path) > 1:
        path = ("services", services[int(path[1])], *path[2:])
    kind, value, context = details["type"], details["input"], details.get("ctx", {})
    name = _dotted(path)
    if kind == "extra_forbidden":
        return _unknown_key(path, document)
    place = document.place(path)
    if kind == "missing":
        example = _EXAMPLES.get(str(path[-1]), f"{path[-1]}: ...")
        return place.error(f"`{name}` is missing", fix=f"Add `{example}`.")
    if kind == "refusal":
        subject = f"`{name}`: " if name else ""
        return place.error(f"{subject}{context['problem']}", fix=str(context["fix"]))
    expected = _EXPECTED.get(kind) or _bounds(context) or details["msg"]
    got = "nothing" if value is None else shown(value)
    subject = f"`{name}`" if name else "the file"
    return place.error(f"{subject}: expected {expected}, got {got}", fix=_fix(kind, value, expected))


def _fix(kind: str, value: object, expected: str) -> str:
    if value is None:
        return "Give a value, or leave the key out."
    if kind == "string_type" and isinstance(value, (bool, int, float)):
        return f'Put it in quotation marks: "{value}".'
    if kind == "bool_type" and isinstance(value, str) and value.lower() in ("yes", "no", "on", "off"):
        return f"Write {'true' if value.lower() in ('yes', 'on') else 'false'}."
    return f"Write {expected}."


def _bounds(context: dict[str, Any]) -> str | None:
    """What a value must be, from the limits that pydantic names."""
    if "expected" in context:
        return f"one of {context['expected']}".replace("'", "").replace(" or ", ", ")
    if "pattern" in context:
        return "a name such as m7g.large, or a pattern such as m7*"
    words = {"gt": "a number above", "ge": "a number from", "lt": "a number below", "le": "a number up to"}
    return next((f"{text} {context[limit]:,.12g}" for limit, text in words.items() if limit in context), None)


def _unknown_key(path: Path, document: Document) -> InputError:
    known = list(_keys_at(path[:-1]))
    near = get_close_matches(str(path[-1]), known, n=1, cutoff=0.5)
    meant = f"Did you mean `{near[0]}`? " if near else ""
    where = f" in `{_dotted(path[:-1])}`" if path[:-1] else ""
    return document.key_place(path).error(
        f"unknown key `{plain(str(path[-1]))}`{where}", fix=f"{meant}Known here: {listed(known)}."
    )


def _keys_at(path: Path) -> Iterator[str]:
    """Keys that the mapping at ``path`` may have."""
    model: type[BaseModel] = WorkloadEntry
    for key in path:
        if isinstance(key, str) and key in model.model_fields:
            model = next(_models_in(model.model_fields[key].annotation), model)
    yield from model.model_fields


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)


def _dotted(path: Path) -> str:
    """A path as people write it: ``services[0].task.cpu``."""
    text = ""
    for key in path:
        text += f"[{key}]" if isinstance(key, int) else f".{plain(key)}" if text else plain(key)
    return text
