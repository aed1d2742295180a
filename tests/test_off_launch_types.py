"""What a task definition asks for that Fargate or Managed Instances do not take, and services that state where they may run."""

import json
import re

import pytest

from advisor import advise, read_catalog, read_workload
from advisor.ecs import LaunchType
from advisor.plan.refused_fields import refused_fields

FARGATE, MANAGED = LaunchType.FARGATE, LaunchType.MANAGED_INSTANCES


def definition(container=None, **more):
    app = {"name": "app", "image": "a:1", "essential": True, **(container or {})}
    return {"cpu": "1024", "memory": "2048", "networkMode": "awsvpc", "containerDefinitions": [app], **more}


@pytest.fixture
def workload(tmp_path):
    def read(task=None, load="{tasks: 6}", **more):
        stated = {"task": "{cpu: 1024, memory: 2048}", **more}
        if task is not None:
            (tmp_path / "task.json").write_text(json.dumps(task))
            stated["task"] = "{file: task.json}"
        lines = ["cluster: shop", "region: us-east-1", "services:", "  - name: web", f"    load: {load}"]
        (tmp_path / "workload.yaml").write_text("\n".join([*lines, *(f"    {key}: {text}" for key, text in stated.items())]))
        return read_workload(tmp_path / "workload.yaml")

    return read


def advised(workload):
    return advise(workload, read_catalog(workload.region), replay_weeks=0)


def why_not(found, words):
    return {reason for each in found.alternatives if words in each.title and each.scope != "cluster" for reason in each.reasons}


@pytest.mark.parametrize(
    ("container", "more", "what"),
    [
        ({"privileged": True}, {}, "privileged of container app"),
        ({"linuxParameters": {"devices": [{"hostPath": "/dev/kvm"}]}}, {}, "linuxParameters.devices of container app"),
        (
            {"linuxParameters": {"capabilities": {"add": ["SYS_PTRACE", "NET_ADMIN"]}}},
            {},
            "added capabilities of container app",
        ),
        ({}, {"volumes": [{"name": "x", "dockerVolumeConfiguration": {"driver": "rexray"}}]}, "a Docker volume"),
        ({}, {"volumes": [{"name": "x", "host": {"sourcePath": "/data"}}]}, "a volume of the host"),
        ({}, {"pidMode": "host"}, "pidMode host"),
        ({}, {"ipcMode": "host"}, "ipcMode"),
    ],
)
def test_what_only_instances_offer_rules_fargate_out(workload, container, more, what):
    read = workload(definition(container, **more))
    found = advised(read)
    assert found.recommended.plan.services["web"].launch_type is not FARGATE
    assert why_not(found, "Fargate") == {f"its task definition asks for {what}"}
    assert any(re.match(rf"web: Fargate( and Managed Instances)? left out: .* asks for {what}\.", note) for note in read.notes)


@pytest.mark.parametrize(
    ("container", "more", "what"),
    [
        ({"links": ["db"]}, {}, "links of container app"),
        ({"logConfiguration": {"logDriver": "json-file"}}, {}, "the log driver of container app"),
        ({}, {"networkMode": "bridge"}, "network mode bridge"),
        ({}, {"placementConstraints": [{"type": "memberOf", "expression": "a"}]}, "placementConstraints"),
    ],
)
def test_what_can_be_had_another_way_leaves_fargate_in_and_is_said(workload, container, more, what):
    read = workload(definition(container, **more))
    assert not read.services[0].off_launch_types
    sentence = rf"web: for Fargate( and Managed Instances)? its task definition has to do without {what}\."
    assert any(re.match(sentence, note) for note in read.notes)
    assert advised(read).alternative("cluster:fargate:x86_64:on_demand").monthly_usd


def test_managed_instances_take_privileges_and_no_volumes_of_the_host():
    assert not refused_fields(definition({"privileged": True}), MANAGED)
    host = definition(volumes=[{"name": "x", "host": {"sourcePath": "/data"}}])
    assert [each.what for each in refused_fields(host, MANAGED)] == ["a volume of the host"]
    assert not refused_fields(host, LaunchType.EC2)


@pytest.mark.parametrize("odd", ["x", 7, [1, "a", None], {"a": 1}, None])
def test_fields_of_an_odd_kind_are_nothing_that_a_launch_type_refuses(odd):
    container = {"linuxParameters": odd, "logConfiguration": odd, "resourceRequirements": odd}
    assert not refused_fields({**definition(container), "volumes": odd}, FARGATE)


def test_a_service_runs_on_the_launch_types_that_it_states_alone(workload):
    found = advised(workload(launch_types="[FARGATE]"))
    assert found.recommended.plan.services["web"].launch_type is FARGATE
    assert why_not(found, "EC2") == {"its launch_types are FARGATE"}
    free = advised(workload())
    assert free.recommended.plan.services["web"].launch_type is not FARGATE
    fargate = "cluster:fargate:x86_64:on_demand"
    assert found.recommended.monthly_usd.mean == pytest.approx(free.alternative(fargate).monthly_usd.mean)


def test_where_no_launch_type_is_left_the_run_says_why(workload):
    from advisor.errors import AdvisorError

    with pytest.raises(AdvisorError, match="privileged"):
        advised(workload(definition({"privileged": True}), launch_types="[FARGATE]"))
