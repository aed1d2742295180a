"""Network modes and host ports: tasks without an interface of their own, and ports of which an instance has one."""

import json
from dataclasses import replace

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from advisor import advise, read_catalog, read_workload
from advisor.ecs import LaunchType, NetworkMode, TaskSize
from advisor.emit import render_ecs
from advisor.emit.ecs import parse_calls
from advisor.emit.merge import merge_plan
from advisor.errors import InputError, PlanError
from advisor.optimize.packed import packed_load
from advisor.plan import PortMapping
from advisor.plan.placement import fixed_host_ports
from advisor.simulate.instances import most_tasks, reservation
from advisor.simulate.scaling import RunningTasks
from advisor.sources.aws.collect import collect_workload
from advisor.workload import LoadForm, Scaling, Service
from tests.aws.test_present import NOW, account_with, strategy
from tests.emit.formats import FORMATS
from tests.emit.test_ecs_calls import assert_accepted
from tests.emit.test_merge import LIVE, ON_EC2, ON_FARGATE, plan_of
from tests.oracle import packing
from tests.test_distinct_instances import FIXED, FREE, with_ports

VIRGINIA = read_catalog("us-east-1")
FILE = """
cluster: shop
region: us-east-1
services:
  - {{name: web, task: {task}, load: {{tasks: 8}}{web}}}
{more}
constraints: {{instance_types: [m6i.large], launch_types: [{launch_type}], zones: 1, trunking: false}}
"""
SIZE = "{cpu: 256, memory: 512}"
API = "  - {name: api, task: {cpu: 256, memory: 512}, load: {tasks: 4}, network_mode: bridge%s}"
USD = 0.096 * 730 + 30 * 0.08  # of an m6i.large and its volume
ON_8080 = ", network_mode: bridge, port_mappings: [{container_port: 80, host_port: 8080}]"


@pytest.fixture
def written(tmp_path):
    def workload(web="", more="", launch_type="EC2", task=SIZE):
        (tmp_path / "workload.yaml").write_text(FILE.format(task=task, web=web, more=more, launch_type=launch_type))
        return read_workload(tmp_path / "workload.yaml")

    return workload


@pytest.mark.parametrize("weeks", [0, 1])
@pytest.mark.parametrize(
    ("web", "more", "n", "binding"),
    [
        ("", "", 4, "network"),  # an m6i.large has 3 interfaces: 2 awsvpc tasks beside the primary one
        (", network_mode: bridge", "", 1, "CPU"),  # 2,048 CPU units for 8 tasks of 256
        (", network_mode: none", "", 1, "CPU"),
        (", network_mode: host", "", 1, "CPU"),
        (", network_mode: host, port: 80", "", 8, "host ports"),
        (ON_8080, "", 8, "host ports"),
        (ON_8080, API % "", 8, "host ports"),  # the api beside them, 7 to an instance
        (ON_8080, API % ", port_mappings: [{container_port: 81, host_port: 8080}]", 12, "host ports"),  # 8 and 4 apart
        (ON_8080, API % ", port_mappings: [{container_port: 80, host_port: 8081}]", 8, "host ports"),
        (ON_8080, API % ", port_mappings: [{container_port: 81, host_port: 8080, protocol: udp}]", 8, "host ports"),
    ],
)
def test_instances_hold_what_network_modes_and_ports_let_them(written, weeks, web, more, n, binding):
    answer = advise(written(web, more), VIRGINIA, replay_weeks=weeks)
    found = answer.recommended
    assert found.monthly_usd.mean == pytest.approx(n * USD)  # by hand: instances x rate
    assert (found.instances.p95, found.instances.binding) == (n, binding)
    assert answer.lower_bound["monthly_usd"] <= found.monthly_usd.mean * (1 + 1e-9)


@pytest.mark.parametrize(
    ("web", "launch_type", "is_said"), [("", "EC2", True), (", network_mode: bridge", "EC2", False), ("", "FARGATE", False)]
)
def test_public_addresses_that_tasks_do_not_have_on_instances_are_said(written, web, launch_type, is_said):
    found = advise(written(f"{web}, assign_public_ip: true", launch_type=launch_type), VIRGINIA, replay_weeks=0)
    said = "web: on EC2 instances have public addresses, and tasks in awsvpc mode get none: they reach"
    assert any(each.startswith(said) for each in found.warnings) is is_said


def test_interfaces_that_run_out_are_said(written):
    (said,) = [each for each in advise(written(), VIRGINIA, replay_weeks=0).warnings if "network interfaces" in each]
    assert "trunking" in said
    assert "bridge" in said
    assert not any("network interfaces" in each for each in advise(written(ON_8080), VIRGINIA, replay_weeks=0).warnings)


