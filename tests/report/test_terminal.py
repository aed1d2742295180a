"""The first screen: 80 columns whatever names and amounts are like."""

from dataclasses import replace

import pytest

from advisor import read_workload
from advisor.report import render_summary
from advisor.report.words import weeks_words
from tests.report.results import MANY, PACKED, SHORT, UNPRICED, shop, small

RESULTS = {"shop": shop, "long names": lambda: small(MANY), "today": lambda: small(PACKED), "unpriced": lambda: small(UNPRICED)}
THOUSANDS = """
cluster: large
region: eu-west-1
services:
  - {name: api, task: {cpu: 1024, memory: 2048}, load: {tasks: 900}, architectures: [X86_64, ARM64], interruptible: true}
  - {name: jobs, task: {cpu: 512, memory: 4096}, load: {tasks: 700}, architectures: [X86_64, ARM64]}
"""
TWINS = """
cluster: twins
region: us-east-1
services:
  - {name: arm, task: {cpu: 1024, memory: 2048}, load: {tasks: 9}, architectures: [ARM64]}
  - {name: x86, task: {cpu: 512, memory: 1024}, load: {tasks: 9}, architectures: [X86_64]}
"""
CROWD = "cluster: crowd\nregion: us-east-1\nservices:\n" + "".join(
    f"  - {{name: s{i}, task: {{cpu: 256, memory: 512}}, load: {{tasks: 2}}}}\n" for i in range(23)
)


@pytest.mark.parametrize("name", RESULTS)
def test_no_line_is_wider_than_80_columns(name):
    assert [line for line in render_summary(RESULTS[name]()).splitlines() if len(line) > 80] == []


def test_a_stated_load_has_neither_dates_nor_coverage():
    text = render_summary(small(TWINS))
    assert text.splitlines()[0] == "twins  us-east-1  2 services, stated load, not measured (hourly)"
    assert "2024-" not in text
    assert "weeks" not in text


def test_columns_grow_with_the_amounts_and_stay_in_80():
    text = render_summary(small(THOUSANDS))
    assert [line for line in text.splitlines() if len(line) > 80] == []
    head = next(line for line in text.splitlines() if line.startswith("  alternative"))
    rows = [line for line in text.splitlines() if line.startswith("  ") and line.rstrip().endswith("%") and " +" in line]
    assert rows
    assert {len(row) for row in rows} == {len(head)}


def test_names_of_services_are_never_cut():
    text = render_summary(small(MANY))
    lines = {line.strip() for line in text.splitlines()}
    assert {f"payments-reconciliation-and-settlement-service-of-region-{i:02d}" for i in range(12)} <= lines


def test_the_first_twenty_of_many_services_are_shown_and_the_others_counted():
    text = render_summary(small(CROWD))
    assert "  s19 " in text
    assert "  s20 " not in text
    assert "and 3 more services" in text


def test_an_alternative_that_shares_nothing_is_not_shown_twice():
    clusters = [a for a in small(TWINS).of_scope("cluster") if a.plan is not None]
    titles = [a.title for a in clusters]
    assert sorted(titles) == sorted(set(titles))


def test_too_short_a_load_says_hours_and_not_a_part_of_a_week():
    text = render_summary(small(SHORT))
    assert "the load covers 10 h" in text
    assert "draws of next month take two whole weeks of load" in " ".join(text.split())


def test_a_service_whose_instances_would_be_full_is_not_said_to_idle():
    """Below 10 % idle, the price of a place on the instances decides, and the sentence says that."""
    full, idle = (s.why for s in small(TWINS).recommendation.services)
    assert full == "9 tasks all day, steady: instances would be 100 % full, so prices decide, not idling"
    assert idle == "9 tasks all day, steady: instances would idle 17 % of the time"


def test_sixty_whole_loads_are_one_sentence(tmp_path):
    rows = "".join(f"2026-09-01T{hour:02d}:00:00Z,3\n" for hour in range(24))
    (tmp_path / "load.csv").write_text(f"timestamp,tasks\n{rows}")
    services = "".join(f"  - {{name: s{i}, task: {{cpu: 256, memory: 512}}, load: {{file: load.csv}}}}\n" for i in range(60))
    (tmp_path / "workload.yaml").write_text(f"cluster: many\nregion: us-east-1\nservices:\n{services}")
    known = [note for note in read_workload(tmp_path / "workload.yaml").notes if "load known for" in note]
    assert known == ["60 services: load known for 24 of 24 steps (100 %)."]


def test_the_day_of_each_service_is_drawn_only_where_blocks_can_be():
    plain, drawn = (render_summary(shop(), has_blocks=has_blocks) for has_blocks in (False, True))
    assert plain.isascii()
    assert [line for line in drawn.splitlines() if not line.startswith("    00:00 ")] == plain.splitlines()
    days = [line for line in drawn.splitlines() if line.startswith("    00:00 ")]
    assert len(days) == len(shop().views.services)
    assert all(len(day) <= 80 and day.endswith(" 24:00 UTC, tasks") for day in days)


def test_weeks_of_a_range_are_said_to_be_counted_at_its_upper_end():
    saving = shop().recommendation.saving
    assert "cheaper in 51 of 51 weeks" in weeks_words(saving, shop())
    assert "upper end" not in weeks_words(saving, shop())
    best = replace(shop().recommended, monthly_usd=replace(shop().recommended.monthly_usd, high=800.0))
    ranged = replace(shop(), alternatives=tuple(best if each.id == best.id else each for each in shop().alternatives))
    assert weeks_words(saving, ranged) == "cheaper in 51 of 51 weeks with every range of instances at its upper end"
