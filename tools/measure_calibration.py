"""Measures on real loads what the intervals and chances of :mod:`advisor.uncertainty` hold.

    python tools/measure_calibration.py --loads FOLDER [--example examples/shop] > table.md

FOLDER holds hourly or finer CSV files of load, one value column each, as ``SERIES`` names them; a series whose file is absent
is left out and named. Each series is scaled so that its 99.5th percentile needs 30 tasks; tasks follow the load by the hour and
are at least 2. Plans: Fargate, linear in tasks, and EC2 with 3, 6 or 12 tasks on an instance and 2 instances or more, priced to
cost the same as Fargate over the whole series, times a factor. A fold is H weeks of history and the 4 weeks after it; folds
start 4 weeks apart, so that no two are judged on the same weeks.
"""

import argparse
import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from advisor import uncertainty
from advisor.uncertainty import CostHistory, elasticity, month_draws, odds
from advisor.units import HOURS_PER_MONTH, HOURS_PER_WEEK, FloatArray
from advisor.workload import Growth

HORIZON = 4
PER_INSTANCE = (3, 6, 12)
PEAK_TASKS = 30
PRICE_FACTORS = np.exp(np.linspace(-0.12, 0.12, 7))
DECISION_PEAKS = (10, 30, 60)


@dataclass(frozen=True)
class Series:
    """One load and how its file is read."""

    name: str
    source: str
    file: str
    time: str
    value: str
    how: str = "mean"
    start: str | None = None
    end: str | None = None
    day_first: bool = False


SERIES = (
    Series("bike hire", "bike", "hourly/bikeshare_dc_hourly_2018_2019.csv", "ts", "count", "sum"),
    Series("electricity", "electricity", "hourly/electricity_hourly.csv", "ds", "y"),
    Series(
        "traffic 2012-14", "traffic", "hourly/metro_traffic_volume_hourly.csv.gz", "date_time", "traffic_volume",
        start="2012-10-02", end="2014-08-01",
    ),
    Series(
        "traffic 2015-18", "traffic", "hourly/metro_traffic_volume_hourly.csv.gz", "date_time", "traffic_volume",
        start="2015-07-01", end="2018-10-01",
    ),
    Series("taxi", "taxi", "cloudwatch_nab/nyc_taxi.csv", "timestamp", "value", "sum"),
    Series("Auto Scaling group", "asg", "cloudwatch_nab/cpu_utilization_asg_misconfiguration.csv", "timestamp", "value"),
)  # fmt: skip
EXAMPLES = ("storefront", "search", "orders", "chat")


def hourly(series: Series, folder: Path) -> FloatArray:
    """Load by the hour, gaps of up to 3 h filled with the hour before; NaN in longer ones."""
    frame = pd.read_csv(folder / series.file)
    time = (
        series.time
        if series.time in frame
        else next(name for name in frame if name.lower() in ("ts", "ds", "timestamp", "time"))
    )
    stamps = pd.to_datetime(frame[time], utc=True, format="mixed", dayfirst=series.day_first)
    values = pd.Series(pd.to_numeric(frame[series.value], errors="coerce").to_numpy(), index=stamps)
    values = values[~values.index.duplicated()].sort_index()
    if series.start:
        values = values[pd.Timestamp(series.start, tz="UTC") : pd.Timestamp(series.end, tz="UTC")]
    by_hour = values.resample("h")
    result = by_hour.sum(min_count=1) if series.how == "sum" else by_hour.mean()
    return result.ffill(limit=3).to_numpy(dtype=np.float64)


def tasks_of(load: FloatArray, peak: float, factor: float = 1.0) -> FloatArray:
    """Tasks by the hour when the 99.5th percentile of the load needs ``peak``."""
    per_task = np.nanquantile(load, 0.995) / peak
    return np.where(np.isnan(load), np.nan, np.maximum(np.ceil(load * factor / per_task * (1 - 1e-9)), 2.0))


def quantities(tasks: FloatArray) -> FloatArray:
    """(plans, hours): task-hours on Fargate, and instance-hours for each number of tasks on an instance."""
    rows = [tasks, *(np.maximum(np.ceil(tasks / k), 2.0) for k in PER_INSTANCE)]
    return np.stack(rows)


