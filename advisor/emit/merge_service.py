"""Merging a plan into a service that exists: where it runs, how its tasks are placed, its public address."""

import copy
from collections.abc import Sequence
from typing import Final

from advisor.emit.merge_editor import Document, Editor, Merged
from advisor.errors import InputError
from advisor.plan.placement import has_distinct_instances

_KEPT_BY_OMISSION: Final = {
    "desiredCount": "leaving it out of UpdateService keeps the count, which belongs to service auto scaling"
}
_ARN_OF_CLUSTER: Final = "clusterArn"


def with_service(existing: Document, wanted: Document, name: str) -> Merged:
    """A request to make a service stays one; of an answer, or a request to update, comes a request to update."""
    is_create = "serviceName" in existing and "serviceArn" not in existing
    operation = "CreateService" if is_create else "UpdateService"
    editor = Editor(existing, operation)
    request = editor.request
    if operation == "UpdateService":
        _as_update(editor, existing)
        _keep_revision(editor)
    _put_capacity(editor, request, wanted, existing, is_create=is_create)
    _put_constraints(editor, request, wanted, name)
    _put_public_ip(editor, request, wanted)
    return editor.merged(name, operation)


def _as_update(editor: Editor, existing: Document) -> None:
    request = editor.request
    if "serviceName" in existing:
        request["service"] = existing["serviceName"]
    if _ARN_OF_CLUSTER in existing:
        request["cluster"] = str(existing[_ARN_OF_CLUSTER]).rpartition("/")[2]
    # An answer says what runs; an update that repeats it would undo what scaling did since.
    for key, why in _KEPT_BY_OMISSION.items():
        if key in request and "serviceArn" in existing:
            del request[key]
            editor.left_out.append(f"{key}: {why}")


def _keep_revision(editor: Editor) -> None:
    """The plan changes the task definition, but which revision a service runs is decided when it is updated."""
    if "taskDefinition" in editor.request:
        editor.left_out.append(
            f"taskDefinition: kept at {editor.request['taskDefinition']}; name the new revision once it is registered"
        )


def _put_capacity(editor: Editor, request: Document, wanted: Document, existing: Document, *, is_create: bool) -> None:
    """A launch type or a strategy, never both; UpdateService takes strategies only."""
    strategy = wanted.get("capacityProviderStrategy")
    if strategy is None:
        if existing.get("launchType") == wanted["launchType"]:
            return
        if _is_same_strategy(existing.get("capacityProviderStrategy"), wanted["launchType"]):
            return
        if is_create:
            editor.put(request, "capacityProviderStrategy", None)
            editor.put(request, "launchType", wanted["launchType"])
            _put_placement(editor, request, None)
            return
        strategy = [{"capacityProvider": wanted["launchType"], "base": 0, "weight": 1}]
    elif _is_same_strategy(existing.get("capacityProviderStrategy"), strategy[0]["capacityProvider"]):
        _put_placement(editor, request, wanted.get("placementStrategy"))
        return
    if is_create:
        editor.put(request, "launchType", None)
    editor.put(request, "capacityProviderStrategy", copy.deepcopy(strategy))
    if not is_create:
        editor.put(request, "forceNewDeployment", True)  # a strategy alone starts no deployment
    _put_placement(editor, request, wanted.get("placementStrategy"))


def _is_same_strategy(strategy: object, provider: str) -> bool:
    """Whether all tasks already go to the one provider, whatever its weight is."""
    if not isinstance(strategy, list) or not strategy:
        return False
    return {str(item.get("capacityProvider")) for item in strategy} == {provider}


def _put_placement(editor: Editor, request: Document, wanted: Sequence[Document] | None) -> None:
    """An absent strategy and an empty one are the same."""
    if list(request.get("placementStrategy") or []) == list(wanted or []):
        return
    if wanted:
        editor.put(request, "placementStrategy", copy.deepcopy(list(wanted)))
    else:
        editor.put(request, "placementStrategy", [] if "placementStrategy" in request else None)


def _put_constraints(editor: Editor, request: Document, wanted: Document, name: str) -> None:
    """Those of the account stay; Fargate takes none.

    Raises
    ------
    InputError
        The service keeps its tasks on instances apart, which the plan, and its price, know nothing of.
    """
    stands = list(request.get("placementConstraints") or [])
    if _is_on_fargate(wanted):
        if stands:
            editor.put(request, "placementConstraints", [])
    elif has_distinct_instances(wanted) and not has_distinct_instances(request):
        editor.put(request, "placementConstraints", [*stands, *wanted["placementConstraints"]])
    elif has_distinct_instances(request) and not has_distinct_instances(wanted):
        raise InputError(
            f"{name}: an instance holds one task of the service (distinctInstance), and the plan was priced as if it held more",
            fix="State placement_constraints: [{type: distinctInstance}] in the workload file, or take it out of this one.",
        )


def _is_on_fargate(wanted: Document) -> bool:
    names = {str(item["capacityProvider"]) for item in wanted.get("capacityProviderStrategy") or []}
    return wanted.get("launchType") == "FARGATE" or bool(names & {"FARGATE", "FARGATE_SPOT"})


def _put_public_ip(editor: Editor, request: Document, wanted: Document) -> None:
    """Subnets and security groups are the account's own: only the address is the plan's."""
    network = (request.get("networkConfiguration") or {}).get("awsvpcConfiguration")
    planned = (wanted.get("networkConfiguration") or {}).get("awsvpcConfiguration")
    if network is None and planned is not None and _is_on_fargate(wanted):
        editor.left_out.append(
            "networkConfiguration: tasks on Fargate are in awsvpc mode; give them subnets and security groups of your own, and "
            "behind a load balancer a target group of type ip"
        )
    if network is None or planned is None:
        return
    if network.get("assignPublicIp", "DISABLED") != planned["assignPublicIp"]:
        path = "networkConfiguration.awsvpcConfiguration.assignPublicIp"
        editor.put(network, "assignPublicIp", planned["assignPublicIp"], path)
