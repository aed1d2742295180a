"""Input that cannot be used: one message that names file, line, column and fix, and never another exception."""

import gzip
import json

import pytest

from advisor.errors import InputError
from advisor.sources import read_workload

CSV = {"region": "us-east-1", "cpu": 512, "memory": 1024, "requests_per_task": 40.0}
HOURS = "timestamp,requests_per_second\n2024-01-01T00:00Z,1\n2024-01-01T01:00Z,2\n"


def csv(*rows: str, header: str = "timestamp,requests_per_second") -> str:
    return "\n".join([header, *rows, ""])


BAD_CSV = {
    "empty file": ("", ["load.csv", "the file is empty", "Export the load again"]),
    "blank lines only": ("\n \n", ["load.csv", "the file is empty"]),
    "header only": (csv(), ["load.csv, line 1", "no row below it", "two weeks"]),
    "no header": ("2024-01-01T00:00Z,5\n2024-01-01T01:00Z,6\n", ["line 1", "not a header but data", "Add a header"]),
    "no time column": (csv("1,2", header="a,requests"), ["line 1", "no time column among a, requests", "--column NAME=time"]),
    "nothing measured": (
        csv("2024-01-01T00:00Z,2", header="timestamp,value"),
        ["line 1", "no column with a measure of load among timestamp, value", "requests_per_second", "--column NAME=MEANING"],
    ),
    "a unit that is not the meaning's": (
        csv("2024-01-01T00:00Z,2", header="timestamp,memory (pages)"),
        ["line 1", "no column with a measure"],
    ),
    "text in a number": (
        csv("2024-01-01T00:00Z,1", "2024-01-01T01:00Z,many"),
        ["load.csv, line 3, column requests_per_second", "'many' is not a number", "Write a plain number"],
    ),
    "a formula": (csv('2024-01-01T00:00Z,"=HYPERLINK(""http://x"")"'), ["line 2", "=HYPERLINK", "is not a number"]),
    "underscores in a number": (csv("2024-01-01T00:00Z,1_000"), ["line 2", "'1_000' is not a number"]),
    "a thousands separator": (csv('2024-01-01T00:00Z,"1,000"'), ["line 2", "'1,000' is not a number", "12.5"]),
    "ten thousand letters": (csv("2024-01-01T00:00Z," + "x" * 10_000), ["line 2", "xxx...", "is not a number"]),
    "a negative number": (
        csv("2024-01-01T00:00Z,-1"),
        ["line 2, column requests_per_second", "'-1' is negative", "plain number"],
    ),
    "infinity": (csv("2024-01-01T00:00Z,inf"), ["line 2, column requests_per_second", "'inf' is not finite"]),
    "a number beyond all floats": (csv("2024-01-01T00:00Z,1e999"), ["line 2", "not finite"]),
    "a number beyond all loads": (csv("2024-01-01T00:00Z,1e300"), ["line 2", "'1e300' is too large; a load cannot be"]),
    "Latin-1": (
        csv("2024-01-01T00:00Z,1", "é,2").encode("latin-1"),
        ["load.csv, line 3, column timestamp", "'é' is not a date and time"],
    ),
    "a byte of no encoding": (csv("2024-01-01T00:00Z,1").encode() + b"\x81,2\n", ["line 3", "byte 0x81 is neither UTF-8"]),
    "a broken gzip": (b"\x1f\x8b\x08\x00rest", ["load.csv", "gzip data end too early", "Copy or export it again"]),
    "a workbook": (b"PK\x03\x04rest", ["load.csv", "Excel workbook", "save it as CSV"]),
    "a missing cell": (csv("2024-01-01T00:00Z"), ["line 2", "the row has 1 cell, the header has 2"]),
    "a decimal comma between commas": (csv("2024-01-01T00:00Z,1,5"), ["line 2", "3 cells", "decimal comma"]),
    "an open quotation mark": (csv('2024-01-01T00:00Z,"1'), ["line 2", "not a readable CSV row", "quotation marks"]),
    "a broken time": (csv("yesterday,1"), ["line 2, column timestamp", "'yesterday' is not a date and time", "ISO 8601"]),
    "a time that no calendar has": (csv("2023-02-29T00:00Z,1"), ["line 2", "2023-02-29", "is not a date and time"]),
    "a missing time": (csv("2024-01-01T00:00Z,1", ",2"), ["line 3, column timestamp", "the time is missing"]),
    "day or month first": (
        csv("03/04/2024 00:00,1", "03/04/2024 01:00,1"),
        ["line 2, column timestamp", "2024-04-03 (day first) or 2024-03-04 (month first)", "Say --day-first or --month-first"],
    ),
    "day and month in both orders": (
        csv("13/04/2024 00:00,1", "04/14/2024 01:00,1"),
        ["line 3", "'04/14/2024 01:00': day and month stand in another order"],
    ),
    "zoned and zoneless times": (
        csv("2024-01-01T00:00Z,1", "2024-01-01T01:00,1"),
        ["line 3, column timestamp", "one has a UTC offset, the other has none", "Give every time its offset"],
    ),
    "seconds from the start": (csv("0,1", "3600,1"), ["line 2, column timestamp", "no time since 1970"]),
    "epoch seconds and milliseconds": (
        csv("1704067200,1", "1704070800000,1"),
        ["line 3, column timestamp", "'1704070800000' is not a time in epoch s"],
    ),
    "epoch and text": (csv("1704067200,1", "later,1"), ["line 3, column timestamp", "'later' is not a number of seconds"]),
    "a single row": (csv("2024-01-01T00:00Z,1"), ["line 2", "a single time stamp", "at least two"]),
    "daily values": (
        csv("2024-01-01,1", "2024-01-02,1", "2024-01-03,1"),
        ["load.csv, line 2", "1 d apart", "one hour or less"],
    ),
    "seven minutes": (
        csv("2024-01-01T00:00Z,1", "2024-01-01T00:07Z,1", "2024-01-01T00:14Z,1"),
        ["line 2", "7 min apart: need a divisor of 3600 s", "60, 300 or 3600"],
    ),
    "ten seconds": (csv("2024-01-01T00:00:00Z,1", "2024-01-01T00:00:10Z,1"), ["10 s apart: need a divisor of 3600 s"]),
    "a stamp a century away": (
        csv("2024-01-01T00:00:00Z,1", "2024-01-01T00:00:20Z,1", "2124-01-01T00:00:20Z,1"),
        ["line 4", "steps of 20 s", "Check the time stamp"],
    ),
    "two columns of one meaning": (
        csv("2024-01-01T00:00Z,1,2", header="timestamp,requests,RequestCount"),
        ["line 1, column RequestCount", "'requests' and 'RequestCount' both read as requests", "=ignore"],
    ),
    "a row of no service": (
        csv("2024-01-01T00:00Z,web,1", "2024-01-01T01:00Z,,1", header="timestamp,service,requests"),
        ["line 3, column service", "which service", "Fill in"],
    ),
    "a service named like a path": (
        csv("2024-01-01T00:00Z,web,1", "2024-01-01T01:00Z,../../etc,1", header="timestamp,service,requests"),
        ["load.csv, line 3, column service", "'../../etc' is not a name that ECS accepts", "letters, digits"],
    ),
    "a service named like markup": (
        csv("2024-01-01T00:00Z,<script>,1", header="timestamp,service,requests"),
        ["line 2, column service", "'<script>' is not a name that ECS accepts"],
    ),
    "nothing known": (csv("2024-01-01T00:00Z,", "2024-01-01T01:00Z,NA"), ["line 1", "no step with a known load"]),
    "a figure per request without requests": (
        csv("2024-01-01T00:00Z,1", header="timestamp,tasks") + "2024-01-01T01:00Z,1\n",
        [
            "load.csv",
            "--requests-per-task is given for load",
            "no column requests_per_second or requests",
            "Leave --requests-per-task out",
        ],
    ),
}


