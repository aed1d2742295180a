"""Mutation testing: one small fault at a time in code that handles money, and whether the tests notice.

``python -m tools.mutants`` runs all of them and prints the survivors; ``make prove`` does the same and holds them against
``docs/mutants.md``, which says of each why no test can or need kill it.

A mutant is a changed syntax tree whose functions take the place of the real ones in a forked process, in which pytest then runs
until the first failure. Nothing on disk changes.
"""

import argparse
import ast
import importlib
import os
import re
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, Final

ROOT: Final = Path(__file__).parent.parent
EXPLAINED: Final = ROOT / "docs" / "mutants.md"
_WITHOUT_THE_DEAREST: Final = "--deselect=tests/test_commit.py::test_a_steady_service_keeps_its_size_whatever_another_one_does"
KILLERS: Final[Mapping[str, tuple[str, ...]]] = {
    "advisor.billing.amounts": ("tests/test_commitments.py", "tests/test_bill.py"),
    "advisor.billing.normalization": ("tests/test_commitments.py",),
    "advisor.billing.commitments": (
        "tests/test_commitment_edges.py",
        "tests/test_commitments.py",
        "tests/test_held_commitments.py",
    ),
    "advisor.plan.commitment": ("tests/test_commitments.py", "tests/test_held_commitments.py"),
    "advisor.optimize.commitments": ("tests/test_commitment_edges.py", "tests/test_best_commitments.py"),
    "advisor.optimize.held": ("tests/test_held_by_week.py", "tests/test_held_commitments.py"),
    "advisor.optimize.beside_held": ("tests/test_beside_held.py",),
    "advisor.optimize.commitment_sizes": ("tests/test_commitment_options.py", "tests/test_beside_held.py"),
    "advisor.optimize.committable": ("tests/test_committable.py", "tests/test_beside_held.py", "tests/test_account_usage.py"),
    "advisor.committing.outcome": ("tests/test_commitment_options.py",),
    "advisor.committing.advice": (
        "tests/test_commitment_options.py",
        "tests/test_account_usage.py",
        "tests/test_commit.py",
        _WITHOUT_THE_DEAREST,
    ),
    "advisor.committing.account": ("tests/test_account_usage.py",),
    "advisor.optimize.purchases": ("tests/test_purchases.py",),
    "advisor.optimize.committed_prices": ("tests/test_committed_prices.py",),
}
"""Modules with faults, and the tests that are to notice: what pytest is given."""
EXAMPLES: Final = 30
"""Of hypothesis, for each test and mutant."""
LONGEST_S: Final = 120
"""Of its own processor time: a mutant that runs longer has been noticed, for it hangs, however busy the machine is."""

