"""Reading a saved result."""

import json
from pathlib import Path

from advisor.errors import InputError
from advisor.recommend import Recommendation

FILE_NAME = "recommendation.json"


def read_recommendation(source: str | Path) -> Recommendation:
    """A result that `advisor recommend` wrote: ``recommendation.json``, or the folder that holds it.

    Raises
    ------
    InputError
        There is no such file, or it is not a result.

    Examples
    --------
    >>> import advisor
    >>> advisor.read_recommendation("reports/shop").cluster
    'shop'
    """
    path = Path(source)
    if path.is_dir():
        path /= FILE_NAME
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"cannot be read: {error.strerror or error}",
            fix="Make it with `advisor recommend WORKLOAD --out DIR`.",
            file=str(path),
        ) from error
    except UnicodeDecodeError as error:
        raise InputError("is not UTF-8", fix="Make it again with `advisor recommend`.", file=str(path)) from error
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(
            f"is not JSON: {error.msg}",
            fix="Make it again with `advisor recommend`.",
            file=str(path),
            line=error.lineno,
            column=error.colno,
        ) from error
    except (RecursionError, ValueError) as error:
        fix = "Make it again with `advisor recommend`."
        raise InputError(f"is not JSON that can be read ({type(error).__name__})", fix=fix, file=str(path)) from error
    if not isinstance(data, dict):
        raise InputError("is not a result", fix="Give a recommendation.json.", file=str(path))
    return Recommendation.from_dict(data)