@pytest.mark.parametrize(("launch_type", "called"), [("FARGATE", "Fargate"), ("MANAGED_INSTANCES", "Managed Instances")])
def test_elsewhere_plans_are_in_awsvpc_mode_which_is_said(written, launch_type, called):
    found = advise(written(ON_8080, launch_type=launch_type), VIRGINIA, replay_weeks=0)
    (planned,) = found.recommended.plan.services.values()
    assert planned.network_mode == "awsvpc"
    assert planned.containers[0].ports == (PortMapping(container_port=80),)
    said = f"web: stated in bridge mode, and on {called} the plan has awsvpc mode: tasks get addresses of their own, and need "
    assert f"{said}subnets and a security group" in found.warnings
    plain = advise(written(launch_type=launch_type), VIRGINIA, replay_weeks=0)
    assert found.recommended.monthly_usd == plain.recommended.monthly_usd


def test_on_ec2_the_plan_has_the_mode_and_the_ports(written):
    (planned,) = advise(written(ON_8080), VIRGINIA, replay_weeks=0).recommended.plan.services.values()
    assert planned.network_mode == "bridge"
    assert planned.containers[0].ports == (PortMapping(container_port=80, host_port=8080),)


def test_a_daemon_may_take_the_last_interface_of_tasks_that_need_none(written):
    web = written(", network_mode: bridge").services[0]
    taken = reservation(web, web.task, LaunchType.EC2)
    assert taken.tolist() == [256, 512, 0]
    assert most_tasks(web, web.task, LaunchType.EC2, taken * [4, 4, 1]).tolist() == 4


def test_managed_instances_hold_together_what_host_ports_keep_apart_on_ec2(written):
    found = advise(written(ON_8080, launch_type="EC2, MANAGED_INSTANCES"), VIRGINIA, replay_weeks=0)
    assert {each.launch_type for each in found.recommended.plan.services.values()} == {LaunchType.MANAGED_INSTANCES}
    # One instance, whose CPU holds all 8 tasks, against 8 on EC2; the bound has no instance that holds more.
    assert USD < found.lower_bound["monthly_usd"] < 1.0001 * found.recommended.monthly_usd.mean < 8 * USD


@pytest.mark.parametrize("weeks", [0, 1])
@pytest.mark.parametrize(
    ("web", "n", "binding"),
    [
        ("", 1, "CPU"),  # trunks are there whatever the account's setting: 10 tasks, and 2,048 CPU units for 8 of 256
        (", network_mode: host", 1, "CPU"),
        (", network_mode: host, port: 80", 8, "host ports"),
        (ON_8080, 1, "CPU"),  # in awsvpc mode
    ],
)
def test_managed_instances_take_host_mode_and_have_trunks(written, weeks, web, n, binding):
    """Amazon ECS Developer Guide, "Amazon ECS task networking for Amazon ECS Managed Instances" and "Allocate a network
    interface for tasks on Amazon ECS Managed Instances"."""
    found = advise(written(web, launch_type="MANAGED_INSTANCES"), VIRGINIA, replay_weeks=weeks).recommended
    # In a replay an instance is replaced now and then.
    assert (found.instances.p95, found.instances.binding) == (pytest.approx(n, rel=0.002), binding)
    (planned,) = found.plan.services.values()
    assert planned.network_mode == ("host" if "network_mode: host" in web else "awsvpc")
    (provider,) = found.plan.capacity_providers.values()
    assert provider.has_trunking
    assert_accepted(render_ecs(found.plan))


@pytest.mark.parametrize(
    ("definition", "mode", "ports"),
    [
        (FIXED[0][0], "bridge", ("8080",)),
        (with_ports("bridge", {"containerPort": 53, "hostPort": 53, "protocol": "udp"}), "bridge", ("53/udp",)),
        (FIXED[1][0], "awsvpc", ()),  # none stated
        (FIXED[2][0], "host", ("80", "81")),
        (FREE[0], "bridge", ()),
        (FREE[1], "awsvpc", ()),
    ],
)
def test_a_task_definition_states_both(tmp_path, written, definition, mode, ports):
    (tmp_path / "web.json").write_text(json.dumps(definition))
    web = written(task="{file: web.json}").services[0]
    assert (web.network_mode, tuple(map(str, web.host_ports_on(LaunchType.EC2)))) == (mode, ports)
    assert web.network_mode_on(LaunchType.FARGATE) is NetworkMode.AWSVPC


