"""Workload files: every key has the meaning that the documentation gives it, and nothing is left out in silence."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from advisor.ecs import Architecture, LaunchType, PurchaseOption, TaskSize
from advisor.sources import read_workload, workload_schema
from advisor.workload import LoadForm, PresentService

SHARED = Path(__file__).parents[2] / "shared" / "workloads"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared workload data is not beside this checkout")

FULL = """\
cluster: shop
region: us-east-1
services:
  - name: web
    image: 123456789012.dkr.ecr.us-east-1.amazonaws.com/web:1.4
    task: {cpu: 512, memory: 1024, ephemeral_storage: 40, startup_seconds: 90, os: LINUX}
    load: {file: web.csv, requests_per_task: 40}
    scaling: {min: 3, max: 60, target_cpu: 70}
    architectures: [X86_64, ARM64]
    interruptible: true
    port: 80
    present: {launch_type: FARGATE, desired_count: 6, purchase_option: spot, architecture: ARM64}
    assign_public_ip: true
    placement_constraints: [{type: distinctInstance}]
present: {instances: {m6i.large: 6}, purchase_option: on_demand}
constraints:
  {launch_types: [FARGATE, EC2], instance_types: ["m7*", "c7*"], zones: 3, trunking: false, terms: [none],
   ecs_reserved_memory: 256}
