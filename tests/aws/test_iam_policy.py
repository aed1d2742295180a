import ast
import json
from pathlib import Path

import advisor.sources.aws
from advisor.sources.aws import iam_policy
from advisor.sources.aws.iam_policy import ACCOUNT_ACTIONS, COMMITMENT_ACTIONS, REGION_ACTIONS
from tests.aws.fake_account import OPERATIONS

PREFIX = {"elbv2": "elasticloadbalancing"}


def actions_of(policy):
    return [action for statement in policy["Statement"] for action in statement["Action"]]


def test_the_policy_allows_each_action_once_and_only_reading():
    actions = actions_of(iam_policy(with_commitments=True))
    assert len(actions) == len(set(actions))
    assert not [a for a in actions if "*" in a or not a.partition(":")[2].startswith(("Describe", "List", "Get"))]


def test_the_policy_is_the_operations_that_the_code_names():
    """The fake account offers every operation that the code calls and fails on any other."""
    called = {
        f"{PREFIX.get(service, service)}:{operation}" for service, operations in OPERATIONS.items() for operation in operations
    }
    assert set(actions_of(iam_policy(with_commitments=True))) == called
    assert set(actions_of(iam_policy())) == called - set(COMMITMENT_ACTIONS)


def operations_in_the_code():
    """Every ``aws.call``, ``aws.pages`` and ``aws.listed`` names client and operation; two helpers are given the operation."""
    found, given = set(), {"_facts": "application-autoscaling", "_grouped": "application-autoscaling"}
    for path in Path(advisor.sources.aws.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            words = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            if isinstance(node.func, ast.Attribute) and node.func.attr in ("call", "pages", "listed") and len(words) >= 2:
                found.add(f"{PREFIX.get(words[0], words[0])}:{words[1]}")
            elif isinstance(node.func, ast.Name) and node.func.id in given:
                found |= {f"{given[node.func.id]}:{word}" for word in words if word.startswith("Describe")}
    return found


def test_every_call_in_the_code_is_in_the_policy_and_nothing_else_is():
    assert set(actions_of(iam_policy(with_commitments=True))) == operations_in_the_code()


def test_a_named_cluster_is_the_only_one_that_may_be_read():
    policy = iam_policy(cluster="shop", region="eu-west-1")
    for statement in policy["Statement"]:
        whole = json.dumps(statement)
        of_region = {action for _, _, actions, _ in REGION_ACTIONS for action in actions}
        is_of_account = set(statement["Action"]) <= {*ACCOUNT_ACTIONS, *of_region, "ecs:DescribeCapacityProviders"}
        assert is_of_account or "arn:aws:ecs:eu-west-1:*:cluster/shop" in whole


def test_partitions():
    def cluster_arn(region):
        return iam_policy(cluster="a", region=region)["Statement"][0]["Resource"]

    assert cluster_arn("cn-north-1") == "arn:aws-cn:ecs:cn-north-1:*:cluster/a"
    assert cluster_arn("us-gov-west-1") == "arn:aws-us-gov:ecs:us-gov-west-1:*:cluster/a"
    assert iam_policy()["Statement"][0]["Resource"] == "arn:*:ecs:*:*:cluster/*"


def test_rules_and_schedules_are_those_of_the_region_and_account():
    def resources(**of):
        return {s["Sid"]: s["Resource"] for s in iam_policy(**of)["Statement"]}

    named = resources(cluster="arn:aws:ecs:eu-west-1:111122223333:cluster/shop")
    assert named["ReadRules"] == "arn:aws:events:eu-west-1:111122223333:rule/*"
    assert named["ReadSchedules"] == "arn:aws:scheduler:eu-west-1:111122223333:schedule/*"
    assert resources(region="cn-north-1")["ReadRules"] == "arn:aws-cn:events:cn-north-1:*:rule/*"


def test_a_cluster_given_by_arn_is_named():
    arn = "arn:aws:ecs:eu-west-1:111122223333:cluster/shop"
    assert iam_policy(cluster=arn)["Statement"][0]["Resource"] == arn
    assert arn in json.dumps([s.get("Condition") for s in iam_policy(cluster=arn)["Statement"]])


def test_the_policy_fits_the_6144_characters_of_a_managed_policy():
    assert (
        len(json.dumps(iam_policy(cluster="a" * 255, region="ap-southeast-1", with_commitments=True), separators=(",", ":")))
        < 6144
    )