@pytest.mark.parametrize(
    ("web", "said"),
    [
        (", port_mappings: [{container_port: 80, host_port: 8080}]", "bridge mode, not awsvpc"),
        (", network_mode: host, port_mappings: [{container_port: 80, host_port: 81}]", "bridge mode, not host"),
        (", network_mode: none, port: 80", "has no network"),
        (ON_8080.replace("]", ", {container_port: 81, host_port: 8080}]"), "maps a host port twice"),
        (", port_mappings: [{container_port: 80}, {container_port: 80}, {container_port: 81, host_port: 2375}]", "2375"),
        (", port_mappings: [{container_port: 80, host_port: 40000}]", "below 32,768"),
        (", network_mode: host, port: 22", "listens on 22 in host mode, and an instance keeps"),
        (", network_mode: vlan", "awsvpc"),
    ],
)
def test_what_ecs_refuses_is_refused(written, web, said):
    with pytest.raises(InputError, match=said):
        written(web)


def test_ports_of_udp_are_others_than_those_of_tcp(written):
    """Amazon ECS API Reference, Resource: PORTS and PORTS_UDP; instances register ports of their own in the first alone."""
    mapped = "{container_port: 53, host_port: 53}, {container_port: 53, host_port: 53, protocol: udp}"
    web = written(f", network_mode: bridge, port_mappings: [{mapped}]").services[0]
    assert [str(each) for each in web.host_ports_on(LaunchType.EC2)] == ["53", "53/udp"]
    written(", network_mode: host, port_mappings: [{container_port: 22, protocol: udp}]")
    written(", network_mode: bridge, port_mappings: [{container_port: 80, host_port: 22, protocol: udp}]")
    definition = {"containerDefinitions": [{"portMappings": [{"containerPort": 53, "hostPort": 53, "protocol": "udp"}]}]}
    assert [str(each) for each in fixed_host_ports(definition)] == ["53/udp"]


def test_a_plan_has_host_ports_in_bridge_mode_alone():
    with pytest.raises(PlanError, match="host ports are of network mode bridge"):
        on_ports("awsvpc", PortMapping(container_port=80, host_port=8080))
    with pytest.raises(PlanError, match="mapped twice"):
        on_ports("bridge", *(PortMapping(container_port=port, host_port=8080) for port in (80, 81)))
    with pytest.raises(PlanError, match="host port 40000"):
        PortMapping(container_port=80, host_port=40_000)
    with pytest.raises(PlanError, match="keeps the port 22"):
        on_ports("host", PortMapping(container_port=22))


def on_ports(mode, *ports):
    """A plan on EC2 in a network mode whose container has ports."""
    planned = plan_of(provider=ON_EC2, port=None)
    (name,) = planned.services
    (container,) = planned.services[name].containers_of(name)
    kept = replace(planned.services[name], containers=(replace(container, ports=ports),), image=None, network_mode=mode)
    return replace(planned, services={name: kept})


def test_ports_that_the_plan_has_are_merged():
    (merged,) = merge_plan(FIXED[0][0], on_ports("bridge", PortMapping(container_port=80, host_port=8080)))
    assert merged.request["networkMode"] == "bridge"
    with pytest.raises(InputError, match="fixed host ports"):
        merge_plan(FIXED[0][0], on_ports("bridge", PortMapping(container_port=80)))
    with pytest.raises(InputError, match="was priced in bridge mode"):
        merge_plan(FREE[1], on_ports("bridge", PortMapping(container_port=80)))


def test_a_service_that_moves_to_fargate_is_told_that_it_needs_a_network():
    (merged,) = merge_plan({k: v for k, v in LIVE.items() if k != "networkConfiguration"}, plan_of(provider=ON_FARGATE))
    assert any(each.startswith("networkConfiguration: ") for each in merged.left_out)


def test_collected_services_state_them():
    on_ec2 = {"launchType": "EC2"}
    account = account_with(web=on_ec2, api=on_ec2, kept=strategy(managed=1), job={"launchType": "FARGATE"})
    mapped = [{"containerPort": 80, "hostPort": 8080}, {"containerPort": 53, "hostPort": 53, "protocol": "udp"}]
    account.definitions = {
        "web": {"containerDefinitions": [{"name": "a", "portMappings": mapped}]},  # bridge, where none is stated
        "api": {"networkMode": "host", "containerDefinitions": [{"name": "a", "portMappings": [{"containerPort": 81}]}]},
        "kept": {"networkMode": "host", "containerDefinitions": [{"name": "a"}]},  # on Managed Instances
        "job": {"networkMode": "awsvpc", "containerDefinitions": [{"name": "a"}]},
    }
    text = collect_workload(account, "shop", now=NOW, days=0.25)["workload.yaml"].decode()
    found = {each["name"]: (each.get("network_mode"), each.get("port_mappings")) for each in yaml.safe_load(text)["services"]}
    on_udp = {"container_port": 53, "host_port": 53, "protocol": "udp"}
    assert found == {
        "web": ("bridge", [{"container_port": 80, "host_port": 8080}, on_udp]),
        "api": ("host", [{"container_port": 81}]),
        "kept": ("host", None),
        "job": (None, None),
    }


