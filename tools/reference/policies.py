"""What each command may ask of AWS."""

import ast
import json
import re
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from tools.reference.markup import code, table, tree


def iam_page() -> str:
    """The least policy for each command that calls AWS."""
    from advisor.sources.aws import iam_policy, live
    from advisor.sources.prices import account

    diff = _actions(live)
    refresh = _actions(account)
    policies = {
        "advisor collect": iam_policy(),
        "advisor collect --commitments": iam_policy(with_commitments=True),
        "advisor emit --diff": _policy("ReadWhatIsLive", diff),
        "advisor prices refresh": _policy("ReadPricesAndInstanceTypes", refresh),
    }
    text = [
        "# IAM policy per command\n",
        "Four commands call AWS, and only to read; all others work without an account and without a network. The policies below are the",
        "least that each needs. `advisor collect --print-iam-policy --cluster C --region R` prints the first restricted to one cluster.\n",
        table(
            ("command", "calls AWS"),
            [
                (
                    "`collect`",
                    "ECS, Application Auto Scaling, EC2 Auto Scaling, EC2, Elastic Load Balancing, EventBridge, CloudWatch",
                ),
                ("`emit --diff` without `--from`", ", ".join(map(code, diff))),
                ("`emit --verify`", "nothing: tools that are installed judge the files"),
                (
                    "`prices refresh`",
                    f"the public AWS Price List, without an account; for the parts `spot` and `instance_types` {', '.join(map(code, refresh))}",
                ),
                ("all others", "nothing"),
            ],
        ),
        "A refused action of `collect` is no failure: what is missing is listed, with what it would have told.\n",
    ]
    for name, policy in policies.items():
        text += [f"## {name}\n", f"```json\n{json.dumps(policy, indent=2)}\n```\n"]
    return "\n".join(text)


def _actions(module: ModuleType) -> list[str]:
    """IAM actions of the calls in a module: pairs of a client's name and an operation."""
    found = set()
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Call) and len(node.args) >= 2:
            pair = [each.value for each in node.args[:2] if isinstance(each, ast.Constant) and isinstance(each.value, str)]
            if len(pair) == 2 and re.fullmatch(r"(Describe|List|Get)\w+", pair[1]):
                found.add(f"{pair[0]}:{pair[1]}")
    return sorted(found)


def _policy(sid: str, actions: Sequence[str]) -> dict[str, Any]:
    statement = {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}
