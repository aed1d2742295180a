"""Metrics out of CloudWatch: which to ask for, over what window, and the answers on an even grid."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import ceil, inf
from typing import Any, Final

import numpy as np

from advisor.sources.aws.errors import (
    AccessDeniedError,
    AwsError,
    CredentialsError,
    ThrottledError,
    UnreachableError,
    lost,
    reading,
)
from advisor.sources.aws.load_balancers import RequestSource
from advisor.sources.aws.saved import SavedAnswers
from advisor.sources.aws.session import Aws, batches
from advisor.units import FloatArray

QUERIES_PER_CALL: Final = 500
"""Limit of GetMetricData."""
POINTS_PER_CALL: Final = 100_800
"""Limit of GetMetricData, and what it answers unless asked for fewer."""
LAG: Final = timedelta(minutes=5)
"""The newest minutes are left out: metrics arrive late, and a count of half the requests would look whole."""
LONGEST_DAYS: Final = 455

_RETENTION: Final = ((60, timedelta(days=15)), (300, timedelta(days=63)), (3600, timedelta(days=LONGEST_DAYS)))
"""Period in seconds, and for how long CloudWatch keeps it [1]_. A query that starts earlier must use the next period: with a
smaller one it is answered with nothing at all.

.. [1] AWS, CloudWatch API Reference, GetMetricData (StartTime, Period), read 2026-11-23.
"""
_SERVICE_METRICS: Final = (
    ("cpu_percent_average", "AWS/ECS", "CPUUtilization", "Average"),
    ("cpu_percent_maximum", "AWS/ECS", "CPUUtilization", "Maximum"),
    ("memory_percent_average", "AWS/ECS", "MemoryUtilization", "Average"),
    ("memory_percent_maximum", "AWS/ECS", "MemoryUtilization", "Maximum"),
    ("tasks", "ECS/ContainerInsights", "RunningTaskCount", "Average"),
    ("task_reports", "ECS/ContainerInsights", "RunningTaskCount", "SampleCount"),
    ("cpu_units_sum", "ECS/ContainerInsights", "CpuUtilized", "Sum"),
    ("memory_mib_sum", "ECS/ContainerInsights", "MemoryUtilized", "Sum"),
)
_ACTION: Final = "cloudwatch:GetMetricData"
_NOT_THE_TOKEN: Final = (AccessDeniedError, CredentialsError, ThrottledError, UnreachableError)
_UNFINISHED: Final = frozenset({"PartialData", "InternalError"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The steps that are asked for, ``[start, end)`` in UTC."""

    start: datetime
    end: datetime
    period_s: int

    @property
    def n_steps(self) -> int:
        return int((self.end - self.start).total_seconds()) // self.period_s


def collection_window(now: datetime, days: float) -> Window:
    """The last ``days`` before ``now``, with the finest period that CloudWatch still has for all of it.

    One period for the whole window: the 42 days of the default are read in steps of 300 s. Reading the newest fortnight in
    steps of 60 s and the rest in steps of 300 s would give a file of two intervals, while all services share one time axis.

    >>> from datetime import UTC, datetime
    >>> [collection_window(datetime(2026, 11, 23, tzinfo=UTC), days).period_s for days in (14, 15, 42, 62, 63, 455)]
    [60, 300, 300, 300, 3600, 3600]
    """
    for period_s, kept in _RETENTION:
        end = _floor(now - LAG, period_s)
        start = _floor(end - timedelta(days=days), period_s)
        if now - start < kept:
            return Window(start=start, end=end, period_s=period_s)
    oldest = _floor(now - kept, period_s) + timedelta(seconds=period_s)
    return Window(start=oldest, end=end, period_s=period_s)


