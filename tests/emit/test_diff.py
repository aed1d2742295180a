"""What a plan changes in what is live, and the money of each change."""

import csv
import io
import json
from dataclasses import replace

import boto3
import pytest
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from advisor.ecs import Architecture, TaskSize
from advisor.emit import render_ecs
from advisor.emit.diff import CPU_METRIC, WITH_NEXT, Diff, FieldDiff, diff_plan, emitted_documents
from advisor.emit.diff_money import priced_diff
from advisor.emit.diff_text import diff_csv, diff_json, diff_markdown, diff_table
from advisor.errors import InputError
from advisor.plan import ScalingMetric, ScheduledAction, Step, StepPolicy
from tests.emit.plans import plans
from tests.emit.test_merge import ON_EC2, ON_SPOT, plan_of
from tests.gate.changes import CATALOG, instances, web, workload
from tests.gate.changes import ON_EC2 as RUNS_ON_EC2

approx = pytest.approx


def live(definition=None, service=None, target=None, policy=55.0, actions=(), **more):
    """The five answers about `web`: as the plan of `plan_of` but for what is given."""
    tracking = {
        "TargetValue": policy,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
        **more,
    }
    resource = {"ResourceId": "service/shop/web"}
    return [
        {
            "services": [
                {
                    "serviceName": "web",
                    "taskDefinition": "arn:aws:ecs:us-east-1:1:task-definition/own:3",
                    "launchType": "FARGATE",
                    "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["s"]}},
                }
                | (service or {})
            ]
        },
        {
            "taskDefinition": {
                "family": "own",
                "cpu": "512",
                "memory": "1024",
                "networkMode": "awsvpc",
                "containerDefinitions": [{"name": "web"}],
            }
            | (definition or {})
        },
        {"ScalableTargets": [{**resource, "MinCapacity": 2, "MaxCapacity": 8} | (target or {})]},
        {"ScalingPolicies": [{**resource, "PolicyName": "p", "TargetTrackingScalingPolicyConfiguration": tracking}]},
        {"ScheduledActions": [resource | action for action in actions]},
    ]


def rows_of(diff):
    return {(row.service, row.field): (row.before, row.after) for row in diff.rows}


@given(plan=plans())
@hypothesis_settings(max_examples=25)
def test_an_emitted_set_against_itself_is_empty(plan):
    diff = diff_plan(plan, emitted_documents(render_ecs(plan)))
    assert diff.rows == ()
    assert diff.not_compared == ()


def test_what_is_live_as_planned_differs_in_nothing():
    assert diff_plan(plan_of(), live()).rows == ()


def test_field_before_after():
    found = diff_plan(
        plan_of(),
        live(
            definition={"cpu": "1024", "memory": "2048", "runtimePlatform": {"cpuArchitecture": "ARM64"}},
            service={"launchType": "EC2", "placementStrategy": [{"type": "spread", "field": "instanceId"}]},
            target={"MaxCapacity": 4},
            policy=70.0,
        ),
    )
    assert rows_of(found) == {
        ("web", "task size"): ("1024/2048", "512/1024"),
        ("web", "architecture"): ("ARM64", "X86_64"),
        ("web", "runs on"): ("EC2", "FARGATE"),
        ("web", "max tasks"): ("4", "8"),
        ("web", "scaling target"): ("ECSServiceAverageCPUUtilization 70", "ECSServiceAverageCPUUtilization 55"),
        ("web", "placement strategy"): ("spread instanceId", None),
    }
    assert [row.has_money for row in found.rows] == [True] * 5 + [False]


def test_a_service_that_is_not_there_is_new():
    found = diff_plan(plan_of(), [{"services": [], "failures": [{"reason": "MISSING"}]}])
    assert rows_of(found) == {("web", "service"): (None, "new")}
    assert priced_diff(found, plan_of(), shop(), CATALOG).total_usd is None


def test_what_was_not_given_is_said_and_not_compared():
    found = diff_plan(plan_of(), [{**live()[1]["taskDefinition"], "family": "web"}])
    assert found.rows == ()
    assert len(found.not_compared) == 4


