"""What each command does, as one call. ``python examples/python/everything.py`` in a checkout runs what needs no account."""

import datetime
import json
import sys
from pathlib import Path

import numpy as np

import advisor

EXAMPLES = Path(__file__).parents[1]


def recommend(path: Path, out: Path) -> advisor.Recommendation:
    """``advisor recommend PATH --out OUT``."""
    workload: advisor.Workload = advisor.read_workload(path)
    catalog: advisor.PriceCatalog = advisor.read_catalog(workload.region)
    recommendation = advisor.advise(workload, catalog, today=datetime.date(2026, 1, 1), replay_weeks=0)
    print(advisor.render_summary(recommendation, width=80))
    files = {"recommendation.json": recommendation.to_json().encode(), **advisor.render_report(recommendation)}
    plan = recommendation.recommended.plan
    if plan is not None:
        files |= {f"deploy/ecs/{name}": content for name, content in advisor.render_ecs(plan).items()}
    page = advisor.migration_page(recommendation)
    if page is not None:
        files["migration.md"] = page.encode()
    advisor.write_files(out, files)
    return recommendation


def fleet(folder: Path) -> advisor.Fleet:
    """``advisor recommend FOLDER``, with what the whole account should commit to."""
    question = advisor.CommitmentQuestion(terms=(1,))
    return advisor.advise_fleet([folder], options=advisor.FleetOptions(), engine=advisor.Engine.LOCAL, commitments=question)


def explain(folder: Path) -> None:
    """``advisor explain FOLDER``."""
    recommendation = advisor.read_recommendation(folder)
    print(advisor.explain(recommendation).title)
    print(advisor.explain_markdown(recommendation, recommendation.recommendation.services[0].name))
    print(advisor.render_markdown(recommendation)[:200])


def frames_and_charts(recommendation: advisor.Recommendation, out: Path) -> None:
    """What a notebook shows."""
    print(recommendation.alternatives_frame().head(3))
    print(recommendation.line_items_frame())
    print(recommendation.hourly_frame().describe())
    service = recommendation.recommendation.services[0].name
    out.mkdir(parents=True, exist_ok=True)
    advisor.plot_costs(recommendation).savefig(out / "costs.png")
    advisor.plot_load(recommendation, service).savefig(out / "load.png")
    advisor.plot_loads(recommendation).savefig(out / "loads.png")
    advisor.plot_stairs(recommendation, service).savefig(out / "stairs.png")
    if recommendation.views.instances is not None:
        advisor.plot_busiest_week(recommendation).savefig(out / "week.png")
    if recommendation.views.replayed_week is not None:
        advisor.plot_replayed_week(recommendation).savefig(out / "replayed.png")


def ask_more(
    workload: advisor.Workload, catalog: advisor.PriceCatalog, recommendation: advisor.Recommendation, out: Path
) -> None:
    """``advisor instances``, ``sweep``, ``backtest``."""
    ranking = advisor.rank_instances(workload, catalog, most=3)
    print([(each.instance_type, each.monthly_usd) for each in ranking.instances])
    swept = advisor.sweep(workload, catalog, x=advisor.AxisName.LOAD_FACTOR, x_values=[0.5, 1, 2], families=["m7g"])
    advisor.plot_sweep(swept).savefig(out / "sweep.png")
    ranked = advisor.sensitivity(workload, catalog)
    advisor.plot_sensitivity(ranked).savefig(out / "sensitivity.png")
    committed = advisor.commit(workload, catalog, terms=(1,))
    advisor.plot_commitment(committed).savefig(out / "commitment.png")
    print(advisor.payback(recommendation, labour_usd_per_hour=90, migration_hours=8))
    print(advisor.backtest(workload, catalog, history_weeks=4).mean_regret_fraction)


def gate(workload: advisor.Workload, catalog: advisor.PriceCatalog, old: Path, new: Path) -> bool:
    """``advisor gate``."""
    change = advisor.read_change(workload, old=old, new=new, stated=advisor.Stated())
    found = advisor.gate(
        change.before,
        change.after,
        catalog,
        services=change.services,
        limits=advisor.Limits(max_increase_usd=50),
        missing=change.missing,
    )
    return found.passed


def bill(workload: advisor.Workload, catalog: advisor.PriceCatalog, path: Path) -> None:
    """``advisor backtest --bill``."""
    print(advisor.reconcile(workload, catalog, advisor.read_bill(path)).modelled_usd)


def new(out: Path) -> None:
    """``advisor new`` and ``advisor inspect``."""
    service = advisor.NewService(
        name="web",
        shape=advisor.LoadShape.OFFICE_HOURS,
        peak_requests_per_second=120,
        cpu_ms_per_request=25,
        memory_mib=1024,
        region="eu-west-1",
    )
    advisor.write_files(out, advisor.render_new_workload(service))
    inspected = advisor.inspect_load(out / "workload.yaml", reading=advisor.LoadOptions.stated(time_zone="UTC"))
    print(inspected.services[0].interval_s, inspected.services[0].measures[0].mean)