@pytest.mark.parametrize(("content", "fragments"), BAD_CSV.values(), ids=BAD_CSV.keys())
def test_a_bad_csv_gets_one_message_with_place_and_fix(content, fragments, tmp_path):
    path = tmp_path / "load.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError) as caught:
        read_workload(path, **CSV)
    assert_message(caught.value, [str(path), *fragments])


WITHOUT_FIGURE = {
    "a percentage that no task reaches": (
        "timestamp,cpu_percent,tasks\n2024-01-01T00:00Z,50,1\n2024-01-01T01:00Z,5000000,2\n",
        ["load.csv, column cpu_percent", "5e+06 percent (value 2 of the column) is over 1000 times", "cpu_percent=ignore"],
    ),
    "CPU percent without a count": (
        "timestamp,CPUUtilization\n2024-01-01T00:00Z,50\n2024-01-01T01:00Z,50\n",
        ["load.csv, line 1, column CPUUtilization", "nothing says of how many tasks", "Add a column `tasks`", "desired_count"],
    ),
    "the maximum of CPU without its average": (
        "timestamp,cpu_percent_maximum,tasks\n2024-01-01T00:00Z,50,2\n2024-01-01T01:00Z,50,2\n",
        ["load.csv, line 1, column cpu_percent_maximum", "without its average", "Add the average"],
    ),
    "requests without a figure": (
        HOURS,
        [
            "load.csv, line 1, column requests_per_second",
            "nothing says what one takes",
            "--requests-per-task",
            "--cpu-ms-per-request",
        ],
    ),
    "memory alone": (
        "timestamp,memory_percent\n2024-01-01T00:00Z,50\n2024-01-01T01:00Z,50\n",
        ["line 1", "has memory, but neither CPU, requests nor tasks"],
    ),
}


