"""Memory that agents keep from tasks (ECS_RESERVED_MEMORY): on every instance of EC2, and nowhere else."""

import json
from base64 import b64decode
from dataclasses import replace

import numpy as np
import pytest
import yaml

from advisor import advise, read_catalog, read_workload
from advisor.ecs import LaunchType, TaskSize
from advisor.emit import parse_ecs, render_ecs
from advisor.errors import PlanError
from advisor.optimize.candidates import instance_capacity
from advisor.simulate.instances import reservation
from advisor.simulate.packing import tasks_per_instance
from advisor.sources.aws.collect import collect_workload
from advisor.sources.aws.reserved_memory import reserved_memory
from advisor.workload import Constraints
from tests.aws.test_present import NOW, account_with, instances_answer, strategy
from tests.emit.formats import FORMATS
from tests.emit.plans import gpu_and_batch, instances, windows
from tests.test_laws import service

VIRGINIA = read_catalog("us-east-1")
M6I_LARGE = replace(VIRGINIA.instance_type("m6i.large"), registered_memory_mib=7_821)
FILE = """
cluster: shop
region: us-east-1
services:
  - {{name: web, task: {{cpu: 512, memory: 3900}}, load: {{tasks: 8}}}}
constraints: {{instance_types: [m6i.large], launch_types: [{launch_type}], zones: 1{reserved}}}
"""


@pytest.mark.parametrize(
    ("launch_type", "reserved_mib", "fit"),
    [
        (LaunchType.EC2, 0, 2),  # 7,821 = 2 x 3,910 + 1
        (LaunchType.EC2, 1, 2),
        (LaunchType.EC2, 2, 1),
        (LaunchType.EC2, 256, 1),  # 7,565
        (LaunchType.EC2, 4_000, 0),
        (LaunchType.EC2, 10_000, 0),
        (LaunchType.MANAGED_INSTANCES, 256, 2),  # Developer Guide, memory-management: no such setting there
    ],
)
def test_tasks_of_3910_mib_on_an_m6i_large(launch_type, reserved_mib, fit):
    constraints = Constraints(ecs_reserved_memory_mib=reserved_mib)
    task = reservation(service(), TaskSize(cpu_units=1024, memory_mib=3_910), LaunchType.EC2)
    assert tasks_per_instance(task, instance_capacity(M6I_LARGE, launch_type, constraints, ())) == fit


@pytest.fixture
def advised(tmp_path):
    def answer(reserved, launch_type="EC2", weeks=0):
        (tmp_path / "workload.yaml").write_text(FILE.format(launch_type=launch_type, reserved=reserved))
        return advise(read_workload(tmp_path / "workload.yaml"), VIRGINIA, replay_weeks=weeks)

    return answer


@pytest.mark.parametrize(
    ("reserved", "launch_type", "n"),
    [("", "EC2", 4), (", ecs_reserved_memory: 256", "EC2", 8), (", ecs_reserved_memory: 256", "MANAGED_INSTANCES", 4)],
)
@pytest.mark.parametrize("weeks", [0, 1])
def test_the_bill_by_hand(advised, reserved, launch_type, n, weeks):
    """Two tasks of 3,900 MiB in 7,817, one in 7,561: 8 tasks on 4 instances, or on 8; $0.096 an hour, 12 % more as managed."""
    found = advised(reserved, launch_type, weeks).recommended
    fee = 1.12 if launch_type == "MANAGED_INSTANCES" else 1
    assert found.monthly_usd.mean == pytest.approx(n * (0.096 * fee * 730 + 30 * 0.08), rel=1e-3)


def test_managed_instances_that_offer_more_than_ec2_are_in_the_proof(advised):
    """Four of them at 12 % more cost less than eight on EC2, which was no bound for them."""
    bound = advised(", ecs_reserved_memory: 256", "EC2, MANAGED_INSTANCES").lower_bound
    assert bound["gap_fraction"] == pytest.approx(0, abs=1e-5)