@pytest.mark.parametrize(("render", "parse"), FORMATS)
def test_fixed_host_ports_come_back_from_every_format(render, parse):
    both = [PortMapping(container_port=80, host_port=8080, protocol=each) for each in ("tcp", "udp")]
    ports = (*both, PortMapping(container_port=81))
    given = on_ports("bridge", *ports)
    assert parse(render(given)) == given


@pytest.mark.parametrize(("host_port", "opened"), [(8080, (8080, 8080)), (0, (32_768, 65_535))])
def test_the_load_balancer_reaches_ports_of_the_instance(host_port, opened):
    given = on_ports("bridge", PortMapping(container_port=80, host_port=host_port))
    (name,) = given.services
    given = replace(given, services={name: replace(given.services[name], port=80)})
    calls = parse_calls(render_ecs(given))
    requests = [request for _, operation, request in calls if operation == "AuthorizeSecurityGroupIngress"]
    assert_accepted(render_ecs(given))
    by_operation = {operation: request for _, operation, request in calls}
    assert by_operation["CreateTargetGroup"]["TargetType"] == "instance"
    assert "networkConfiguration" not in by_operation["CreateService"]
    (mapping,) = by_operation["RegisterTaskDefinition"]["containerDefinitions"][0]["portMappings"]
    assert mapping["hostPort"] == host_port
    (permission,) = requests[0]["IpPermissions"]
    assert (permission["FromPort"], permission["ToPort"]) == opened
    assert "instances" in requests[0]["GroupId"]


MODES, PORTS, PROTOCOLS = st.sampled_from(list(NetworkMode)), st.sampled_from([0, 80, 81]), st.sampled_from(["tcp", "udp"])
SERVICES = st.tuples(st.integers(1, 8), st.integers(1, 8), MODES, PORTS, PROTOCOLS, st.integers(0, 6))
TAKEN = [(port, protocol) for port in (9, 80, 81) for protocol in ("tcp", "udp")]


@given(drawn=st.lists(SERVICES, min_size=2, max_size=5))
def test_packed_like_one_task_after_the_other(drawn):
    """A task takes a slot in awsvpc mode alone, and a fixed port of the instance in bridge and host mode."""
    runs, tasks, elsewhere = [], [], []
    for number, (cpu, memory, mode, port, protocol, count) in enumerate(drawn):
        of_mode = {
            "bridge": PortMapping(container_port=80, host_port=port, protocol=protocol),
            "host": PortMapping(container_port=port or 9, protocol=protocol),
        }
        mapped = of_mode.get(mode)
        runs.append(counted(number, TaskSize(cpu_units=cpu, memory_mib=memory), mode, mapped, count))
        taken = {"bridge": port, "host": port or 9}.get(mode)
        ports = [int((taken, protocol) == each) for each in TAKEN]
        tasks += [(cpu, memory, int(mode == "awsvpc"), *ports)] * count
        elsewhere += [(cpu, memory, 0, *ports) if mode == "host" else (cpu, memory, 1, *[0] * len(TAKEN))] * count
    offered = (16, 16, 3, *[1] * len(TAKEN))
    load, capacity = packed_load(runs), np.array([16, 16, 3])
    assert load.packed(capacity).tolist() == [packing.first_fit_instances(tasks, offered)]
    assert load.bound(capacity).tolist() == [packing.volume_bound_instances(tasks, offered)]
    on_managed = load.on(LaunchType.MANAGED_INSTANCES).packed(capacity).tolist()
    assert on_managed == [packing.first_fit_instances(elsewhere, offered)]


def counted(number, size, mode, mapped, count):
    one = Service(
        name=f"s{number}", task=size, load_form=LoadForm.TASKS, scaling=Scaling(min_tasks=0), network_mode=mode,
        port_mappings=() if mapped is None else (mapped,),
    )  # fmt: skip
    return RunningTasks(
        service=one, size=size, tasks=np.array([float(count)]), unmet=np.zeros(1), target_cpu_fraction=0.6, min_tasks=0,
        cpu_units=None,
    )  # fmt: skip