def shop():
    """1,100 CPU units in use: ceil(1,100 / (0.55 x 512)) = 4 tasks."""
    return workload(web(demand=[1100.0] * 336, cpu=512, memory=1024, target=0.55, min=2, max=8))


def test_each_change_on_top_of_the_one_before():
    """Live: 1 vCPU and 2 GiB at a target of 27.5 % with 6 tasks at least.

    Size first: ceil(1,100 / (0.275 x 1,024)) = 4, so 6 tasks x $0.048; with 512 units 8 tasks x $0.024, for 730 h.
    A minimum of 2 changes nothing at 8 tasks; the target of 55 % then halves them.
    """
    documents = live(definition={"cpu": "1024", "memory": "2048"}, target={"MinCapacity": 6}, policy=27.5)
    found = priced_diff(diff_plan(plan_of(), documents), plan_of(), shop(), CATALOG)
    usd = {row.field: row.change_usd for row in found.rows}
    assert usd == {
        "task size": approx(730 * (8 * 0.024 - 6 * 0.048)),
        "min tasks": 0,
        "scaling target": approx(730 * -4 * 0.024),
    }
    assert found.before_usd == approx(730 * 6 * 0.048)
    assert found.after_usd == approx(730 * 4 * 0.024)
    assert found.total_usd == approx(found.after_usd - found.before_usd)


ON_LARGE = replace(ON_EC2, instance_types=("m5.large",), architecture=Architecture.X86_64)


def test_half_a_change_is_priced_with_the_other_half():
    """Fargate has no 300/700, so that the new size has a price only where it is to run: 2 x $75.40 in place of $70.08."""
    plan = plan_of(provider=ON_LARGE, task=TaskSize(cpu_units=300, memory_mib=700), max_tasks=20)
    found = priced_diff(diff_plan(plan, live(target={"MaxCapacity": 20})), plan, shop(), CATALOG)
    money = [(row.field, row.change_usd, row.why_not) for row in found.rows if row.has_money]
    assert money == [("task size", None, WITH_NEXT), ("runs on", approx(2 * 75.40 - 70.08), "")]
    assert found.total_usd == approx(2 * 75.40 - 70.08)
    assert WITH_NEXT in diff_table(found)


def test_from_instances_to_fargate():
    """A size that Fargate lacks changes first, on the two instances that are there for the zones, so for nothing."""
    documents = live(definition={"cpu": "300", "memory": "700"}, service={"launchType": "EC2"})
    load = replace(shop(), present=instances(m5_large=3))
    found = priced_diff(diff_plan(plan_of(), documents), plan_of(), load, CATALOG)
    assert [(row.field, row.change_usd) for row in found.rows] == [("task size", 0), ("runs on", approx(70.08 - 2 * 75.40))]


def test_from_fargate_to_instances():
    """4 tasks x 730 h x $0.024 = $70.08, then 2 instances for the zones: 2 x $75.40."""
    plan = plan_of(provider=ON_LARGE)
    found = priced_diff(diff_plan(plan, live()), plan, shop(), CATALOG)
    assert rows_of(found)["web", "runs on"] == ("FARGATE", "shop-m7g")
    assert found.before_usd == approx(70.08)
    assert found.total_usd == approx(2 * 75.40 - 70.08)


def test_from_instances_of_one_type_to_another():
    plan = plan_of(provider=replace(ON_LARGE, instance_types=("m5.xlarge",)))
    strategy = {"capacityProviderStrategy": [{"capacityProvider": "shop-m7g", "weight": 1}], "launchType": None}
    load = replace(shop(), present=instances(m5_large=2))
    load = replace(load, services=tuple(replace(s, present=RUNS_ON_EC2) for s in load.services))
    found = priced_diff(diff_plan(plan, live(service=strategy)), plan, load, CATALOG)
    assert rows_of(found)["(cluster)", "instance type"] == ("m5.large", "m5.xlarge")
    assert found.total_usd == approx(2 * 73)