@pytest.mark.parametrize(("content", "fragments"), WITHOUT_FIGURE.values(), ids=WITHOUT_FIGURE.keys())
def test_a_form_of_load_without_its_other_half_is_refused(content, fragments, tmp_path):
    path = tmp_path / "load.csv"
    path.write_text(content)
    with pytest.raises(InputError) as caught:
        read_workload(path, **CSV | {"requests_per_task": None})
    assert_message(caught.value, fragments)


BAD_OPTIONS = {
    "no Region": ({"region": None}, ["load.csv", "Region is not given", "--region eu-west-1"]),
    "an odd Region": ({"region": "Frankfurt"}, ["'Frankfurt' is not an AWS Region", "eu-west-1"]),
    "no size": ({"cpu": None}, ["load.csv", "how large its tasks are", "--cpu 512 --memory 1024"]),
    "vCPU or units": ({"cpu": 2}, ["2 can mean 2 vCPU or 2 units", 'Write "2 vCPU" or "2 units"']),
    "GB or MiB": ({"memory": 4}, ["4 can mean 4 GB or 4 MiB"]),
    "no size at all": ({"memory": "much"}, ["'much' is not a size", "MiB"]),
    "a broken size": ({"cpu": "0.3 vCPU"}, ["'0.3 vCPU' is not between 1 and", "CPU units"]),
    "a negative size": ({"cpu": -512}, ["-512 is not a size"]),
    "an unknown zone": ({"time_zone": "Mars/Olympus"}, ["no time zone 'Mars/Olympus'", "Europe/Berlin"]),
    "a zone that is a path": ({"time_zone": "../../etc/passwd"}, ["no time zone"]),
    "an unknown meaning": ({"columns": {"x": "colour"}}, ["'x'", "'colour'", "requests_per_second"]),
    "an unknown column": (
        {"columns": {"x": "tasks"}},
        ["'x'", "no load file has it", "The files have requests_per_second, timestamp"],
    ),
    "two figures": ({"cpu_ms_per_request": 3.0}, ["both given", "Keep one"]),
    "a figure of zero": ({"requests_per_task": 0.0}, ["--requests-per-task 0.0 is not above zero"]),
}


@pytest.mark.parametrize(("options", "fragments"), BAD_OPTIONS.values(), ids=BAD_OPTIONS.keys())
def test_a_bad_option_gets_one_message_with_the_fix(options, fragments, tmp_path):
    path = tmp_path / "load.csv"
    path.write_text(HOURS)
    with pytest.raises(InputError) as caught:
        read_workload(path, **CSV | options)
    assert_message(caught.value, fragments)


WORKLOAD = """\
cluster: shop
region: us-east-1
services:
  - name: web
    task: {cpu: 512, memory: 1024}
    load: {file: web.csv, requests_per_task: 40}
"""


