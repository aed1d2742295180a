"""The real terraform with the real AWS provider, against moto on loopback; what is missing here is a reason to skip."""

import json
import logging
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import boto3
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

REGISTRY = "registry.terraform.io"
DEPTH = 4
SERVICES = ["applicationautoscaling", "autoscaling", "cloudwatch", "ec2", "ecr", "ecs", "elbv2", "iam", "logs", "scheduler"]
SERVICES += ["sts"]
KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_EC2_METADATA_DISABLED": "true"}


@cache
def mirror():
    """A folder with the AWS provider unpacked, as terraform lays it out; None where there is none."""
    folders = [Path("/")]
    for _ in range(DEPTH):
        nearer = []
        for folder in folders:
            try:
                nearer += [entry for entry in folder.iterdir() if entry.is_dir() and not entry.is_symlink()]
            except OSError:
                continue
        folders = [entry for entry in nearer if not entry.as_posix().startswith(("/proc", "/sys", "/dev"))]
        for entry in folders:
            if entry.name == REGISTRY and (entry / "hashicorp" / "aws").is_dir():
                return entry.parent
    return None


def missing():
    """Why terraform cannot judge here; empty where it can."""
    if shutil.which("terraform") is None:
        return "terraform is not installed"
    return "" if mirror() else f"no folder {REGISTRY} with hashicorp/aws within {DEPTH} levels of /"


class _Completed:
    """moto, with calls that it lacks and the provider makes: tags of scalable targets, default account settings."""

    def __init__(self, app):
        self.app, self.setting = app, {}

    def __call__(self, environ, start_response):
        call = environ.get("HTTP_X_AMZ_TARGET", "")
        answer = None
        if call.endswith("AnyScaleFrontendService.ListTagsForResource"):
            answer = {"Tags": {}}
        elif call.endswith("PutAccountSettingDefault"):
            body = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
            self.setting = body | {"principalArn": "arn:aws:iam::123456789012:root"}
            answer = {"setting": self.setting}
        elif call.endswith("ListAccountSettings"):
            answer = {"settings": [self.setting]}
        if answer is None:
            return self.app(environ, start_response)
        start_response("200 OK", [("Content-Type", "application/x-amz-json-1.1")])
        return [json.dumps(answer).encode()]


def moto_server():
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    return make_server("127.0.0.1", 0, _Completed(DomainDispatcherApplication(create_backend_app)), threaded=True)


class Terraform:
    """A copy of the emitted files with endpoints on loopback, and values for the variables."""

    def __init__(self, folder, files, endpoint, region):
        self.folder, self.endpoint = folder, endpoint
        for path, content in files.items():
            (folder / path).write_bytes(content)
        endpoints = "".join(f'    {service} = "{endpoint}"\n' for service in SERVICES)
        (folder / "loopback_override.tf").write_text(
            f'provider "aws" {{\n  region = "{region}"\n  skip_metadata_api_check = true\n  skip_region_validation = true\n'
            f"  skip_credentials_validation = true\n  endpoints {{\n{endpoints}  }}\n}}\n"
        )
        self.region = region

    def run(self, *words, expect=(0,)):
        environment = {**os.environ, **KEYS, "TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1", "AWS_PAGER": ""}
        environment.pop("TF_CLI_CONFIG_FILE", None)
        done = subprocess.run(
            ["terraform", *words],  # noqa: S607 (found on the path, or the test is skipped)
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode in expect, f"terraform {' '.join(words)}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def init(self):
        self.run("init", "-backend=false", f"-plugin-dir={mirror()}", "-no-color")

    def planned(self, name="first"):
        """The plan as JSON."""
        self.run("plan", "-no-color", "-input=false", f"-out={name}.plan")
        return json.loads(self.run("show", "-json", f"{name}.plan"))

    def fill_in(self):
        """Values for what only an owner knows, made in moto."""

        def call(service, operation, **request):
            client = boto3.client(
                service,
                endpoint_url=self.endpoint,
                region_name=self.region,
                aws_access_key_id="testing",
                aws_secret_access_key="testing",
            )
            return getattr(client, operation)(**request)

        vpc = call("ec2", "create_vpc", CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnets = [
            call("ec2", "create_subnet", VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=self.region + "abc"[n])[
                "Subnet"
            ]["SubnetId"]
            for n in range(3)
        ]
        group = call("ec2", "create_security_group", GroupName="balancer", Description="any", VpcId=vpc)["GroupId"]
        made = {
            kind: call("elbv2", "create_load_balancer", Name=kind, Type=kind, Subnets=subnets[:2])["LoadBalancers"][0][
                "LoadBalancerArn"
            ]
            for kind in ("application", "network")
        }
        listener = call(
            "elbv2",
            "create_listener",
            LoadBalancerArn=made["application"],
            Protocol="HTTP",
            Port=80,
            DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}],
        )["Listeners"][0]["ListenerArn"]
        known = {
            "vpc_id": vpc,
            "private_subnet_ids": subnets,
            "public_subnet_ids": subnets,
            "load_balancer_security_group_id": group,
            "network_load_balancer_security_group_id": group,
            "listener_arn": listener,
            "load_balancer_arn_suffix": made["application"].split("loadbalancer/")[1],
            "network_load_balancer_arn": made["network"],
            "network_load_balancer_arn_suffix": made["network"].split("loadbalancer/")[1],
        }
        text = (self.folder / "terraform.tfvars").read_text()
        wanted = [line.partition("=")[0].strip() for line in text.splitlines() if line and not line.startswith((" ", "}", "]"))]
        kept = {name: value for name, value in known.items() if name in wanted}
        (self.folder / "zz.auto.tfvars.json").write_text(json.dumps(kept))
