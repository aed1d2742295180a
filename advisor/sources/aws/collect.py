"""From a live cluster to a workload folder: ECS, scaling, CloudWatch, read-only and resumable."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import groupby
from typing import Any, Final

import numpy as np

from advisor.sources.aws.cloudwatch import (
    LONGEST_DAYS,
    MetricReader,
    Series,
    Window,
    collection_window,
    is_answered,
    service_queries,
)
from advisor.sources.aws.collect_report import collect_report
from advisor.sources.aws.commitments import fetch_commitments
from advisor.sources.aws.ecs import (
    fetch_cluster,
    fetch_cluster_names,
    fetch_providers,
    fetch_services,
    fetch_task_definition,
    fetch_tasks,
)
from advisor.sources.aws.ecs_facts import FARGATE_PROVIDERS, Cluster, EcsService, Provider, RunningTask, TaskDefinition
from advisor.sources.aws.errors import AwsError
from advisor.sources.aws.findings import Findings, FoundService, LoadFile
from advisor.sources.aws.instances import Group, fetch_groups, fetch_instances
from advisor.sources.aws.load import load_csv, service_load
from advisor.sources.aws.load_balancers import fetch_request_sources
from advisor.sources.aws.present import present_of, provider_names, startup_s
from advisor.sources.aws.reasons import DAEMON, why_no_data, why_out, why_unsized, why_useless
from advisor.sources.aws.reserved_memory import reserved_memory
from advisor.sources.aws.run_durations import DAYS, family_queries, with_durations
from advisor.sources.aws.saved import SavedAnswers
from advisor.sources.aws.scaling import SetCount, fetch_scaling, fetch_set_counts
from advisor.sources.aws.scheduled_tasks import ScheduledTask, fetch_definitions, fetch_scheduled_tasks
from advisor.sources.aws.session import Aws, Pace
from advisor.sources.aws.workload_yaml import (
    daemon_entry,
    refusal_of,
    refusal_of_daemon,
    scheduled_entry,
    service_entry,
    workload_yaml,
)
from advisor.sources.catalog import read_instance_types

Progress = Callable[[str], None]
Share = Callable[[str, float], None]

DEFAULT_DAYS: Final = 42
_LONGEST_FILE_NAME: Final = 100
_FEW_SERVICES: Final = 5
"""Up to so many services, their tasks are listed service by service instead of all of the cluster."""
_ACTIVITIES: Final = "application-autoscaling:DescribeScalingActivities"


def collect_workload(
    session_or_clients: Any,
    cluster: str,
    *,
    now: datetime,
    services: Sequence[str] = (),
    days: float = DEFAULT_DAYS,
    with_commitments: bool = False,
    saved: SavedAnswers | None = None,
    pace: Pace | None = None,
    on_progress: Progress | None = None,
    on_share: Share | None = None,
) -> dict[str, bytes]:
    """Workload folder of a live ECS cluster: ``workload.yaml``, a CSV per service, and a report, by relative path.

    Parameters and errors are those of `collect_findings`.

    Examples
    --------
    >>> import advisor, boto3, datetime  # doctest: +SKIP
    >>> now = datetime.datetime.now(datetime.UTC)  # doctest: +SKIP
    >>> files = advisor.collect_workload(boto3.Session(), "shop", now=now)  # doctest: +SKIP
    >>> advisor.write_files(pathlib.Path("shop"), files)  # doctest: +SKIP
    """
    found = collect_findings(
        session_or_clients,
        cluster,
        now=now,
        services=services,
        days=days,
        with_commitments=with_commitments,
        saved=saved,
        pace=pace,
        on_progress=on_progress,
        on_share=on_share,
    )
    return workload_files(found)


def workload_files(found: Findings) -> dict[str, bytes]:
    """The files of a workload folder, by relative path."""
    files = {s.load.path: s.load.content for s in found.services if s.load}
    return {"workload.yaml": workload_yaml(found), **files, "collect-report.md": collect_report(found)}


def cluster_names(session_or_clients: Any, *, pace: Pace | None = None) -> list[str]:
    """Names of the clusters of the Region of a session, in alphabetical order.

    Raises
    ------
    AwsError
        AWS refused the list, and what to do.
    """
    return fetch_cluster_names(Aws(session_or_clients, pace or Pace()))


def collect_findings(
    session_or_clients: Any,
    cluster: str,
    *,
    now: datetime,
    services: Sequence[str] = (),
    days: float = DEFAULT_DAYS,
    with_commitments: bool = False,
    saved: SavedAnswers | None = None,
    pace: Pace | None = None,
    on_progress: Progress | None = None,
    on_share: Share | None = None,
) -> Findings:
    """What a live ECS cluster runs, and its load. Nothing is changed in the account.

    Parameters
    ----------
    session_or_clients
        A boto3 session, or a mapping from service name (``ecs``, ``cloudwatch`` ...) to boto3 client.
    cluster
        Name or ARN.
    now
        The moment of the collection, with a time zone.
    services
        Names or ARNs; all services of the cluster when empty.
    days
        How far back the load reaches.
    with_commitments
        Whether to read held Savings Plans and Reserved Instances, too.
    saved
        Where answers are kept in case of an interruption. The caller removes them once the files are written.
    pace
        Limits the calls in a second.
    on_progress
        Called with a line of text now and then.
    on_share
        Called with what is being read and which share of it is done, from 0 to 1; of metrics this is an estimate.

    Raises
    ------
    AwsError
        What AWS refused or lost, and what to do. Parts that a workload can do without are skipped and listed.
    """
    if now.tzinfo is None:
        raise ValueError("now needs a time zone")
    if not 0 < days <= LONGEST_DAYS:
        raise AwsError(
            f"CloudWatch keeps metrics for {LONGEST_DAYS} days, {days:g} were asked for. Pass 1 to {LONGEST_DAYS} days."
        )
    aws = Aws(session_or_clients, pace or Pace())
    run = _Run(
        aws=aws,
        saved=saved,
        say=on_progress or (lambda text: None),
        share=on_share or (lambda what, share: None),
        days=days,
        now=now.astimezone(UTC),
    )
    return run.findings(cluster, services, with_commitments)


@dataclass(slots=True)
class _Run:
    """One collection."""

    aws: Aws
    saved: SavedAnswers | None
    say: Progress
    share: Share
    days: float
    now: datetime

    def findings(self, cluster_name: str, names: Sequence[str], with_commitments: bool) -> Findings:
        cluster = fetch_cluster(self.aws, cluster_name)
        self._take_up(cluster, names)
        window = collection_window(self.now, self.days)
        services = fetch_services(self.aws, cluster, names)
        if not services:
            raise AwsError(f"cluster {cluster.name} in {self.aws.region} has no services. Check --cluster and --region.")
        self.say(f"cluster {cluster.name}: {len(services)} services")
        found = self._with_definitions(services)
        providers = self._providers(cluster, services)
        groups = fetch_groups(self.aws, providers)
        instances = fetch_instances(self.aws, cluster, providers)
        tasks = self._tasks(cluster, names)
        found = self._with_scaling(self._with_present(found, cluster, providers, groups, tasks), cluster)
        scheduled = [] if names else self._scheduled_tasks(cluster)
        commitments = fetch_commitments(self.aws) if with_commitments else None
        reader = MetricReader(self.aws, window, self.saved, lambda share: self.share("CloudWatch", share))
        found = self._with_loads(found, cluster, reader)
        scheduled = self._with_durations(scheduled, cluster, found)
        findings = Findings(
            cluster=cluster,
            region=self.aws.region,
            collected_at=self.now,
            days=self.days,
            window=window,
            services=found,
            is_whole=not names,
            providers=providers,
            groups=groups,
            instances=instances,
            reserved_memory=reserved_memory(instances.registered_memory_mib, read_instance_types()),
            other_tasks=Counter(task.group for task in tasks if not task.group.startswith("service:")),
            scheduled_tasks=scheduled,
            commitments=commitments,
            skipped=self.aws.skipped,
            messages=sorted(reader.messages),
        )
        return _readable(findings)

    def _take_up(self, cluster: Cluster, names: Sequence[str]) -> None:
        """Go back to the moment at which an interrupted collection of the same began: its answers are for that window."""
        if self.saved is None:
            return
        begun = self.saved.begun(
            {"cluster": cluster.arn, "services": sorted(names), "days": self.days},
            self.now,
            is_answered=lambda before: is_answered(collection_window(before, self.days), self.now),
        )
        if begun != self.now:
            self.say(f"going on with the collection that began at {begun:%Y-%m-%d %H:%M} UTC")
        self.now = begun

    def _with_definitions(self, services: Sequence[EcsService]) -> list[FoundService]:
        arns = list(dict.fromkeys(s.task_definition for s in services if s.task_definition and why_out(s) is None))
        definitions: dict[str, TaskDefinition] = {}
        refused: dict[str, str] = {}
        for number, arn in enumerate(arns, start=1):
            try:
                definitions[arn] = fetch_task_definition(self.aws, arn)
            except AwsError as error:
                if type(error) is not AwsError:  # credentials, permission, network, lost data: not about this one
                    raise
                refused[arn] = str(error)
            self.share("task definitions", number / len(arns))
        return [
            FoundService(
                service=s,
                definition=definitions.get(s.task_definition or ""),
                left_out=why_out(s) or why_unsized(s, definitions.get(s.task_definition or ""), refused),
            )
            for s in services
        ]

    def _providers(self, cluster: Cluster, services: Sequence[EcsService]) -> Mapping[str, Provider]:
        names = provider_names(cluster, services)
        known = {name: FARGATE_PROVIDERS[name] for name in names if name in FARGATE_PROVIDERS}
        others = [name for name in names if name not in known]
        found = self.aws.optional("what stands behind capacity providers", lambda: fetch_providers(self.aws, others, cluster))
        return known | (found or {})

    def _tasks(self, cluster: Cluster, names: Sequence[str]) -> list[RunningTask]:
        few = [name.rpartition("/")[2] for name in dict.fromkeys(names)] if 0 < len(names) <= _FEW_SERVICES else []
        return self.aws.optional("running tasks, for start-up times", lambda: fetch_tasks(self.aws, cluster, few)) or []

    def _scheduled_tasks(self, cluster: Cluster) -> list[ScheduledTask]:
        found = fetch_scheduled_tasks(self.aws, cluster)
        if found:
            self.say(f"{len(found)} scheduled tasks")
        definitions = fetch_definitions(self.aws, found)
        return [replace(task, definition=definitions.get(task.task_definition)) for task in found]

    def _with_durations(
        self, scheduled: Sequence[ScheduledTask], cluster: Cluster, found: Sequence[FoundService]
    ) -> list[ScheduledTask]:
        """Scheduled tasks with how long they work, where Container Insights tells: it is asked for minutes."""
        window = collection_window(self.now, min(self.days, DAYS))
        queries = family_queries(cluster.name, scheduled)
        series = list(MetricReader(self.aws, window, self.saved).read(queries))
        families = {(s.service.task_definition or "").rpartition("/")[2].partition(":")[0] for s in found}
        taken = Counter([s.name for s in found] + [task.name for task in scheduled])
        since = min((s.load.first for s in found if s.is_taken and s.load and not s.no_data), default=None)
        return [
            replace(task, duration_minutes=None, untold=why_not) if (why_not := _why_no_service(task, taken, since)) else task
            for task in with_durations(scheduled, series, window, families)
        ]

    def _with_present(
        self,
        found: Sequence[FoundService],
        cluster: Cluster,
        providers: Mapping[str, Provider],
        groups: Sequence[Group],
        tasks: Sequence[RunningTask],
    ) -> list[FoundService]:
        of_service: dict[str, list[RunningTask]] = defaultdict(list)
        for task in tasks:
            of_service[task.group.removeprefix("service:")].append(task)
        return [
            replace(
                s,
                present=present_of(s.service, cluster, providers, groups, of_service[s.name]),
                startup=startup_s(of_service[s.name]),
            )
            for s in found
        ]

    def _with_scaling(self, found: Sequence[FoundService], cluster: Cluster) -> list[FoundService]:
        self.say("reading service auto scaling")
        scaling = fetch_scaling(self.aws, cluster.name, [s.name for s in found if s.is_taken])
        return [
            replace(
                s,
                target=scaling.targets.get(s.name),
                policies=scaling.policies.get(s.name, ()),
                scheduled=scaling.scheduled.get(s.name, ()),
            )
            for s in found
        ]

    def _with_loads(self, found: Sequence[FoundService], cluster: Cluster, reader: MetricReader) -> list[FoundService]:
        wanted = {s.name: s for s in found if s.is_taken}
        sources = fetch_request_sources(self.aws, [s.service for s in wanted.values()])
        queries = [q for name in wanted for q in service_queries(cluster.name, name, sources.get(name, ()))]
        window = reader.window
        span = f"{window.start:%Y-%m-%d %H:%M} to {window.end:%Y-%m-%d %H:%M} UTC"
        self.say(f"CloudWatch: {len(queries):,} metrics, {span}, in steps of {window.period_s} s")
        names = _FileNames()
        loaded = {
            name: self._loaded(wanted[name], list(series), cluster, window, names)
            for name, series in groupby(reader.read(queries), key=lambda s: s.query.service)  # in the order of the services
        }
        return [loaded.get(s.name, s) for s in found]

    def _loaded(
        self, found: FoundService, series: Sequence[Series], cluster: Cluster, window: Window, names: "_FileNames"
    ) -> FoundService:
        load = service_load(
            series,
            window,
            cpu_units_per_task=found.definition.cpu_units if found.definition else None,
            deployed_at=found.service.deployed_at,
            has_all_requests=not found.service.is_traffic_moved,
            set_counts=self._set_counts(found, series, cluster, window),
        )
        if not load.n_measured:
            return replace(found, no_data=why_no_data(found, window, load.notes))
        if not found.states_present and found.n_tasks:
            load.state_count(found.n_tasks)  # there is no `present` then to hold the desired count
        file = LoadFile(
            path=names.of(found.name),
            content=load_csv(load, window),
            columns=load.names,
            n_measured=load.n_measured,
            first=window.start + timedelta(seconds=int(load.measured.argmax()) * window.period_s),
            notes=tuple(load.notes),
            usual_tasks=load.usual_tasks,
        )
        return replace(found, load=file, no_data=why_useless(load, found))

    def _set_counts(
        self, found: FoundService, series: Sequence[Series], cluster: Cluster, window: Window
    ) -> list[SetCount] | None:
        """Counts that auto scaling set, asked for only where nothing measured them and they can have changed."""
        named = {s.query.name for s in series if not np.isnan(s.values).all()}
        denied = any(s.action == _ACTIVITIES for s in self.aws.skipped)
        is_fixed = found.target is None or (found.target.min_tasks >= found.target.max_tasks and not found.scheduled)
        if denied or is_fixed or "tasks" in named or "cpu_percent_average" not in named:
            return None
        return self.aws.optional(
            "counts that service auto scaling set, where Container Insights has none",
            lambda: fetch_set_counts(self.aws, cluster.name, found.name, window.start),
        )


class _FileNames:
    """Names of load files: those of the services, made safe and different on every file system."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def of(self, service: str) -> str:
        safe = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "_" for c in service)[:_LONGEST_FILE_NAME]
        if safe != service or safe.lower() in self._taken:
            safe = f"{safe}-{sha256(service.encode()).hexdigest()[:8]}"
        self._taken.add(safe.lower())
        return f"{safe}.csv"


