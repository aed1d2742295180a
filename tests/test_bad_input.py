"""Input that cannot be used: one message that names file, line, column and fix, status 1, no traceback, nothing half-written.

``ROWS`` is the table: what is given, and the message or the named warning. It runs through the command, in this process.
"""

import bz2
import gzip
import json
import lzma
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from advisor.cli import main
from advisor.errors import InputError
from advisor.sources import read_workload
from tests.aws.conftest import CREDENTIALS
from tests.aws.proxy import FaultProxy

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
    "services with a single row each": (
        "timestamp,service,requests_per_second\n2024-01-01T00:00Z,web,1\n2024-01-01T00:00Z,api,1\n",
        ["line 3", "a single time stamp", "at least two"],
    ),
    "services whose rows are days apart": (
        "timestamp,service,requests_per_second\n"
        + "".join(f"2024-01-{day:02}T00:00Z,{name},1\n" for day in (1, 9) for name in "ab"),
        ["line 2", "are 8 d apart", "one hour or less"],
    ),
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
    "two sizes": (
        workload(task="{cpu: 512, file: sized.json}"),
        ["line 5", "the size is given twice: cpu 512 beside `file`, and 256 in sized.json", "Keep one"],
    ),
    "a missing task definition": (
        workload(task="{file: td.json}"),
        ["workload.yaml, line 5, column 18", "td.json", "does not exist"],
    ),
    "a task definition that is none": (workload(task="{file: web.csv}"), ["web.csv, line 1, column 1", "not valid JSON"]),
    "an odd operating system": (
        workload(task="{cpu: 512, memory: 1024, os: WINDOWS}"),
        ["line 5", "'WINDOWS' is no operating system that we know", "WINDOWS_SERVER_2022_CORE"],
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
        ["line 7, column 15", "`commitments[0].term_years` is missing (1 more after this)", "Add `term_years: 1`"],
    ),
    "terms": (
        WORKLOAD + "constraints: {terms: [none, one_year]}\n",
        ["line 7, column 22", "`constraints.terms`: terms are `none`, 1y or 3y, not 'one_year'", "terms: [none]"],
    ),
    "a way to pay that is none": (
        WORKLOAD + "constraints: {terms: [1y:reserved_instance]}\n",
        [
            "line 7, column 22",
            "'reserved_instance' in the terms '1y:reserved_instance' is none of",
            "ec2_instance_savings_plan",
        ],
    ),
    "no zone": (WORKLOAD + "constraints: {zones: 0}\n", ["line 7", "`constraints.zones`: expected a number from 1, got 0"]),
    "instances that are none": (
        WORKLOAD + "present: {instances: {large: 6}}\n",
        ["line 7, column 30", "expected a name such as m7g.large"],
    ),
}


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


