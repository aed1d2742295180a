"""A page that leads from what runs today to the plan, for services whose launch type changes."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from advisor.billing import Bill
from advisor.ecs import LaunchType, PurchaseOption
from advisor.plan import Plan
from advisor.recommend import Recommendation
from advisor.recommend.quotas import FARGATE_DEFAULT_VCPU
from advisor.units import ECS_CPU_UNITS_PER_VCPU, HOURS_PER_DAY, HOURS_PER_MONTH

PAGE = "migration.md"
DAYS_SHOWN = (1, 7, 14)


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A service that is to run elsewhere."""

    service: str
    before: LaunchType
    after: LaunchType
    after_option: PurchaseOption
    provider: str
    """Capacity provider of the plan."""
    new_usd: float
    """A month of the part of the plan that the service is in."""


def migration_files(recommendation: Recommendation) -> dict[str, bytes]:
    """The page as a file; none where no launch type changes, or nobody said what runs today."""
    page = migration_page(recommendation)
    return {} if page is None else {PAGE: page.encode()}


def migration_page(recommendation: Recommendation) -> str | None:
    """Steps, order, cost of running double and way back, as Markdown; None where no launch type changes.

    What runs today is read from the bill of today: a result without one tells no page.

    Examples
    --------
    >>> import advisor
    >>> advisor.migration_page(advisor.read_recommendation("reports/shop")) is None
    True
    """
    plan, present = recommendation.recommended.plan, recommendation.present
    bill = recommendation.recommended.bill
    if plan is None or bill is None or present is None or present.bill is None:
        return None
    moves = _moves(plan, present.bill, bill)
    if not moves:
        return None
    sections = [
        _opening(recommendation, moves),
        _order(moves),
        _double_running(plan, present.bill, bill, moves),
        _steps(recommendation, plan, moves),
        _way_back(plan, moves),
    ]
    return "\n".join(sections)


def _moves(plan: Plan, today: Bill, planned: Bill) -> list[Move]:
    """Cheapest first: a fault in the first move then meets the least load."""
    moves = []
    for name, service in plan.services.items():
        before = _launch_type_today(name, today)
        if before is None or before is service.launch_type:
            continue
        part = name if service.launch_type is LaunchType.FARGATE else service.capacity_provider
        moves.append(
            Move(
                service=name,
                before=before,
                after=service.launch_type,
                after_option=service.purchase_option,
                provider=service.capacity_provider,
                new_usd=_usd(planned, [part]),
            )
        )
    return sorted(moves, key=lambda move: (move.new_usd, move.service))


def _launch_type_today(service: str, today: Bill) -> LaunchType | None:
    """A service is billed by itself on Fargate; with the instances otherwise, where there are any."""
    if any(item.part == service and item.meter.startswith("fargate:") for item in today.line_items):
        return LaunchType.FARGATE
    return LaunchType.EC2 if _instance_parts(today) else None


def _instance_parts(bill: Bill) -> list[str]:
    return list(dict.fromkeys(item.part for item in bill.line_items if item.meter.startswith("ec2:")))


def _usd(bill: Bill, parts: Sequence[str]) -> float:
    return math.fsum(item.amount_usd for item in bill.line_items if item.part in parts)


def _for_days(monthly_usd: float, days: int) -> float:
    """Share of a month's bill that so many days are."""
    return monthly_usd * days * HOURS_PER_DAY / HOURS_PER_MONTH


def _opening(recommendation: Recommendation, moves: Sequence[Move]) -> str:
    present, planned = recommendation.present, recommendation.recommended.monthly_usd
    lines = [
        f"# Migration of {_code(recommendation.cluster)} in {recommendation.region}",
        "",
        "| service | today | plan |",
        "|---|---|---|",
        *(f"| {_code(m.service)} | {m.before.called} | {_title(m)} |" for m in moves),
        "",
    ]
    if present is not None and present.monthly_usd is not None and planned is not None:
        lines += [f"Today costs ${present.monthly_usd.mean:,.2f} a month, the plan ${planned.mean:,.2f}.", ""]
    return "\n".join(lines)