def _readable(findings: Findings) -> Findings:
    """Services that the reader of workload files would refuse are left out, with its reason.

    Raises
    ------
    AwsError
        No service is left.
    """
    services = [replace(s, left_out=s.left_out or _why_refused(s, findings)) for s in findings.services]
    if not any(s.is_taken for s in services):
        reasons = "; ".join(f"{s.name}: {s.left_out or DAEMON}" for s in services[:5])
        more = f"; and {len(services) - 5} more" if len(services) > 5 else ""
        raise AwsError(
            f"no service of cluster {findings.cluster.name} can be compared ({reasons}{more}). "
            "Check --cluster, --service and --days."
        )
    return replace(findings, services=services)


def _why_no_service(task: ScheduledTask, taken: Mapping[str, int], since: datetime | None) -> str | None:
    """Why a scheduled task whose duration is known cannot stand in the workload; None where it can."""
    if task.duration_minutes is None:
        return task.untold
    if task.definition is None:
        return "the size of its tasks is not known"
    if taken[task.name] > 1:
        return "its name stands there twice"
    if since is not None and task.last_start is not None and task.last_start < since:
        return "it did not run in the time of the loads"
    return refusal_of(scheduled_entry(task))


def _why_refused(found: FoundService, findings: Findings) -> str | None:
    if found.service.is_daemon:
        return refusal_of_daemon(daemon_entry(found, findings))
    if found.no_data and not found.n_tasks:
        return found.no_data
    return refusal_of(service_entry(found, findings))