BAD_TASK_DEFINITIONS = {
    "not an object": ("[]", ["td.json", "not a task definition"]),
    "no containers": ('{"cpu": "256"}', ["no containerDefinitions among cpu", "describe-task-definition"]),
    "no size": (
        '{"containerDefinitions": [{"name": "a"}]}',
        ["workload.yaml, line 5", "td.json: neither the task nor its containers reserve CPU", "such as `cpu: 256`"],
    ),
    "CPU as a placeholder": (
        '{"containerDefinitions": [{"name": "a", "cpu": 1, "memory": 512}, {"name": "b", "cpu": 0, "memory": 64}]}',
        ["workload.yaml, line 5", "reserve CPU (0 and 1 are placeholders)", "beside `file`, such as `cpu: 256`"],
    ),
    "memory below its reservation": (
        '{"containerDefinitions": [{"name": "a", "cpu": 10, "memory": 64, "memoryReservation": 128}]}',
        ["column memory", "memory 64 is below its memoryReservation 128"],
    ),
    "an unknown network mode": (
        '{"networkMode": "vlan", "containerDefinitions": [{"name": "a", "cpu": 10, "memory": 64}]}',
        ["column networkMode", "'vlan' is not a network mode", "awsvpc"],
    ),
    "a platform that is none": (
        '{"runtimePlatform": "LINUX", "containerDefinitions": [{"name": "a", "cpu": 10, "memory": 64}]}',
        ["column runtimePlatform", "is not an object"],
    ),
    "no memory": (
        '{"containerDefinitions": [{"cpu": 10}]}',
        ["workload.yaml, line 5", "td.json", "reserve memory", "such as `memory: 512`"],
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
    "an odd operating system": (
        '{"runtimePlatform": {"operatingSystemFamily": "WINDOWS_SERVER_20H2_CORE"}, "containerDefinitions": []}',
        ["column runtimePlatform.operatingSystemFamily", "no operating system that we know", "LINUX"],
    ),
}


HOUR = "2024-01-{:02d}T{:02d}:00:00"


def hours(n, cell="5", suffix="Z", first=0):
    """Rows of whole hours from the first of January 2024 on."""
    return [f"{HOUR.format(1 + h // 24, h % 24)}{suffix},{cell}" for h in range(first, first + n)]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table: files and arguments that are given, and what is said."""

    files: Mapping[str, str | bytes] = field(default_factory=dict)
    arguments: Sequence[str] = ()
    said: Sequence[str] = ()
    status: int = 1
    prepare: Callable[[pytest.MonkeyPatch], object] | None = None
    """What the current folder or the environment needs beside the files."""


OUT = ("--out", "result", "--emit", "ecs")
"""Without charts, which take a second each."""
OF_CSV = ("--region", "us-east-1", "--cpu", "512", "--memory", "1024")
PER_TASK = ("--requests-per-task", "40")
BESIDE = {
    "web.csv": HOURS,
    "bad.csv": HOURS.replace(",2", ",x"),
    "tasks.csv": "timestamp,tasks\n2024-01-01T00:00Z,1\n2024-01-01T01:00Z,2\n",
    "cpu.csv": "timestamp,cpu_percent\n2024-01-01T00:00Z,10\n2024-01-01T01:00Z,20\n",
    "long.csv": "timestamp,service,requests\n2024-01-01T00:00Z,webs,1\n2024-01-01T01:00Z,webs,2\n",
    "sized.json": '{"cpu": "256", "memory": "512", "containerDefinitions": []}',
}
"""What a workload file finds beside itself."""


def load_file(content, said, *options, status=1, name="load.csv", prepare=None, files=None):
    given = {name: content} | (files or {}) if content is not None else files or {}
    return Row(files=given, arguments=("recommend", name, *OF_CSV, *options, *OUT), said=said, status=status, prepare=prepare)


def workload_file(content, said, *options, status=1, files=None, prepare=None):
    return Row(
        files=BESIDE | {"workload.yaml": content} | (files or {}),
        arguments=("recommend", "workload.yaml", *options, *OUT),
        said=said,
        status=status,
        prepare=prepare,
    )


def from_aws(said, operation="", code="", message="no", status_of_http=400, environment=None):
    """`collect` against an endpoint that refuses; AWS is never asked."""

    def prepare(patch: pytest.MonkeyPatch) -> FaultProxy:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        proxy = FaultProxy("http://127.0.0.1:9")
        for name, value in (CREDENTIALS | {"AWS_ENDPOINT_URL": ""} | (environment or {})).items():
            patch.setenv(name, value)
        patch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)
        if operation:
            proxy.refuse(operation, code, message, status=status_of_http)
        return proxy

    arguments = ("collect", "--cluster", "shop", "--region", "eu-west-1", "--days", "1", "--out", "result")
    return Row(arguments=arguments, said=said, prepare=prepare)


def linked(target, name="load.csv"):
    return lambda patch: Path(name).symlink_to(target)


def without_terminal(patch):
    """No terminal, no size of one, no colour, and a locale without UTF-8."""
    for name in ("COLUMNS", "LINES", "TERM"):
        patch.delenv(name, raising=False)
    patch.setenv("LC_ALL", "C")
    patch.setattr("sys.stdin", None)


TASKS = "timestamp,tasks\n"
LONG_NAME = "w" * 10_000
AUTUMN = "timestamp,tasks\n" + "".join(f"2024-10-27 {t},1\n" for t in ("00:00", "01:00", "02:00", "03:00", "04:00"))
SPRING = "timestamp,tasks\n" + "".join(f"2024-03-31 {t},1\n" for t in ("00:00", "01:00", "02:00", "03:00", "04:00"))
ZEROS = b"timestamp,tasks\n" + b"\n" * (65 << 20)

FILES = {
    "UTF-16 with its mark": load_file(
        csv(*hours(30), header="timestamp,tasks").encode("utf-16"),
        ["encoded in UTF-16-LE, as its byte order mark says"],
        status=0,
    ),
    "UTF-16 without its mark": load_file(
        csv(*hours(30), header="timestamp,tasks").encode("utf-16-be"), ["read as UTF-16-BE", "--encoding overrules"], status=0
    ),
    "UTF-16 cut in a character": load_file(
        csv(*hours(3), header="timestamp,tasks").encode("utf-16")[:-1], ["load.csv, line", "UTF-16", "save the file as UTF-8"]
    ),
    "UTF-32": load_file(csv(*hours(30), header="timestamp,tasks").encode("utf-32"), ["UTF-32"], status=0),
    "a mark and nothing": load_file(b"\xef\xbb\xbf", ["load.csv", "the file is empty"]),
    "NUL bytes": load_file(b"timestamp,tasks\n2024-01-01T00:00Z,\x00\n", ["load.csv, line 2", "NUL bytes: it is binary"]),
    "gzip cut short": load_file(gzip.compress((TASKS + "\n".join(hours(500))).encode())[:-20], ["end too early", "cut short"]),
    "gzip with a wrong checksum": load_file(
        gzip.compress(csv(*hours(30)).encode())[:-8] + b"12345678", ["load.csv", "damaged gzip data"]
    ),
    "xz cut short": load_file(lzma.compress(csv(*hours(500)).encode())[:-20], ["xz data end too early"]),
    "damaged bzip2": load_file(b"BZh91AY&SY" + b"x" * 50, ["load.csv", "damaged bzip2 data", "again"]),
    "a gzip bomb": load_file(gzip.compress(ZEROS, 9), ["bytes of gzip unpack to more than", "no load packs so well"]),
    "a bzip2 bomb": load_file(bz2.compress(ZEROS, 9), ["bytes of bzip2 unpack to more than", "no load packs so well"]),
    "a gzip bomb as workload file": workload_file(gzip.compress(ZEROS, 9), ["workload.yaml", "no load packs so well"]),
    "zstd": load_file(b"\x28\xb5\x2f\xfdrest", ["is compressed with zstd", "unzstd"]),
    "a PDF": load_file(b"%PDF-1.7 rest", ["is a PDF document", "Export the data as CSV"]),
    "a database": load_file(b"SQLite format 3\0rest", ["is an SQLite database", "Export the table"]),
    "an old workbook": load_file(b"\xd0\xcf\x11\xe0rest", ["an old Excel workbook", "Save it as CSV"]),
    "a line without end": load_file("timestamp,tasks\n" + "1" * 200_000 + "\n", ["load.csv, line 2"]),
    "a missing file": load_file(None, ["load.csv: the file does not exist", "check the name"]),
    "a folder": load_file(None, ["is a folder", "Name a file, or a folder with"], files={"load.csv/inner": "x"}),
    "a device": Row(arguments=("recommend", "/dev/null", *OF_CSV, *OUT), said=["/dev/null", "is not a regular file"]),
    "a path of 10,000 characters": Row(
        arguments=("recommend", LONG_NAME, *OF_CSV, *OUT), said=["cannot be read", "name too long", "Check the name"]
    ),
    "a symlink to nothing": load_file(None, ["load.csv: the file does not exist"], prepare=linked("nowhere.csv")),
    "a symlink to itself": load_file(None, ["load.csv: the file", "cannot be read"], prepare=linked("load.csv")),
    "a symlink to a folder": load_file(None, ["is a folder"], prepare=linked(".")),
    "a symlink to a load": load_file(
        None,
        ["load known for 30 of 30 steps"],
        files={"real.csv": csv(*hours(30), header="timestamp,tasks")},
        prepare=linked("real.csv"),
        status=0,
    ),
    "a file for the result": load_file(
        csv(*hours(30), header="timestamp,tasks"), ["result is a file. Name a folder to write to."], files={"result": "mine"}
    ),
    "a symlink to a file for the result": load_file(
        csv(*hours(30), header="timestamp,tasks"),
        ["result is a file"],
        files={"mine.txt": "mine"},
        prepare=linked("mine.txt", "result"),
    ),
    "a file name of no ASCII": load_file(
        csv(*hours(30), header="timestamp,tasks"),
        ["Auslastung-f-r-M-rz: load known for 30 of 30 steps"],
        name="Auslastung für März.csv",
        status=0,
    ),
    "a file name with markup": load_file(
        csv(*hours(3), "x,1", header="timestamp,tasks"), ["<script>.csv, line 5", "'x' is not a date"], name="<script>.csv"
    ),
    "a file name with a newline": load_file(
        csv(*hours(3), "x,1", header="timestamp,tasks"), [r"'lo\nad.csv', line 5", "'x' is not a date"], name="lo\nad.csv"
    ),
    "no terminal and no UTF-8": load_file(
        csv(*hours(3), "später,1", header="timestamp,tasks"), ["line 5", "is not a date"], prepare=without_terminal
    ),
}

TIMES = {
    "a leap day": load_file(
        csv(*(f"2024-02-{28 + h // 24:02d}T{h % 24:02d}:00Z,5" for h in range(48)), header="timestamp,tasks"),
        ["load known for 48 of 48 steps"],
        status=0,
    ),
    "a leap day of a common year": load_file(
        csv("2023-02-28T23:00Z,1", "2023-02-29T00:00Z,1", header="timestamp,tasks"), ["line 3", "2023-02-29", "ISO 8601"]
    ),
    "a leap second": load_file(csv("2016-12-31T23:59:60Z,1", header="timestamp,tasks"), ["line 2", "is not a date and time"]),
    "two offsets": load_file(
        csv(*hours(20, suffix="+10:00"), *hours(20, suffix="+11:00", first=21), header="timestamp,tasks"),
        ["load known for 40 of 40 steps"],
        status=0,
    ),
    "an hour that comes twice and stands once": load_file(
        AUTUMN,
        ["2024-10-27 02:00", "summer time", "winter time", "--doubled-hour"],
        "--time-zone",
        "Europe/Berlin",
    ),
    "an hour that comes twice and stands twice": load_file(
        csv(
            *(f"2024-10-{26 + h // 24:02d} {h % 24:02d}:00,1" for h in range(27)),
            "2024-10-27 02:00,1",
            header="timestamp,tasks",
        ),
        ["read once in summer and once in winter time"],
        "--time-zone",
        "Europe/Berlin",
        status=0,
    ),
    "an hour that clocks skip": load_file(
        SPRING, ["fall into the hour that the clock change skips"], "--time-zone", "Europe/Berlin", status=4
    ),
    "times without a zone": load_file(
        csv(*hours(30, suffix=""), header="timestamp,tasks"), ["read as UTC; --time-zone overrules"], status=0
    ),
    "a zone that is a path": load_file(TASKS, ["no time zone '../../etc/passwd'"], "--time-zone", "../../etc/passwd"),
    "repeats that agree": load_file(
        csv(*hours(30), *hours(2), header="timestamp,tasks"),
        ["repeated time stamps with equal values were merged (2)"],
        status=0,
    ),
    "repeats that differ": load_file(
        csv(*hours(30), *hours(1, "9"), header="timestamp,tasks"),
        ["repeated time stamps with differing values were averaged (1, the first in line 2 of load.csv)"],
        status=0,
    ),
    "rows out of order": load_file(
        csv(*reversed(hours(30)), header="timestamp,tasks"), ["the rows were not in order of time and were sorted"], status=0
    ),
    "a gap": load_file(
        csv(*hours(20), *hours(20, first=30), header="timestamp,tasks"),
        ["no rows for 10 of 50 steps, longest gap 10 h: unknown, not zero"],
        status=0,
    ),
    "a gap in counts": load_file(
        csv(*hours(20), *hours(20, first=30), header="timestamp,requests"),
        ["nothing was counted, so 0 requests"],
        *PER_TASK,
        status=0,
    ),
    "times between the steps": load_file(
        csv(*hours(30), "2024-01-01T05:17:00Z,5", header="timestamp,tasks"),
        ["do not lie on whole steps and were floored"],
        status=0,
    ),
    "the year 9999": load_file(
        csv(*hours(3), "9999-12-31T23:00Z,1", header="timestamp,tasks"), ["line 5", "Check the time stamp"]
    ),
    "a stamp in 1900": load_file(
        csv("1900-01-01T00:00,1", *hours(3, suffix=""), header="timestamp,tasks"),
        ["load.csv, line 2, column timestamp", "lies outside 1970 to 2200", "Check the time stamp"],
    ),
    "2 h of load": load_file(csv(*hours(2), header="timestamp,tasks"), ["load known for 2 of 2 steps"], status=4),
}

NUMBERS = {
    "NaN": load_file(
        csv(*hours(29), *hours(1, "NaN", first=29), header="timestamp,tasks"),
        ["1 empty cell in column 'tasks'", "unknown, not zero"],
        status=0,
    ),
    "minus infinity": load_file(csv(*hours(3, "-inf"), header="timestamp,tasks"), ["line 2", "'-inf' is negative"]),
    "NaN with a sign": load_file(
        csv(*hours(3), *hours(1, "-nan", first=3), header="timestamp,tasks"), ["line 5", "'-nan' is not a number"]
    ),
    "no task at all": load_file(
        csv(*hours(30, "-0.0"), header="timestamp,tasks"), ["load.csv: no task ever ran", "Export a time range"]
    ),
    "a negative number of tasks": load_file(
        csv(*hours(2), *hours(1, "-3", first=2), header="timestamp,tasks"), ["line 4", "'-3' is negative"]
    ),
    "hexadecimal": load_file(
        csv(*hours(3, "0x10"), header="timestamp,tasks"), ["line 2, column tasks", "'0x10' is not a number"]
    ),
    "a percent sign": load_file(csv(*hours(3, "50 %"), header="timestamp,tasks"), ["line 2", "'50 %' is not a number"]),
    "an absurd percentage": load_file(
        csv(*hours(29, "50,2"), *hours(1, "90000,2", first=29), header="timestamp,cpu_percent,tasks"),
        ["values of cpu_percent above 100 percent (1, up to 90000) were kept"],
        status=0,
    ),
    "a percentage that may be a fraction": load_file(
        csv(*hours(30, "0.5,2"), header="timestamp,cpu_percent,tasks"), ["read as percent, not as a fraction of 1"], status=0
    ),
    "a maximum below its average": load_file(
        csv(*hours(30, "60,40,2"), header="timestamp,cpu_percent,cpu_percent_maximum,tasks"),
        ["column cpu_percent_maximum", "is below cpu_percent in 30 steps: the columns seem to be swapped", "Swap their names"],
    ),
    "memory that is always zero": load_file(
        csv(*hours(30, "60,0,2"), header="timestamp,cpu_percent,memory_mib,tasks"),
        ["memory of load is never above 0", "taken as not measured"],
        status=0,
    ),
    "a maximum that is mostly missing": load_file(
        csv(*hours(1, "60,70,2"), *hours(29, "60,,2", first=1), header="timestamp,cpu_percent,cpu_percent_maximum,tasks"),
        ["cpu_percent_maximum of load is known for only 1 of 30 steps"],
        status=0,
    ),
}

NAMES = {
    "a service of no ASCII": load_file(
        csv(*hours(2, "größe,1"), header="timestamp,service,tasks"),
        ["line 2, column service", "'größe' is not a name that ECS"],
    ),
    "a service of 10,000 letters": load_file(
        csv(*hours(2, f"{LONG_NAME},1"), header="timestamp,service,tasks"), ["line 2, column service", "www...", "at most 255"]
    ),
    "a service with a newline": load_file(
        csv(*hours(2, '"we\nb",1'), header="timestamp,service,tasks"), ["line 2", r"'we\nb' is not a name that ECS accepts"]
    ),
    "a service that is a formula": load_file(
        csv(*hours(2, '"=HYPERLINK(""http://x"")",1'), header="timestamp,service,tasks"),
        ["line 2", "=HYPERLINK", "is not a name"],
    ),
    "a column that is a formula": load_file(
        csv(*hours(30, "1,1"), header="timestamp,tasks,\"=cmd|' /C calc'!A0\""), ["not used:", "=cmd"], status=0
    ),
    "a column with markup": load_file(
        csv(*hours(30, "1,1"), header="timestamp,tasks,<script>"), ["not used: '<script>'"], status=0
    ),
    "a cluster with markup": workload_file(WORKLOAD.replace("shop", "'<script>'"), ["line 1", "'<script>' is not a name"]),
    "a cluster that is a formula": workload_file(WORKLOAD.replace("shop", "'=1+1'"), ["line 1", "'=1+1' is not a name"]),
    "a cluster of 10,000 letters": workload_file(WORKLOAD.replace("shop", LONG_NAME), ["line 1", "www...", "at most 255"]),
    "a service of no ASCII in YAML": workload_file(workload(name="größe"), ["line 4", "'größe' is not a name"]),
    "a direction mark in a name": workload_file(workload(name='"we\\u202eb"'), ["line 4", "is not a name"]),
    "a load file outside": workload_file(
        workload(load="{file: ../../../nowhere/load.csv, requests_per_task: 40}"),
        ["line 6", "nowhere/load.csv", "does not exist"],
    ),
    "a load file with a NUL": workload_file(
        workload(load='{file: "a\\0b", requests_per_task: 40}'), ["workload.yaml, line 6", "cannot be read"]
    ),
}

FORMS = {
    "runs with a load": workload_file(
        workload(load='{file: web.csv, runs: [{schedule: "rate(1 hour)", duration_minutes: 1}]}'), ["line 6", "file and runs"]
    ),
    "runs with a figure": workload_file(
        workload(load='{requests_per_task: 4, runs: [{schedule: "rate(1 hour)", duration_minutes: 1}]}'),
        ["line 6", "batch runs go with no figure per request"],
    ),
    "a run without a start": workload_file(
        workload(load="{runs: [{duration_minutes: 1}]}"), ["line 6", "needs a schedule or a start", "cron(0 2 * * ? *)"]
    ),
    "a run without a length": workload_file(
        workload(load='{runs: [{schedule: "rate(1 hour)"}]}'), ["line 6", "duration_minutes` is missing"]
    ),
    "a run of no length": workload_file(
        workload(load='{runs: [{schedule: "rate(1 hour)", duration_minutes: 0}]}'), ["line 6", "expected a number above 0"]
    ),
    "a schedule of five fields": workload_file(
        workload(load='{runs: [{schedule: "0 2 * * *", duration_minutes: 1}]}'),
        ["line 6", "is not a schedule", "rate(15 minutes)"],
    ),
    "a schedule out of range": workload_file(
        workload(load='{runs: [{schedule: "cron(0 25 * * ? *)", duration_minutes: 1}]}'),
        ["line 6", "'25' is not a hours of a cron expression", "from 0 to 23"],
    ),
    "a schedule with L": workload_file(
        workload(load='{runs: [{schedule: "cron(0 2 L * ? *)", duration_minutes: 1}]}'),
        ["line 6", "L, W and # are not supported"],
    ),
    "a rate of nothing": workload_file(
        workload(load='{runs: [{schedule: "rate(0 minutes)", duration_minutes: 1}]}'), ["line 6", "at least 1 minute"]
    ),
    "a schedule in no zone": workload_file(
        workload(load='{runs: [{schedule: "rate(1 hour)", time_zone: Mars, duration_minutes: 1}]}'),
        ["line 6", "no time zone 'Mars'"],
    ),
    "a start that is none": workload_file(
        workload(load="{runs: [{start: tonight, duration_minutes: 1}]}"), ["line 6", "'tonight' is not a moment"]
    ),
    "a schedule that never runs": workload_file(
        workload(load='{runs: [{schedule: "cron(0 2 * * ? 1999)", duration_minutes: 1}]}'),
        ["line 6", "web does not run once from 2024-01-01 to 2024-12-30", "Check its schedule"],
    ),
    "a daemon named like a service": workload_file(
        WORKLOAD + "daemons:\n  - {name: web, task: {cpu: 64, memory: 64}}\n",
        ["line 8", "the daemon 'web' stands twice, first in line 4"],
    ),
    "a daemon with a load": workload_file(
        WORKLOAD + "daemons:\n  - {name: a, task: {cpu: 64, memory: 64}, load: {tasks: 1}}\n", ["line 8", "unknown key `load`"]
    ),
    "a daemon that no instance runs": workload_file(
        workload(load="{tasks: 2}")
        + "daemons:\n  - {name: a, task: {cpu: 64, memory: 64}}\nconstraints: {instance_types: [m7g.large]}\n",
        ["the architectures of the daemons exclude every candidate instance type: a (X86_64)"],
    ),
    **{
        f"a table of runs, {name}": workload_file(workload(load="{runs_file: runs.csv}"), said, files={"runs.csv": content})
        for name, (content, said) in {
            "empty": ("", ["runs.csv: the file is empty", "start,duration_minutes,count"]),
            "header only": ("start,duration_minutes\n", ["runs.csv, line 1", "no row below it"]),
            "other columns": (
                "begin,end\n1,2\n",
                ["runs.csv, line 1", "no column start and duration_minutes among begin, end"],
            ),
            "a broken start": (
                "start,duration_minutes\nsoon,4\n",
                ["runs.csv, line 2, column start", "'soon' is not a date and time"],
            ),
            "no length": (
                "start,duration_minutes\n2026-09-07T02:00Z,0\n",
                ["line 2, column duration_minutes", "'0' is not a number"],
            ),
            "half a task": (
                "start,duration_minutes,count\n2026-09-07T02:00Z,4,1.5\n",
                ["line 2, column count", "'1.5' is not a whole number"],
            ),
            "a missing cell": (
                "start,duration_minutes\n2026-09-07T02:00Z\n",
                ["line 2", "the row has 1 cells, the header has 2"],
            ),
            "an open quote": ('start,duration_minutes\n"2026,4\n', ["runs.csv", "not a readable CSV row"]),
        }.items()
    },
    "no table of runs": workload_file(
        workload(load="{runs_file: gone.csv}"), ["workload.yaml, line 6", "gone.csv", "does not exist"]
    ),
    "assumptions that are none": workload_file(
        workload(load='{file: web.csv, requests_per_task: 4, assumed: [""]}'), ["line 6", "expected a text that is not empty"]
    ),
}

RESULTS = {
    "no result": Row(
        arguments=("emit", "gone.json", "--out", "result"), said=["gone.json", "advisor recommend WORKLOAD --out DIR"]
    ),
    "a result of another schema": Row(
        files={"r.json": '{"schema": "x/2"}'}, arguments=("emit", "r.json", "--out", "result"), said=["schema is 'x/2'"]
    ),
    "a result cut short": Row(
        files={"r.json": '{"schema": '}, arguments=("emit", "r.json", "--out", "result"), said=["r.json, line 1", "is not JSON"]
    ),
    "a result nested without end": Row(
        files={"r.json": "[" * 100_000}, arguments=("explain", "r.json"), said=["r.json", "is not JSON"]
    ),
    "a result in Latin-1": Row(files={"r.json": b'"\xe9"'}, arguments=("explain", "r.json"), said=["r.json", "is not UTF-8"]),
    "a result with odd services": Row(
        files={"r.json": '{"schema": "advisor/recommendation/1", "alternatives": [{"plan": {"services": 5}}]}'},
        arguments=("emit", "r.json", "--out", "result"),
        said=["not a recommendation", "Make it again with `advisor recommend`"],
    ),
    "a rates file without columns": load_file(
        csv(*hours(30), header="timestamp,tasks"), ["rates.csv, line 1"], "--rates", "rates.csv", files={"rates.csv": "a,b\n"}
    ),
    "no rates file": load_file(
        csv(*hours(30), header="timestamp,tasks"), ["rates.csv", "does not exist"], "--rates", "rates.csv"
    ),
    "a service that a new workload cannot have": Row(
        arguments=(
            "new",
            "--pattern",
            "steady",
            "--peak",
            "1",
            "--cpu-ms-per-request",
            "1",
            "--memory",
            "512",
            "--region",
            "eu-west-1",
            "--service",
            "../x",
            "--out",
            "result",
        ),
        said=["service: '../x' is not a name"],
    ),
    "a Region without prices": load_file(csv(*hours(30), header="timestamp,tasks"), ["xx-south-9"], "--region", "xx-south-9"),
}

AWS = {
    "expired credentials": from_aws(["have expired", "Sign in again"], "ecs:DescribeClusters", "ExpiredTokenException"),
    "no credentials": from_aws(
        ["no complete AWS credentials were found", "aws sso login"],
        environment={"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SESSION_TOKEN": ""},
    ),
    "half of the credentials": from_aws(["no complete AWS credentials"], environment={"AWS_SECRET_ACCESS_KEY": ""}),
    "access denied": from_aws(
        ["AWS does not allow ecs:DescribeClusters", "--print-iam-policy"], "ecs:DescribeClusters", "AccessDeniedException"
    ),
    "throttling without end": from_aws(
        ["kept throttling ecs:DescribeClusters", "goes on where it stopped"], "ecs:DescribeClusters", "ThrottlingException"
    ),
    "an opt-in Region": from_aws(
        ["eu-west-1 is an opt-in Region that the account has not enabled", "enable-region"],
        "ecs:DescribeClusters",
        "UnrecognizedClientException",
    ),
    "a wrong clock": from_aws(["this machine's clock"], "ecs:DescribeClusters", "InvalidSignatureException"),
    "AWS failing": from_aws(
        ["AWS failed at ecs:DescribeClusters"], "ecs:DescribeClusters", "ServerException", status_of_http=500
    ),
    "an error with markup and newlines": from_aws(
        ["ClientException: <script> [31mx"],
        "ecs:DescribeClusters",
        "ClientException",
        message=r"<script>\n\u001b[31mx",
    ),
    "an unknown profile": from_aws(["there is no AWS profile 'nobody'"], environment={"AWS_PROFILE": "nobody"}),
}

ROWS: Mapping[str, Row] = {
    **{f"csv: {name}": load_file(content, said, *PER_TASK) for name, (content, said) in BAD_CSV.items()},
    **{f"form: {name}": load_file(content, said) for name, (content, said) in WITHOUT_FIGURE.items()},
    **{f"yaml: {name}": workload_file(content, said) for name, (content, said) in BAD_YAML.items()},
    **{f"json: {name}": load_file(content, said, *PER_TASK, name="load.json") for name, (content, said) in BAD_JSON.items()},
    **{
        f"task definition: {name}": workload_file(workload(task="{file: td.json}"), said, files={"td.json": content})
        for name, (content, said) in BAD_TASK_DEFINITIONS.items()
    },
    **{f"file: {name}": row for name, row in FILES.items()},
    **{f"time: {name}": row for name, row in TIMES.items()},
    **{f"number: {name}": row for name, row in NUMBERS.items()},
    **{f"name: {name}": row for name, row in NAMES.items()},
    **{f"runs and daemons: {name}": row for name, row in FORMS.items()},
    **{f"result: {name}": row for name, row in RESULTS.items()},
    **{f"AWS: {name}": row for name, row in AWS.items()},
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
def test_bad_input_is_one_message_and_leaves_nothing_behind(row, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name, content in row.files.items():
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    prepared = row.prepare(monkeypatch) if row.prepare else None
    before = snapshot(tmp_path)
    if isinstance(prepared, FaultProxy):
        with prepared as proxy:
            monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
            status, out, err = run(row.arguments, monkeypatch, capsys)
    else:
        status, out, err = run(row.arguments, monkeypatch, capsys)
    assert status == row.status, err
    assert "Traceback" not in err
    if row.status == 1:
        assert out == ""
        (message,) = [line for line in err.splitlines() if not line.startswith(REMARKS)]
        assert message.startswith("error: ")
        assert_message(message, row.said)
        assert snapshot(tmp_path) == before
    else:
        missing = [fragment for fragment in row.said if fragment not in err]
        assert not missing, err
        assert (tmp_path / "result" / "recommendation.json").exists()


REMARKS = ("note: ", "assumed: ", "cluster ")


def run(arguments, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["advisor", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    captured = capsys.readouterr()
    return int(ended.value.code or 0), captured.out, captured.err


def snapshot(folder):
    """Every file with its content, every link with its target."""
    return {
        str(path.relative_to(folder)): os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def test_the_table_has_at_least_a_hundred_rows():
    assert len(ROWS) >= 100


@pytest.mark.parametrize("name", ["csv: Latin-1", "yaml: a Python tag", "file: gzip cut short"])
def test_another_process_without_terminal_and_utf8_says_the_same(name, tmp_path):
    row = ROWS[name]
    for file, content in row.files.items():
        (tmp_path / file).write_bytes(content if isinstance(content, bytes) else content.encode())
    done = subprocess.run(
        [sys.executable, "-m", "advisor", *row.arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        cwd=tmp_path,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(Path(__file__).parents[1]),
            "LC_ALL": "C",
            "PYTHONIOENCODING": "ascii",
        },
    )
    err = done.stderr.decode()
    assert (done.returncode, done.stdout) == (1, b"")
    assert len(re.findall("^error: ", err, re.MULTILINE)) == 1
    assert "Traceback" not in err
    assert not (tmp_path / "result").exists()


def test_a_year_of_files_that_are_not_there_is_not_a_traceback_either(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        read_workload(tmp_path / "gone" / "load.csv", **CSV)


def test_steps_that_do_not_fit_into_each_other_are_refused(tmp_path):
    folder = tmp_path
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


def test_options_of_a_load_file_are_refused_beside_a_workload_file(tmp_path):
    folder = tmp_path
    (folder / "workload.yaml").write_text(WORKLOAD)
    with pytest.raises(InputError, match=r"--cpu goes with a single load file\. Write it into the workload file\."):
        read_workload(folder / "workload.yaml", cpu=512)


def test_the_line_counts_line_breaks_inside_quoted_cells(tmp_path):
    path = tmp_path / "load.csv"
    path.write_text('timestamp,note,requests\n2024-01-01T00:00Z,"two\nlines",1\n2024-01-01T01:00Z,,x\n')
    with pytest.raises(InputError, match="line 4, column requests: 'x' is not a number"):
        read_workload(path, **CSV)


def assert_message(error: InputError | str, fragments: Sequence[str]) -> None:
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

    from advisor.cli.application import app

    path = tmp_path / "load.csv"
    path.write_text("when;tasks\n03/04/2024 00:00;1,5\n03/04/2024 01:00;2,5\n")
    size = ["--region", "us-east-1", "--cpu", "512", "--memory", "1024", "--column", "when=time"]
    done = CliRunner().invoke(app, ["recommend", str(path), *size])
    assert isinstance(done.exception, InputError)
    assert "--day-first or --month-first" in str(done.exception)
    done = CliRunner().invoke(app, ["recommend", str(path), *size, "--day-first", "--format", "csv"])
    assert done.exit_code == 4  # two hours are no base for a recommendation, but they are read
    assert "dates read with the day first, as stated" in done.stderr