commitments: []
rates: own-rates.csv
"""


@pytest.fixture
def shop(tmp_path):
    """Reads a workload file beside three load files."""
    (tmp_path / "web.csv").write_text("timestamp,requests_per_second\n2024-01-03T00:00Z,80\n2024-01-03T01:00Z,120\n")
    (tmp_path / "cpu.csv").write_text("timestamp,cpu_percent\n2024-01-03T00:30Z,50\n2024-01-03T00:45Z,25\n")
    (tmp_path / "tasks.csv").write_text("timestamp,tasks\n2024-01-03T01:00Z,7\n2024-01-03T02:00Z,8\n")

    def read(text, **options):
        path = tmp_path / "workload.yaml"
        path.write_text(text)
        return read_workload(path, **options)

    return read


def services(*entries):
    return "cluster: shop\nregion: us-east-1\nservices:\n" + "".join(
        f"  - {{task: {{cpu: 512, memory: 1024}}, {e}}}\n" for e in entries
    )


def test_every_key_reaches_the_workload(shop, tmp_path):
    workload = shop(FULL)
    service = workload.services[0]
    assert (workload.cluster, workload.region, service.name) == ("shop", "us-east-1", "web")
    assert service.image == "123456789012.dkr.ecr.us-east-1.amazonaws.com/web:1.4"
    assert (service.task, service.ephemeral_storage_gib, service.startup_s) == (
        TaskSize(cpu_units=512, memory_mib=1024),
        40,
        90,
    )
    assert (service.load_form, service.requests_per_task, service.cpu_ms_per_request) == (LoadForm.REQUESTS, 40, None)
    assert (service.scaling.min_tasks, service.scaling.max_tasks, service.scaling.target_cpu_fraction) == (3, 60, 0.7)
    assert service.architectures == (Architecture.X86_64, Architecture.ARM64)
    assert (service.is_interruptible, service.port, service.has_public_ip, service.is_stated) == (True, 80, True, False)
    assert service.has_distinct_instances
    assert service.present == PresentService(
        launch_type=LaunchType.FARGATE, desired_count=6, purchase_option=PurchaseOption.SPOT, architecture=Architecture.ARM64
    )
    assert workload.present is not None
    assert (dict(workload.present.instances), workload.present.purchase_option) == ({"m6i.large": 6}, PurchaseOption.ON_DEMAND)
    assert workload.constraints.launch_types == (LaunchType.FARGATE, LaunchType.EC2)
    assert workload.constraints.instance_types == ("m7*", "c7*")
    assert (workload.constraints.zones, workload.constraints.has_trunking, workload.constraints.terms) == (3, False, ("none",))
    assert workload.constraints.ecs_reserved_memory_mib == 256
    assert workload.rates_file == str(tmp_path / "own-rates.csv")
    assert_array_equal(workload.demand, [[80, 120]])
    assert workload.defaults_used == {}


def test_defaults_are_recorded_where_they_stand_in(shop):
    workload = shop(services("name: web, load: {file: web.csv, cpu_ms_per_request: 20}, port: 80"))
    service = workload.services[0]
    assert (service.scaling.min_tasks, service.scaling.target_cpu_fraction, service.startup_s) == (2, 0.6, 60)
    assert workload.defaults_used == {
        "start-up": "60 s",
        "public IP": "none",
        "architectures": "X86_64",
        "min tasks of web": "2",
        "max tasks": "none",
        "target CPU": "60 %",
        "zones": "2",
        "network": "awsvpc, trunking",
        "ECS_RESERVED_MEMORY": "0 MiB",
    }


def test_a_default_that_some_services_use_names_them(shop):
    workload = shop(
        services(
            "name: a, load: {file: web.csv, cpu_ms_per_request: 20}",
            "name: b, load: {file: web.csv, cpu_ms_per_request: 20}, scaling: {target_cpu: 50}, architectures: [ARM64]",
        )
    )
    assert workload.defaults_used["target CPU"] == "60 % (a)"
    assert workload.defaults_used["architectures"] == "X86_64 (a)"
    assert workload.defaults_used["start-up"] == "60 s"


@pytest.mark.parametrize(
    ("entry", "constraints", "min_tasks"),
    [
        ("port: 80", "", 2),
        ("interruptible: false", "", 1),
        ("port: 80", "constraints: {zones: 1}\n", 1),
        ("port: 80, scaling: {min: 1}", "", 1),
        ("port: 80, scaling: {min: 0}", "", 0),
        ("port: 80, scaling: {max: 1}", "", 1),
        ("scaling: {min: 5}", "", 5),
    ],
)
def test_a_load_balanced_service_keeps_two_tasks_in_two_zones_unless_told_otherwise(shop, entry, constraints, min_tasks):
    workload = shop(services(f"name: web, load: {{file: web.csv, requests_per_task: 40}}, {entry}") + constraints)
    assert workload.services[0].scaling.min_tasks == min_tasks


def test_targets_and_bounds_are_no_defaults_of_a_load_that_they_do_not_touch(shop):
    assert "target CPU" not in shop(services("name: web, load: {file: web.csv, requests_per_task: 40}")).defaults_used
    assert not {"target CPU", "max tasks", "min tasks of t"} & set(
        shop(services("name: t, load: {file: tasks.csv}")).defaults_used
    )


def test_a_constant_holds_over_the_time_of_the_others_and_is_marked_as_stated(shop):
    workload = shop(services("name: web, load: {file: web.csv, requests_per_task: 40}", "name: worker, load: {tasks: 60}"))
    assert_array_equal(workload.demand, [[80, 120], [60, 60]])
    assert [service.is_stated for service in workload.services] == [False, True]
    assert_array_equal(workload.running_tasks, [[np.nan, np.nan], [60, 60]])
    assert workload.services[1].load_form is LoadForm.TASKS


def test_constants_alone_last_a_week_from_a_monday(shop):
    workload = shop(services("name: a, load: {tasks: 60}", "name: b, load: {tasks: 1}"))
    assert (workload.demand.shape, workload.step_s, workload.start.isoformat()) == ((2, 168), 3600, "2024-01-01T00:00:00+00:00")
    assert workload.start.weekday() == 0


def test_services_share_the_finest_step_and_the_union_of_their_spans(shop):
    workload = shop(
        services(
            "name: cpu, load: {file: cpu.csv}, present: {launch_type: EC2, desired_count: 4}",
            "name: web, load: {file: web.csv, requests_per_task: 40}",
            "name: tasks, load: {file: tasks.csv}",
        )
    )
    assert (workload.start.isoformat(), workload.step_s, workload.n_steps) == ("2024-01-03T00:00:00+00:00", 900, 12)
    unknown = np.nan
    assert_array_equal(
        workload.demand[0], [unknown, unknown, 1024, 512, *[unknown] * 8]
    )  # by hand: 0.5 x 512 x 4, 0.25 x 512 x 4
    assert_array_equal(workload.demand[1], [*[80] * 4, *[120] * 4, *[unknown] * 4])
    assert_array_equal(workload.demand[2], [*[unknown] * 4, *[7] * 4, *[8] * 4])
    assert "cpu: load known for 2 of 12 steps (16.66 %)." in workload.notes
    assert any("refers to its desired count of 4" in note for note in workload.notes)


def test_the_size_comes_from_a_task_definition(shop, tmp_path):
    definition = {
        "family": "web",
        "cpu": ".5 vCPU",
        "memory": "2 GB",
        "ephemeralStorage": {"sizeInGiB": 50},
        "runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"},
        "containerDefinitions": [{"name": "web", "image": "web", "cpu": 0}],
    }
    text = "cluster: c\nregion: us-east-1\nservices:\n  - {name: web, task: {file: td.json}, load: {tasks: 3}}\n"
    for form in (definition, {"taskDefinition": definition}):
        (tmp_path / "td.json").write_text(json.dumps(form))
        service = shop(text).services[0]
        assert service.task == TaskSize(cpu_units=512, memory_mib=2048)
        assert (service.ephemeral_storage_gib, service.architectures) == (50, (Architecture.ARM64,))


def test_a_task_without_a_size_reserves_what_its_containers_do(shop, tmp_path):
    containers = [
        {"name": "app", "cpu": 256, "memory": 900, "memoryReservation": 600},
        {"name": "proxy", "cpu": 64, "memory": 128},
        {"name": "placeholder", "cpu": 0, "memoryReservation": 16},
    ]
    (tmp_path / "td.json").write_text(json.dumps({"containerDefinitions": containers}))
    service = shop(
        "cluster: c\nregion: us-east-1\nservices:\n  - {name: w, task: {file: td.json}, load: {tasks: 3}}\n"
    ).services[0]
    assert service.task == TaskSize(cpu_units=320, memory_mib=744)  # by hand: 256 + 64 + 0, 600 + 128 + 16


@pytest.mark.parametrize(
    ("cpu", "memory"), [(512, 1024), ("512", "1024"), ("0.5 vCPU", "1 GB"), ("0.5vcpu", "1GB"), ("512 units", "1024 MiB")]
)
def test_sizes_are_read_as_aws_writes_them(tmp_path, cpu, memory):
    path = tmp_path / "load.csv"
    path.write_text("timestamp,tasks\n2024-01-01T00:00Z,1\n2024-01-01T01:00Z,2\n")
    workload = read_workload(path, region="us-east-1", cpu=cpu, memory=memory)
    assert workload.services[0].task == TaskSize(cpu_units=512, memory_mib=1024)


def test_yaml_scalars_are_what_they_look_like(shop):
    workload = shop(
        "cluster: no\nregion: us-east-1\nservices:\n"
        "  - {name: 2024-01-01, image: 1.2.3, task: {cpu: 0512, memory: '1024'}, load: {tasks: 3}, port: 8080}\n"
    )
    service = workload.services[0]
    assert (workload.cluster, service.name, service.image, service.task.cpu_units) == ("no", "2024-01-01", "1.2.3", 512)


def test_anchors_save_writing(shop):
    workload = shop(
        "cluster: c\nregion: us-east-1\nservices:\n"
        "  - {name: a, task: &size {cpu: 256, memory: 512}, load: &load {tasks: 3}}\n"
        "  - {name: b, task: *size, load: *load}\n"
    )
    assert workload.services[0].task == workload.services[1].task == TaskSize(cpu_units=256, memory_mib=512)


def test_a_region_given_beside_the_file_goes_first(shop):
    assert shop(FULL, region="eu-west-1").region == "eu-west-1"


def test_inputs_are_named_as_given_with_their_hash(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("shop").mkdir()
    Path("shop/web.csv").write_text("timestamp,tasks\n2024-01-01T00:00Z,1\n2024-01-01T01:00Z,2\n")
    Path("shop/workload.yaml").write_text(
        services("name: a, load: {file: web.csv}", "name: b, load: {file: ../shop/web.csv}", "name: c, load: {file: web.csv}")
    )
    inputs = read_workload("shop/workload.yaml").inputs
    assert [file.path for file in inputs] == ["shop/workload.yaml", "shop/web.csv", "shop/../shop/web.csv"]
    assert inputs[1].sha256 == hashlib.sha256(Path("shop/web.csv").read_bytes()).hexdigest()


def test_services_take_their_rows_of_a_shared_file(shop, tmp_path):
    (tmp_path / "all.csv").write_text(
        "timestamp,service,tasks\n2024-01-01T00:00Z,b,5\n2024-01-01T00:00Z,a,1\n2024-01-01T01:00Z,a,2\n2024-01-01T01:00Z,b,6\n"
    )
    workload = shop(services("name: b, load: {file: all.csv}", "name: a, load: {file: all.csv}"))
    assert_array_equal(workload.demand, [[5, 6], [1, 2]])
    assert len(workload.inputs) == 2


def test_the_form_that_the_figure_names_goes_first(shop, tmp_path):
    (tmp_path / "both.csv").write_text("timestamp,rps,cpu_percent,tasks\n2024-01-01T00:00Z,8,50,2\n2024-01-01T01:00Z,9,60,2\n")
    with_figure = shop(services("name: web, load: {file: both.csv, cpu_ms_per_request: 5}"))
    without = shop(services("name: web, load: {file: both.csv}"))
    assert (with_figure.services[0].load_form, without.services[0].load_form) == (LoadForm.REQUESTS, LoadForm.UTILIZATION)
    assert_array_equal(with_figure.demand, [[8, 9]])
    assert_array_equal(without.demand, [[512, 0.6 * 512 * 2]])
    assert any("not used for its load: requests_per_second" in note for note in without.notes)


def test_tasks_beside_requests_without_a_figure_are_taken_as_tasks(shop, tmp_path):
    (tmp_path / "both.csv").write_text("timestamp,requests,rps,tasks\n2024-01-01T00:00Z,8,9,2\n2024-01-01T01:00Z,9,9,3\n")
    workload = shop(services("name: web, load: {file: both.csv}"))
    assert_array_equal(workload.demand, [[2, 3]])
    assert any("requests are given as a rate and as counts; the rate was used" in note for note in workload.notes)
    assert any("not used for its load: requests_per_second" in note for note in workload.notes)


def test_a_stated_column_must_be_in_one_of_the_files(shop, tmp_path):
    (tmp_path / "value.csv").write_text("timestamp,value\n2024-01-01T00:00Z,8\n2024-01-01T01:00Z,9\n")
    workload = shop(
        services("name: a, load: {file: value.csv}", "name: b, load: {file: tasks.csv}"), columns={"value": "tasks"}
    )
    assert workload.demand[0, 0] == 8


def test_the_schema_holds_every_key_of_the_documentation():
    schema = workload_schema()
    service = schema["$defs"]["ServiceEntry"]
    assert schema["additionalProperties"] is False
    assert set(schema["properties"]) == {
        "cluster", "region", "services", "daemons", "present", "constraints", "growth", "commitments", "rates", "side_costs"
    }  # fmt: skip
    assert set(service["properties"]) == {
        "name", "image", "task", "load", "scaling", "architectures", "interruptible", "port", "present", "assign_public_ip",
        "memory_use", "launch_types", "tags", "deployments", "placement_constraints", "network_mode", "port_mappings",
    }  # fmt: skip
    assert service["required"] == ["name", "task", "load"]
    assert {option["type"] for option in schema["$defs"]["TaskEntry"]["properties"]["cpu"]["anyOf"]} >= {
        "integer",
        "string",
        "null",
    }
    json.dumps(schema)


def test_reading_a_csv_imports_neither_pandas_nor_pydantic(tmp_path):
    path = tmp_path / "load.csv"
    path.write_text("timestamp,tasks\n2024-01-01T00:00Z,1\n2024-01-01T01:00Z,2\n")
    code = (
        "import sys; from advisor.sources import read_workload; "
        f"read_workload({str(path)!r}, region='us-east-1', cpu=512, memory=1024); "
        "print(sorted({'pandas', 'pydantic', 'yaml', 'boto3', 'scipy', 'matplotlib'} & set(sys.modules)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1]
    )
    assert run.stdout == "[]\n"


def test_a_source_without_such_a_name_says_so():
    import advisor.sources

    with pytest.raises(AttributeError, match="no attribute 'read_everything'"):
        advisor.sources.read_everything  # noqa: B018


@needs_shared
def test_recorded_task_definitions_of_aws_are_read(shop, tmp_path):
    for name, size in {"register-task-definition_1": (10, 10), "describe-task-definition_1": (20, 1000)}.items():
        definition = (SHARED / "aws_cli_examples" / f"ecs__{name}.json").read_text()
        (tmp_path / "td.json").write_text(definition)
        service = shop(
            "cluster: c\nregion: us-east-1\nservices:\n  - {name: w, task: {file: td.json}, load: {tasks: 3}}\n"
        ).services[0]
        assert (service.task.cpu_units, service.task.memory_mib) == size