def _title(move: Move) -> str:
    spot = " Spot" if move.after_option is PurchaseOption.SPOT else ""
    where = "" if move.after is LaunchType.FARGATE else f", capacity provider {_code(move.provider)}"
    return f"{move.after.called}{spot}{where}"


def _order(moves: Sequence[Move]) -> str:
    rows = [f"{number}. {_code(move.service)}: ${move.new_usd:,.2f} a month" for number, move in enumerate(moves, 1)]
    shared = len({move.provider for move in moves if move.after is not LaunchType.FARGATE}) < sum(
        move.after is not LaunchType.FARGATE for move in moves
    )
    note = " Services that share instances show the cost of all of them." if shared else ""
    return "\n".join(
        [
            "## Order",
            "",
            f"One service at a time, the cheapest first, so that a fault meets the least load.{note}",
            "",
            *rows,
            "",
        ]
    )


def _double_running(plan: Plan, today: Bill, planned: Bill, moves: Sequence[Move]) -> str:
    """What stands beside what is used: instances that are not yet, or no longer, needed."""
    rows: list[tuple[str, float]] = []
    if any(move.before is LaunchType.EC2 for move in moves):
        rows.append(("today's instances, until they are ended", _usd(today, _instance_parts(today))))
    new_parts = list(dict.fromkeys(move.provider for move in moves if move.after is not LaunchType.FARGATE))
    if new_parts:
        rows.append(("the plan's instances, before tasks run on them", _usd(planned, new_parts)))
    lines = [
        "## Cost of running double",
        "",
        "A rolling deployment runs up to twice the tasks (`maximumPercent` 200) for as long as it lasts: minutes. Instances",
        "cost for as long as they stand beside what is used. A week shows every hour of the week once.",
        "",
        "| beside what is used | " + " | ".join(f"{days} day{'' if days == 1 else 's'}" for days in DAYS_SHOWN) + " |",
        "|---|" + "---:|" * len(DAYS_SHOWN),
    ]
    for what, usd in rows:
        lines.append(f"| {what} | " + " | ".join(f"${_for_days(usd, days):,.2f}" for days in DAYS_SHOWN) + " |")
    if not rows:
        lines.append("| nothing | " + " | ".join("$0.00" for _ in DAYS_SHOWN) + " |")
    total = [math.fsum(_for_days(usd, days) for _, usd in rows) for days in DAYS_SHOWN]
    if len(rows) > 1:
        lines.append("| both | " + " | ".join(f"${usd:,.2f}" for usd in total) + " |")
    return "\n".join([*lines, ""])


def _steps(recommendation: Recommendation, plan: Plan, moves: Sequence[Move]) -> str:
    lines = ["## Steps", ""]
    texts = (*_preparation(recommendation, plan, moves), *_moving(plan, moves), *_clearing(plan, moves))
    for number, text in enumerate(texts, 1):
        lines += [f"{number}. {text}", ""]
    return "\n".join(lines)


def _preparation(recommendation: Recommendation, plan: Plan, moves: Sequence[Move]) -> Iterator[str]:
    onto_fargate = [move for move in moves if move.after is LaunchType.FARGATE]
    if onto_fargate:
        peaks = {advice.name: advice for advice in recommendation.recommendation.services}
        vcpu = math.fsum(
            peaks[m.service].tasks_max * peaks[m.service].task_size["cpu"] / ECS_CPU_UNITS_PER_VCPU for m in onto_fargate
        )
        yield (
            f"Compare the account's Fargate vCPU quota with the {vcpu:,.4g} vCPU that these services need at their peak, twice"
            f" that during a deployment at the peak. The default is {FARGATE_DEFAULT_VCPU}, for On-Demand and Spot apart."
        )
    new = list(dict.fromkeys(move.provider for move in moves if move.after is not LaunchType.FARGATE))
    if new:
        yield (
            f"Make the capacity provider{'' if len(new) == 1 else 's'} {', '.join(map(_code, new))}: the calls of `deploy/ecs/`"
            " up to `put-cluster-capacity-providers`, which replaces the whole list, so keep today's providers in it."
        )
    yield (
        "Merge each plan into what runs, so that environment, secrets, volumes and sidecars stay as they are:"
        f" `aws ecs describe-task-definition --region {plan.region} --task-definition FAMILY > today.json`, then"
        " `advisor emit . --from today.json --service NAME -o .`, and register the result: its family is the FAMILY"
        " below. Keep today's revision active."
    )
    yield (
        "A service behind a load balancer whose tasks are not in `awsvpc` mode today needs a target group of type `ip`: add it"
        " to the listener beside the old one, and check that the tasks' security group admits the load balancer."
    )


