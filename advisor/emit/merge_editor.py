"""A copy of a document that remembers what a plan changed in it."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from advisor.emit.ecs.calls import short_path

Document = dict[str, Any]

READ_ONLY: Final[Mapping[str, frozenset[str]]] = {
    "RegisterTaskDefinition": frozenset(
        {
            "taskDefinitionArn",
            "revision",
            "status",
            "requiresAttributes",
            "compatibilities",
            "registeredAt",
            "registeredBy",
            "deregisteredAt",
            "deleteRequestedAt",
        }
    ),
    "UpdateService": frozenset(
        {
            "clusterArn",
            "createdAt",
            "createdBy",
            "currentServiceDeployment",
            "currentServiceRevisions",
            "deployments",
            "events",
            "launchType",
            "pendingCount",
            "platformFamily",
            "resourceManagementType",
            "roleArn",
            "runningCount",
            "schedulingStrategy",
            "serviceArn",
            "serviceName",
            "status",
            "tags",
            "taskSets",
        }
    ),
    "CreateService": frozenset(),
    "RegisterScalableTarget": frozenset({"ScalableTargetARN", "CreationTime", "PredictedCapacity"}),
    "PutScalingPolicy": frozenset({"PolicyARN", "Alarms", "CreationTime"}),
}
"""What an answer of AWS holds and the request refuses, by operation: botocore's members of the one less those of the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """One field that the plan changed."""

    path: str
    """Such as ``containerDefinitions[0].memory``."""
    before: object
    """None: it was absent."""
    after: object
    """None: it is taken out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """A request that keeps everything of a document but what the plan owns."""

    service: str
    operation: str
    request: Document
    changes: tuple[FieldChange, ...]
    left_out: tuple[str, ...]
    """Fields of the document that the request cannot hold, and why, one sentence each."""

    @property
    def file(self) -> str:
        """Where it goes, as in the emitted folder."""
        words = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in self.operation).lstrip("-")
        return short_path(f"services/{self.service}/{words}.json")


class Editor:
    """A copy of a document that remembers what was changed in it."""

    def __init__(self, document: Document, operation: str) -> None:
        refused = READ_ONLY[operation]
        self.request: Document = {key: copy.deepcopy(value) for key, value in document.items() if key not in refused}
        dropped = ", ".join(key for key in document if key in refused)
        self.left_out = [f"{dropped}: not taken by {operation}"] if dropped else []
        self.changes: list[FieldChange] = []

    def put(self, inside: Document, key: str, value: object, path: str | None = None) -> None:
        """Set a field, or take it out with None; nothing happens where it is so already."""
        before = inside.get(key)
        if before == value and type(before) is type(value):
            return
        if value is None:
            del inside[key]
        else:
            inside[key] = value
        self.changes.append(FieldChange(path=path or key, before=before, after=value))

    def merged(self, service: str, operation: str) -> Merged:
        return Merged(
            service=service,
            operation=operation,
            request=self.request,
            changes=tuple(self.changes),
            left_out=tuple(self.left_out),
        )
