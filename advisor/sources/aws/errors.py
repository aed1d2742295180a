"""What AWS or the way to it can refuse, each said in one sentence with the way out."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from advisor.errors import AdvisorError

T = TypeVar("T")

_POLICY_HINT: Final = "`advisor collect --print-iam-policy` prints the policy that is needed."

_DENIED: Final = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "UnauthorizedOperation",
        "AuthorizationError",
        "UnauthorizedException",
        "NotAuthorized",
    }
)
_EXPIRED: Final = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"})
_NOT_ACCEPTED: Final = frozenset(
    {"UnrecognizedClientException", "InvalidClientTokenId", "AuthFailure", "InvalidAccessKeyId", "MissingAuthenticationToken"}
    | {"MissingAuthenticationTokenException", "OptInRequired", "SubscriptionRequiredException", "NotSignedUp"}
)
"""A Region that the account has not enabled refuses valid keys with these, too."""
_BAD_SIGNATURE: Final = frozenset(
    {"SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature", "IncompleteSignatureException"}
    | {"RequestTimeTooSkewed", "SignatureExpired"}
)
_THROTTLED: Final = frozenset(
    {"Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled", "RequestThrottledException"}
    | {"TooManyRequestsException", "RequestLimitExceeded", "EC2ThrottledException", "SlowDown", "BandwidthLimitExceeded", "429"}
)
_NOT_OFFERED: Final = frozenset(
    {"404", "501", "NotImplemented", "UnknownOperationException", "UnknownOperation", "InvalidAction", "UnsupportedOperation"}
)


class AwsError(AdvisorError):
    """AWS did not answer a question, or not in a way that can be used."""

    def __init__(self, message: str, *, operation: str = "", code: str = "") -> None:
        self.operation, self.code = operation, code
        super().__init__(message)


class CredentialsError(AwsError):
    """There are no credentials, or AWS does not accept them."""


class AccessDeniedError(AwsError):
    """The credentials are good, and the action is not allowed."""


class NotOfferedError(AwsError):
    """The endpoint does not know the operation."""


class UnreachableError(AwsError):
    """No answer came, after all retries: the network, or the way to the Region."""


class ThrottledError(AwsError):
    """AWS refused for too many requests, after all retries."""


class ServerFailedError(AwsError):
    """AWS failed on its side, after all retries."""


class LostDataError(AwsError):
    """An answer without the part that was asked for. Taken as empty it would silently lose data."""


def lost(operation: str, what: str) -> LostDataError:
    """The error for an answer that lacks ``what``."""
    return LostDataError(
        f"the answer to {operation} has no {what}: it was cut off or changed on the way. "
        "Run the command again; look at a proxy or an endpoint override in between if it happens again.",
        operation=operation,
    )


@contextmanager
def reading(operation: str) -> Iterator[None]:
    """Around code that takes an answer apart: a part that is missing or of another kind is lost data."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise lost(operation, f"usable value for {_one_line(str(error))}") from error


def stated(facts: Mapping[str, Any], key: str, kind: type[T]) -> T | None:
    """The value of ``key``, None where AWS left it out; of any other kind than ``kind`` it is an error for `reading`."""
    value = facts.get(key)
    if value is not None and not isinstance(value, kind):
        raise TypeError(f"{key} = {value!r}")
    return value


def translated(error: Exception, *, operation: str, region: str) -> AwsError:
    """An error of boto3 as one of ours. ``operation`` is the IAM action, such as ``ecs:ListServices``."""
    response = getattr(error, "response", None)
    if isinstance(response, Mapping):
        return _from_answer(response, operation=operation, region=region)
    return _from_client(error, operation=operation, region=region)