def emit(recommendation: advisor.Recommendation, documents: list[dict[str, object]]) -> None:
    """``advisor emit``, to every format; merged into what exists; held against it; judged."""
    plan = recommendation.recommended.plan
    if plan is None:
        return
    for name, render in {
        "ecs": advisor.render_ecs,
        "cloudformation": advisor.render_cloudformation,
        "terraform": advisor.render_terraform,
        "terraform-module": advisor.render_terraform_module,
        "copilot": advisor.render_copilot,
        "ecspresso": advisor.render_ecspresso,
        "express": advisor.render_express,
    }.items():
        try:
            files = render(plan)
        except advisor.PlanError as error:
            print(f"{name}: {error}")
            continue
        if name == "ecs":
            print(*advisor.verify_emitted(name, files), sep="\n")
    try:
        advisor.render_ecs(advisor.hybrid_plan(recommendation, {"api": 2}))
    except advisor.PlanError as error:
        print(f"hybrid: {error}")
    for document in documents:
        print([merged.changes for merged in advisor.merge_plan(document, plan)])
    difference = advisor.diff_plan(plan, documents)
    workload = advisor.read_workload(EXAMPLES / "cloudwatch" / "workload.yaml")
    print(advisor.priced_diff(difference, plan, workload, advisor.read_catalog(plan.region)).rows)


def prices(region: str) -> None:
    """``advisor prices check``, and what changed against another catalog."""
    catalog = advisor.read_catalog(region)
    print(advisor.violations(catalog), list(advisor.rate_changes(catalog, catalog, region)))


def with_an_account(cluster: str, region: str, out: Path) -> None:
    """``advisor collect``, ``emit --diff``, ``prices refresh``: these read an account. Not run here."""
    import boto3

    print(json.dumps(advisor.iam_policy(cluster=cluster, region=region)))
    session = boto3.Session(region_name=region)
    advisor.write_files(out, advisor.collect_workload(session, cluster, now=datetime.datetime.now(datetime.UTC)))
    print(advisor.live_documents(cluster, ["web"], region=region))
    options = advisor.RefreshOptions(parts=("fargate", "spot"))
    print(advisor.refresh_prices([region], account=advisor.opened_account(), options=options).refused)
    print(advisor.check_catalog())


def mixed_fleet() -> None:
    """The cheapest mix of instance types for some tasks, with a bound that none can beat."""
    problem = advisor.FleetProblem(
        tasks=np.array([[512, 1024], [1024, 4096]]),
        counts=np.array([6, 3]),
        capacity=np.array([[2048, 7626], [4096, 15502]]),
        usd_per_hour=np.array([0.085, 0.17]),
        names=("m7g.large", "m7g.xlarge"),
    )
    solved = advisor.cheapest_fleet(problem)
    print(solved.usd_per_hour, solved.lower_bound_usd_per_hour)


def placement() -> None:
    """Where a change stands, when its files do not say it."""
    stated = advisor.Stated(launch_type=advisor.LaunchType.EC2, purchase_option=advisor.PurchaseOption.SPOT)
    print(stated, advisor.PlacementStrategy.DEFAULT_SPREAD)


def what_would_change_the_answer(path: Path, out: Path) -> None:
    """What-ifs, and the map of what is cheapest, as ``advisor recommend --out`` works them out."""
    workload = advisor.read_workload(path)
    explored = advisor.explore(workload, advisor.read_catalog(workload.region), replay_weeks=0)
    advisor.plot_cheapest_map(explored).savefig(out / "map.png")
    advisor.plot_packing(explored).savefig(out / "packing.png")


def schemas() -> None:
    """``advisor schema``."""
    print(sorted(advisor.workload_schema()), sorted(advisor.recommendation_schema()))


def main(out: Path) -> int:
    """Everything that needs no account."""
    path = EXAMPLES / "cloudwatch" / "workload.yaml"
    try:
        recommendation = recommend(path, out / "api")
        workload, catalog = advisor.read_workload(path), advisor.read_catalog("eu-west-1")
    except (advisor.InputError, advisor.PriceNotFoundError, advisor.OutputError) as error:
        print(error, file=sys.stderr)
        return 1
    explain(out / "api")
    frames_and_charts(recommendation, out / "charts")
    ask_more(workload, catalog, recommendation, out / "charts")
    what_would_change_the_answer(path, out / "charts")
    new(out / "new")
    emit(recommendation, [])
    prices("eu-west-1")
    mixed_fleet()
    placement()
    schemas()
    return 0


if __name__ == "__main__":
    try:
        raise SystemExit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "reports/everything")))
    except advisor.AdvisorError as failed:
        raise SystemExit(f"error: {failed}") from failed
