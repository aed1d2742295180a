"""Questions to AWS: made by name, paced, paged, checked for what they must hold, and refused in words."""

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from advisor.errors import AdvisorError
from advisor.sources.aws.errors import AccessDeniedError, AwsError, NotOfferedError, ServerFailedError, lost, translated

T = TypeVar("T")

CALLS_PER_S: Final = 45
"""Below the 50 a second that CloudWatch allows for GetMetricData in a Region, whatever the second is counted from."""
ATTEMPTS: Final = 8
"""With waits that double up to 20 s, half a minute on average."""
FEW_ATTEMPTS: Final = 2
"""For what only makes an answer better."""
CONNECT_TIMEOUT_S: Final = 10
READ_TIMEOUT_S: Final = 30
"""With `ATTEMPTS` it bounds the silence: an answer of 100,800 points takes a few seconds."""
_IAM_PREFIX: Final[Mapping[str, str]] = {"elbv2": "elasticloadbalancing"}
"""Where the prefix of the IAM action is not the name of boto3's client."""


ACCESS_DENIED: Final = "access denied"
_WHY: Final[Mapping[type[AwsError], str]] = {
    AccessDeniedError: ACCESS_DENIED,
    NotOfferedError: "not offered by the endpoint",
    ServerFailedError: "AWS failed",
}


def open_session(*, region: str | None = None, profile: str | None = None) -> Any:
    """A boto3 session as the AWS CLI would make it: ``--region``, ``AWS_REGION``, profile.

    Raises
    ------
    AwsError
        There is no such profile, or no Region.
    """
    import boto3
    from botocore.exceptions import BotoCoreError, ProfileNotFound

    try:
        session = boto3.Session(region_name=region or os.environ.get("AWS_REGION") or None, profile_name=profile)
    except ProfileNotFound:
        known = (
            ", ".join(boto3.Session(region_name="us-east-1").available_profiles) if not os.environ.get("AWS_PROFILE") else ""
        )
        named = profile or os.environ.get("AWS_PROFILE")
        raise AwsError(
            f"there is no AWS profile {named!r}"
            + (f" (known: {known})" if known else "")
            + ". Check --profile and ~/.aws/config."
        ) from None
    except BotoCoreError as error:
        raise translated(error, operation="the AWS configuration", region=region or "") from error
    if not session.region_name:
        raise AwsError("no AWS Region is set. Pass --region, for example --region eu-west-1, or set AWS_REGION.")
    return session


class Pace:
    """Lets through at most so many calls in any second."""

    def __init__(
        self,
        calls_per_s: int = CALLS_PER_S,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock, self._sleep = clock, sleep
        self._recent: deque[float] = deque(maxlen=calls_per_s)

    def wait(self) -> None:
        """Return when the next call may go out."""
        while len(self._recent) == self._recent.maxlen and (left := self._recent[0] + 1.0 - self._clock()) > 0:
            self._sleep(left)
        self._recent.append(self._clock())


@dataclass(frozen=True, slots=True)
class Skipped:
    """A part that could not be read and that the workload can do without."""

    action: str
    purpose: str
    why: str


@dataclass(slots=True)
class Aws:
    """The account in one Region, read-only."""

    source: Any
    """A boto3 session, or boto3 clients by service name."""
    pace: Pace = field(default_factory=Pace)
    skipped: list[Skipped] = field(default_factory=list)
    _clients: dict[tuple[str, int], Any] = field(default_factory=dict)

    @property
    def region(self) -> str:
        if isinstance(self.source, Mapping):
            return str(next(iter(self.source.values())).meta.region_name)
        return str(self.source.region_name or "")

    def call(self, service: str, operation: str, *, attempts: int = ATTEMPTS, **parameters: Any) -> Mapping[str, Any]:
        """Answer to one call. ``operation`` is spelled as in the API, ``DescribeServices``.

        Raises
        ------
        AwsError
            In words, whatever went wrong.
        """
        action = f"{_IAM_PREFIX.get(service, service)}:{operation}"
        self.pace.wait()
        try:
            answer = getattr(self._client(service, attempts), _method(operation))(**parameters)
        except AdvisorError:
            raise
        except Exception as error:  # boto3's errors have no common base: botocore's, its parsers', urllib3's
            raise translated(error, operation=action, region=self.region) from error
        if not isinstance(answer, Mapping):
            raise lost(action, "content")
        return answer

    def listed(self, service: str, operation: str, key: str, **parameters: Any) -> list[Any]:
        """The list ``key`` of one answer; an answer without it is lost data."""
        return _list_of(self.call(service, operation, **parameters), key, f"{_IAM_PREFIX.get(service, service)}:{operation}")

    def pages(
        self,
        service: str,
        operation: str,
        key: str,
        *,
        token: str = "nextToken",
        answer_token: str | None = None,
        attempts: int = ATTEMPTS,
        **parameters: Any,
    ) -> Iterator[Any]:
        """Items of the list ``key`` over all pages."""
        action = f"{_IAM_PREFIX.get(service, service)}:{operation}"
        seen: set[str] = set()
        while True:
            answer = self.call(service, operation, attempts=attempts, **parameters)
            yield from _list_of(answer, key, action)
            following = answer.get(answer_token or token)
            if not following:
                return
            if following in seen:
                raise lost(action, "further page: it repeats a token")
            seen.add(following)
            parameters[token] = following

    def optional(self, purpose: str, fetch: Callable[[], T]) -> T | None:
        """What ``fetch`` returns; None, noted in ``skipped``, when AWS does not allow it, does not offer it, or fails."""
        try:
            return fetch()
        except (AccessDeniedError, NotOfferedError, ServerFailedError) as error:
            note = Skipped(error.operation, purpose, _WHY[type(error)])
            if note not in self.skipped:
                self.skipped.append(note)
            return None

    def _pace_again(self, request: Any, **_: Any) -> None:
        """Botocore repeats a throttled call by itself: the repetition counts as a call."""
        if request.context.get("retries", {}).get("attempt", 1) > 1:
            self.pace.wait()

    def _client(self, service: str, attempts: int) -> Any:
        if isinstance(self.source, Mapping):
            return self.source[service]
        key = (service, attempts)
        if key not in self._clients:
            self._clients[key] = client = self.source.client(service, config=client_config(attempts))
            client.meta.events.register("request-created", self._pace_again)
        return self._clients[key]


def batches(items: Iterable[T], size: int) -> Iterator[Sequence[T]]:
    """Items in their order, at most ``size`` at a time."""
    everything = list(items)
    for start in range(0, len(everything), size):
        yield everything[start : start + size]


def client_config(attempts: int) -> Any:
    """How clients are made: they repeat what was throttled or failed, and wait longer each time."""
    from botocore.config import Config

    return Config(
        retries={"mode": "standard", "total_max_attempts": attempts},
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        user_agent_extra="ecs-launch-advisor",
    )


def _list_of(answer: Mapping[str, Any], key: str, action: str) -> list[Any]:
    value = answer.get(key)
    if not isinstance(value, list):
        raise lost(action, f"list {key!r}")
    return value


def _method(operation: str) -> str:
    from botocore import xform_name

    return str(xform_name(operation))
