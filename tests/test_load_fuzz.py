"""Whatever the bytes of a load file are: a load, or one message; never another exception."""

import gzip
import json

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from advisor import LoadOptions, inspect_load
from advisor.errors import InputError
from advisor.sources import read_workload
from tests.test_bad_input import assert_message
from tests.test_parsing_deviations import CASES

RANGE_QUERY = {
    "status": "success",
    "data": {
        "resultType": "matrix",
        "result": [{"metric": {"__name__": "tasks", "service": "web"}, "values": [[1704067200, "1"], [1704067260, "2.5"]]}],
    },
}
EVENTS = "\n".join(
    json.dumps({"Type": kind, "ServiceName": "web", "TaskId": task, "Timestamp": 1704067200000 + 60_000 * minute, **values})
    for minute in range(2)
    for kind, task, values in (
        ("Task", "t1", {"CpuUtilized": 10.5, "MemoryUtilized": 100}),
        ("Service", None, {"RunningTaskCount": 1}),
    )
)
SEEDS = [
    *(
        (
            case.name,
            case.content if isinstance(case.content, bytes) else case.content.encode(),
            case.reading | {"columns": case.columns},
        )
        for case in CASES.values()
        if not isinstance(case.content, dict)
    ),
    ("web.json", json.dumps(RANGE_QUERY).encode(), {}),
    ("web.jsonl", EVENTS.encode(), {}),
    ("web.csv", "timestamp,tasks\n2024-01-01T00:00Z,1\n2024-01-01T01:00Z,2\n".encode("utf-16"), {}),
]
PIECES = [
    *(mark.encode() for mark in "\",;-\t\n\r {}[]'%\\0Z"),
    *(b"\r\n", b"\0", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"\xc3\xa9", b"\xe2\x80\xae", b"\xd9\xa1", b"\x1f\x8b", b"PAR1"),
    *(b"1e999", b"NaN", b"inf", b"9" * 30, b"1.234,5", b"1_000", b"null", b"true", b"=HYPERLINK(1)", b"../", b"<script>"),
    *(b"2024-02-30", b"24:00", b"+99:99", b"1970-01-01T00:00Z", b"9999-12-31T23:59Z", b"0001-01-01"),
    *(b"sep=;\n", b"timestamp", b"tasks", b"service", b"x" * 300),
]


@st.composite
def damaged(draw):
    """A file of a known form, with a few pieces put in, taken out or written over."""
    name, content, reading = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(content)))
        length = draw(st.sampled_from([0, 0, 1, 2, 7, 40]))
        piece = draw(st.sampled_from(PIECES) | st.binary(max_size=4))
        content = content[:at] + piece + content[at + length :]
    if draw(st.integers(0, 9)) == 0:
        content = content[: draw(st.integers(0, len(content)))]
    if draw(st.integers(0, 9)) == 0:
        content = gzip.compress(content)
        content = content[: len(content) - draw(st.integers(0, 12))]
    return name, content, reading


@given(file=damaged())
@example(file=("web.csv", b'"', {}))
@example(file=("web.csv", b"\n" * 10, {}))
@example(file=("web.json", b"[[", {}))
@example(file=("web.csv", b"PAR1", {}))
@example(file=("web.csv", b"timestamp,tasks\n" + b"9" * 5000 + b",1\n", {}))
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_damaged_files_give_a_load_or_one_message(file, tmp_path_factory):
    name, content, reading = file
    path = tmp_path_factory.mktemp("damaged") / name
    path.write_bytes(content)
    options = LoadOptions.stated(**reading)
    for read in (
        lambda: read_workload(path, region="us-east-1", cpu=1024, memory=2048, reading=options),
        lambda: inspect_load(path, reading=options).to_dict(),
    ):
        try:
            read()
        except InputError as error:
            assert_message(error, [])


@pytest.mark.prove
@given(content=st.binary(max_size=400), name=st.sampled_from(["a.csv", "a.json", "a.jsonl", "a.parquet", "a.csv.gz", "a"]))
def test_any_bytes_give_a_load_or_one_message(content, name, tmp_path_factory):
    path = tmp_path_factory.mktemp("bytes") / name
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        inspect_load(path)
    assert_message(caught.value, [])
