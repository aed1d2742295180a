"""What is not known before the deployment: found in the files themselves, so that the list is complete."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

PLACEHOLDER_SCRIPT: Final = "placeholders.sed"
_KINDS: Final = (
    "account-id|host|image-tag|listener|(?:network-)?load-balancer|step-policy|target-group-id"
    "|instances|tasks|(?:application|network)-load-balancer|private|public|id"
)
PLACEHOLDER: Final = re.compile(rf"(?P<kind>(?:(?:sg|subnet|vpc)-)?@(?:{_KINDS}))(?:\.(?P<owner>[A-Za-z0-9_.-]+))?@", re.ASCII)
_MEANINGS: Final = {
    "@host": "Host name under which the load balancer forwards to `{owner}`, such as `{owner}.example.com`",
    "@image-tag": "Tag of the images of `{owner}`, such as the commit that they were built from",
    "@listener": "Last part of the ARN of the load balancer's HTTPS listener",
    "@load-balancer": "The {owner} in the ARN of an Application Load Balancer that you have, `.../app/name/id`",
    "@network-load-balancer": "The {owner} in the ARN of a Network Load Balancer that you have, `.../net/name/id`",
    "sg-@application-load-balancer": "Security group of that Application Load Balancer",
    "sg-@network-load-balancer": "Security group of that Network Load Balancer",
    "subnet-@private": "Private subnet with a route to a NAT gateway or to VPC endpoints, zone {owner}",
    "subnet-@public": "Subnet with a route to an internet gateway, zone {owner}",
    "vpc-@id": "The VPC of the subnets",
}
_FOUND_BY_SCRIPT: Final = ("@account-id", "@step-policy", "@target-group-id", "sg-@instances", "sg-@tasks")
"""AWS says these during the deployment."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Placeholder:
    """A piece of text that stands in the files for what only the owner of the account knows."""

    text: str
    meaning: str


def find_placeholders(files: Mapping[str, bytes]) -> list[Placeholder]:
    """Those in the JSON files that the owner fills in, sorted."""
    texts = (content.decode() for path, content in files.items() if path.endswith(".json"))
    found = (match for text in texts for match in PLACEHOLDER.finditer(text))
    return sorted({_placeholder(match) for match in found if match["kind"] not in _FOUND_BY_SCRIPT})


def _placeholder(found: re.Match[str]) -> Placeholder:
    return Placeholder(text=found[0], meaning=_MEANINGS[found["kind"]].format(owner=found["owner"]))


def placeholder_script(placeholders: Iterable[Placeholder]) -> str:
    """A script for sed with one line to fill in per placeholder; as it stands it changes nothing."""
    head = "# Write the values between the second pair of bars. Values hold no bar. deploy.sh does the rest.\n"
    return head + "".join(f"s|{placeholder.text}|{placeholder.text}|g\n" for placeholder in placeholders)