def workload(**services: str) -> str:
    """The workload with lines of its only service replaced or added."""
    lines = {"name": "web", "task": "{cpu: 512, memory: 1024}", "load": "{file: web.csv, requests_per_task: 40}"} | services
    entries = "\n    ".join(f"{key}: {value}" for key, value in lines.items() if value)
    return f"cluster: shop\nregion: us-east-1\nservices:\n  - {entries}\n"


def bomb(levels: int) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, levels)]
    return "\n".join(lines) + "\n"


BAD_YAML = {
    "empty": ("", ["workload.yaml", "the file is empty", "cluster:"]),
    "a list": ("- a\n", ["workload.yaml, line 1, column 1", "expected keys with values"]),
    "broken syntax": ("cluster: [shop\nregion: x\n", ["workload.yaml, line 2", "not valid YAML", "Check this line"]),
    "tabs": ("cluster: shop\nservices:\n\t- name: web\n", ["line 3", "not valid YAML", "spaces, not with tabs"]),
    "a control character": ("cluster: \x01\n", ["line 1", "not valid YAML", "control characters"]),
    "a second document": (WORKLOAD + "---\ncluster: b\n", ["line 7", "a second YAML document", "one document"]),
    "a Python tag": (
        "cluster: !!python/object/apply:os.system [ls]\n",
        ["line 1, column 10", "the YAML tag 'tag:yaml.org,2002:python/object/apply:os.system' is not supported"],
    ),
    "an alias bomb": (bomb(9), ["workload.yaml, line", "aliases blow the file up", "without aliases"]),
    "deep nesting": ("a: " + "[" * 200, ["line 1", "nested more than 40 levels"]),
    "an alias of nothing": ("cluster: *shop\n", ["line 1, column 10", "no anchor", "Write the value out"]),
    "a repeated key": (
        WORKLOAD + "region: eu-west-1\n",
        ["line 7, column 1", "'region' stands twice, first in line 2", "Keep one"],
    ),
    "a list as key": ("[a, b]: c\n", ["line 1", "where a key belongs"]),
    "an unknown key": (WORKLOAD + "servcies: []\n", ["line 7, column 1", "unknown key `servcies`", "Did you mean `services`?"]),
    "an unknown key below": (
        workload(scaling="{maximum: 5}"),
        ["line 7, column 15", "unknown key `maximum` in `services[0].scaling`", "Known here: min, max, target_cpu"],
    ),
    "several problems": (
        "cluster: shop\nregon: x\nservices: 5\n",
        ["line 2", "unknown key `regon`", "1 more after this", "Did you mean `region`?"],
    ),
    "no Region": (WORKLOAD.replace("region: us-east-1\n", ""), ["`region` is missing", "Add `region: us-east-1`"]),
    "an odd Region": (WORKLOAD.replace("us-east-1", "Virginia"), ["line 2, column 9", "'Virginia' is not an AWS Region"]),
    "no cluster": (WORKLOAD.replace("cluster: shop\n", ""), ["`cluster` is missing", "Add `cluster: shop`"]),
    "a cluster named like a path": (WORKLOAD.replace("shop", "../shop"), ["line 1, column 10", "'../shop' is not a name"]),
    "no services": (
        "cluster: shop\nregion: us-east-1\nservices: []\n",
        ["line 3, column 11", "`services`: expected a list that is not empty"],
    ),
    "services of nothing": ("cluster: shop\nregion: us-east-1\nservices:\n", ["line 3", "expected a list, got nothing"]),
    "a service without a load": (workload(load=""), ["line 4", "`services[0].load` is missing", "Add `load: {file: web.csv}`"]),
    "an empty load": (workload(load="{}"), ["line 6", "the load is not given", "tasks: 60"]),
    "two loads": (workload(load="{file: web.csv, tasks: 3}"), ["line 6", "given by file and tasks"]),
    "two figures": (
        workload(load="{file: web.csv, requests_per_task: 1, cpu_ms_per_request: 2}"),
        ["line 6", "both given", "Keep one"],
    ),
    "a figure with a constant": (workload(load="{tasks: 3, requests_per_task: 1}"), ["line 6", "no figure per request"]),
    "a negative figure": (
        workload(load="{file: web.csv, requests_per_task: -1}"),
        ["line 6, column 46", "`services[0].load.requests_per_task`: expected a number above 0, got -1"],
    ),
    "a figure without its column": (
        workload(load="{file: tasks.csv, requests_per_task: 40}"),
        ["workload.yaml, line 6, column 48", "requests_per_task is given for web", "tasks.csv", "Leave requests_per_task out"],
    ),
    "requests without a figure": (
        workload(load="{file: web.csv}"),
        ["web.csv, line 1, column requests_per_second", "requests_per_task", "cpu_ms_per_request"],
    ),
    "CPU percent without a count": (
        workload(load="{file: cpu.csv}"),
        [
            "cpu.csv, line 1, column cpu_percent",
            "web has CPU utilization in percent",
            "present: {launch_type: EC2, desired_count: 6}",
        ],
    ),
    "CPU percent of no tasks": (
        workload(load="{file: cpu.csv}", present="{launch_type: EC2, desired_count: 0}"),
        ["cpu.csv, line 1", "nothing says of how many tasks"],
    ),
    "a missing load file": (
        workload(load="{file: nowhere.csv, requests_per_task: 40}"),
        ["workload.yaml, line 6, column 18", "nowhere.csv", "does not exist", "workload file's folder"],
    ),
    "a folder as load file": (workload(load="{file: ., requests_per_task: 40}"), ["workload.yaml, line 6", "is a folder"]),
    "a bad cell in a load file": (
        workload(load="{file: bad.csv, requests_per_task: 40}"),
        ["bad.csv, line 3, column requests_per_second", "'x' is not a number"],
    ),
    "a service that the file does not hold": (
        workload(load="{file: long.csv, requests_per_task: 40}"),
        ["long.csv, line 1, column service", "no row belongs to the service 'web'", "Did you mean 'webs'?"],
    ),
    "no size": (workload(task="{cpu: 512}"), ["line 5", "the size of the task is not given", "task: {cpu: 512, memory: 1024}"]),
    "vCPU as units": (workload(task="{cpu: 2, memory: 4096}"), ["line 5, column 17", "2 can mean 2 vCPU or 2 units"]),
    "a fraction of a vCPU": (workload(task="{cpu: 0.5, memory: 4096}"), ["line 5, column 17", "0.5 can mean 0.5 vCPU"]),
    "two sizes": (workload(task="{cpu: 512, file: td.json}"), ["line 5", "the size is given twice"]),
    "a missing task definition": (
        workload(task="{file: td.json}"),
        ["workload.yaml, line 5, column 18", "td.json", "does not exist"],
    ),
    "a task definition that is none": (workload(task="{file: web.csv}"), ["web.csv, line 1, column 1", "not valid JSON"]),
    "Windows": (
        workload(task="{cpu: 512, memory: 1024, os: WINDOWS_SERVER_2022_CORE}"),
        ["line 5", "not supported yet", "LINUX"],
    ),
    "too little storage": (
        workload(task="{cpu: 512, memory: 1024, ephemeral_storage: 10}"),
        ["line 5", "ephemeral_storage`: expected a number from 20, got 10"],
    ),
    "a name for two": (
        WORKLOAD + WORKLOAD.split("services:\n")[1],
        ["line 7, column 11", "'web' stands twice, first in line 4", "its own name"],
    ),
    "a name like a path": (workload(name="../web"), ["line 4, column 11", "'../web' is not a name that ECS accepts"]),
    "a name of 300 letters": (workload(name="w" * 300), ["line 4", "is not a name that ECS accepts", "at most 255"]),
    "a name with a newline": (workload(name='"we\\nb"'), ["line 4", r"'we\nb' is not a name"]),
    "a number as name": (workload(name="5"), ["line 4", "expected a text, got 5", 'Put it in quotation marks: "5"']),
    "yes as truth": (workload(interruptible="yes"), ["line 7", "expected true or false, got 'yes'", "Write true"]),
    "a port beyond all": (workload(port="70000"), ["line 7, column 11", "expected a number up to 65,535, got 70000"]),
    "an unknown architecture": (workload(architectures="[ARM]"), ["line 7", "expected one of X86_64, ARM64, got 'ARM'"]),
    "an unknown launch type": (
        workload(present="{launch_type: EXTERNAL}"),
        ["line 7", "expected one of EC2, FARGATE, MANAGED_INSTANCES, got 'EXTERNAL'"],
    ),
    "bounds the wrong way round": (workload(scaling="{min: 5, max: 2}"), ["line 7", "max 2 is below min 5"]),
    "a target beyond everything": (workload(scaling="{target_cpu: 160}"), ["line 7", "expected a number up to 100, got 160"]),
    "half a task": (workload(scaling="{min: 1.5}"), ["line 7", "expected a whole number, got 1.5"]),
    "commitments": (
        WORKLOAD + "commitments: [{kind: compute_savings_plan, usd_per_hour: 1}]\n",
        ["line 7, column 14", "not supported yet", "commitments: []"],
    ),
    "terms": (
        WORKLOAD + "constraints: {terms: [none, one_year]}\n",
        ["line 7, column 22", "`constraints.terms`: commitment terms are not supported yet", "terms: [none]"],
    ),
    "no zone": (WORKLOAD + "constraints: {zones: 0}\n", ["line 7", "`constraints.zones`: expected a number from 1, got 0"]),
    "instances that are none": (
        WORKLOAD + "present: {instances: {large: 6}}\n",
        ["line 7, column 30", "expected a name such as m7g.large"],
    ),
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "web.csv").write_text(HOURS)
    (tmp_path / "bad.csv").write_text(HOURS.replace(",2", ",x"))
    (tmp_path / "tasks.csv").write_text("timestamp,tasks\n2024-01-01T00:00Z,1\n2024-01-01T01:00Z,2\n")
    (tmp_path / "cpu.csv").write_text("timestamp,cpu_percent\n2024-01-01T00:00Z,10\n2024-01-01T01:00Z,20\n")
    (tmp_path / "long.csv").write_text("timestamp,service,requests\n2024-01-01T00:00Z,webs,1\n2024-01-01T01:00Z,webs,2\n")
    return tmp_path


