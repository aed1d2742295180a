"""Emitted files judged: by everything that is installed here, and by being read back."""

from collections.abc import Mapping

from advisor import emit
from advisor.errors import AdvisorError
from advisor.sources.validators import Check, Outcome, verify_files


def verify_emitted(name: str, files: Mapping[str, bytes]) -> tuple[Check, ...]:
    """Judge the files of one deploy format.

    Parameters
    ----------
    name
        The format as ``--to`` spells it, such as ``ecs`` or ``copilot``.
    files
        Relative path and content, as its ``render_`` function returns them.

    Returns
    -------
    tuple
        Each check with its outcome: passed, failed with what is wrong, or not checked with the reason.

    Examples
    --------
    >>> import advisor
    >>> plan = advisor.read_recommendation("reports/shop").recommended.plan
    >>> [check.outcome.value for check in advisor.verify_emitted("ecs", advisor.render_ecs(plan))]
    ['passed', 'passed']
    """
    return (*verify_files(files), _parses_back(name, files))


def _parses_back(name: str, files: Mapping[str, bytes]) -> Check:
    """Whether the files are a plan that ECS accepts, and that plan these files; the README may say more than the plan."""
    title = "parsed back to a plan and emitted again"
    function = name.replace("-", "_")
    parse, render = getattr(emit, f"parse_{function}", None), getattr(emit, f"render_{function}", None)
    if parse is None or render is None:
        return Check(name=title, outcome=Outcome.NOT_CHECKED, details=(f"nothing here reads {name}",))
    try:
        again = render(parse(files))
    except AdvisorError as error:
        return Check(name=title, outcome=Outcome.FAILED, details=(str(error),))
    paths = sorted({*files, *again} - {"README.md"})
    differing = tuple(f"{path} comes out differently" for path in paths if files.get(path) != again.get(path))
    outcome = Outcome.FAILED if differing else Outcome.PASSED
    return Check(name=title, outcome=outcome, details=differing or (f"{len(files)} files",))
