"""Exports of CloudWatch in the forms that its consoles and its command line write, and answers put into one file."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta

import pytest

from advisor.errors import InputError
from advisor.sources.inspection import inspect_load

START = datetime(2026, 3, 2, tzinfo=UTC)
TIMES = [(START + timedelta(hours=hour)).isoformat() for hour in range(48)]
ROWS = "".join(f"{at},40,2\n" for at in TIMES)


@pytest.fixture
def read(tmp_path):
    def means(text, name="load.json"):
        (path := tmp_path / name).write_text(text)
        inspection = inspect_load(path)
        found = {(each.service, each.measure): (each.mean, each.n_known) for each in inspection.measures}
        return found, "\n".join(inspection.notes)

    return means


def page(first, last, label="RunningTaskCount", value=4, token=None):
    times, values = TIMES[first:last][::-1], [value] * (last - first)
    result = {"Id": "m1", "Label": label, "Timestamps": times, "Values": values}
    return {"MetricDataResults": [result], **({"NextToken": token} if token else {})}


def statistics(first, last, value=4):
    points = [{"Timestamp": at, "Average": value, "Unit": "Count"} for at in TIMES[first:last]]
    return {"Label": "RunningTaskCount", "Datapoints": points}


PAGES = [page(24, 48, token="next"), page(0, 24)]


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(json.dumps(one, indent=2) for one in PAGES),
        "".join(map(json.dumps, PAGES)),
        "\n".join(map(json.dumps, PAGES)),
        json.dumps(PAGES),
        json.dumps(statistics(0, 24)) + json.dumps(statistics(24, 48), indent=1),
    ],
    ids=["indented", "without a break", "a line each", "a list", "statistics"],
)
def test_pages_appended_to_one_file_are_one_load(read, text):
    found, notes = read(text)
    assert found == {("load", "tasks"): (4, 48)}
    assert "2 answers in one file, put together" in notes
    assert "NextToken" not in notes


def test_a_last_page_that_names_another_is_said(read):
    assert "it is one page of several" in read(json.dumps([page(24, 48, token="a"), page(0, 24, token="b")]))[1]


def test_answers_of_one_label_for_the_same_times_may_be_two_services(read):
    with pytest.raises(InputError, match=r"in several answers of the file, for 24 times twice: these may be two services"):
        read(json.dumps(statistics(0, 48)) + json.dumps(statistics(24, 48, value=9)))


def test_json_cut_in_the_second_answer_is_refused(read):
    with pytest.raises(InputError, match="not valid JSON"):
        read(json.dumps(PAGES[0]) + json.dumps(PAGES[1])[:-9])


def test_services_in_the_labels_of_an_answer_are_told_apart(read):
    (web,), (api,) = (
        page(0, 48, f"shop {name} RunningTaskCount", n)["MetricDataResults"] for name, n in (("web", 4), ("api", 2))
    )
    found, notes = read(json.dumps({"MetricDataResults": [web, {**api, "Id": "m2"}]}))
    assert found == {("web", "tasks"): (4, 48), ("api", "tasks"): (2, 48)}
    assert "read as tasks of the service 'api'" in notes


def answer(*labels):
    results = [page(0, 48, label)["MetricDataResults"][0] | {"Id": f"m{i}"} for i, label in enumerate(labels)]
    return json.dumps({"MetricDataResults": results})


def test_the_load_balancer_of_a_service_is_no_service_of_its_own(read):
    found, _ = read(answer("web CPUUtilization", "app/shop/5f RequestCount", "RunningTaskCount"))
    assert found.keys() == {("load", "cpu_percent"), ("load", "requests_per_second"), ("load", "tasks")}
    found, _ = read(answer("targetgroup/web/5f RequestCount", "targetgroup/api/7a RequestCount"))
    assert found.keys() == {("web", "requests_per_second"), ("api", "requests_per_second")}


def test_words_that_are_no_service_stand_beside_its_name(read):
    found, _ = read(answer("web service CPUUtilization", "web RunningTaskCount", "api ECS service CPUUtilization"))
    assert found.keys() == {("web", "cpu_percent"), ("web", "tasks"), ("api", "cpu_percent")}


def test_a_word_after_the_name_of_a_service_may_be_a_part_of_it(read):
    with pytest.raises(InputError, match="names 'web': this may be a part of it, or the service 'primary'"):
        read(answer("web RunningTaskCount", "web primary CPUUtilization"))


@pytest.mark.parametrize("label", ["RunningTaskCount", "app/shop/5f RequestCount"])
def test_a_metric_without_a_name_is_not_that_of_every_service(read, label):
    with pytest.raises(InputError, match="name the services api, web, and this one names none of them"):
        read(answer("web CPUUtilization", "api CPUUtilization", label))


@pytest.mark.parametrize(
    "labels",
    [
        "Full label,CPUUtilization,RunningTaskCount\nStatistic,Average,Average\nPeriod,3600,3600\nUnit,Percent,Count\n",
        "Label,CPUUtilization,RunningTaskCount\nStatistic,Average,Average\n,,\n",
        "Label,CPUUtilization,RunningTaskCount\nNamespace,AWS/ECS,ECS/ContainerInsights\nServiceName,load,load\n\n",
    ],
)
def test_rows_of_labels_of_the_console(read, labels):
    assert read(labels + ROWS, "load.csv")[0] == {("load", "cpu_percent"): (40, 48), ("load", "tasks"): (2, 48)}


def test_averages_and_maxima_of_two_services_are_not_one_service(read):
    labels = "Full label,web CPUUtilization,api CPUUtilization\nStatistic,Average,Maximum\n"
    assert read(labels + ROWS, "load.csv")[0] == {("web", "cpu_percent"): (40, 48), ("api", "cpu_percent_maximum"): (2, 48)}


def events():
    for minute in range(60):
        at = START + timedelta(minutes=minute)
        for task in "ab":
            event = {"Type": "Task", "ServiceName": "web", "TaskId": task, "Timestamp": round(at.timestamp() * 1000)}
            yield f"{at:%Y-%m-%d %H:%M:%S}.104", {**event, "CpuUtilized": 100.5, "MemoryUtilized": 300}


def as_csv(*columns, events=events):
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    for at, event in events():
        cells = {"@timestamp": at, "@message": json.dumps(event), "@logStream": "x"}
        writer.writerow([cells[name] for name in columns])
    return text.getvalue()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("logs.csv", as_csv("@timestamp", "@message")),
        ("logs.csv", as_csv("@message")),
        ("logs.csv", as_csv("@logStream", "@message", "@timestamp")),
        ("logs.json", json.dumps([{"@timestamp": at, "@message": event} for at, event in events()])),
        ("logs.json", json.dumps([{"@timestamp": at, "@message": json.dumps(event)} for at, event in events()])),
        ("logs.json", "\n".join(json.dumps({"@timestamp": at, "@message": json.dumps(event)}) for at, event in events())),
    ],
    ids=["csv", "csv of messages", "csv with a stream", "objects", "texts", "a line each"],
)
def test_events_exported_from_logs_insights(read, name, text):
    # by hand: two tasks of 100.5 units and 300 MiB
    assert read(text, name)[0] == {
        ("web", "cpu_units"): (201, 60),
        ("web", "memory_mib"): (600, 60),
        ("web", "tasks"): (2, 60),
    }


def test_an_event_that_was_cut_off_is_refused(read):
    with pytest.raises(InputError, match="line 122, column @message: the row has no event"):
        read(as_csv("@timestamp", "@message") + "2026-03-02T01:00:00Z\n", "logs.csv")


def test_as_many_events_as_a_query_gives_may_not_be_all(read):
    lines = [json.dumps(event) for _, event in events()]
    assert "others may be missing" in read("\n".join([*lines, *(lines * 8)[:880]]), "logs.jsonl")[1]
