"""Commitments for a whole account: usage is summed by the hour, so that peaks which never meet carry a larger one."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from typer.testing import CliRunner

import advisor
from advisor.cli.application import app
from advisor.committing.bought import AccountPurchase, account_purchase
from advisor.errors import InputError
from advisor.fleet import CommitmentQuestion, FleetOptions, Range, Status, WorkloadRecord, advise_fleet
from advisor.fleet.account import account_commitments
from advisor.fleet.page import render_page
from advisor.fleet.tables import fleet_markdown, render_fleet, total_sentences
from advisor.meters import PaymentOption
from advisor.report.commitments import account_sentences
from tests.fleet.fleets import START, write_fleet

approx = pytest.approx
QUICK = FleetOptions(replay_weeks=0)
ASKED = CommitmentQuestion(terms=(1,), payments=(PaymentOption.NO_UPFRONT,))
COMPUTE = "recommended:compute_savings_plan:1y:no_upfront"
A_TASK = 0.5 * 0.032384 + 1 * 0.003556
"""What a task of 512 CPU units and 1 GiB takes from a Compute Savings Plan in an hour; on demand it is a quarter more."""
ON_DEMAND = 0.5 * 0.04048 + 1 * 0.004445
FILE = """
cluster: {name}
region: {region}
services:
  - name: web
    task: {{cpu: 512, memory: 1024, startup_seconds: 0}}
    load: {{file: web.csv}}