def test_a_default_is_named_and_a_statement_is_not(advised):
    assert advised("").run.defaults["ECS_RESERVED_MEMORY"] == "0 MiB"
    assert "ECS_RESERVED_MEMORY" not in advised(", ecs_reserved_memory: 0").run.defaults


@pytest.mark.parametrize(("render", "parse"), FORMATS)
@pytest.mark.parametrize("reserved", ["", ", ecs_reserved_memory: 256"])
def test_deploy_files_are_read_back(advised, render, parse, reserved):
    made = advised(reserved).recommended.plan
    (provider,) = parse(render(made)).capacity_providers.values()
    assert provider.ecs_reserved_memory_mib == (256 if reserved else 0)


@pytest.mark.parametrize(
    ("plan", "provider", "line"),
    [
        (gpu_and_batch(), "gpu", "ECS_RESERVED_MEMORY=256"),
        (windows(), "windows", '[Environment]::SetEnvironmentVariable("ECS_RESERVED_MEMORY", "512", "Machine")'),
    ],
)
def test_user_data_sets_it(plan, provider, line):
    template = json.loads(render_ecs(plan)[f"capacity-providers/{provider}/create-launch-template.json"])
    assert line in b64decode(template["LaunchTemplateData"]["UserData"]).decode().splitlines()
    assert parse_ecs(render_ecs(plan)).capacity_providers == plan.capacity_providers


def test_only_agents_on_ec2_keep_memory():
    with pytest.raises(PlanError, match="only the agent on EC2"):
        instances("a", "m7i.large", launch_type=LaunchType.MANAGED_INSTANCES, ecs_reserved_memory_mib=1)


def registered(*mib, kind="m6i.large"):
    return {kind: frozenset(mib)}


TYPES = {name: VIRGINIA.instance_type(name) for name in ("m6i.large", "m6i.xlarge")}  # 7,817 observed, 15,572 by our fit


@pytest.mark.parametrize(
    ("seen", "found"),
    [
        (registered(7_561), 256),
        (registered(7_561) | registered(15_300, kind="m6i.xlarge"), 256),  # 272 less: within 1 % of 15,572
        (registered(7_561) | registered(14_572, kind="m6i.xlarge"), None),  # 1,000 less
    ],
)
def test_instances_that_register_less_than_their_type_tell_it(seen, found):
    assert reserved_memory(seen, TYPES).mib == found


@pytest.mark.parametrize(
    "seen", [{}, registered(7_817), registered(7_750), registered(7_561, 7_817), registered(1, kind="x.y")]
)
def test_instances_that_register_what_their_type_does_tell_none(seen):
    assert reserved_memory(seen, TYPES) is None


@pytest.mark.parametrize(("mib", "stated"), [(7_360, {"ecs_reserved_memory": 256}), (7_616, None)])
def test_a_collected_workload_states_what_is_already_taken_off(tmp_path, mib, stated):
    account = account_with(web=strategy(asg=1))
    answers = instances_answer(("i-1", "m7g.large", "asg"))  # 7,616 by our fit
    described = answers["DescribeContainerInstances"]({})["containerInstances"]
    described[0]["registeredResources"] = [{"name": "MEMORY", "type": "INTEGER", "integerValue": mib}]
    account.answers = {**account.answers, **answers}
    text = collect_workload(account, "shop", now=NOW, days=0.25)["workload.yaml"].decode()
    assert yaml.safe_load(text).get("constraints") == stated
    assert (f"m7g.large registers {mib:,} of 7,616 MiB" in " ".join(text.split("\n# "))) is (stated is not None)


def test_no_two_memories_are_kept_where_daemons_run():
    """Both come off: 7,821 - 256 - 100 = 7,465."""
    from advisor.workload import Daemon

    logs = Daemon(name="logs", task=TaskSize(cpu_units=64, memory_mib=100))
    offered = instance_capacity(M6I_LARGE, LaunchType.EC2, Constraints(ecs_reserved_memory_mib=256), (logs,))
    np.testing.assert_array_equal(offered[:2], [2_048 - 64, 7_465])
