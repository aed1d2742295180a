"""Services on Windows, and the instances that run them, as they are collected."""

import yaml

from advisor import read_workload
from advisor.files import write_files
from advisor.sources.aws.collect import collect_workload
from tests.aws.test_present import NOW, account_with

CORE = {"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}


def collected(tmp_path, services, definitions, instances):
    """``instances``: type and operating system of each."""
    account = account_with(**services)
    account.definitions = definitions
    found = [
        {
            "ec2InstanceId": f"i-{n}",
            "status": "ACTIVE",
            "attributes": [{"name": "ecs.instance-type", "value": kind}, {"name": "ecs.os-type", "value": system}],
            "registeredResources": [
                {"name": "MEMORY", "type": "INTEGER", "integerValue": 6143 if system == "windows" else 7817}
            ],
        }
        for n, (kind, system) in enumerate(instances)
    ]
    account.answers = {
        **account.answers,
        "ListContainerInstances": lambda asked: {"containerInstanceArns": [each["ec2InstanceId"] for each in found]},
        "DescribeContainerInstances": lambda asked: {"containerInstances": found, "failures": []},
        "DescribeInstances": lambda asked: {"Reservations": []},
    }
    write_files(tmp_path, collect_workload(account, "shop", now=NOW, days=0.25))
    return (tmp_path / "workload.yaml").read_text(), read_workload(tmp_path / "workload.yaml")


def test_instances_with_windows_stand_apart_from_those_with_linux(tmp_path):
    services = {"portal": {"launchType": "EC2"}, "web": {"launchType": "EC2"}}
    instances = [("m6i.large", "windows"), ("m6i.large", "linux"), ("m6i.large", "windows")]
    text, read = collected(tmp_path, services, {"portal": {"runtimePlatform": CORE}}, instances)
    assert {each.name: each.operating_system for each in read.services} == {
        "portal": "WINDOWS_SERVER_2022_CORE",
        "web": "LINUX",
    }
    assert yaml.safe_load(text)["present"] == {
        "instances": {"m6i.large": 1},
        "windows_instances": {"m6i.large": 2},
        "purchase_option": "on_demand",
    }
    assert "ecs_reserved_memory" not in text


def test_managed_instances_and_fargate_are_ruled_out_as_aws_does(tmp_path):
    definitions = {"portal": {"runtimePlatform": {"operatingSystemFamily": "WINDOWS_SERVER_2025_FULL"}}}
    text, _ = collected(tmp_path, {"portal": {"launchType": "EC2"}}, definitions, [("m6i.large", "windows")])
    assert yaml.safe_load(text)["services"][0]["launch_types"] == ["EC2"]


def test_a_daemon_on_windows_is_left_out_by_name(tmp_path):
    services = {"portal": {"launchType": "EC2"}, "agent": {"launchType": "EC2", "schedulingStrategy": "DAEMON"}}
    definitions = {"portal": {"runtimePlatform": CORE}, "agent": {"runtimePlatform": CORE}}
    text, read = collected(tmp_path, services, definitions, [("m6i.large", "windows")])
    assert "agent is left out: it is a daemon on Windows" in text
    assert not read.daemons
