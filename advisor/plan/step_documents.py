"""Step policies as AWS holds them: the policy in the words of PutScalingPolicy, its alarm in those of PutMetricAlarm."""

from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from advisor.ecs import DEFAULT_COOLDOWN_S
from advisor.errors import PlanError
from advisor.plan.scaling import AdjustmentType, ScalingMetric, Step, StepPolicy

Document = Mapping[str, Any]
Interval = tuple[float, float]

NAMESPACE: Final = "AWS/ECS"
METRIC_NAMES: Final = {ScalingMetric.CPU: "CPUUtilization", ScalingMetric.MEMORY: "MemoryUtilization"}
COMPARISONS: Final = {
    "GreaterThanOrEqualToThreshold": (False, True),
    "GreaterThanThreshold": (False, False),
    "LessThanOrEqualToThreshold": (True, True),
    "LessThanThreshold": (True, False),
}
"""Whether a policy with such an alarm scales in, and whether the alarm is on at the threshold itself."""
PERIOD_S: Final = 60


class StepsError(PlanError):
    """A step policy that AWS refuses, or that is not replayed."""

    def __init__(self, problem: str, fix: str) -> None:
        self.problem, self.fix = problem, fix
        super().__init__(f"{problem}. {fix}")


def step_policy_of(policy: Document, alarm: Document) -> StepPolicy:
    """A policy with the alarm that starts it.

    Raises
    ------
    StepsError
        AWS refuses its steps, or its alarm is none that is replayed.
    """
    _check_alarm(alarm)
    configuration = policy["StepScalingPolicyConfiguration"]
    if configuration.get("MetricAggregationType") not in (None, "Average"):
        raise StepsError(f"aggregation {configuration['MetricAggregationType']} is not replayed", "Give Average.")
    is_in, is_at_threshold = COMPARISONS[alarm["ComparisonOperator"]]
    metrics = {name: metric for metric, name in METRIC_NAMES.items()}
    try:
        return StepPolicy(
            name=policy["PolicyName"],
            metric=metrics[alarm["MetricName"]],
            threshold_percent=float(alarm["Threshold"]),
            steps=_steps(configuration.get("StepAdjustments") or (), is_in),
            is_scale_in=is_in,
            minutes=alarm["EvaluationPeriods"],
            cooldown_s=configuration.get("Cooldown", DEFAULT_COOLDOWN_S),
            adjustment=AdjustmentType(configuration["AdjustmentType"]),
            min_adjustment_magnitude=configuration.get("MinAdjustmentMagnitude"),
            is_at_threshold=is_at_threshold,
        )
    except StepsError:
        raise
    except PlanError as error:
        raise StepsError(str(error), "Let every step add tasks above the threshold, and remove them below it.") from None


def started_policy(
    policy: Document, alarms: Sequence[Document], arns: Collection[str], cluster: str, service: str
) -> tuple[StepPolicy, Document]:
    """A policy of a service with that of the alarms which starts it, and this alarm.

    Parameters
    ----------
    arns
        That the policy has where alarms name it.

    Raises
    ------
    StepsError
        It never acts, not on this service, or as none does that is replayed: the problem says why.
    """
    own = [alarm for alarm in alarms if any(arn in (alarm.get("AlarmActions") or ()) for arn in arns)]
    if not own:
        raise StepsError("no alarm that could be read starts it", "Give it one.")
    own = [alarm for alarm in own if alarm.get("ActionsEnabled", True)]
    if not own:
        raise StepsError("the actions of its alarm are off", "Turn them on.")
    (found, *others) = {step_policy_of(policy, alarm) for alarm in own}
    if others:  # two that are alike start what one would
        raise StepsError(f"{len(own)} alarms start it", "Give it one.")
    for alarm in own:
        watched = {each.get("Name"): each.get("Value") for each in alarm.get("Dimensions") or ()}
        if watched != {"ClusterName": cluster, "ServiceName": service}:
            raise StepsError("its alarm watches something else than the service", "Watch the service.")
    return found, own[0]


def comparison_of(policy: StepPolicy) -> str:
    """The comparison operator of its alarm."""
    return next(name for name, of in COMPARISONS.items() if of == (policy.is_scale_in, policy.is_at_threshold))


def _check_alarm(alarm: Document) -> None:
    metric, periods = alarm.get("MetricName"), alarm.get("EvaluationPeriods")
    if alarm.get("Namespace") != NAMESPACE or metric not in METRIC_NAMES.values():
        raise StepsError(f"an alarm on {metric or 'several metrics'} is not replayed", "State policies on CPUUtilization.")
    if alarm.get("Statistic") != "Average":
        raise StepsError(f"statistic {alarm.get('Statistic')} is not replayed: a load tells averages", "Give Average.")
    if alarm.get("Period") != PERIOD_S:
        raise StepsError(
            f"a period of {alarm.get('Period')} s is not replayed: alarms are looked at by the minute",
            "Give 60, with as many evaluation periods as minutes.",
        )
    if alarm.get("DatapointsToAlarm", periods) != periods:
        raise StepsError("an alarm of some of its data points is not replayed", "Let all of them breach.")
    if alarm.get("ComparisonOperator") not in COMPARISONS:
        raise StepsError(f"{alarm.get('ComparisonOperator')} has no threshold", f"Give one of {', '.join(COMPARISONS)}.")


def _steps(adjustments: Sequence[Document], is_in: bool) -> tuple[Step, ...]:
    """From the threshold on.

    References
    ----------
    Application Auto Scaling API Reference, "StepAdjustment": no gaps, no overlaps, and no end beyond the outermost.
    """
    steps = sorted(((_interval(each), int(each["ScalingAdjustment"])) for each in adjustments), key=lambda step: step[0])
    intervals = [interval for interval, _ in steps]
    if not steps:
        raise StepsError("it has no step", "Give it one.")
    for low, high in intervals:
        if not low < high:
            raise StepsError(f"a step from {low:g} to {high:g} is empty", "Give a lower bound that is below the upper one.")
    for (_, end), (begin, _) in pairwise(intervals):
        if end != begin:
            what, (first, last) = "overlap" if end > begin else "leave a gap", sorted((begin, end))
            raise StepsError(f"steps {what} from {first:g} to {last:g}", "Let each begin where the one before ends.")
    near, far = (intervals[-1][1], intervals[0][0]) if is_in else (intervals[0][0], intervals[-1][1])
    side, bounds = ("below", ("upper", "lower")) if is_in else ("above", ("lower", "upper"))
    if near != 0:
        raise StepsError(
            f"the step next to the threshold has {_bound_said(bounds[0], near)}, not one of 0, and the alarm is on {side} it",
            f"Give one step metric_interval_{bounds[0]}_bound: 0, and let the others be {side} it: the other direction takes a "
            "policy of its own.",
        )
    if abs(far) != float("inf"):
        raise StepsError(
            f"no step holds beyond {far:g}, and AWS wants one without that end",
            f"Leave metric_interval_{bounds[1]}_bound of the outermost step out.",
        )
    if is_in:
        return tuple(Step(from_percent=abs(high), change=change) for (_, high), change in reversed(steps))
    return tuple(Step(from_percent=low, change=change) for (low, _), change in steps)


def _interval(adjustment: Document) -> Interval:
    low, high = (adjustment.get(f"MetricInterval{end}Bound") for end in ("Lower", "Upper"))
    return float("-inf") if low is None else float(low), float("inf") if high is None else float(high)


def _bound_said(which: str, bound: float) -> str:
    return f"no {which} bound" if abs(bound) == float("inf") else f"a {which} bound of {bound:g}"
