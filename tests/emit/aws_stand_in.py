"""An account with a network and a load balancer in moto's server, over real HTTP."""

import json
import re
from functools import cache

import boto3
import jmespath
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError

from advisor.emit import parse_calls

ACCOUNT = "123456789012"
IMAGE_TAG = "v7"
SUBNETS = [f"{kind}.{zone}" for kind in ("private", "public") for zone in "abc"]


@cache
def client(endpoint, region, service):
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=Config(retries={"total_max_attempts": 1}),
    )


def captures(script):
    """By file: what deploy.sh takes out of the answer, and the placeholder that it is for."""
    taken = re.findall(r"file://(\S+\.json) --query '([^']+)' --output text\)\nfill '([^']+)'", script)
    return {path: (query, placeholder) for path, query, placeholder in taken}


class Account:
    """One account in one Region, and the values of the placeholders there."""

    def __init__(self, endpoint, region):
        self.endpoint, self.region = endpoint, region
        vpc = self.call("ec2", "CreateVpc", CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        group = self.call("ec2", "CreateSecurityGroup", GroupName="any", Description="any", VpcId=vpc)["GroupId"]
        self.values = {}
        subnets = {name: self._subnet(vpc, name, number) for number, name in enumerate(SUBNETS)}
        self.values = {
            "@account-id@": ACCOUNT,
            "vpc-@id@": vpc,
            **{f"subnet-@{name}@": subnet for name, subnet in subnets.items()},
        }
        self.values |= self._load_balancer_values([subnets["public.a"], subnets["public.b"]])
        self.patterns = {
            r"sg-@[a-z]+-load-balancer@": group,
            r"@host\.([^@]+)@": r"\1.example.com",
            r"@image-tag\.[^@]+@": IMAGE_TAG,
        }

    def call(self, service, operation, **request):
        return getattr(client(self.endpoint, self.region, service), xform_name(operation))(**request)

    def _subnet(self, vpc, name, number):
        zone = self.region + name[-1]
        subnet = self.call("ec2", "CreateSubnet", VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=zone)
        return subnet["Subnet"]["SubnetId"]

    def _load_balancer_values(self, subnets):
        balancer = self.call("elbv2", "CreateLoadBalancer", Name="front", Subnets=subnets)["LoadBalancers"][0][
            "LoadBalancerArn"
        ]
        otherwise = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}
        listener = self.call(
            "elbv2", "CreateListener", LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=[otherwise]
        )
        network = self.call("elbv2", "CreateLoadBalancer", Name="tcp", Type="network", Subnets=subnets)["LoadBalancers"][0]
        *_, network_name, network_number = network["LoadBalancerArn"].split("/")
        *_, name, number = balancer.split("/")
        listener_id = listener["Listeners"][0]["ListenerArn"].split("/")[-1]
        return {
            "@load-balancer.name@": name,
            "@load-balancer.id@": number,
            "@listener.id@": listener_id,
            "@network-load-balancer.name@": network_name,
            "@network-load-balancer.id@": network_number,
        }

    def filled(self, files):
        """The files with every placeholder replaced whose value is known by now."""
        return {path: self.filled_text(content.decode()).encode() for path, content in files.items()}

    def filled_text(self, text):
        for placeholder, value in self.values.items():
            text = text.replace(placeholder, value)
        for pattern, value in self.patterns.items():
            text = re.sub(pattern, value, text)
        return text

    def deploy(self, files):
        """Make all calls as the README says; the requests as they were sent, and those that were refused."""
        sent, refused = [], []
        captured = captures(files["deploy.sh"].decode())
        for index, entry in enumerate(json.loads(files["calls.json"])["calls"]):
            service, operation, request = parse_calls(self.filled(files))[index]
            try:
                answer = self.call(service, operation, **request)
            except ClientError as error:
                refused.append((operation, request, error.response["ResponseMetadata"]["HTTPStatusCode"]))
                continue
            sent.append((operation, request))
            if entry["file"] in captured:
                query, placeholder = captured[entry["file"]]
                value = jmespath.search(query, answer)
                self.values[placeholder] = value.split("/")[-1] if operation == "CreateTargetGroup" else value
        return sent, refused
