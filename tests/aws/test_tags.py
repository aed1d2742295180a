"""Tags of services are in the workload, for `--share-by`; what may be a secret stays in the account."""

from datetime import UTC, datetime

import pytest

from advisor.files import write_files
from advisor.sources.aws import Pace, collect_workload
from advisor.sources.aws.tags import read_tags
from advisor.sources.shared_workload import tagged_services
from tests.aws.fake_account import FakeAccount, client_error

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def account(tags: dict[str, str], n_services: int = 1, **more) -> FakeAccount:
    service = {"tags": [{"key": key, "value": value} for key, value in tags.items()]}
    names = ["web", *(f"s{i:02}" for i in range(1, n_services))]
    return FakeAccount(
        now=NOW,
        services=dict.fromkeys(names, service),
        definitions={name: {} for name in names},
        point=lambda name, metric, at: 50.0 if metric.startswith("CPU") else None,
        **more,
    )


def collected(fake: FakeAccount) -> dict[str, bytes]:
    return collect_workload(fake, "shop", now=NOW, days=0.1, pace=Pace(10_000))


def tags_of(folder, files: dict[str, bytes]) -> dict[str, str]:
    write_files(folder, files)
    return tagged_services(folder / "workload.yaml")[2]["web"]


def test_tags_are_in_the_workload_as_they_are(tmp_path):
    tags = {"team": "shop", "cost center": "007", "on": "true", "path": "a/b:c=d@e", "naïve": "日本", "empty": ""}
    assert tags_of(tmp_path, collected(account({**tags, "aws:cloudformation:stack-name": "shop"}))) == tags


def test_a_service_without_tags_states_none():
    assert b"tags:" not in collected(account({}))["workload.yaml"]


def test_tags_of_a_service_over_http(session, tmp_path):
    ecs = session.client("ecs")
    ecs.create_cluster(clusterName="tagged")
    ecs.register_task_definition(family="web", cpu="256", memory="512", containerDefinitions=[{"name": "a", "image": "b"}])
    tags = [{"key": "team", "value": "shop"}]
    ecs.create_service(
        cluster="tagged", serviceName="web", taskDefinition="web", desiredCount=1, launchType="FARGATE", tags=tags
    )
    files = collect_workload(session, "tagged", now=datetime.now(UTC), days=1)
    assert tags_of(tmp_path, files) == {"team": "shop"}


@pytest.mark.parametrize("code", ["AccessDeniedException", "InvalidParameterException", "UnsupportedOperation"])
def test_services_are_read_without_tags_where_aws_gives_none(code, tmp_path):
    fake = account({"team": "shop"}, n_services=12)

    def answer(asked):
        if "include" in asked:
            raise client_error(code, "no tags")
        return fake._describe_services(asked)

    fake.answers = {"DescribeServices": answer}
    files = collected(fake)
    assert tags_of(tmp_path, files) == {}
    assert fake.count("DescribeServices") == 3  # once with tags, and then both batches without
    report = files["collect-report.md"].decode()
    assert report.count("- tags of services: refused with tags, and answered without for `ecs:DescribeServices`.") == 1


def test_a_value_that_may_be_a_secret_is_named_alone():
    files = collected(account({"team": "shop", "db_password": "hunter2", "note": "postgres://me:hunter2@db"}))
    assert b"hunter2" not in b"".join(files.values())
    assert "its tags `db_password`, `note` look like secrets: their values were not kept" in files["collect-report.md"].decode()


@pytest.mark.parametrize(
    ("key", "value", "is_kept"),
    [
        ("team", "payments-and-refunds-of-all-markets", True),
        ("stack", "teams/Payments2/backend-of-the-shop", True),
        ("owner", "jane.doe@example.com", True),
        ("repo", "https://git.example.com/shop/web", True),
        ("id", "arn:aws:servicecatalog:eu-west-1:111122223333:/applications/shop", True),
        ("ApiKey", "x", False),
        ("session-token", "x", False),
        ("k", "AKIAIOSFODNN7EXAMPLE", False),
        ("k", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", False),
        ("k", "ghp_16C7e42F292c6912E7710c838347Ae178B4a", False),
        ("k", "eyJhbGciOiJIUzI1NiJ9.e30.x", False),
        ("k", "5f4dcc3b5aa765d61d8327deb882cf99", False),
        ("k", "Tr0ub4dor3TheCorrectHorse", False),
        ("k", None, True),
    ],
)
def test_secrets_are_told_from_names(key, value, is_kept):
    kept, unkept = read_tags([{"key": key, "value": value}])
    assert (kept, unkept) == (({key: value or ""}, ()) if is_kept else ({}, (key,)))