@pytest.mark.parametrize("is_planned", [True, False])
def test_a_placement_constraint_is_a_row_with_money(is_planned):
    """4 tasks on 4 instances in place of the 2 that there are for the zones: 2 x $75.40 more, or less."""
    plan = plan_of(provider=ON_LARGE, has_distinct_instances=is_planned)
    service = {"capacityProviderStrategy": [{"capacityProvider": "shop-m7g", "weight": 1}], "launchType": None}
    service |= {} if is_planned else {"placementConstraints": [{"type": "distinctInstance"}]}
    load = replace(shop(), present=instances(m5_large=2))
    load = replace(load, services=tuple(replace(s, present=RUNS_ON_EC2) for s in load.services))
    found = priced_diff(diff_plan(plan, live(service=service)), plan, load, CATALOG)
    (row,) = [row for row in found.rows if row.field == "placement constraints"]
    assert {row.before, row.after} == {"none", "distinctInstance"}
    assert row.change_usd == approx(2 * 75.40 if is_planned else -2 * 75.40)


MORNING = ScheduledAction(name="day", schedule="cron(0 7 * * ? *)", min_tasks=6, time_zone="Asia/Kolkata")
EVENING = ScheduledAction(name="night", schedule="cron(30 19 * * ? *)", min_tasks=2, max_tasks=8, time_zone="Asia/Kolkata")


@pytest.mark.parametrize(("service", "is_noted"), [
    ({"launchType": None, "capacityProviderStrategy": [{"capacityProvider": "shop-m7g", "weight": 1}]}, True),  # ECS's default
    ({"launchType": "EC2", "placementStrategy": [{"type": "random"}]}, True),
    ({}, False),  # from Fargate, which has none
])  # fmt: skip
def test_another_placement_strategy_is_in_no_figure_which_is_said(service, is_noted):
    plan = plan_of(provider=ON_LARGE)
    load = replace(shop(), present=instances(m5_large=2))
    load = replace(load, services=tuple(replace(s, present=RUNS_ON_EC2) for s in load.services))
    found = priced_diff(diff_plan(plan, live(service=service)), plan, load, CATALOG)
    assert "placement strategy" in {row.field for row in found.rows}
    assert any("another placement strategy keeps another number of instances" in note for note in found.notes) is is_noted


def live_action(said="cron(30 19 * * ? *)", zone="Asia/Kolkata", **bounds):
    return {"ScheduledActionName": "own", "Schedule": said, "Timezone": zone, "ScalableTargetAction": bounds}


@pytest.mark.parametrize(("actions", "before", "usd"), [
    ([], "none", 2 * 0.024 * 12.5 / 24 * 730),  # 6 tasks in place of 4 for 12.5 hours a day
    ([live_action(MinCapacity=8)], "at least 8 tasks", (2 * 12.5 - 4 * 24) * 0.024 / 24 * 730),  # 8 day and night
    ([live_action("rate(1 day)", MinCapacity=8)], "rate(1 day)", None),
    ([live_action(MinCapacity=8) | {"EndTime": "2026-03-01"}], "until 2026-03-01", None),
])  # fmt: skip
def test_scheduled_actions_are_a_row_with_money(actions, before, usd):
    plan = plan_of(scheduled_actions=(MORNING, EVENING))
    found = priced_diff(diff_plan(plan, live(actions=actions)), plan, shop(), CATALOG)
    (row,) = found.rows
    assert (row.field, before in row.before) == ("scheduled actions", True)
    assert (
        row.after == "2 to 8 tasks from cron(30 19 * * ? *) Asia/Kolkata; at least 6 tasks from cron(0 7 * * ? *) Asia/Kolkata"
    )
    assert row.change_usd == (None if usd is None else approx(usd))
    assert diff_plan(plan, live()[:4]).not_compared == ("scheduled scaling of web",)