def _from_answer(response: Mapping[str, Any], *, operation: str, region: str) -> AwsError:
    details = response.get("Error") or {}
    status = (response.get("ResponseMetadata") or {}).get("HTTPStatusCode")
    code = str(details.get("Code") or status or "no code").rpartition("#")[2]
    said = _one_line(str(details.get("Message") or "no message"))
    if code in _DENIED or (status == 403 and code == "403"):
        return AccessDeniedError(f"AWS does not allow {operation} ({said}). {_POLICY_HINT}", operation=operation, code=code)
    if code in _EXPIRED:
        return CredentialsError(
            f"the AWS credentials have expired ({operation}: {said}). Sign in again, for example with `aws sso login`, and "
            "repeat the command: it goes on where it stopped.",
            operation=operation,
            code=code,
        )
    if code in _NOT_ACCEPTED:
        return CredentialsError(
            f"AWS does not accept the credentials in {region} ({operation}: {said}). Either the keys are wrong, or {region} is "
            "an opt-in Region that the account has not enabled: check with `aws sts get-caller-identity --region us-east-1`, "
            f"and `aws account enable-region --region-name {region}` enables it.",
            operation=operation,
            code=code,
        )
    if code in _BAD_SIGNATURE:
        return CredentialsError(
            f"AWS rejects the signature of the request ({operation}: {said}). Check the secret key and this machine's clock.",
            operation=operation,
            code=code,
        )
    if code in _THROTTLED or status == 429:
        return ThrottledError(
            f"AWS kept throttling {operation} through all retries ({said}). Wait a few minutes and repeat the command: it goes "
            "on where it stopped.",
            operation=operation,
            code=code,
        )
    if code in _NOT_OFFERED:
        return NotOfferedError(
            f"the endpoint in {region} does not know {operation} ({said}). Check the Region and any endpoint override.",
            operation=operation,
            code=code,
        )
    if isinstance(status, int) and status >= 500:
        return ServerFailedError(
            f"AWS failed at {operation} in {region} through all retries ({code}: {said}). Repeat the command later: it goes on "
            "where it stopped.",
            operation=operation,
            code=code,
        )
    return AwsError(
        f"AWS refused {operation} in {region} ({code}: {said}). Check the names and the Region.", operation=operation, code=code
    )


def _from_client(error: Exception, *, operation: str, region: str) -> AwsError:
    from botocore import exceptions as boto

    said = _one_line(str(error)) or type(error).__name__
    name = type(error).__name__
    if isinstance(error, (boto.NoCredentialsError, boto.PartialCredentialsError)):
        return CredentialsError(
            f"no complete AWS credentials were found ({said}). Sign in with `aws sso login` or `aws configure`, or name a "
            "profile with --profile.",
            operation=operation,
        )
    if isinstance(error, (boto.CredentialRetrievalError, boto.SSOError, boto.TokenRetrievalError)) or "Login" in name:
        return CredentialsError(
            f"the AWS credentials cannot be read ({said}). Sign in again with `aws sso login`.", operation=operation
        )
    if isinstance(error, boto.NoRegionError):
        return _no_region()
    if isinstance(error, (boto.ConnectionError, boto.HTTPClientError, boto.EndpointProviderError, boto.InvalidRegionError)):
        return UnreachableError(
            f"cannot reach AWS for {operation} ({said}). Check the network and the Region {region}{_nearest_regions(region)}.",
            operation=operation,
        )
    if isinstance(error, boto.BotoCoreError):
        return AwsError(
            f"{operation} could not be asked ({said}). Check the names and the AWS configuration.", operation=operation
        )
    return LostDataError(
        f"the answer to {operation} cannot be read ({said}). Run the command again; look at a proxy or an endpoint override in "
        "between if it happens again.",
        operation=operation,
    )


def _no_region() -> AwsError:
    return AwsError("no AWS Region is set. Pass --region, for example --region eu-west-1, or set AWS_REGION.")


def _nearest_regions(region: str) -> str:
    """``" (did you mean eu-west-1?)"`` for a Region that this botocore does not know."""
    from difflib import get_close_matches

    import boto3

    known = boto3.Session().get_available_regions("ecs")
    near = get_close_matches(region, known, n=3)
    return f" (did you mean {', '.join(near)}?)" if region not in known and near else ""


def _one_line(text: str) -> str:
    cleaned = re.sub(r"[\s\x00-\x1f\x7f-\x9f]+", " ", text).strip().rstrip(".")
    return cleaned if len(cleaned) <= 300 else cleaned[:297] + "..."