@pytest.mark.parametrize(("content", "fragments"), BAD_YAML.values(), ids=BAD_YAML.keys())
def test_a_bad_workload_file_gets_one_message_with_place_and_fix(content, fragments, folder):
    path = folder / "workload.yaml"
    path.write_text(content)
    with pytest.raises(InputError) as caught:
        read_workload(path)
    assert_message(caught.value, fragments)


def metric(**replaced):
    values = {
        "Id": "m1",
        "Label": "RequestCount",
        "Timestamps": ["2024-01-01T00:00:00Z", "2024-01-01T01:00:00Z"],
        "Values": [1.0, 2.0],
        "StatusCode": "Complete",
    }
    return values | replaced


BAD_JSON = {
    "empty": ("", ["load.json", "the file is empty", "get-metric-data --output json"]),
    "cut short": ('{"MetricDataResults": [', ["load.json, line 1, column 24", "not valid JSON"]),
    "another answer": ('{"services": []}', ["neither MetricDataResults nor Datapoints among its keys (services)"]),
    "a list": ("[]", ["not a JSON object"]),
    "no results": ('{"MetricDataResults": []}', ["no metric of load among none"]),
    "results that are none": ('{"MetricDataResults": "x"}', ["column MetricDataResults", "expected a list, got 'x'"]),
    "NaN": ('{"MetricDataResults": [NaN]}', ["NaN is not a value that CloudWatch gives"]),
    "nesting without end": ("[" * 100_000, ["load.json"]),
    "unequal lengths": (
        json.dumps({"MetricDataResults": [metric(Values=[1.0])]}),
        ["load.json, column MetricDataResults[0]", "2 Timestamps, but 1 Values"],
    ),
    "a metric of something else": (
        json.dumps({"MetricDataResults": [metric(Label="Avg Total IOPS")]}),
        ["load.json", "no metric of load among 'Avg Total IOPS'", "--column LABEL=MEANING"],
    ),
    "no data points": (
        json.dumps({"MetricDataResults": [metric(Timestamps=[], Values=[])]}),
        ["load.json", "no data points", "Check dimensions, Region, period"],
    ),
    "a negative value": (
        json.dumps({"MetricDataResults": [metric(Values=[1.0, -2.0])]}),
        ["column MetricDataResults[0].Values[1]", "-2.0 is negative"],
    ),
    "a text as value": (
        json.dumps({"MetricDataResults": [metric(Values=[1.0, "2"])]}),
        ["column MetricDataResults[0].Values[1]", "'2' is not a number"],
    ),
    "a value beyond all floats": (
        json.dumps({"MetricDataResults": [metric()]}).replace("2.0", "1e999"),
        ["column MetricDataResults[0].Values[1]", "too large"],
    ),
    "a broken time": (
        json.dumps({"MetricDataResults": [metric(Timestamps=["2024-01-01T00:00:00Z", "soon"])]}),
        ["column MetricDataResults[0], data point 2", "'soon' is not a date and time"],
    ),
    "two metrics of one meaning": (
        json.dumps({"MetricDataResults": [metric(), metric(Id="m2")]}),
        ["several metrics read as requests", "(Id 'm2')", "service's name (load)"],
    ),
    "a single point": (
        json.dumps({"MetricDataResults": [metric(Timestamps=["2024-01-01T00:00:00Z"], Values=[1.0])]}),
        ["a single time stamp"],
    ),
}