@pytest.mark.parametrize(("live_policy", "said", "has_price"), [
    ({"ScaleInCooldown": 3600}, " cooldowns 300 s out and 3600 s in", True),
    ({"ScaleInCooldown": 300, "ScaleOutCooldown": 300}, None, True),
    ({"DisableScaleIn": True}, " without scale-in", False),
])  # fmt: skip
def test_cooldowns_are_part_of_the_target(live_policy, said, has_price):
    """A load by the minute that falls twice in half an hour: after the first time an hour of more tasks."""
    load = workload(
        web(demand=([1100.0] * 60 + [700.0] * 30 + [300.0] * 150) * 8, cpu=512, memory=1024, target=0.55, min=2, max=8),
        step_s=60,
    )
    found = priced_diff(diff_plan(plan_of(), live(**live_policy)), plan_of(), load, CATALOG)
    rows = [(row.field, row.before, row.after) for row in found.rows]
    target = "ECSServiceAverageCPUUtilization 55"
    assert rows == ([] if said is None else [("scaling target", target + said, target)])
    assert [row.change_usd is not None and row.change_usd < 0 for row in found.rows] == [has_price] * len(rows)


@pytest.mark.parametrize(("live_target", "has_price"), [(55.0, False), (50.0, True)])
def test_cooldowns_have_no_price_on_a_load_that_does_not_show_them(live_target, has_price):
    """Hours: 0.00 was said of cooldowns, where a formula that knows none counted. A target has its price beside them."""
    priced = priced_diff(diff_plan(plan_of(), live(policy=live_target, ScaleInCooldown=3600)), plan_of(), shop(), CATALOG)
    (row,) = priced.rows
    assert (row.change_usd is not None, priced.total_usd is not None) == (has_price, has_price)
    assert "cooldown" in (" ".join(priced.notes) if has_price else row.why_not)


def test_what_one_service_lacks_leaves_the_others_their_price():
    plan = plan_of()
    plan = replace(plan, services={"api": plan.services["web"], **plan.services})
    load = workload(
        *(web(name=name, demand=[1100.0] * 336, cpu=512, memory=1024, target=0.55, max=8) for name in ("api", "web"))
    )
    target = f"{CPU_METRIC} 55"
    rows = [
        FieldDiff(service="api", field="scaling target", before=f"{target} cooldowns 300 s out and 9 s in", after=target,
                  has_money=True),
        FieldDiff(service="web", field="task size", before="2048/4096", after="512/1024", has_money=True),
    ]  # fmt: skip
    priced = priced_diff(Diff(rows=tuple(rows), not_compared=()), plan, load, CATALOG)
    assert [row.change_usd for row in priced.rows] == [None, approx((4 * 0.024 - 2 * 0.096) * 730)]
    assert "cooldown" in priced.rows[0].why_not
    assert priced.total_usd is None


def step_policy(threshold):
    return StepPolicy(
        name="out", metric=ScalingMetric.CPU, threshold_percent=threshold, steps=(Step(from_percent=0, change=1),)
    )


@pytest.mark.parametrize(
    ("threshold", "usd"),
    [(45, -0.024 * 730), (50, None)],  # ceil(1,100 / (0.45 x 512)) = 5 tasks, with the plan's 60 % 4; 50 % is nowhere stated
)
def test_step_policies_are_a_row_with_money(threshold, usd):
    plan = plan_of(scaling_metric=ScalingMetric.NONE, scaling_target=None, step_policies=(step_policy(60),))
    emitted = emitted_documents(render_ecs(plan))
    policy = next(each for each in emitted if each.get("PolicyType") == "StepScaling") | {"PolicyARN": "arn:out"}
    alarm = next(each for each in emitted if each.get("AlarmActions", [""])[0].startswith("@step-policy"))
    alarm = alarm | {"Threshold": float(threshold), "AlarmActions": ["arn:out"]}
    answers = [*live()[:3], {"ScalingPolicies": [policy]}, live()[4]]
    load = shop()
    load = replace(
        load, services=tuple(replace(s, scaling=s.scaling.with_policies((step_policy(45),), None)) for s in load.services)
    )
    (row,) = priced_diff(diff_plan(plan, [*answers, {"MetricAlarms": [alarm]}]), plan, load, CATALOG).rows
    before, after = (f"out: cpu >= {n} % for 3 min: ChangeInCapacity +1, cooldown 300 s" for n in (threshold, 60))
    assert (row.field, row.before, row.after) == ("step scaling", before, after)
    assert row.change_usd == (None if usd is None else approx(usd))
    assert bool(row.why_not) is (usd is None)
    assert diff_plan(plan, answers).not_compared == ("alarms of step scaling of web",)
    for off in ({"ActionsEnabled": False}, {"Dimensions": []}):  # it never acts, or not on this service
        (row,) = diff_plan(plan, [*answers, {"MetricAlarms": [alarm | {"Threshold": 60.0} | off]}]).rows
        assert row.before.startswith("out: ")


