"""Nothing of a task definition that can hold a secret leaves the account, whatever AWS answers and whatever goes wrong."""

import json
import logging
import random
from datetime import UTC, datetime
from typing import Any

import pytest

from advisor.errors import AdvisorError
from advisor.sources.aws import Pace, SavedAnswers, collect_workload
from tests.aws.fake_account import FakeAccount
from tests.aws.proxy import FaultProxy
from tests.aws.test_broken_answers import broken

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
SECRET = "hunter2-AKIAIOSFODNN7SECRET"  # noqa: S105


def container(**more: Any) -> dict[str, Any]:
    """A secret in every place of a container definition that takes free text."""
    pair = [{"name": "DB_PASSWORD", "value": SECRET}, {"value": SECRET}, {"name": "EMPTY"}]
    return {
        "name": "app",
        "image": "shop/web:1",
        "environment": pair,
        "environmentFiles": [{"type": "s3", "value": f"arn:aws:s3:::bucket/{SECRET}.env"}],
        "secrets": [{"name": "API_KEY", "valueFrom": f"arn:aws:ssm:eu-west-1:1:parameter/{SECRET}"}],
        "command": ["serve", f"--password={SECRET}"],
        "entryPoint": ["sh", "-c", SECRET],
        "healthCheck": {"command": ["CMD", "curl", f"https://user:{SECRET}@localhost"]},
        "dockerLabels": {"token": SECRET},
        "logConfiguration": {
            "logDriver": "splunk",
            "options": {"splunk-token": SECRET},
            "secretOptions": [{"name": "x", "valueFrom": SECRET}],
        },
        "firelensConfiguration": {"type": "fluentbit", "options": {"apikey": SECRET}},
        "repositoryCredentials": {"credentialsParameter": SECRET},
        "extraHosts": [{"hostname": SECRET, "ipAddress": "10.0.0.1"}],
        "systemControls": [{"namespace": "net", "value": SECRET}],
        "mountPoints": [{"sourceVolume": SECRET, "containerPath": SECRET}],
        "workingDirectory": SECRET,
        "user": SECRET,
        **more,
    }


def account() -> FakeAccount:
    proxy = {"type": "APPMESH", "containerName": "envoy", "properties": [{"name": "x", "value": SECRET}]}
    definition = {
        "containerDefinitions": [container()],
        "taskRoleArn": SECRET,
        "proxyConfiguration": proxy,
        "volumes": [
            {"name": SECRET, "dockerVolumeConfiguration": {"driverOpts": {"password": SECRET}, "labels": {"a": SECRET}}}
        ],
        "placementConstraints": [{"type": "memberOf", "expression": SECRET}],
        "networkMode": "bridge",
    }
    service = {
        "events": [{"message": SECRET}],
        "tags": [{"key": "a", "value": SECRET}],
        "serviceConnectConfiguration": {"logConfiguration": {"options": {"token": SECRET}}},
        "placementConstraints": [{"type": "memberOf", "expression": SECRET}],
        "volumeConfigurations": [{"name": SECRET}],
    }
    overrides = {"containerOverrides": [{"environment": [{"name": "A", "value": SECRET}], "command": [SECRET]}]}
    task = {"group": "service:web", "launchType": "FARGATE", "overrides": overrides, "containers": [{"reason": SECRET}]}
    return FakeAccount(
        now=NOW,
        services={"web": service},
        definitions={"web": definition},
        point=lambda name, metric, at: 50.0 if metric.startswith("CPU") else None,
        answers={
            "ListTasks": lambda asked: {"taskArns": ["t"]},
            "DescribeTasks": lambda asked: {"tasks": [task], "failures": []},
        },
    )


def test_no_written_byte_no_progress_and_no_log_line_holds_a_value(tmp_path, caplog):
    said: list[str] = []
    saved = SavedAnswers.beside(tmp_path / "shop")
    with caplog.at_level(logging.DEBUG):
        files = collect_workload(
            account(),
            "shop",
            now=NOW,
            days=0.25,
            saved=saved,
            pace=Pace(10_000),
            on_progress=said.append,
            on_share=lambda what, share: said.append(what),
        )
    kept = [path.read_bytes() for path in saved.folder.rglob("*") if path.is_file()]
    written = b"".join([*files.values(), *kept, caplog.text.encode(), *(text.encode() for text in said)])
    assert kept
    assert SECRET.encode() not in written
    assert SECRET.encode() not in b"".join(name.encode() for name in files)
    report = files["collect-report.md"].decode()
    assert "| `web` | `app` | `DB_PASSWORD`, `EMPTY` | `API_KEY` |" in report


@pytest.mark.parametrize("operation", ["DescribeTaskDefinition", "DescribeServices", "DescribeTasks"])
def test_no_message_about_a_broken_answer_quotes_a_value(operation):
    random_ = random.Random(operation)
    for _ in range(50):
        fake = account()
        given = fake.answers.get(operation) or getattr(
            fake, {"DescribeTaskDefinition": "_describe_task_definition", "DescribeServices": "_describe_services"}[operation]
        )
        fake.answers = {**fake.answers, operation: lambda asked, given=given: broken(given(asked), random_)}
        try:
            said = b"".join(collect_workload(fake, "shop", now=NOW, days=0.1, pace=Pace(10_000)).values())
        except AdvisorError as error:
            said = str(error).encode()
        assert SECRET.encode() not in said


@pytest.mark.parametrize(
    "definition",
    [
        {"containerDefinitions": [container(environment=SECRET)]},
        {"containerDefinitions": [container(environment={"DB_PASSWORD": SECRET})]},
        {"containerDefinitions": [container(environment=[SECRET])]},
        {"containerDefinitions": [container(environment=[{"name": ["x"], "value": SECRET}])]},
        {"containerDefinitions": {"app": SECRET}},
        {"containerDefinitions": [SECRET]},
    ],
)
def test_environments_of_another_form_are_refused_without_their_text(definition):
    fake = account()
    fake.definitions = {"web": definition}
    try:
        said = b"".join(collect_workload(fake, "shop", now=NOW, days=0.1, pace=Pace(10_000)).values()).decode()
    except AdvisorError as error:
        said = str(error)
    assert SECRET not in said


def test_a_body_that_is_cut_off_is_not_quoted(session, proxy: FaultProxy, tmp_path):
    """Over HTTP: botocore puts a body that it cannot read into the message of an answer."""
    ecs = session.client("ecs")
    ecs.create_cluster(clusterName="secret")
    ecs.register_task_definition(family="s", cpu="256", memory="512", containerDefinitions=[{"name": "a", "image": "b"}])
    ecs.create_service(cluster="secret", serviceName="s", taskDefinition="s", desiredCount=1, launchType="FARGATE")
    body = json.dumps({"taskDefinition": {"cpu": "256", "memory": "512", "containerDefinitions": [container()]}})
    for cut in (body[:-3], body[: body.index(SECRET) + len(SECRET)], f"<x>{SECRET}"):
        proxy.say("ecs:DescribeTaskDefinition", cut.encode())
        with pytest.raises(AdvisorError) as caught:
            collect_workload(session, "secret", now=datetime.now(UTC), days=1, saved=SavedAnswers.beside(tmp_path / "out"))
        assert SECRET not in str(caught.value)
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert SECRET.encode() not in kept
