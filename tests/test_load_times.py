"""Spellings of times that tools and spreadsheets write, each as the moment that it is; and those that may be two."""

from datetime import UTC, datetime, timedelta

import pytest

from advisor.errors import InputError
from advisor.sources.inspection import inspect_load
from advisor.sources.load_options import LoadOptions

START = datetime(2026, 3, 13, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def read(tmp_path):
    """Start and notes of two days of hours, written in one way."""

    def read(spell, header="timestamp;tasks", start=START, **options):
        path = tmp_path / "load.csv"
        path.write_text(header + "\n" + "".join(f"{spell(start + HOUR * hour)};4\n" for hour in range(48)))
        inspection = inspect_load(path, reading=LoadOptions.stated(**options))
        (measure,) = inspection.measures
        assert (measure.mean, measure.n_steps, measure.n_known) == (4, 48, 48)
        return inspection.services[0].start, "\n".join(inspection.notes)

    return read


def clock(pattern, ahead_h=0):
    return lambda moment: (moment + HOUR * ahead_h).strftime(pattern)


def until_24(pattern):
    """Midnight as hour 24 of the day before."""
    return lambda at: at.strftime(pattern) if at.hour else (at - HOUR).strftime(pattern.replace("%H", "24"))


@pytest.mark.parametrize(
    "spell",
    [
        clock("%m/%d/%y %I:%M %p"),
        clock("%d.%m.%y %H:%M"),
        clock("%d.%m.%Y %H:%M Uhr"),
        clock("%d/%b/%Y:%H:%M:%S +0000"),
        clock("[%d/%b/%Y:%H:%M:%S +0000]"),
        clock("%b %d, %Y @ %H:%M:%S.000"),
        clock("%a %b %d %H:%M:%S %Y"),
        clock("%a %b %d %H:%M:%S UTC %Y"),
        clock("%a %b %d %Y %H:%M:%S GMT+0100 (Central European Standard Time)", ahead_h=1),
        clock("%Y-%m-%dT%H:%M:%S+01:00[Europe/Berlin]", ahead_h=1),
        clock("%Y-%m-%d %H:%M:%S GMT+0000"),
        clock("%Y-%m-%d %H:%M:%S CET", ahead_h=1),
        clock("%Y-%m-%d %H:%M:%S EDT", ahead_h=-4),
        clock("%Y-%m-%d %H:%M:%S PST", ahead_h=-8),
        until_24("%Y-%m-%d %H:%M"),
        until_24("%d.%m.%Y %H:%M"),
    ],
)
def test_a_time_is_the_moment_that_it_names(read, spell):
    assert read(spell)[0] == "2026-03-13T00:00Z"


@pytest.mark.parametrize(
    ("header", "ahead_h", "zone"),
    [
        ("Time (UTC+1);tasks", 1, "Etc/GMT-1"),
        ("Time [GMT-05:00];tasks", -5, "Etc/GMT+5"),
        ("timestamp (Europe/Berlin);tasks", 1, "Europe/Berlin"),
        ("Timestamp America/New_York;tasks", -4, "America/New_York"),
        ("Datum;Uhrzeit (Europe/Berlin);tasks", 1, "Europe/Berlin"),
        ("Time (UTC+0100);tasks", 1, "Etc/GMT-1"),
        ("Time (Etc/GMT-1);tasks", 1, "Etc/GMT-1"),
    ],
)
def test_a_zone_in_the_header_is_that_of_the_times(read, header, ahead_h, zone):
    pattern = "%Y-%m-%d;%H:%M" if header.count(";") == 2 else "%Y-%m-%d %H:%M"
    start, notes = read(clock(pattern, ahead_h), header)
    assert start == "2026-03-13T00:00Z"
    assert f"read as {zone}, which the header names; --time-zone overrules" in notes
    assert "read as Asia/Tokyo." in read(clock(pattern, ahead_h), header, time_zone="Asia/Tokyo")[1]


def test_a_zone_in_a_column_beside_is_that_of_the_times(read):
    assert read(clock("%Y-%m-%d %H:%M;Europe/Berlin", 1), "timestamp;timezone;tasks")[0] == "2026-03-13T00:00Z"


@pytest.mark.parametrize("header", ["Date/Time;tasks", "timestamp;zone;tasks"])
@pytest.mark.parametrize("zones", [("eu-west-1a",), ("west", "east"), ("eu-west-1a", "eu-west-1b")])
def test_what_is_no_time_zone_in_a_header_or_beside_leaves_the_times_in_utc(read, header, zones):
    def spell(at):
        return f"{at:%Y-%m-%d %H:%M}" + (f";{zones[at.hour % len(zones)]}" if "zone" in header else "")

    assert read(spell, header)[0] == "2026-03-13T00:00Z"


@pytest.mark.parametrize("name", ["local_time", "Time EST", "timestamp (CET)", "Ortszeit", "Time (UTC+05:30)"])
def test_a_zone_in_the_header_whose_rules_nothing_tells_is_asked_for(read, name):
    with pytest.raises(InputError, match=r"line 1, column .*does not tell when clocks change\. Say --time-zone"):
        read(clock("%Y-%m-%d %H:%M"), f"{name};tasks")
    assert read(clock("%Y-%m-%d %H:%M"), f"{name};tasks", time_zone="UTC")[0] == "2026-03-13T00:00Z"


def test_a_zone_in_the_header_does_not_touch_times_that_carry_theirs(read):
    assert read(clock("%Y-%m-%dT%H:%M:%SZ"), "local_time;tasks")[0] == "2026-03-13T00:00Z"


def test_the_doubled_hour_is_told_by_the_letters_of_the_zone(read):
    def berlin(at):
        is_summer = at < datetime(2025, 10, 26, 1, tzinfo=UTC)
        return (at + HOUR * (2 if is_summer else 1)).strftime(f"%Y-%m-%d %H:%M {'CEST' if is_summer else 'CET'}")

    assert read(berlin, start=datetime(2025, 10, 25, tzinfo=UTC))[0] == "2025-10-25T00:00Z"


@pytest.mark.parametrize(
    ("spell", "message"),
    [
        (clock("%Y-%m-%d %H:%M CST"), "the zone 'CST' may be several"),
        (clock("%y/%m/%d %H:%M"), "the year in '26/03/13' may be|the year in '26/03/13 00:00' may be"),
        (lambda _: "1.77E+12", "a single time stamp"),
    ],
)
def test_a_time_that_may_be_several_moments_is_refused(read, spell, message):
    with pytest.raises(InputError, match=message):
        read(spell)


def test_years_of_two_digits_that_lie_far_apart_may_be_days(read):
    with pytest.raises(InputError, match="the year in '25/12/31 00:00' may be"):
        read(clock("%y/%m/%d %H:%M"), start=datetime(2025, 12, 31, tzinfo=UTC))


def test_a_point_among_decimal_commas_may_stand_between_thousands(tmp_path):
    cells = ["34.567" if i == 400 else "34,5" for i in range(500)]
    path = tmp_path / "load.csv"
    path.write_text("timestamp;cpu_units\n" + "".join(f"{START + HOUR * i};{cell}\n" for i, cell in enumerate(cells)))
    with pytest.raises(InputError, match=r"line 402, .*can be 34567 or 34\.567.*--decimal comma"):
        inspect_load(path)
    stated = inspect_load(path, reading=LoadOptions.stated(decimal="comma"))
    assert stated.measures[0].maximum == 34_567