@pytest.mark.parametrize(("mode", "mappings", "n"), [
    ("bridge", [{"containerPort": 80, "hostPort": 8080}], 4),  # a port of each instance: 4 tasks on 4 instances
    ("host", [{"containerPort": 80}], 4),
    ("bridge", [{"containerPort": 80, "hostPort": 22, "protocol": "udp"}], 4),  # that of tcp is the instance's
    ("bridge", [{"containerPort": 80, "hostPort": 0}], 2),
])  # fmt: skip
def test_host_ports_are_priced(mode, mappings, n):
    """The plan has 4 tasks on the 2 instances that there are for the zones, of $75.40 each."""
    plan = plan_of(provider=ON_LARGE, network_mode="bridge", port=80)
    service = {"capacityProviderStrategy": [{"capacityProvider": "shop-m7g", "weight": 1}], "launchType": None}
    container = {"name": "web", "portMappings": mappings}
    documents = live(service=service, definition={"networkMode": mode, "containerDefinitions": [container]})
    load = replace(shop(), present=instances(m5_large=2))
    load = replace(load, services=tuple(replace(s, present=RUNS_ON_EC2) for s in load.services))
    found = priced_diff(diff_plan(plan, documents), plan, load, CATALOG)
    assert found.total_usd == approx((2 - n) * 75.40)


def test_a_change_of_the_metric_has_no_price_on_one_load():
    plan = plan_of(scaling_metric=ScalingMetric.REQUESTS, scaling_target=600.0, port=80)
    found = priced_diff(diff_plan(plan, live()), plan, shop(), CATALOG)
    assert found.total_usd is None
    assert any(row.field == "scaling target" and row.why_not for row in found.rows)


def test_the_workload_must_hold_the_service():
    found = diff_plan(plan_of("api"), live(service={"serviceName": "api"}, definition={"cpu": "256"}))
    with pytest.raises(InputError, match="the workload has no service 'api'"):
        priced_diff(found, plan_of("api"), shop(), CATALOG)


def test_spot_is_priced_as_spot():
    found = priced_diff(diff_plan(plan_of(provider=ON_SPOT), live()), plan_of(provider=ON_SPOT), shop(), CATALOG)
    assert found.total_usd == approx(-70.08 / 2)


@given(
    size=st.sampled_from([("256", "512"), ("512", "2048"), ("1024", "2048"), ("2048", "8192")]),
    architecture=st.sampled_from(["X86_64", "ARM64"]),
    bounds=st.tuples(st.integers(0, 5), st.integers(5, 12)),
    target=st.sampled_from([20.0, 55.0, 90.0]),
    address=st.sampled_from(["ENABLED", "DISABLED"]),
)
@hypothesis_settings(max_examples=40)
def test_the_steps_add_up_to_the_whole(size, architecture, bounds, target, address):
    documents = live(
        definition={"cpu": size[0], "memory": size[1], "runtimePlatform": {"cpuArchitecture": architecture}},
        service={"networkConfiguration": {"awsvpcConfiguration": {"assignPublicIp": address}}},
        target={"MinCapacity": bounds[0], "MaxCapacity": bounds[1]},
        policy=target,
    )
    found = priced_diff(diff_plan(plan_of(), documents), plan_of(), shop(), CATALOG)
    if not found.rows:
        return
    steps = [row.change_usd for row in found.rows]
    assert sum(steps) == approx(found.total_usd, abs=1e-9)
    assert found.total_usd == approx(found.after_usd - found.before_usd, abs=1e-9)
    assert found.after_usd == approx(70.08)