@pytest.mark.parametrize(("content", "fragments"), BAD_JSON.values(), ids=BAD_JSON.keys())
def test_bad_cloudwatch_json_gets_one_message_with_place_and_fix(content, fragments, tmp_path):
    path = tmp_path / "load.json"
    path.write_text(content)
    with pytest.raises(InputError) as caught:
        read_workload(path, **CSV)
    assert_message(caught.value, fragments)


BAD_TASK_DEFINITIONS = {
    "not an object": ("[]", ["td.json", "not a task definition"]),
    "no containers": ('{"cpu": "256"}', ["no containerDefinitions among cpu", "describe-task-definition"]),
    "no size": ('{"containerDefinitions": [{"name": "a"}]}', ["column cpu", "neither the task nor its containers reserve cpu"]),
    "no memory": (
        '{"containerDefinitions": [{"cpu": 10}]}',
        ["column memory", "reserve memory", "task: {cpu: 512, memory: 1024}"],
    ),
    "an odd size": ('{"cpu": "lots", "containerDefinitions": []}', ["column cpu", "'lots' is not a size"]),
    "an odd container": (
        '{"containerDefinitions": [{"name": "a", "cpu": "x"}]}',
        ["column cpu", "container 'a'", "whole number"],
    ),
    "nesting without end": ("[" * 100_000, ["td.json"]),
    "containers that are none": ('{"containerDefinitions": [5]}', ["column containerDefinitions", "is not an object"]),
    "odd storage": (
        '{"cpu": "256", "memory": "512", "ephemeralStorage": {"sizeInGiB": "x"}, "containerDefinitions": []}',
        ["column ephemeralStorage", "'x' is not a number of GiB"],
    ),
    "an odd architecture": (
        '{"cpu": "256", "memory": "512", "runtimePlatform": {"cpuArchitecture": "RISCV"}, "containerDefinitions": []}',
        ["column runtimePlatform.cpuArchitecture", "'RISCV' is not an architecture of ECS", "X86_64, ARM64"],
    ),
    "Windows": (
        '{"runtimePlatform": {"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}, "containerDefinitions": []}',
        ["column runtimePlatform.operatingSystemFamily", "not supported yet"],
    ),
}