constraints: {{launch_types: [FARGATE], zones: 1}}
"""


def by_day(hour):
    return 20 if hour % 24 < 12 else 2


def by_night(hour):
    return 22 - by_day(hour)


def write(root, name, counts, *, region="us-east-1", hours=9 * 24, start=START, extra=""):
    """Under two weeks: there are no futures, and sizes are those of the history."""
    folder = root / name
    folder.mkdir(parents=True)
    rows = [f"{(start + timedelta(hours=hour)).strftime('%Y-%m-%dT%H:%M:%SZ')},{counts(hour)}" for hour in range(hours)]
    (folder / "web.csv").write_text("\n".join(["timestamp,tasks", *rows]) + "\n", encoding="utf-8")
    (folder / "workload.yaml").write_text(FILE.format(name=name, region=region) + extra, encoding="utf-8")
    return folder


def account_of(*sources, options=QUICK, question=ASKED, **more):
    return advise_fleet(sources, options=options, commitments=question, **more).commitments


def compute(account, region="us-east-1"):
    (advice,) = [each for each in account.advices if each.region == region]
    return advice.option(COMPUTE)


def test_peaks_at_opposite_times_carry_a_larger_commitment_together_than_the_sum_of_each_alone(tmp_path):
    """By hand: a dollar of the plan saves 1.25 where it is used. Alone 18 of 20 tasks run half of the time, which saves 0.63 a
    dollar; the 2 that always run are covered. Together 22 tasks run in every hour."""
    day, night = write(tmp_path, "day", by_day), write(tmp_path, "night", by_night)
    alone = [compute(account_of(each)) for each in (day, night)]
    together = compute(account_of(tmp_path))
    assert [each.usd_per_hour for each in alone] == [approx(2 * A_TASK, abs=1e-5)] * 2
    assert together.usd_per_hour == approx(22 * A_TASK, abs=1e-5)
    assert together.saving_usd == approx(730 * 22 * (ON_DEMAND - A_TASK), abs=0.01)
    assert (together.coverage_fraction, together.utilization_fraction) == (approx(1), approx(1, abs=1e-4))


def test_an_account_of_one_workload_is_advised_as_the_workload_alone(tmp_path):
    path = write(tmp_path, "day", by_day, hours=5 * 7 * 24) / "workload.yaml"
    alone = advisor.commit(
        advisor.read_workload(path), advisor.read_catalog("us-east-1"), terms=(1,), payments=ASKED.payments, replay_weeks=0
    )
    (advice,) = account_of(path).advices
    assert advice.options == tuple(each for each in alone.options if each.load == "recommended")
    assert advice.ladder == alone.ladder


def test_what_is_stated_throughout_is_there_in_every_common_hour(tmp_path):
    write(tmp_path, "day", by_day)
    steady = write(tmp_path, "steady", by_day)
    file = steady / "workload.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("{file: web.csv}", "{tasks: 5}"), encoding="utf-8")
    assert compute(account_of(tmp_path)).usd_per_hour == approx(7 * A_TASK, abs=1e-5)


def test_a_load_of_another_time_is_left_out_and_named_with_what_it_costs(tmp_path):
    write(tmp_path, "day", by_day)
    write(tmp_path, "earlier", lambda hour: 2, start=START - timedelta(days=60))
    account = account_of(tmp_path)
    assert compute(account).usd_per_hour == approx(2 * A_TASK, abs=1e-5)
    worth = f"earlier is left out ({730 * 2 * ON_DEMAND:,.2f} USD a month on demand)"
    assert [note for note in account.notes if worth in note]
    # By hand: of 11 tasks on average in the one, and 2 in the other that is not sized, 2 are covered.
    assert account.purchase.coverage_fraction == approx(2 / (11 + 2), rel=1e-3)
    assert "usage of 1 workload, summed hour by hour over the 1.3 weeks" in account.advices[0].notes[0]


RATES = "meter,region,usd,unit,discount_fraction,source,as_of\n" + "".join(
    f"{plan}fargate:linux:x86_64:on_demand:{meter},{region},{usd},{unit},,ours,2026-11-01\n"
    for region in ("us-east-1", "eu-west-1")
    for plan, factor in (("", 1.25), ("compute_savings_plan:1y:no_upfront:", 1.0))
    for meter, unit, usd in (
        ("vcpu_hour", "vCPU-hour", 0.032384 * factor),
        ("gib_hour", "GiB-hour", 0.003556 * factor),
    )
)


def test_compute_savings_plans_are_sized_over_all_regions_together(tmp_path):
    """With equal rates in both Regions 22 tasks run in every hour of the two together, and 2 in those of each."""
    (tmp_path / "rates.csv").write_text(RATES, encoding="utf-8")
    write(tmp_path, "day", by_day)
    write(tmp_path, "night", by_night, region="eu-west-1")
    account = account_of(tmp_path, options=replace(QUICK, rates=tmp_path / "rates.csv"))
    assert [each.region for each in account.advices] == ["eu-west-1", "us-east-1", "all Regions"]
    sizes = [compute(account, each.region).usd_per_hour for each in account.advices]
    assert sizes == [approx(2 * A_TASK, abs=1e-5), approx(2 * A_TASK, abs=1e-5), approx(22 * A_TASK, abs=1e-5)]
    assert {each.kind for each in account.advices[-1].options} == {"compute_savings_plan"}
    assert any("not bought beside them" in note for note in account.notes)


def test_what_one_region_lacks_a_rate_for_is_named_and_counted_on_demand(tmp_path):
    write(tmp_path, "day", by_day)
    write(tmp_path, "night", by_night, region="eu-west-1")
    here = "\n".join(line for line in RATES.splitlines() if not ("eu-west-1" in line and line.startswith("compute")))
    (tmp_path / "rates.csv").write_text(here + "\n", encoding="utf-8")
    account = account_of(tmp_path, options=replace(QUICK, rates=tmp_path / "rates.csv"))
    lacking = [
        f"compute_savings_plan:1y:no_upfront:fargate:linux:x86_64:on_demand:{meter}" for meter in ("gib_hour", "vcpu_hour")
    ]
    there, here, everywhere = (compute(account, region) for region in ("eu-west-1", "us-east-1", "all Regions"))
    assert there.missing == tuple(lacking)
    assert (there.purchases, there.usd_per_hour, there.saving_usd) == ((), None, None)
    assert (here.usd_per_hour, here.uncovered) == (approx(2 * A_TASK, abs=1e-5), ())
    assert (everywhere.usd_per_hour, everywhere.missing) == (here.usd_per_hour, ())
    assert everywhere.uncovered == tuple(f"eu-west-1:{meter}" for meter in lacking)
    of_all = "all Regions: no rate for eu-west-1:compute_savings_plan:1y:no_upfront:fargate:linux:x86_64:on_demand:*"
    assert [each for each in account_sentences(account) if each.startswith(of_all)]  # the terminal has no table


HELD = "commitments: [{{kind: compute_savings_plan, usd_per_hour: {}, term_years: 1, payment: no_upfront}}]\n"


def test_what_an_account_holds_counts_once_however_many_workloads_state_it(tmp_path):
    held = HELD.format(10 * A_TASK)
    write(tmp_path, "day", by_day, extra=held)
    write(tmp_path, "night", by_night, extra=held)
    assert compute(account_of(tmp_path)).usd_per_hour == approx(12 * A_TASK, abs=2e-5)


def test_workloads_that_state_different_held_commitments_are_named(tmp_path):
    for name, counts, usd in (("day", by_day, 0.1), ("night", by_night, 0.2)):
        write(tmp_path, name, counts, extra=HELD.format(usd))
    account = account_of(tmp_path)
    assert account.advices == ()
    assert "us-east-1: no commitments are sized: day and night state different held commitments" in account.notes[0]


def test_workloads_with_different_own_rates_are_named(tmp_path):
    for name, counts in (("day", by_day), ("night", by_night)):
        folder = write(tmp_path, name, counts, extra="rates: rates.csv\n")
        (folder / "rates.csv").write_text(RATES.replace("ours", name), encoding="utf-8")
    account = account_of(tmp_path)
    assert account.advices == ()
    assert "day and night are priced with different own rates" in account.notes[0]


def test_own_rates_of_one_content_are_one_price_wherever_they_lie(tmp_path):
    for name, counts in (("day", by_day), ("night", by_night)):
        folder = write(tmp_path, name, counts, extra="rates: rates.csv\n")
        (folder / "rates.csv").write_text(RATES, encoding="utf-8")
    assert compute(account_of(tmp_path)).usd_per_hour == approx(22 * A_TASK, abs=1e-5)


def test_plans_that_were_chosen_by_other_prices_are_sized_by_none(tmp_path):
    """As where a worker has other price files than the client."""
    fleet = advise_fleet([write(tmp_path, "day", by_day)], options=QUICK)
    (record,) = fleet.records
    account = account_commitments([replace(record, catalog={**record.catalog, "sha256": "0" * 64})], QUICK, ASKED)
    assert account.advices == ()
    assert "other prices than are here" in account.notes[0]


def test_who_has_no_plan_is_named(tmp_path):
    fleet = advise_fleet([write(tmp_path, "day", by_day)], options=QUICK)
    look = WorkloadRecord(name="look", status=Status.SCREENED, best=Range(mean=9, low=9, high=9))
    others = [look, WorkloadRecord(name="bad", status=Status.FAILED)]
    account = account_commitments([*fleet.records, *others], QUICK, ASKED)
    assert compute(account).usd_per_hour == approx(2 * A_TASK, abs=1e-5)
    assert account.notes == (
        "only screened, and without a plan to commit for: look",
        "without an answer, and in no commitment: bad",
    )


def test_kept_usage_gives_the_same_commitments_and_damaged_usage_is_made_again(tmp_path):
    write(tmp_path / "fleet", "day", by_day)
    write(tmp_path / "fleet", "night", by_night)
    made = account_of(tmp_path / "fleet", keep_in=tmp_path / "kept")
    shares = []
    kept = account_of(tmp_path / "fleet", keep_in=tmp_path / "kept", on_share=lambda _, share: shares.append(share))
    assert (kept, shares) == (made, [])
    files = sorted((tmp_path / "kept").glob("*.npz"))
    assert max(file.stat().st_size for file in files) < 4_000
    files[0].write_bytes(b"PK no more")
    files[1].unlink()
    assert account_of(tmp_path / "fleet", keep_in=tmp_path / "kept") == made


def test_every_form_of_a_fleet_shows_its_commitments(tmp_path):
    write(tmp_path, "day", by_day)
    write(tmp_path, "night", by_night)
    fleet = advise_fleet([tmp_path], options=QUICK, commitments=ASKED)
    bought = f"Compute Savings Plan of {compute(fleet.commitments).usd_per_hour:g} USD/h"
    for text in (render_page(fleet), render_fleet(fleet), fleet_markdown(fleet)):
        assert bought in " ".join(text.split())
    assert "over what is held alone" in render_page(fleet)  # which shows a line break as a letter that cannot be printed
    told = json.loads(fleet.to_json())["commitments"]
    assert told["advices"][0]["options"][0]["id"] == COMPUTE
    assert fleet.totals == advise_fleet([tmp_path], options=QUICK).totals  # no total holds what is not bought


def totals_line(fleet):
    (line,) = [each for each in total_sentences(fleet) if each.startswith("with new commitments")]
    return line


def test_the_totals_say_what_the_account_buys_under_stated_terms_covers_and_uses(tmp_path):
    """By hand: 22 tasks run in every hour, all covered; the saving is a fifth of what they cost."""
    write(tmp_path, "day", by_day)
    write(tmp_path, "night", by_night)
    fleet = advise_fleet([tmp_path], options=QUICK, terms=["1y:no_upfront:compute_savings_plan"])
    account = fleet.commitments
    assert [each.id for advice in account.advices for each in advice.options] == [COMPUTE]
    assert account.purchase == AccountPurchase(
        options={"us-east-1": COMPUTE},
        saving_usd=approx(730 * 22 * (ON_DEMAND - A_TASK), abs=0.01),
        saving_mean_usd=None,
        usd_per_hour=approx(22 * A_TASK, abs=1e-5),
        upfront_usd=0,
        coverage_fraction=approx(1),
        utilization_fraction=approx(1, abs=1e-4),
    )
    with_usd = fleet.totals.best.mean - account.purchase.saving_usd
    assert with_usd == approx(730 * 22 * A_TASK, rel=1e-3)
    assert f"${with_usd:,.0f}" in totals_line(fleet)
    assert "100 % of what can be covered is; 100 % of what is bought is used" in totals_line(fleet)
    assert f"${with_usd:,.0f}" in render_page(fleet)
    assert json.loads(fleet.to_json())["commitments"]["terms"] == ["1y:no_upfront:compute_savings_plan"]


def test_terms_that_all_workloads_state_are_those_of_the_account(tmp_path):
    same = ", terms: ['1y:no_upfront:compute_savings_plan']}"
    for name, counts in (("day", by_day), ("night", by_night)):
        path = write(tmp_path, name, counts) / "workload.yaml"
        path.write_text(path.read_text(encoding="utf-8").replace("zones: 1}", f"zones: 1{same}"), encoding="utf-8")
    stated = advise_fleet([tmp_path], options=QUICK)
    assert stated.commitments == advise_fleet([tmp_path], options=QUICK, terms=stated.commitments.terms).commitments
    assert advise_fleet([tmp_path], options=QUICK, terms=["none"]).commitments is None
    write(tmp_path, "other", by_day)
    mixed = advise_fleet([tmp_path], options=QUICK)
    assert mixed.commitments is None
    assert any("2 workloads state terms of them; the account buys" in each for each in total_sentences(mixed))


def test_what_is_bought_in_several_regions_is_summed_or_bought_once_for_all(tmp_path):
    write(tmp_path, "day", by_day)
    write(tmp_path, "night", by_night, region="eu-west-1")
    (tmp_path / "rates.csv").write_text(RATES, encoding="utf-8")
    fleet = advise_fleet([tmp_path], options=replace(QUICK, rates=tmp_path / "rates.csv"), commitments=ASKED)
    purchase = fleet.commitments.purchase
    assert list(purchase.options) == ["all Regions"]  # peaks that never meet
    regional = [compute(fleet.commitments, region) for region in ("us-east-1", "eu-west-1")]
    assert purchase.saving_usd > sum(each.saving_usd for each in regional)
    apart = account_purchase([each for each in fleet.commitments.advices if each.region != "all Regions"])
    assert apart.saving_usd == approx(sum(each.saving_usd for each in regional))
    worth = [advice.loads[0].on_demand_usd for advice in fleet.commitments.advices[:2]]
    shares = [compute(fleet.commitments, advice.region).coverage_fraction for advice in fleet.commitments.advices[:2]]
    assert apart.coverage_fraction == approx(sum(w * s for w, s in zip(worth, shares, strict=True)) / sum(worth))


def test_what_an_account_holds_is_counted_once_beside_the_totals(tmp_path):
    """By hand: 20 or 2 tasks each, 22 in every hour together; a plan for 11 covers 11 of these, and alone 11 and 2."""
    held = HELD.format(11 * A_TASK)
    write(tmp_path, "day", by_day, extra=held)
    assert advise_fleet([tmp_path], options=QUICK).held_again is None
    write(tmp_path, "night", by_night, extra=held)
    fleet = advise_fleet([tmp_path], options=QUICK, terms=["1y:no_upfront:compute_savings_plan"])
    alone = 730 * (11 * A_TASK + 9 / 2 * ON_DEMAND)
    together = 730 * (11 * A_TASK + 11 * ON_DEMAND)
    assert fleet.totals.best.mean == approx(2 * alone, rel=1e-3)
    assert fleet.held_again.usd == approx(2 * alone - together, abs=0.1)
    assert fleet.best_usd == approx(together, rel=1e-3)
    assert fleet.with_commitments_usd == approx(730 * 22 * A_TASK, rel=1e-3)
    for text in (render_page(fleet), render_fleet(fleet), fleet_markdown(fleet)):
        assert f"counted once, the cost at best is ${fleet.best_usd:,.0f}" in " ".join(text.replace("\\", "").split())
    assert json.loads(fleet.to_json())["held_again"]["n_workloads"] == 2


def test_what_each_workload_could_use_in_full_makes_the_totals_too_low(tmp_path):
    """By hand: a plan for 2 tasks covers 2 of those of each at all times, and of the 22 together 2 as well."""
    for name, counts in (("day", by_day), ("night", by_night)):
        write(tmp_path, name, counts, extra=HELD.format(2 * A_TASK))
    fleet = advise_fleet([tmp_path], options=QUICK, terms=["1y:no_upfront:compute_savings_plan"])
    less = 730 * 2 * (ON_DEMAND - A_TASK)
    assert fleet.held_again.usd == approx(-less, abs=0.1)
    told = " ".join(total_sentences(fleet))
    assert f"the cost at best is ${fleet.best_usd:,.0f}, ${less:.2f} more; the other dollars hold it each time" in told
    saving = 730 * 20 * (ON_DEMAND - A_TASK)
    assert f"${730 * 22 * A_TASK:,.0f}, ${saving:,.0f} less than with what is held counted once, for" in told


def test_held_commitments_that_differ_are_counted_as_they_are_and_that_is_told(tmp_path):
    write(tmp_path, "day", by_day, extra=HELD.format(0.1))
    write(tmp_path, "night", by_night, extra=HELD.format(0.2))
    fleet = advise_fleet([tmp_path], options=QUICK)
    assert fleet.held_again.usd is None
    assert fleet.best_usd == fleet.totals.best.mean
    assert any("not known (day and night state different" in each for each in total_sentences(fleet))


@pytest.fixture(scope="module")
def clusters(tmp_path_factory):
    return write_fleet(tmp_path_factory.mktemp("fleet") / "clusters", n=2)


def run(*arguments):
    return CliRunner().invoke(app, [*map(str, arguments), "--replay-weeks", "0"])


def test_the_command_says_what_the_call_says_and_writes_it(clusters, tmp_path):
    asked = ["--term", 1, "--payment", "no_upfront"]
    done = run("commit", clusters, *asked, "--format", "json", "--out", tmp_path / "out")
    assert done.exit_code == 0
    assert "in no total: bad:" in done.stderr
    account = account_of(clusters)
    assert json.loads(done.stdout)["advices"] == json.loads(json.dumps(account.to_dict()))["advices"]
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "commitments.json", "commitments.csv", "commitments.md", "kept",
    }  # fmt: skip
    assert (tmp_path / "out" / "commitments.csv").read_text(encoding="utf-8").startswith("region,id,")
    table = run("commit", clusters, *asked, "--out", tmp_path / "out", "-q").stdout
    assert "the recommended plans of 2 workloads" in table
    both = run("recommend", clusters, "--commit", "--out", tmp_path / "out", "-q")
    assert "Commitments for all of them together:" in both.stdout
    stated = run("commit", clusters, "--terms", "1y:no_upfront", "--out", tmp_path / "out", "--format", "json", "-q")
    told = json.loads(stated.stdout)
    assert told["terms"] == ["1y:no_upfront"]
    assert {(each["term_years"], each["payment"]) for each in told["advices"][0]["options"]} == {(1, "no_upfront")}
    assert run("recommend", clusters, "--terms", "5y").exit_code == 2


def test_commitments_of_a_single_workload_or_a_data_set_have_their_own_command(clusters, tmp_path):
    single = run("recommend", clusters / "cluster-0" / "workload.yaml", "--commit")
    assert isinstance(single.exception, InputError)
    assert "advisor commit" in str(single.exception)
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    hours = [START + timedelta(hours=hour) for hour in range(30)]
    pq.write_table(pa.table({"service": ["web"] * 30, "timestamp": hours, "tasks": [3] * 30}), tmp_path / "all.parquet")
    dataset = run("commit", tmp_path)
    assert isinstance(dataset.exception, InputError)
    assert "--commit" in str(dataset.exception)
