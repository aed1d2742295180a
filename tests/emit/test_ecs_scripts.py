"""deploy.sh as it stands, with a stand-in for the AWS CLI that sends each request over HTTP to moto."""

import logging
import os
import re
import shutil
import stat
import subprocess
import sys

import pytest
import urllib3
from moto.server import ThreadedMotoServer

from advisor.emit import render_ecs
from tests.emit.aws_stand_in import Account
from tests.emit.plans import fargate, plan, service

pytestmark = pytest.mark.skipif(shutil.which("sh") is None or shutil.which("sed") is None, reason="no sh or no sed")

CLI = '''#!{python}
"""The part of the AWS CLI that the scripts use."""
import json, sys, boto3, jmespath
from botocore import xform_name
service, command, *words = sys.argv[1:]
options = dict(zip(words[::2], words[1::2]))
request = json.load(open(options["--cli-input-json"].removeprefix("file://"))) if "--cli-input-json" in options else {{}}
client = boto3.client(service, endpoint_url="{endpoint}", region_name=options.get("--region", "eu-west-1"),
                      aws_access_key_id="testing", aws_secret_access_key="testing")
for option, value in options.items():
    if value.startswith("file://") and option != "--cli-input-json":
        members = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[command.replace("-", "_")])
        member = next(m for m in members.input_shape.members if xform_name(m, "-") == option[2:])
        request[member] = open(value.removeprefix("file://")).read()
answer = getattr(client, command.replace("-", "_"))(**request)
print(jmespath.search(options["--query"], answer) if "--query" in options else json.dumps(answer, default=str))
'''


@pytest.fixture(scope="module")
def endpoint():
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def laid_out(folder, files, endpoint):
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    cli = folder.parent / "bin" / "aws"
    cli.parent.mkdir()
    cli.write_text(CLI.format(python=sys.executable, endpoint=endpoint))
    cli.chmod(cli.stat().st_mode | stat.S_IXUSR)
    return {**os.environ, "PATH": f"{cli.parent}{os.pathsep}{os.environ['PATH']}"}


@pytest.mark.prove
def test_the_script_creates_the_service_and_leaves_the_folder_as_it_was(endpoint, tmp_path):
    urllib3.request("POST", f"{endpoint}/moto-api/reset")
    files = render_ecs(plan({"web": service(image="nginx:1", port=80)}, fargate()))
    account = Account(endpoint, "eu-west-1")
    folder = tmp_path / "deploy"
    environment = laid_out(folder, files, endpoint)
    refused = subprocess.run(["sh", "deploy.sh"], cwd=folder, env=environment, capture_output=True, text=True, check=False)  # noqa: S607
    assert refused.returncode == 1
    assert "vpc-@id@" in refused.stderr
    script = folder / "placeholders.sed"

    def value(line):
        known = account.values.get(line[1])
        return f"s|{line[1]}|{known or account.filled_text(line[1])}|g"

    script.write_text(re.sub(r"^s\|(.*)\|.*\|g$", value, script.read_text(), flags=re.MULTILINE))
    done = subprocess.run(["sh", "deploy.sh"], cwd=folder, env=environment, capture_output=True, text=True, check=False)  # noqa: S607
    assert done.returncode == 0, done.stderr
    made = account.call("ecs", "DescribeServices", cluster="shop", services=["web"])["services"][0]
    group = account.call("elbv2", "DescribeTargetGroups", Names=["shop-web"])["TargetGroups"][0]["TargetGroupArn"]
    assert made["loadBalancers"][0]["targetGroupArn"] == group
    assert made["networkConfiguration"]["awsvpcConfiguration"]["securityGroups"][0].startswith("sg-")
    assert {path: (folder / path).read_bytes() for path in files if path != "placeholders.sed"} == {
        path: content for path, content in files.items() if path != "placeholders.sed"
    }


@pytest.mark.parametrize("name", ["deploy.sh", "push.sh", "remove.sh"])
def test_the_scripts_are_shell(name, tmp_path):
    script = tmp_path / name
    script.write_bytes(render_ecs(plan({"web": service(port=80)}, fargate()))[name])
    subprocess.run(["sh", "-n", script], check=True)  # noqa: S607
