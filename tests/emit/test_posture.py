"""checkov on every golden folder, where it is installed: it pins an old boto3, so give it an environment of its own."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parents[1] / "golden"
ACCEPTED = {
    "CKV2_AWS_5": "the security group of scheduled tasks is attached by the scheduler",
    "CKV_AWS_65": "Container Insights bills custom metrics; the plan says whether it is on",
    "CKV_AWS_136": "repositories are encrypted with AWS's key: a key of one's own is the owner's to choose",
    "CKV_AWS_158": "log groups are encrypted by AWS: a key of one's own is the owner's to choose",
    "CKV_AWS_260": "read as open to the internet; the rule names a security group and no address",
    "CKV_AWS_297": "schedules are encrypted with AWS's key: a key of one's own is the owner's to choose",
    "CKV_AWS_333": "a plan that asks for public addresses",
    "CKV_AWS_336": "a container whose root file system the plan says is writable",
    "CKV_AWS_338": "how long logs are kept is the plan's to say",
    "CKV_AWS_378": "behind the load balancer, which ends TLS, tasks are spoken to in HTTP",
}


@pytest.mark.prove
@pytest.mark.skipif(shutil.which("checkov") is None, reason="checkov is not installed")
@pytest.mark.parametrize("framework", ["cloudformation", "terraform"])
def test_checkov_finds_nothing_but_what_is_accepted_by_name(framework):
    words = ["checkov", "-d", GOLDEN / framework, "--framework", framework, "--compact", "--quiet", "--skip-download"]
    done = subprocess.run([*words, "--output", "json"], capture_output=True, text=True, check=False)
    failed = json.loads(done.stdout)["results"]["failed_checks"]
    assert {check["check_id"]: check["resource"] for check in failed if check["check_id"] not in ACCEPTED} == {}
