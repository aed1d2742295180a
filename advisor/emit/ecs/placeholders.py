"""What only the owner of the account can fill in: found in the files themselves, so that the list is complete."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from advisor.emit.ecs.names import IMAGE_HOST

PLACEHOLDER_SCRIPT: Final = "placeholders.sed"
_PLACEHOLDER: Final = re.compile(
    r"(?P<kind>(?:[a-z]+-)?@[a-z-]+)(?:\.(?P<owner>[A-Za-z0-9_-]+))?@"
    rf"|{re.escape(IMAGE_HOST)}/service:(?P<image>[A-Za-z0-9_-]+)\.fill-in"
)
_MEANINGS: Final = {
    "@account-id": "Number of the AWS account: `aws sts get-caller-identity --query Account --output text`",
    "@ecr-repository": "Name of the ECR repository of the image of `{owner}`; without ECR, remove both its statements",
    "@host": "Host name under which the load balancer forwards to `{owner}`, such as `{owner}.example.com`",
    "@listener": "Last part of the ARN of the load balancer's HTTPS listener",
    "@load-balancer": "The {owner} in the ARN of an Application Load Balancer that you have, `.../app/name/id`",
    "@target-group-id": "Last part of the ARN that `create-target-group` prints for `{owner}`; known only then",
    "image": "Container image of `{owner}`, `repository-url/image:tag`, for the architecture in its task definition",
    "sg-@instances": "Security group of the instances of `{owner}`; nothing comes in but for bridge and host mode",
    "sg-@tasks": "Security group of the tasks of `{owner}`; where the service has a port, only the load balancer comes in",
    "subnet-@private": "Private subnet with a route to a NAT gateway or to VPC endpoints, zone {owner}",
    "subnet-@public": "Subnet with a route to an internet gateway, zone {owner}",
    "vpc-@id": "The VPC of the subnets",
}


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Placeholder:
    """A piece of text that stands in the files for what is yet unknown."""

    text: str
    meaning: str


def find_placeholders(files: Mapping[str, bytes]) -> list[Placeholder]:
    """Those in the JSON files, sorted."""
    texts = (content.decode() for path, content in files.items() if path.endswith(".json"))
    return sorted({_placeholder(found) for text in texts for found in _PLACEHOLDER.finditer(text)})


def _placeholder(found: re.Match[str]) -> Placeholder:
    meaning = _MEANINGS[found["kind"] or "image"]
    return Placeholder(text=found[0], meaning=meaning.format(owner=found["owner"] or found["image"]))


def placeholder_script(placeholders: Iterable[Placeholder]) -> str:
    """A script for sed with one line to fill in per placeholder; as it stands it changes nothing."""
    head = "# Write the values between the second pair of bars, then run the sed command of README.md. Values hold no bar.\n"
    return head + "".join(f"s|{placeholder.text}|{placeholder.text}|g\n" for placeholder in placeholders)
