"""ECR repositories for the images that the plan leaves open."""

from typing import Final

from advisor.emit.ecs import names
from advisor.emit.ecs.calls import Call, Document, Request
from advisor.plan import Plan

KEPT_IMAGES: Final = 30


def repository_calls(plan: Plan) -> list[Call]:
    calls = []
    for service, container in open_images(plan):
        name = names.repository_name(plan.cluster, service, container)
        calls += [
            _call(service, container, "CreateRepository", _repository(name)),
            _call(service, container, "PutLifecyclePolicy", {"repositoryName": name}, lifecyclePolicyText=_lifecycle()),
        ]
    return calls


def open_images(plan: Plan) -> list[tuple[str, str]]:
    """Service and container of each image that is to be built and pushed."""
    services = sorted(plan.services.items())
    return [(name, c.name) for name, service in services for c in service.containers_of(name) if c.image is None]


def _call(service: str, container: str, operation: str, request: Request, **documents: Document) -> Call:
    label = "" if container == service else container
    folder = f"services/{service}/"
    return Call(service="ecr", operation=operation, folder=folder, label=label, request=request, documents=documents)


def _repository(name: str) -> Request:
    """A tag is pushed once: what was tested under it is what runs."""
    return {
        "repositoryName": name,
        "imageScanningConfiguration": {"scanOnPush": True},
        "imageTagMutability": "IMMUTABLE",
        "encryptionConfiguration": {"encryptionType": "AES256"},
    }


def _lifecycle() -> Document:
    rule = {
        "rulePriority": 1,
        "description": f"Keep the newest {KEPT_IMAGES} images.",
        "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": KEPT_IMAGES},
        "action": {"type": "expire"},
    }
    return Document(file="policies/lifecycle.json", content={"rules": [rule]})
