"""Names of columns and metrics, each with what its numbers are, or with the refusal that no number is taken for another."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from advisor.errors import InputError
from advisor.sources.inspection import inspect_load
from advisor.sources.load_options import LoadOptions

TIMES = [(datetime(2026, 3, 2, tzinfo=UTC) + timedelta(hours=hour)).isoformat() for hour in range(48)]


def means(path, **options):
    inspection = inspect_load(path, reading=LoadOptions.stated(**options))
    return {(each.service, each.measure): each.mean for each in inspection.measures}


@pytest.fixture
def column(tmp_path):
    """What a table of one measured column is read as."""

    def read(name, cell, **options):
        path = tmp_path / "load.csv"
        path.write_text(f"timestamp;{name}\n" + "".join(f"{at};{cell}\n" for at in TIMES))
        return means(path, **options)

    return read


@pytest.fixture
def metrics(tmp_path):
    """What the metrics of an answer, by label and Id, are read as beside two tasks."""

    def read(*labels, value=40.0):
        results = [{"Id": query, "Label": label, "Timestamps": TIMES, "Values": [value] * 48} for label, query in labels]
        results.append({"Id": "t", "Label": "RunningTaskCount", "Timestamps": TIMES, "Values": [2] * 48})
        path = tmp_path / "load.json"
        path.write_text(json.dumps({"MetricDataResults": results}))
        return {measure: mean for (_, measure), mean in means(path).items()}

    return read


@pytest.mark.parametrize(
    ("name", "cell", "measure", "mean"),
    [
        ("Anzahl Tasks", "4", "tasks", 4),
        ("Anzahl laufender Tasks", "4", "tasks", 4),
        ("Nombre de tâches", "4", "tasks", 4),
        ("CPU-Auslastung (%)", "34,5", "cpu_percent", 34.5),
        ("Utilisation CPU (%)", "34,5", "cpu_percent", 34.5),
        ("Utilisation de la mémoire (%)", "34,5", "memory_percent", 34.5),
        ("Speicher (MiB)", "512", "memory_mib", 512),
        ("Arbeitsspeicher in MB", "1048,576", "memory_mib", 1000),
        ("Mémoire (Mio)", "512", "memory_mib", 512),
        ("Anfragen pro Sekunde", "5", "requests_per_second", 5),
        ("Requêtes par minute", "120", "requests_per_second", 2),
        ("CPU in %", "34", "cpu_percent", 34),
        ("avg(RunningTaskCount)", "4", "tasks", 4),
        ("max(CPUUtilization)", "34", "cpu_percent_maximum", 34),
        ("aws.ecs.service.running", "4", "tasks", 4),
        ("aws_ecs_memory_utilization_average", "34", "memory_percent", 34),
        ("ecs_containerinsights_running_task_count_average", "4", "tasks", 4),
        ("cpu_nanocores", "500000000", "cpu_units", 512),
        ("QPM", "120", "requests_per_second", 2),
    ],
)
def test_names_of_other_languages_and_systems(column, name, cell, measure, mean):
    assert column(name, cell, decimal="comma" if "," in cell else None) == {("load", measure): pytest.approx(mean)}


@pytest.mark.parametrize(
    ("name", "service"),
    [
        ("avg:aws.ecs.service.running{service:web}", "web"),
        ("RunningTaskCount {ServiceName=web, ClusterName=shop}", "web"),
        ("de_tasks", "de"),
        ("go tasks", "go"),
    ],
)
def test_a_series_that_names_its_service(column, name, service):
    assert column(name, "4") == {(service, "tasks"): 4}


def test_a_column_that_holds_only_the_label_of_a_service(column):
    assert column("{container=web}", "4", values="tasks") == {("web", "tasks"): 4}


@pytest.mark.parametrize(
    "name",
    [
        "requests per task", "cpu_units_per_task", "avg_memory_mib_per_task", "Anfragen pro Task", "tasks by host",
        "stopped tasks", "active_requests", "5xx_requests", "free_memory_mib", "idle cpu percent", "all_tasks",
        "CPUUtilization p99", "cpu_percent p95", "node_cpu_percent", "container_memory_mib",
    ],
)  # fmt: skip
def test_what_is_not_the_load_of_a_service_is_not_taken_for_it(column, name):
    with pytest.raises(InputError, match=r"no column with a measure of load.*--column NAME=MEANING"):
        column(name, "4")


@pytest.mark.parametrize("name", ["CpuUtilized Average", "avg(MemoryUtilized)"])
def test_the_average_over_tasks_is_not_what_all_use(column, name):
    with pytest.raises(InputError, match="one value per task"):
        column(name, "4")


@pytest.mark.parametrize(
    ("label", "query"),
    [
        ("CPUUtilization p99", "m1"),
        ("CPUUtilization", "cpu_p99"),
        ("CPUUtilization", "cpu_min"),
        ("CPUUtilization SampleCount", "m1"),
        ("CPUUtilization tm99", "m1"),
        ("EC2 CPUUtilization", "m1"),
        ("AWS/RDS CPUUtilization shop", "cpu"),
    ],
)
def test_another_statistic_or_another_service_is_no_average_of_the_service(metrics, label, query):
    assert metrics((label, query)) == {"tasks": 2}


def test_the_id_of_a_query_tells_the_statistic_that_its_label_leaves_out(metrics):
    found = metrics(("CPUUtilization", "cpu_avg"), ("CPUUtilization", "cpu_max"))
    assert found == {"tasks": 2, "cpu_percent": 40, "cpu_percent_maximum": 40}


def test_counts_of_samples_beside_the_average_are_left_out(tmp_path):
    points = [{"Timestamp": at, "Average": 40, "SampleCount": 120, "Unit": "Percent"} for at in TIMES]
    (path := tmp_path / "load.json").write_text(json.dumps({"Label": "CPUUtilization", "Datapoints": points}))
    assert means(path) == {("load", "cpu_percent"): 40}


@pytest.mark.parametrize("rows", ["Statistic,Average", "Namespace,ECS/ContainerInsights\nStatistic,Average"])
def test_below_labels_too_the_average_over_tasks_is_refused(tmp_path, rows):
    path = tmp_path / "load.csv"
    path.write_text(f"Label,CpuUtilized\n{rows}\n" + "".join(f"{at},40\n" for at in TIMES))
    with pytest.raises(InputError, match="one value per task"):
        means(path)


def test_below_labels_too_another_namespace_is_not_read(tmp_path):
    path = tmp_path / "load.csv"
    labels = "Label,CPUUtilization,CPUUtilization\nNamespace,AWS/EC2,AWS/ECS\nStatistic,Average,Average\n"
    path.write_text(labels + "".join(f"{at},90,40\n" for at in TIMES))
    assert means(path) == {("load", "cpu_percent"): 40}


@pytest.mark.parametrize(("cells", "units"), [(("1.5", "0.5"), 1024), (("1.25", "1"), 1152)])
def test_cores_that_vary_and_are_no_whole_number_are_in_use(tmp_path, cells, units):
    path = tmp_path / "load.csv"
    path.write_text("timestamp,cpu_cores\n" + "".join(f"{at},{cells[i % 2]}\n" for i, at in enumerate(TIMES)))
    assert means(path) == {("load", "cpu_units"): units}


@pytest.mark.parametrize("sizes", [{"web": (0.5, 0.5), "api": (0.25, 0.25)}, {"web": (0.5, 0.25)}])
def test_cores_that_differ_between_services_or_change_once_are_sizes(tmp_path, sizes):
    path = tmp_path / "load.csv"
    rows = [f"{at},{name},4,{size[i > 20]}\n" for i, at in enumerate(TIMES) for name, size in sizes.items()]
    path.write_text("timestamp,service,tasks,cpu_cores\n" + "".join(rows))
    with pytest.raises(InputError, match="nothing says in which unit the column 'cpu_cores' is"):
        means(path)


def test_cores_in_use_of_several_services_are_each_their_own(tmp_path):
    path = tmp_path / "load.csv"
    rows = [
        f"{at};{name};{cells[i % 2]}\n"
        for i, at in enumerate(TIMES)
        for name, cells in (("web", ("1,5", "0,5")), ("api", "12"))
    ]
    path.write_text("timestamp;service;cpu_cores\n" + "".join(rows))
    assert means(path) == {("web", "cpu_units"): 1024, ("api", "cpu_units"): 1536}


def test_a_unit_after_in_is_no_service(column):
    with pytest.raises(InputError, match="no column with a measure of load"):
        column("requests in min", "400")


@pytest.mark.parametrize("name", ["ecs_service_name", "ecs_service", "ServiceName"])
def test_the_column_of_services_may_name_ecs(tmp_path, name):
    path = tmp_path / "load.csv"
    path.write_text(f"timestamp,{name},tasks\n" + "".join(f"{at},web,4\n{at},api,2\n" for at in TIMES))
    assert means(path) == {("web", "tasks"): 4, ("api", "tasks"): 2}


def test_a_service_whose_name_is_like_a_trimmed_sum_is_one(tmp_path):
    path = tmp_path / "load.csv"
    path.write_text("timestamp,ts01_tasks,web_tasks\n" + "".join(f"{at},4,2\n" for at in TIMES))
    assert means(path) == {("ts01", "tasks"): 4, ("web", "tasks"): 2}


@pytest.mark.parametrize("cells", [("4", "4"), ("2", "4")])
def test_whole_cores_may_be_a_size(tmp_path, cells):
    path = tmp_path / "load.csv"
    path.write_text("timestamp,cpu_cores\n" + "".join(f"{at},{cells[i % 2]}\n" for i, at in enumerate(TIMES)))
    with pytest.raises(InputError, match=r"nothing says in which unit the column 'cpu_cores' is.*--column"):
        means(path)