def test_every_form_says_the_same():
    documents = live(definition={"cpu": "1024", "memory": "2048"}, service={"placementStrategy": [{"type": "random"}]})
    found = priced_diff(diff_plan(plan_of(), documents), plan_of(), shop(), CATALOG)
    data = json.loads(diff_json(found))
    rows = list(csv.DictReader(io.StringIO(diff_csv(found))))
    assert [row["field"] for row in data["rows"]] == [row["field"] for row in rows] == ["task size", "placement strategy"]
    assert float(rows[0]["change_usd"]) == data["rows"][0]["change_usd"] == data["total_usd"]
    assert rows[1]["change_usd"] == ""
    assert rows[1]["has_money"] == "False"
    for text in (diff_table(found), diff_markdown(found)):
        assert f"{found.total_usd:+,.2f}" in text
        assert "random" in text
    assert diff_table(diff_plan(plan_of(), live())) == "Nothing differs.\n"


def test_what_has_no_price_says_why():
    documents = live(definition={"cpu": "256", "memory": "4096"}, service={"launchType": "EC2"})
    priced = priced_diff(diff_plan(plan_of(), documents), plan_of(), replace(shop(), present=None), CATALOG)
    assert priced.total_usd is None
    assert all("present.instances" in row.why_not for row in priced.rows)
    assert "No total" in diff_table(priced)


# Live, read-only.


@pytest.fixture
def clients(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "dummy")
    names = ("ecs", "application-autoscaling")
    return {name: boto3.client(name, region_name="us-east-1") for name in names}


def test_live_is_asked_for_what_is_needed_and_nothing_more(clients):
    from advisor.sources.aws.live import fetch_live
    from advisor.sources.aws.session import Aws

    services, definition, targets, policies, _ = live(definition={"cpu": "1024", "memory": "2048"})
    resource = {"ServiceNamespace": "ecs", "ScalableDimension": "ecs:service:DesiredCount"}
    arn = services["services"][0]["taskDefinition"]
    target = targets["ScalableTargets"][0] | resource | {"RoleARN": "r", "CreationTime": 1.0}
    policy = policies["ScalingPolicies"][0] | resource | {"PolicyARN": "p", "PolicyType": "TargetTrackingScaling"}
    with Stubber(clients["ecs"]) as ecs, Stubber(clients["application-autoscaling"]) as scaling:
        ecs.add_response("describe_services", services, {"cluster": "shop", "services": ["web"]})
        ecs.add_response("describe_task_definition", definition, {"taskDefinition": arn})
        scaling.add_response(
            "describe_scalable_targets", {"ScalableTargets": [target]}, {**resource, "ResourceIds": ["service/shop/web"]}
        )
        scaling.add_response(
            "describe_scaling_policies",
            {"ScalingPolicies": [policy | {"CreationTime": 1.0}]},
            {**resource, "ResourceId": "service/shop/web"},
        )
        scaling.add_response(
            "describe_scheduled_actions", {"ScheduledActions": []}, {**resource, "ResourceId": "service/shop/web"}
        )
        documents = fetch_live(Aws(clients), "shop", ["web"])
        ecs.assert_no_pending_responses()
        scaling.assert_no_pending_responses()
    assert rows_of(diff_plan(plan_of(), documents)) == {("web", "task size"): ("1024/2048", "512/1024")}


def test_a_task_definition_of_another_family_is_held_against_the_service_that_is_said():
    definition = {**live()[1]["taskDefinition"], "family": "quite-another"}
    unsaid = diff_plan(plan_of(), [definition])
    assert not unsaid.is_compared
    assert diff_table(unsaid).startswith("Nothing was compared")
    said = diff_plan(plan_of(), [definition], "web")
    assert said.is_compared
    assert diff_table(said).startswith("Nothing differs.")
    with pytest.raises(InputError, match="the plan has no service 'wab'"):
        diff_plan(plan_of(), [definition], "wab")
