"""Every way in which AWS, or the way to it, can refuse: one sentence that says what to do."""

import boto3
import pytest
from botocore import exceptions as boto

from advisor.errors import AdvisorError
from advisor.sources.aws import open_session
from advisor.sources.aws.errors import (
    AccessDeniedError,
    AwsError,
    CredentialsError,
    LostDataError,
    NotOfferedError,
    ServerFailedError,
    ThrottledError,
    UnreachableError,
    translated,
)
from tests.aws.fake_account import client_error

TABLE = [
    (client_error("AccessDenied"), AccessDeniedError, "does not allow ecs:X"),
    (client_error("AccessDeniedException"), AccessDeniedError, "--print-iam-policy"),
    (client_error("UnauthorizedOperation", status=403), AccessDeniedError, "does not allow"),
    (client_error("com.amazon.coral.service#AccessDeniedException"), AccessDeniedError, "does not allow"),
    (client_error("ExpiredToken", status=403), CredentialsError, "have expired"),
    (client_error("RequestExpired"), CredentialsError, "Sign in again"),
    (client_error("UnrecognizedClientException"), CredentialsError, "opt-in Region"),
    (client_error("InvalidClientTokenId", status=403), CredentialsError, "aws account enable-region --region-name eu-west-1"),
    (client_error("AuthFailure", status=401), CredentialsError, "does not accept"),
    (client_error("OptInRequired"), CredentialsError, "opt-in"),
    (client_error("SignatureDoesNotMatch"), CredentialsError, "clock"),
    (client_error("RequestTimeTooSkewed"), CredentialsError, "clock"),
    (client_error("Throttling"), ThrottledError, "kept throttling"),
    (client_error("TooManyRequestsException", status=429), ThrottledError, "goes on where it stopped"),
    (client_error("RequestLimitExceeded", status=503), ThrottledError, "Wait"),
    (client_error("InternalFailure", status=500), ServerFailedError, "AWS failed"),
    (client_error("ServiceUnavailable", status=503), ServerFailedError, "later"),
    (client_error("UnknownOperationException"), NotOfferedError, "does not know ecs:X"),
    (client_error("InvalidParameterException", "Invalid identifier: a\nb"), AwsError, "Invalid identifier: a b"),
    (client_error("ClientException", "x" * 5000), AwsError, "xxx..."),
    (boto.NoCredentialsError(), CredentialsError, "aws configure"),
    (boto.PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"), CredentialsError, "AWS_SECRET_ACCESS_KEY"),
    (boto.UnauthorizedSSOTokenError(), CredentialsError, "aws sso login"),
    (boto.SSOTokenLoadError(error_msg="expired"), CredentialsError, "aws sso login"),
    (boto.TokenRetrievalError(provider="sso", error_msg="expired"), CredentialsError, "aws sso login"),
    (boto.CredentialRetrievalError(provider="process", error_msg="exit 1"), CredentialsError, "cannot be read"),
    (boto.NoRegionError(), AwsError, "--region"),
    (boto.EndpointConnectionError(endpoint_url="https://ecs.eu-west-1"), UnreachableError, "cannot reach AWS"),
    (boto.ConnectTimeoutError(endpoint_url="https://ecs"), UnreachableError, "network"),
    (boto.ReadTimeoutError(endpoint_url="https://ecs"), UnreachableError, "network"),
    (boto.ProxyConnectionError(proxy_url="http://p"), UnreachableError, "network"),
    (boto.SSLError(endpoint_url="https://ecs", error="bad certificate"), UnreachableError, "network"),
    (boto.ParamValidationError(report="Invalid length"), AwsError, "Invalid length"),
    (ValueError("not JSON"), LostDataError, "cannot be read"),
]


@pytest.mark.parametrize(("error", "kind", "said"), TABLE, ids=[f"{i}-{type(e).__name__}" for i, (e, _, _) in enumerate(TABLE)])
def test_every_refusal_is_one_line_that_says_what_to_do(error, kind, said):
    found = translated(error, operation="ecs:X", region="eu-west-1")
    message = str(found)
    assert type(found) is kind
    assert isinstance(found, AdvisorError)
    assert said in message
    assert "\n" not in message
    assert len(message) < 800


def test_a_misspelt_region_names_those_that_are_near():
    found = translated(boto.EndpointConnectionError(endpoint_url="x"), operation="ecs:X", region="us-est-1")
    assert "us-east-1" in str(found)
    assert "did you mean" in str(found)


def test_no_region_at_all():
    with pytest.raises(AwsError, match=r"no AWS Region is set. Pass --region"):
        open_session()


def test_the_region_of_the_environment(monkeypatch):
    monkeypatch.setenv("AWS_REGION", "eu-north-1")
    assert open_session().region_name == "eu-north-1"
    assert open_session(region="eu-west-3").region_name == "eu-west-3"


def test_an_unknown_profile_names_the_known(tmp_path, monkeypatch):
    config = tmp_path / "config"
    config.write_text("[profile prod]\nregion = eu-west-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    with pytest.raises(AwsError, match=r"no AWS profile 'prd' \(known: prod\)"):
        open_session(profile="prd")
    assert open_session(profile="prod").region_name == "eu-west-1"


def test_a_broken_configuration_file(tmp_path, monkeypatch):
    config = tmp_path / "config"
    config.write_text("[profile\nnonsense")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    with pytest.raises(AwsError, match="AWS configuration"):
        open_session(region="eu-west-1")


def test_a_region_that_does_not_exist_is_one_message(monkeypatch):
    from advisor.sources.aws.session import Aws

    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    aws = Aws(boto3.Session(region_name="no_such_region"))
    with pytest.raises(AwsError, match=r"could not be asked|cannot reach"):
        aws.call("ecs", "ListClusters", attempts=1)