def is_answered(window: Window, now: datetime) -> bool:
    """Whether CloudWatch still answers the whole window in its period: it may have been chosen a while ago.

    >>> from datetime import UTC, datetime, timedelta
    >>> begun = datetime(2026, 11, 23, tzinfo=UTC)
    >>> [is_answered(collection_window(begun, 14), begun + timedelta(hours=h)) for h in (0, 23, 24)]
    [True, True, False]
    """
    longest_period_s, _ = _RETENTION[-1]
    return window.period_s == longest_period_s or now - window.start < dict(_RETENTION)[window.period_s]


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricQuery:
    """One metric of a service in one statistic."""

    service: str
    name: str
    """What the answer is called here; several queries may share one and are then added up."""
    namespace: str
    metric: str
    statistic: str
    dimensions: tuple[tuple[str, str], ...]


def service_queries(cluster: str, service: str, sources: Sequence[RequestSource]) -> list[MetricQuery]:
    """What is asked for a service.

    Container Insights is asked for whether or not it is on today: where it was on for a part of the window its history counts,
    and an empty metric costs a place in a call that is made anyway. Statistics of one metric in one call are billed as one.
    RequestCount of the load balancer has a sum only; RequestCountPerTarget is that sum over the targets, and tells no more.
    """
    own = (("ClusterName", cluster), ("ServiceName", service))
    queries = [
        MetricQuery(service=service, name=name, namespace=namespace, metric=metric, statistic=statistic, dimensions=own)
        for name, namespace, metric, statistic in _SERVICE_METRICS
    ]
    return queries + [
        MetricQuery(
            service=service,
            name="requests",
            namespace="AWS/ApplicationELB",
            metric="RequestCount",
            statistic="Sum",
            dimensions=(("LoadBalancer", source.load_balancer), ("TargetGroup", source.target_group)),
        )
        for source in sources
    ]


@dataclass(frozen=True, slots=True)
class Series:
    """Answer to one query on the grid of the window."""

    query: MetricQuery
    values: FloatArray
    """(steps,): NaN where CloudWatch has no point."""
    problem: str | None = None
    """Why the values are not all that there are."""