@pytest.mark.parametrize(("content", "fragments"), BAD_TASK_DEFINITIONS.values(), ids=BAD_TASK_DEFINITIONS.keys())
def test_a_bad_task_definition_gets_one_message_with_place_and_fix(content, fragments, folder):
    (folder / "td.json").write_text(content)
    path = folder / "workload.yaml"
    path.write_text(workload(task="{file: td.json}"))
    with pytest.raises(InputError) as caught:
        read_workload(path)
    assert_message(caught.value, fragments)


def test_steps_that_do_not_fit_into_each_other_are_refused(folder):
    (folder / "a.csv").write_text(csv("2024-01-01T00:00Z,1", "2024-01-01T00:12Z,1"))
    (folder / "b.csv").write_text(csv("2024-01-01T00:00Z,1", "2024-01-01T00:20Z,1"))
    path = folder / "workload.yaml"
    second = workload(name="b", load="{file: b.csv, requests_per_task: 1}").split("services:\n")[1]
    path.write_text(workload(load="{file: a.csv, requests_per_task: 1}") + second)
    with pytest.raises(InputError, match=r"b\.csv.*steps of 1200 s cannot be cut into the 720 s of .*a\.csv"):
        read_workload(path)


def test_a_missing_file_is_named_with_the_folder_that_was_searched(tmp_path):
    with pytest.raises(InputError, match=r"gone\.csv: the file does not exist\. Looked in "):
        read_workload(tmp_path / "gone.csv", **CSV)