def _moving(plan: Plan, moves: Sequence[Move]) -> Iterator[str]:
    for move in moves:
        update = f"aws ecs update-service --region {plan.region} --cluster {plan.cluster} --service {move.service}"
        if LaunchType.MANAGED_INSTANCES in (move.before, move.after):
            yield (
                f"{_code(move.service)}: make a second service on the same target group, under another name, from"
                f" `deploy/ecs/services/{move.service}/`; when its tasks are healthy, bring the old service's minimum and"
                " desired count to 0. AWS lists no change of a running service to Managed Instances."
            )
        else:
            strategy = f"capacityProvider={_provider_in_ecs(move)},base=0,weight=1"
            yield (
                f"{_code(move.service)}: `{update} --task-definition FAMILY --capacity-provider-strategy {strategy}"
                " --force-new-deployment`. Leave `--desired-count` out: it belongs to service auto scaling. Wait with"
                f" `aws ecs wait services-stable --region {plan.region} --cluster {plan.cluster} --services {move.service}`."
            )
    yield (
        "Watch each service through its busiest hour before the next one moves: CPU against the target, memory, running below"
        " desired, and events such as `unable to place a task`."
    )


def _clearing(plan: Plan, moves: Sequence[Move]) -> Iterator[str]:
    stay = [name for name, service in plan.services.items() if service.launch_type is LaunchType.EC2]
    if any(move.before is LaunchType.EC2 for move in moves):
        rest = f" but those that are still needed for {', '.join(map(_code, stay))}" if stay else ""
        yield (
            f"When all have run for a week: drain today's instances{rest}, lower their Auto Scaling group, and only then delete"
            " what is left of it. Until this step nothing is saved."
        )
    elif any(move.before is LaunchType.FARGATE for move in moves):
        yield "Nothing is left to end on Fargate: its tasks stopped with the deployment."


def _way_back(plan: Plan, moves: Sequence[Move]) -> str:
    lines = [
        "## Way back",
        "",
        "A deployment whose tasks do not become healthy is rolled back by the circuit breaker, where it is on. By hand, for",
        "one service, as long as today's capacity stands:",
        "",
        "```sh",
    ]
    for move in moves:
        update = f"aws ecs update-service --region {plan.region} --cluster {plan.cluster} --service {move.service}"
        if LaunchType.MANAGED_INSTANCES in (move.before, move.after):
            lines.append(f"{update} --desired-count COUNT  # the old service, then the new one to 0")
        else:
            provider = "FARGATE" if move.before is LaunchType.FARGATE else "TODAYS_PROVIDER"
            back = f"--capacity-provider-strategy capacityProvider={provider},base=0,weight=1 --force-new-deployment"
            lines.append(f"{update} --task-definition FAMILY:REVISION {back}")
    lines += ["```", ""]
    if any(move.before is LaunchType.EC2 for move in moves):
        lines += [
            "A service that ran by the launch type EC2 and not by a capacity provider goes back with"
            " `--capacity-provider-strategy '[]'`.",
            "",
        ]
    return "\n".join(lines)


def _provider_in_ecs(move: Move) -> str:
    if move.after is LaunchType.FARGATE:
        return "FARGATE_SPOT" if move.after_option is PurchaseOption.SPOT else "FARGATE"
    return move.provider


def _code(name: str) -> str:
    """A name as code; those that ECS accepts hold nothing that ends it."""
    return f"`{name.replace('`', '')}`"