@dataclass(slots=True)
class MetricReader:
    """Asks CloudWatch for many metrics in as few calls as its limits allow."""

    aws: Aws
    window: Window
    saved: SavedAnswers | None = None
    on_page: Callable[[float], None] = lambda share: None
    """Called after each page with the share of the work that is done, from 0 to 1: an estimate but at the end."""
    messages: set[str] = field(default_factory=set)
    """What CloudWatch said beside the values."""
    _n_batches: int = 0
    _n_through: int = 0
    """Batches that are through."""
    _pages_of: list[int] = field(default_factory=list)
    """How many pages those had."""

    def read(self, queries: Sequence[MetricQuery]) -> Iterator[Series]:
        """A series per query, in their order."""
        self._n_batches = ceil(len(queries) / QUERIES_PER_CALL)
        for number, some in enumerate(batches(queries, QUERIES_PER_CALL), start=1):
            series = self._batch(some)
            self._n_through = number
            self.on_page(number / self._n_batches)
            again = [s.query for s in series if s.problem in _UNFINISHED]
            if again:
                second = {s.query: s for s in self._batch(again)}
                series = [second.get(s.query, s) for s in series]
            yield from series

    def _batch(self, queries: Sequence[MetricQuery]) -> list[Series]:
        values = [np.full(self.window.n_steps, np.nan) for _ in queries]
        status: list[str] = ["unanswered"] * len(queries)
        for page in self._pages(queries):
            for number, (said, offsets_s, points) in page["results"].items():
                status[int(number)] = said
                steps = np.asarray(offsets_s, dtype=np.int64) // self.window.period_s
                inside = (steps >= 0) & (steps < self.window.n_steps)
                values[int(number)][steps[inside]] = np.asarray(points, dtype=np.float64)[inside]
        return [
            Series(query, v, None if said == "Complete" else said)
            for query, v, said in zip(queries, values, status, strict=True)
        ]

    def _pages(self, queries: Sequence[MetricQuery]) -> Iterator[Mapping[str, Any]]:
        """Pages kept from an interrupted run first, then the rest from CloudWatch."""
        identity = self._identity(queries)
        kept = self.saved.pages(identity) if self.saved else []
        yield from kept
        token = kept[-1]["token"] if kept else None
        if kept and token is None:
            return
        number, seen = len(kept), {token}
        while True:
            try:
                page = self._page(queries, token)
            except AwsError as error:
                if number != len(kept) or not kept or isinstance(error, _NOT_THE_TOKEN):
                    raise
                token, number, kept, seen = None, 0, [], {None}  # the kept token has expired: begin this batch anew
                continue
            if self.saved:
                self.saved.keep(identity, number, page)
            number, token = number + 1, page["token"]
            if token is not None:
                self.on_page(self._share(number, len(queries)))
            yield page
            if token is None:
                self._pages_of.append(number)
                return
            if token in seen:
                raise lost(_ACTION, "further page: it repeats a token")
            seen.add(token)

    def _share(self, n_pages: int, n_queries: int) -> float:
        """What is done after so many pages of a batch: it is taken to have as many as those before, the first as it can."""
        before = self._pages_of or [ceil(n_queries * self.window.n_steps / POINTS_PER_CALL)]
        expected = max(n_pages + 1, sum(before) / len(before))
        return (self._n_through + n_pages / expected) / self._n_batches

    def _page(self, queries: Sequence[MetricQuery], token: str | None) -> dict[str, Any]:
        following: dict[str, Any] = {"NextToken": token} if token else {}
        answer = self.aws.call(
            "cloudwatch",
            "GetMetricData",
            MetricDataQueries=[_question(number, query, self.window.period_s) for number, query in enumerate(queries)],
            StartTime=self.window.start,
            EndTime=self.window.end,
            ScanBy="TimestampDescending",
            **following,
        )
        results = answer.get("MetricDataResults")
        if not isinstance(results, list):
            raise lost(_ACTION, "list 'MetricDataResults'")
        with reading(_ACTION):
            said = [*answer.get("Messages", ()), *(m for r in results for m in r.get("Messages", ()))]
            self.messages |= {f"{m.get('Code', '')}: {m.get('Value', '')}" for m in said}
            page = {r["Id"].removeprefix("q"): self._points(r) for r in results}
        return {"token": answer.get("NextToken") or None, "results": page}

    def _points(self, result: Mapping[str, Any]) -> tuple[str, list[int], list[float]]:
        times, values = result.get("Timestamps"), result.get("Values")
        if not isinstance(times, list) or not isinstance(values, list) or len(times) != len(values):
            raise lost(_ACTION, f"value for each time stamp of {result.get('Label', result.get('Id'))!r}")
        offsets = [round((_utc(t) - self.window.start).total_seconds()) for t in times]
        points = [float(v) for v in values]
        if not all(0 <= point < inf for point in points):
            raise lost(_ACTION, f"number from 0 up for each time stamp of {result.get('Label', result.get('Id'))!r}")
        return str(result.get("StatusCode", "Complete")), offsets, points

    def _identity(self, queries: Sequence[MetricQuery]) -> dict[str, Any]:
        return {
            "region": self.aws.region,
            "start": self.window.start.isoformat(),
            "end": self.window.end.isoformat(),
            "period_s": self.window.period_s,
            "queries": [[q.namespace, q.metric, q.statistic, q.dimensions] for q in queries],
        }


def _question(number: int, query: MetricQuery, period_s: int) -> dict[str, Any]:
    dimensions = [{"Name": name, "Value": value} for name, value in query.dimensions]
    metric = {"Namespace": query.namespace, "MetricName": query.metric, "Dimensions": dimensions}
    return {"Id": f"q{number}", "MetricStat": {"Metric": metric, "Period": period_s, "Stat": query.statistic}}


def _floor(moment: datetime, period_s: int) -> datetime:
    return datetime.fromtimestamp(moment.timestamp() // period_s * period_s, tz=UTC)


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