_COMPARED: Final[Mapping[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
_OPERATED: Final[Mapping[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip
_CALLED: Final = {
    "min": "max", "max": "min", "minimum": "maximum", "maximum": "minimum", "any": "all", "all": "any", "ones": "zeros",
    "zeros": "ones", "floor": "ceil", "ceil": "floor", "argmin": "argmax", "argmax": "argmin",
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One fault."""

    module: str
    id: str
    """Function, the source before and after, and which of several alike: the same while the function is."""
    place: tuple[int, int, int] | None
    """Number of the function, of the place in it, and of the change there; None where nothing is changed."""

    def tree(self) -> ast.Module:
        """The module with the fault."""
        tree = ast.parse(_source(self.module))
        if self.place is not None:
            function, at, kind = self.place
            list(_changes(_places(_functions(tree)[function])[at]))[kind]()
        return ast.fix_missing_locations(tree)


def mutants_of(module: str) -> Iterator[Mutant]:
    """Every fault of a module, in the order of its source."""
    seen: dict[str, int] = {}
    for number, function in enumerate(_functions(ast.parse(_source(module)))):
        for at, node in enumerate(_places(function)):
            before = ast.unparse(node)
            for kind in range(len(list(_changes(node)))):
                as_it_was = [(each, each.__class__, _copied(each)) for each in (node, *ast.iter_child_nodes(node))]
                list(_changes(node))[kind]()
                name = f"{module}.{function.name}: {_short(before)} -> {_short(ast.unparse(node))}"
                for each, kind_of_node, fields in as_it_was:
                    each.__class__ = kind_of_node
                    each.__dict__.clear()
                    each.__dict__.update(fields)
                seen[name] = seen.get(name, 0) + 1
                yield Mutant(module, name + (f" (#{seen[name]})" if seen[name] > 1 else ""), (number, at, kind))


def _copied(node: ast.AST) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, list) else value for name, value in node.__dict__.items()}


def _places(function: ast.FunctionDef) -> list[ast.AST]:
    return [node for node in _code(function) if next(_changes(node), None) is not None]


def control(module: str) -> Mutant:
    """The module as it is: its tests must pass."""
    return Mutant(module, module, None)


def verdicts(mutants: Iterable[Mutant], at_once: int = 1) -> Iterator[tuple[Mutant, bool]]:
    """Each mutant, and whether the tests pass with it; in the order in which they end."""
    running: dict[int, Mutant] = {}
    for mutant in mutants:
        child = os.fork()
        if child == 0:
            os._exit(_run(mutant))
        running[child] = mutant
        if len(running) >= at_once:
            yield _ended(running)
    while running:
        yield _ended(running)


def _ended(running: dict[int, Mutant]) -> tuple[Mutant, bool]:
    child, status = os.wait()
    return running.pop(child), os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0


def explained() -> set[str]:
    """Survivors that ``docs/mutants.md`` explains."""
    return set(re.findall(r"^\| `([^`]+)` \|", EXPLAINED.read_text(encoding="utf-8"), flags=re.MULTILINE))


def prepare() -> None:
    """Import once what every fork needs."""
    import hypothesis
    import pytest  # noqa: F401

    os.environ["CI"] = "1"  # hypothesis draws the same examples each time
    hypothesis.settings.register_profile(
        "mutants",
        deadline=None,
        derandomize=True,
        max_examples=EXAMPLES,
        database=None,
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],  # the smallest case that fails is of no interest
    )
    for name in (*KILLERS, "advisor.answer", "advisor.committing", "pandas"):
        importlib.import_module(name)


def _run(mutant: Mutant) -> int:
    import hypothesis
    import pytest

    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
    signal.setitimer(signal.ITIMER_PROF, LONGEST_S)
    try:
        _put_in_place(mutant)
    except Exception:
        return 1

    class Profile:
        @pytest.hookimpl(tryfirst=True)
        def pytest_collection(self) -> None:  # after conftest.py, before the tests
            hypothesis.settings.load_profile("mutants")

        @pytest.hookimpl(trylast=True)
        def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:  # one case is sooner run than many
            items.sort(key=lambda item: hasattr(getattr(item, "obj", None), "hypothesis"))

    options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", "-p", "no:xdist"]
    options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    return int(pytest.main([*options, *KILLERS[mutant.module]], plugins=[Profile()]))


def _put_in_place(mutant: Mutant) -> None:
    """The functions of the module get the code of their twins, wherever they are referred to."""
    module = sys.modules[mutant.module]
    twin = ModuleType(mutant.module)
    twin.__dict__.update({"__name__": mutant.module, "__file__": module.__file__})
    exec(compile(mutant.tree(), str(module.__file__), "exec"), twin.__dict__)  # noqa: S102 - our own source
    _exchange(module.__dict__, twin.__dict__, mutant.module)


def _exchange(ours: Mapping[str, Any], theirs: Mapping[str, Any], module: str) -> None:
    for name, new in theirs.items():
        old = ours.get(name)
        if isinstance(new, FunctionType) and isinstance(old, FunctionType) and new.__module__ == module:
            if len(new.__code__.co_freevars) == len(old.__code__.co_freevars):
                old.__code__, old.__defaults__, old.__kwdefaults__ = new.__code__, new.__defaults__, new.__kwdefaults__
        elif isinstance(new, property) and isinstance(old, property):
            _exchange({"get": old.fget}, {"get": new.fget}, module)
        elif isinstance(new, type) and isinstance(old, type) and new.__module__ == module:
            _exchange(vars(old), vars(new), module)
        elif hasattr(new, "func") and hasattr(old, "func"):  # cached properties
            _exchange({"func": old.func}, {"func": new.func}, module)


def _source(module: str) -> str:
    return (ROOT / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8")


def _functions(tree: ast.Module) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]


def _code(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """Nodes of a function without docstring, annotations and the words of errors."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    stack: list[ast.AST] = list(reversed(body))
    while stack:
        node = stack.pop()
        if isinstance(node, ast.FunctionDef | ast.Raise | ast.JoinedStr | ast.ImportFrom):
            continue
        yield node
        children = [child for field, child in _fields(node) if not (isinstance(node, ast.AnnAssign) and field == "annotation")]
        stack.extend(reversed(children))


def _fields(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    for field, value in ast.iter_fields(node):
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, ast.AST):
                yield field, each


def _changes(node: Any) -> Iterator[Callable[[], None]]:
    """What may go wrong at one place of the tree."""
    if isinstance(node, ast.Compare):
        for at, operator in enumerate(node.ops):
            yield lambda at=at, operator=operator: node.ops.__setitem__(at, _COMPARED[type(operator)]())
    elif isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in _OPERATED:
        yield lambda: setattr(node, "op", _OPERATED[type(node.op)]())
    elif isinstance(node, ast.BoolOp):
        yield lambda: setattr(node, "op", ast.Or() if isinstance(node.op, ast.And) else ast.And())
    elif isinstance(node, ast.UnaryOp):
        yield lambda: _becomes(node, node.operand)
    elif isinstance(node, ast.IfExp):
        yield lambda: _swap(node, "body", "orelse")
    elif isinstance(node, ast.If):
        yield lambda: setattr(node, "test", ast.UnaryOp(op=ast.Not(), operand=node.test))
    elif isinstance(node, ast.Continue):
        yield lambda: _becomes(node, ast.Break())
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool | int | float):
        changed = not node.value if isinstance(node.value, bool) else node.value + 1
        yield lambda: setattr(node, "value", changed)
    elif isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in _CALLED:
            field = "attr" if isinstance(node.func, ast.Attribute) else "id"
            yield lambda: setattr(node.func, field, _CALLED[name])


def _becomes(node: Any, other: Any) -> None:
    node.__class__ = other.__class__
    node.__dict__.update({field: getattr(other, field) for field in other._fields})
    node._fields = other._fields


def _swap(node: Any, one: str, other: str) -> None:
    first, second = getattr(node, one), getattr(node, other)
    setattr(node, one, second)
    setattr(node, other, first)


def _short(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "or").replace("`", "'")[:70]


def main() -> int:
    """All mutants, or those of some modules; survivors on stdout, progress on stderr."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", default=list(KILLERS))
    parser.add_argument("--only", default="", help="Part of the ids to run.")
    parser.add_argument("--at-once", type=int, default=os.cpu_count() or 1, help="Processes.")
    chosen = parser.parse_args()
    prepare()
    known, n_all, n_alive = explained() if EXPLAINED.exists() else set(), 0, 0
    for module in chosen.modules:
        for _, is_alive in verdicts([control(module)]):
            if not is_alive:
                print(f"the tests of {module} fail without a fault", file=sys.stderr)
                return 1
        wanted = (mutant for mutant in mutants_of(module) if chosen.only in mutant.id)
        for mutant, is_alive in verdicts(wanted, chosen.at_once):
            n_all += 1
            n_alive += is_alive
            if is_alive:
                print(f"{'explained' if mutant.id in known else 'survives'}: {mutant.id}", flush=True)
    print(f"{n_all - n_alive} of {n_all} mutants died ({1 - n_alive / max(n_all, 1):.1%})", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