def test_a_folder_is_no_load_file(tmp_path):
    with pytest.raises(InputError, match="is a folder"):
        read_workload(tmp_path, **CSV)


def test_a_device_is_no_load_file():
    with pytest.raises(InputError, match="is not a regular file"):
        read_workload("/dev/null", **CSV)


def test_options_of_a_load_file_are_refused_beside_a_workload_file(folder):
    (folder / "workload.yaml").write_text(WORKLOAD)
    with pytest.raises(InputError, match=r"--cpu goes with a single load file\. Write it into the workload file\."):
        read_workload(folder / "workload.yaml", cpu=512)


def test_the_line_counts_line_breaks_inside_quoted_cells(tmp_path):
    path = tmp_path / "load.csv"
    path.write_text('timestamp,note,requests\n2024-01-01T00:00Z,"two\nlines",1\n2024-01-01T01:00Z,,x\n')
    with pytest.raises(InputError, match="line 4, column requests: 'x' is not a number"):
        read_workload(path, **CSV)


def assert_message(error: InputError, fragments: list[str]) -> None:
    message = str(error)
    missing = [fragment for fragment in fragments if fragment not in message]
    assert not missing, message
    assert message.endswith(".")
    assert len(message.splitlines()) == 1
    assert len(message) < 700


def test_a_gzip_that_unpacks_without_end_is_refused(tmp_path):
    row = b"2024-01-01T00:00Z,1\n"
    path = tmp_path / "load.csv.gz"
    path.write_bytes(gzip.compress(b"timestamp,requests_per_second\n" + row * (90 * 1024 * 1024 // len(row)), compresslevel=9))
    with pytest.raises(
        InputError, match=r"load\.csv\.gz: [\d,]+ bytes of gzip unpack to more than [\d,]+: no load packs so well"
    ):
        read_workload(path, **CSV)


@pytest.mark.parametrize("cut", [1, 8, 20])
def test_a_gzip_that_was_cut_short_is_refused(cut, tmp_path):
    path = tmp_path / "load.csv.gz"
    path.write_bytes(gzip.compress(HOURS.encode())[:-cut])
    with pytest.raises(InputError, match=r"load\.csv\.gz: the gzip data end too early"):
        read_workload(path, **CSV)


def test_a_gzip_with_a_flipped_bit_is_refused(tmp_path):
    path = tmp_path / "load.csv.gz"
    packed = bytearray(gzip.compress(HOURS.encode()))
    packed[-6] ^= 1
    path.write_bytes(bytes(packed))
    with pytest.raises(InputError, match=r"load\.csv\.gz: damaged gzip data"):
        read_workload(path, **CSV)


def test_the_message_of_a_flag_is_that_of_the_library(tmp_path):
    from typer.testing import CliRunner

    from advisor.cli.main import app

    path = tmp_path / "load.csv"
    path.write_text("when;tasks\n03/04/2024 00:00;1,5\n03/04/2024 01:00;2,5\n")
    size = ["--region", "us-east-1", "--cpu", "512", "--memory", "1024", "--column", "when=time"]
    done = CliRunner().invoke(app, ["recommend", str(path), *size])
    assert isinstance(done.exception, InputError)
    assert "--day-first or --month-first" in str(done.exception)
    done = CliRunner().invoke(app, ["recommend", str(path), *size, "--day-first", "--format", "csv"])
    assert done.exit_code == 4  # two hours are no base for a recommendation, but they are read
    assert "dates read with the day first, as stated" in done.stderr