@dataclass(frozen=True)
class Case:
    """One series cut into weeks: cost of every plan by the week, for the load as it is, up and down."""

    name: str
    source: str
    weekly: FloatArray
    """(weeks, plans)"""
    up: FloatArray
    down: FloatArray


def case(name: str, source: str, load: FloatArray, peak: float = PEAK_TASKS) -> Case:
    """Whole weeks counted back from the end; a week that is hardly measured ends the history before it."""
    load = load[load.size % HOURS_PER_WEEK :]
    rates = None
    tables = []
    for factor in (1.0, uncertainty.ELASTIC_STEP, 1 / uncertainty.ELASTIC_STEP):
        use = quantities(tasks_of(load, peak, factor)).reshape(1 + len(PER_INSTANCE), -1, HOURS_PER_WEEK)
        known = (~np.isnan(use)).sum(axis=2)
        week = np.where(known >= HOURS_PER_WEEK // 2, np.nanmean(np.where(known[..., None] > 0, use, 0.0), axis=2), np.nan)
        table = week.T * HOURS_PER_WEEK
        if rates is None:
            totals = np.nansum(table, axis=0)
            rates = totals[0] / totals
        tables.append(table * rates)
    measured = ~np.isnan(tables[0]).any(axis=1)
    first = int(np.flatnonzero(~measured)[-1]) + 1 if (~measured).any() else 0
    return Case(name, source, *(table[first:] for table in tables))


@dataclass
class Fold:
    """One forecast and what came."""

    case: Case
    origin: int
    draws: FloatArray
    actual: FloatArray
    normal: FloatArray
    """(2, plans)"""
    history_mean: FloatArray


def folds(one: Case, n_history: int, n_draws: int = 4_000) -> list[Fold]:
    """Origins 4 weeks apart, counted back from the end."""
    found = []
    scale = HOURS_PER_MONTH / HOURS_PER_WEEK
    for origin in range(len(one.weekly) - HORIZON, n_history - 1, -HORIZON):
        past = slice(origin - n_history, origin)
        recent = slice(max(origin - 4, origin - n_history), origin)
        e = elasticity(np.exp(np.log(one.up[recent]).mean(axis=0)), np.exp(np.log(one.down[recent]).mean(axis=0)))
        weekly = one.weekly[past]
        history = CostHistory(weekly_usd=weekly, elasticity=e)
        draws = month_draws(history, growth=Growth(), n_draws=n_draws)
        mean, sd = weekly.mean(axis=0), weekly.std(axis=0, ddof=1)
        half = 1.2816 * sd * np.sqrt(HORIZON) / HORIZON
        found.append(
            Fold(
                one, origin, draws, one.weekly[origin : origin + HORIZON].mean(axis=0) * scale,
                np.stack([mean - half, mean + half]) * scale, mean * scale,
            )
        )  # fmt: skip
    return found


def score(low: FloatArray, high: FloatArray, actual: FloatArray) -> FloatArray:
    """Interval score of an 80 % interval."""
    return (high - low) + 10 * np.maximum(low - actual, 0) + 10 * np.maximum(actual - high, 0)


def effective(hits_by_cluster: dict[str, list[float]]) -> tuple[float, int, float, float, float]:
    """Coverage, folds, effective folds, and Clopper and Pearson's interval at these."""
    hits = np.concatenate([np.array(h) for h in hits_by_cluster.values()])
    n, clusters, p = hits.size, len(hits_by_cluster), float(hits.mean())
    residual = [float((np.array(h) - p).sum()) for h in hits_by_cluster.values()]
    variance = sum(r * r for r in residual) / n**2 * clusters / max(clusters - 1, 1)
    n_effective = float(n)
    if variance > 0 and 0 < p < 1:
        ratio = stats.t.ppf(0.975, n - 1) / stats.t.ppf(0.975, max(clusters - 1, 1))
        n_effective = min(n, p * (1 - p) / variance * ratio**2)
    k = p * n_effective
    low = float(stats.beta.ppf(0.025, k, n_effective - k + 1)) if k > 0 else 0.0
    high = float(stats.beta.ppf(0.975, k + 1, n_effective - k)) if k < n_effective else 1.0
    return p, n, n_effective, low, high


def coverage_rows(cases: list[Case], n_history: int) -> dict[str, object]:
    """Coverage and score at one length of history."""
    by_source: dict[str, list[float]] = {}
    ratios, errors, normal_hits = {}, [], []
    for one in cases:
        rows = folds(one, n_history)
        if not rows:
            continue
        ours, normal = [], []
        for fold in rows:
            o = odds(fold.draws)
            by_source.setdefault(one.source, []).append(float(((o.p10 <= fold.actual) & (fold.actual <= o.p90)).mean()))
            normal_hits.append(float(((fold.normal[0] <= fold.actual) & (fold.actual <= fold.normal[1])).mean()))
            ours.append(score(o.p10, o.p90, fold.actual))
            normal.append(score(fold.normal[0], fold.normal[1], fold.actual))
            errors.append(float(np.abs(np.log(o.p50 / fold.actual)).mean()))
        if len(rows) >= 5:
            ratios.setdefault(one.source, []).append(float(np.mean(ours) / np.mean(normal)))
    p, n, n_effective, low, high = effective(by_source)
    return {
        "weeks": n_history, "folds": n, "effective": n_effective, "coverage": p, "low": low, "high": high,
        "by_source": {name: (float(np.mean(h)), len(h)) for name, h in by_source.items()},
        "score": float(np.mean([np.mean(r) for r in ratios.values()])) if ratios else float("nan"),
        "error": float(np.mean(errors)), "normal": float(np.mean(normal_hits)),
    }  # fmt: skip


def decision_rows(cases_by_peak: dict[float, list[Case]], n_history: int) -> dict[str, object]:
    """Fargate against EC2 near break-even: the chance that EC2 is cheaper against what came."""
    chance, truth, history_says, best = [], [], [], []
    chosen_usd, picked = [], []
    for cases in cases_by_peak.values():
        for one in cases:
            for fold in folds(one, n_history, 2_000):
                for column in range(1, 1 + len(PER_INSTANCE)):
                    for factor in PRICE_FACTORS:
                        draws = fold.draws[:, [0, column]] * (1.0, factor)
                        actual = fold.actual[[0, column]] * (1.0, factor)
                        past = fold.history_mean[[0, column]] * (1.0, factor)
                        p = float((draws[:, 1] < draws[:, 0]).mean())
                        chance.append(p)
                        truth.append(float(actual[1] < actual[0]))
                        history_says.append(float(past[1] < past[0]))
                        pick = int(draws[:, 1].mean() < draws[:, 0].mean())
                        picked.append(pick)
                        chosen_usd.append(actual[pick])
                        best.append(actual.min())
    p, y, h = (np.array(v) for v in (chance, truth, history_says))
    sure = np.maximum(p, 1 - p) >= 0.9
    wrong = (np.array(picked) != y) & (y != np.array(picked))
    edges = [0, 0.02, 0.1, 0.35, 0.65, 0.9, 0.98, 1.0001]
    bins = [
        (a, b, int(m.sum()), float(y[m].mean()) if m.any() else float("nan"))
        for a, b in pairwise(edges)
        for m in [(p >= a) & (p < b)]
    ]
    regret = (np.array(chosen_usd) - np.array(best)) / np.array(best)
    return {
        "weeks": n_history, "cases": p.size, "brier": float(((p - y) ** 2).mean()),
        "brier_history": float(((h - y) ** 2).mean()),
        "recommends": float(sure.mean()), "wrong": float(wrong[sure].mean()), "regret": float(regret.mean()),
        "regret_p90": float(np.quantile(regret, 0.9)), "wrong_all": float(wrong.mean()), "bins": bins,
    }  # fmt: skip


def read_cases(folder: Path, example: Path | None, peak: float = PEAK_TASKS) -> tuple[list[Case], list[str]]:
    """Every series that is there, and the names of those that are not."""
    cases, absent = [], []
    for series in SERIES:
        if (folder / series.file).exists():
            cases.append(case(series.name, series.source, hourly(series, folder), peak))
        else:
            absent.append(series.name)
    for name in EXAMPLES if example else ():
        if example is not None and (example / f"{name}.csv").exists():
            series = Series(name, "street counts", f"{name}.csv", "timestamp", "requests_per_second")
            cases.append(case(name, series.source, hourly(series, example), peak))
        else:
            absent.append(name)
    return cases, absent


def fitted_kappa(cases: list[Case], weeks: tuple[int, ...]) -> float:
    """The width at which 80 % is covered on these series."""
    low, high = 0.3, 3.0
    for _ in range(14):
        middle = (low + high) / 2
        if _coverage_at(cases, weeks, middle) < 0.8:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _coverage_at(cases: list[Case], weeks: tuple[int, ...], kappa: float) -> float:
    kept = uncertainty.KAPPA
    uncertainty.KAPPA = kappa  # type: ignore[misc]
    try:
        return float(np.mean([coverage_rows(cases, n)["coverage"] for n in weeks]))
    finally:
        uncertainty.KAPPA = kept  # type: ignore[misc]


def main() -> None:
    """Print the tables of ``docs/calibration.md``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loads", type=Path, required=True)
    parser.add_argument("--example", type=Path, default=Path("examples/shop"))
    args = parser.parse_args()
    cases, absent = read_cases(args.loads, args.example)
    if absent:
        print(f"left out, no file: {', '.join(absent)}", file=sys.stderr)
    columns = "coverage of 80 % | exact interval | of the normal one | score over normal | error of P50"
    print(f"| history, weeks | folds | effective folds | {columns} |")
    print("| ---: | ---: | ---: | ---: | --- | ---: | ---: | ---: |")
    by_weeks = [coverage_rows(cases, n) for n in (2, 4, 8, 12, 26)]
    for r in by_weeks:
        print(
            f"| {r['weeks']} | {r['folds']} | {r['effective']:.0f} | {r['coverage']:.2f} | {r['low']:.2f} to {r['high']:.2f} | "
            f"{r['normal']:.2f} | {r['score']:.2f} | {r['error']:.3f} |"
        )
    print("\n| source | " + " | ".join(f"{r['weeks']} weeks" for r in by_weeks) + " |")
    print("| --- |" + " ---: |" * len(by_weeks))
    for source in sorted({s for r in by_weeks for s in r["by_source"]}):
        cells = [
            f"{r['by_source'][source][0]:.2f} ({r['by_source'][source][1]})" if source in r["by_source"] else "-"
            for r in by_weeks
        ]
        print(f"| {source} | {' | '.join(cells)} |")
    print(
        "\n| history, weeks | cases | Brier | of the winner of the history | ratio | recommends | of these wrong "
        "| wrong if always advised | mean regret | P90 regret |"
    )
    print("| ---: |" + " ---: |" * 9)
    peaks = {peak: read_cases(args.loads, args.example, peak)[0] for peak in DECISION_PEAKS}
    reliability = []
    for n in (2, 4, 8, 12):
        d = decision_rows(peaks, n)
        reliability.append(d)
        print(
            f"| {n} | {d['cases']} | {d['brier']:.3f} | {d['brier_history']:.3f} | {d['brier'] / d['brier_history']:.2f} | "
            f"{d['recommends']:.0%} | "
            f"{d['wrong']:.1%} | {d['wrong_all']:.1%} | {d['regret']:.2%} | {d['regret_p90']:.2%} |"
        )
    print("\n| chance that EC2 is cheaper | " + " | ".join(f"{d['weeks']} weeks" for d in reliability) + " |")
    print("| --- |" + " ---: |" * len(reliability))
    for i, (a, b, *_rest) in enumerate(reliability[0]["bins"]):
        cells = [f"{d['bins'][i][3]:.2f} ({d['bins'][i][2]})" for d in reliability]
        print(f"| {a:g} to {min(b, 1):g} | {' | '.join(cells)} |")
    sources = sorted({one.source for one in cases})
    halves = [c for c in cases if sources.index(c.source) % 2 == 0], [c for c in cases if sources.index(c.source) % 2]
    print("\n| fitted on | kappa | covers there | covers on the other half |")
    print("| --- | ---: | ---: | ---: |")
    weeks = (4, 8, 12)
    for ours, theirs in (halves, halves[::-1]):
        kappa = fitted_kappa(ours, weeks)
        names = ", ".join(sorted({c.source for c in ours}))
        print(f"| {names} | {kappa:.2f} | {_coverage_at(ours, weeks, kappa):.2f} | {_coverage_at(theirs, weeks, kappa):.2f} |")


if __name__ == "__main__":
    main()
