"""A hybrid within one service, on request: base tasks on instances and the rest on Fargate behind one target group."""

from dataclasses import replace

import numpy as np
import pytest

from advisor.answer import advise
from advisor.cli import main
from advisor.ecs import LaunchType
from advisor.emit import (
    parse_calls,
    parse_cloudformation,
    parse_ecs,
    parse_terraform,
    render_cloudformation,
    render_ecs,
    render_terraform,
)
from advisor.errors import PlanError
from advisor.plan import ScalingMetric
from advisor.recommend.hybrid import hybrid_plan
from advisor.sources import read_catalog, read_workload
from tests.ecs_rules import check_set

IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/web@sha256:" + "ab" * 32


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hybrid")
    hours = np.datetime64("2026-09-07T00:00:00") + np.arange(24 * 21) * np.timedelta64(1, "h")
    cpu = 25 + 20 * np.sin(np.arange(24 * 21) / 24 * 2 * np.pi)
    rows = "\n".join(f"{t}Z,{c:.2f},40,8" for t, c in zip(hours, cpu, strict=True))
    (folder / "web.csv").write_text(f"timestamp,cpu_percent,memory_percent,tasks\n{rows}\n")
    load = "load: {file: web.csv}, scaling: {min: 2, max: 20}"
    (folder / "workload.yaml").write_text(
        "cluster: shop\nregion: us-east-1\nservices:\n"
        f"  - {{name: web, port: 80, image: '{IMAGE}', task: {{cpu: 600, memory: 1000}}, {load}}}\n"
        f"  - {{name: worker, image: '{IMAGE}', task: {{cpu: 512, memory: 1024}}, {load}}}\n"
        f"  - {{name: open, port: 81, task: {{cpu: 512, memory: 1024}}, {load}}}\n"
    )
    return advise(read_workload(folder / "workload.yaml"), read_catalog("us-east-1"))


def test_the_base_is_kept_on_instances_and_the_rest_scales_on_fargate(told):
    whole, plan = told.recommended.plan.services["web"], hybrid_plan(told, {"web": 3})
    base, rest = plan.services["web"], plan.services["web-fargate"]
    assert (base.launch_type, base.min_tasks, base.desired_tasks, base.max_tasks) == (LaunchType.EC2, 3, 3, 3)
    assert (base.scaling_metric, base.scaling_target) == (ScalingMetric.NONE, None)
    assert (rest.launch_type, rest.min_tasks, rest.max_tasks) == (LaunchType.FARGATE, 1, 17)  # by hand: max(1, 2 - 3), 20 - 3
    assert (rest.scaling_metric, rest.scaling_target) == (whole.scaling_metric, whole.scaling_target)
    assert (rest.scale_out_cooldown_s, rest.scale_in_cooldown_s) == (whole.scale_out_cooldown_s, whole.scale_in_cooldown_s)
    assert (rest.shares_target_group_of, rest.image, rest.task, rest.architecture) == (
        "web",
        base.image,
        base.task,
        base.architecture,
    )


def test_the_half_on_fargate_has_no_placement_constraint(told):
    def apart(each):
        web = each.plan.services.get("web") if each.plan else None
        if web is None or web.launch_type is not LaunchType.EC2:
            return each
        services = each.plan.services | {"web": replace(web, has_distinct_instances=True)}
        return replace(each, plan=replace(each.plan, services=services))

    plan = hybrid_plan(replace(told, alternatives=tuple(map(apart, told.alternatives))), {"web": 3})
    assert [plan.services[name].has_distinct_instances for name in ("web", "web-fargate")] == [True, False]


def test_both_halves_are_emitted_behind_one_target_group_and_read_back(told):
    plan = hybrid_plan(told, {"web": 3})
    files = render_ecs(plan)
    calls = parse_calls(files)
    assert not check_set(calls)
    created = {r["serviceName"]: r for _, operation, r in calls if operation == "CreateService"}
    halves = [created[name]["loadBalancers"][0]["targetGroupArn"] for name in ("web", "web-fargate")]
    assert halves[0] == halves[1]
    scaled = [r["ResourceId"] for _, operation, r in calls if operation == "RegisterScalableTarget"]
    assert "service/shop/web-fargate" in scaled
    assert "service/shop/web" not in scaled
    assert parse_ecs(files) == plan
    assert parse_terraform(render_terraform(plan)) == plan
    assert parse_cloudformation(render_cloudformation(plan)) == plan


@pytest.mark.parametrize(
    ("base", "reason"),
    [
        ({"worker": 2}, "has no load balancer"),
        ({"open": 2}, "give 'open' its image"),
        ({"web": 20}, "its base must be 1 to 19"),
        ({"web": 0}, "its base must be 1 to 19"),
        ({"other": 1}, "no service 'other'"),
    ],
)
def test_what_cannot_be_split_is_refused_with_the_reason(told, base, reason):
    with pytest.raises(PlanError, match=reason):
        hybrid_plan(told, base)


def test_the_command_writes_it_only_on_request(told, tmp_path, monkeypatch, capsys):
    (tmp_path / "recommendation.json").write_text(told.to_json())
    run = ["advisor", "emit", str(tmp_path), "-o"]
    for more in (["plain"], ["split", "--hybrid", "web=3"]):
        monkeypatch.setattr("sys.argv", [*run, str(tmp_path / more[0]), *more[1:]])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 0
    assert "nothing has replayed or priced it" in capsys.readouterr().err
    assert not (tmp_path / "plain/deploy/ecs/services/web-fargate").exists()
    assert (tmp_path / "split/deploy/ecs/services/web-fargate/create-service.json").exists()


@pytest.mark.parametrize("text", ["web", "web=", "=3", "web=-1", "web=x"])
def test_a_misspelt_split_is_one_line(told, tmp_path, monkeypatch, capsys, text):
    (tmp_path / "recommendation.json").write_text(told.to_json())
    monkeypatch.setattr("sys.argv", ["advisor", "emit", str(tmp_path), "--hybrid", text, "-o", str(tmp_path / "out")])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert "Write web=4." in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
