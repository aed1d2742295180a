"""Security groups, target groups, and what makes a load balancer forward to them."""

from typing import Final

from advisor.ecs import LaunchType, NetworkMode, PurchaseOption
from advisor.emit.ecs import names
from advisor.emit.ecs.calls import Call, Capture, Request
from advisor.plan import LoadBalancer, Plan, ServicePlan
from advisor.plan.names import FIRST_DYNAMIC_PORT, MAX_PORT

SPOT_DEREGISTRATION_S: Final = 60
"""Half of the notice before an interruption, so that open requests end before the task does; AWS's default is 300 s."""
_DYNAMIC_PORTS: Final = (FIRST_DYNAMIC_PORT, MAX_PORT)
"""Which bridge mode hands out; Docker's own range lies within."""


def security_group_calls(plan: Plan) -> list[Call]:
    """One for the tasks of each service with interfaces of its own, one for the instances of each capacity provider."""
    calls = []
    for name in sorted(plan.services):
        if plan.services[name].network_mode == "awsvpc":
            calls.append(_group(plan, "tasks", name, names.task_security_group(name)))
    for name in sorted(plan.capacity_providers):
        if plan.capacity_providers[name].launch_type is not LaunchType.FARGATE:
            calls.append(_group(plan, "instances", name, names.instance_security_group(name)))
    return calls + _ingress_calls(plan)


def _group(plan: Plan, kind: str, owner: str, placeholder: str) -> Call:
    request = {
        "GroupName": names.security_group_name(kind, plan.cluster, owner),
        "Description": f"ECS {kind}",
        "VpcId": names.VPC,
    }
    return Call(
        service="ec2",
        operation="CreateSecurityGroup",
        folder="security-groups/",
        label=f"{kind}-{owner}",
        request=request,
        capture=Capture(placeholder=placeholder, query="GroupId"),
    )


def _ingress_calls(plan: Plan) -> list[Call]:
    """What may come in: the load balancer, and through Service Connect the tasks of the same namespace."""
    calls: list[Call] = []
    for name in sorted(plan.services):
        service = plan.services[name]
        for port, source in _admitted(plan, name, service):
            groups = _receiving_groups(name, service)
            for group in groups:
                permission = {"IpProtocol": "tcp", "FromPort": port[0], "ToPort": port[1]}
                permission |= {"UserIdGroupPairs": [{"GroupId": source}]}
                calls.append(_ingress(group, permission, number=len(calls)))
    unique = {(str(call.request), call.operation): call for call in calls}
    return list(unique.values())


def _ingress(group: str, permission: Request, *, number: int) -> Call:
    return Call(
        service="ec2",
        operation="AuthorizeSecurityGroupIngress",
        folder="security-groups/",
        label=f"{number:02d}",
        request={"GroupId": group, "IpPermissions": [permission]},
    )


def _receiving_groups(name: str, service: ServicePlan) -> list[str]:
    if service.network_mode == "awsvpc":
        return [names.task_security_group(name)]
    return [names.instance_security_group(item.capacity_provider) for item in service.strategy_items]


def _admitted(plan: Plan, name: str, service: ServicePlan) -> list[tuple[tuple[int, int], str]]:
    admitted = []
    if service.port is not None:
        admitted.append((_open_ports(name, service, service.port), names.load_balancer_security_group(service.load_balancer)))
    connect = service.service_connect
    if connect is not None and connect.port_name is not None and service.network_mode == "awsvpc":
        port = next(p.container_port for c in service.containers for p in c.ports if p.name == connect.port_name)
        for other in sorted(plan.services):
            peer = plan.services[other].service_connect
            if other != name and peer is not None and peer.namespace == connect.namespace:
                source = _receiving_groups(other, plan.services[other])[0]
                admitted.append(((port, port), source))
    return admitted


def _open_ports(name: str, service: ServicePlan, port: int) -> tuple[int, int]:
    """First and last port at which the load balancer reaches tasks."""
    if service.network_mode != NetworkMode.BRIDGE:
        return port, port
    mapped = [each for each in service.balanced_container(name).ports if (each.container_port, each.protocol) == (port, "tcp")]
    return (mapped[0].host_port, mapped[0].host_port) if mapped[0].host_port else _DYNAMIC_PORTS


def target_group_arn(plan: Plan, name: str) -> str:
    """Of the service, or of the one whose other half it is."""
    owner = plan.services[name].shares_target_group_of or name
    return names.arn(plan.region, "elasticloadbalancing", names.target_group(plan.cluster, owner))


def load_balancing_calls(plan: Plan, name: str) -> list[Call]:
    """Target group of a service, and the rule or listener that forwards to it; none for the other half of a hybrid."""
    service = plan.services[name]
    if service.port is None or service.shares_target_group_of is not None:
        return []
    placeholder = f"@target-group-id.{name}@"
    capture = Capture(placeholder=placeholder, query="TargetGroups[0].TargetGroupArn")
    calls = [_call(name, "CreateTargetGroup", _target_group(plan, name), capture)]
    if _has_spot(plan, name):
        attribute = {"Key": "deregistration_delay.timeout_seconds", "Value": str(SPOT_DEREGISTRATION_S)}
        request = {"TargetGroupArn": target_group_arn(plan, name), "Attributes": [attribute]}
        calls.append(_call(name, "ModifyTargetGroupAttributes", request))
    if service.load_balancer is LoadBalancer.APPLICATION:
        return [*calls, _call(name, "CreateRule", _listener_rule(plan, name))]
    return [*calls, _call(name, "CreateListener", _listener(plan, name))]


def _call(name: str, operation: str, request: Request, capture: Capture | None = None) -> Call:
    return Call(service="elbv2", operation=operation, folder=f"services/{name}/", request=request, capture=capture)


def _has_spot(plan: Plan, name: str) -> bool:
    """Of this service, or of the other half that shares its target group."""
    sharing = [name, *(other for other, service in plan.services.items() if service.shares_target_group_of == name)]
    return any(runs_on_spot(plan, each) for each in sharing)


def runs_on_spot(plan: Plan, name: str) -> bool:
    items = plan.services[name].strategy_items
    return any(plan.capacity_providers[i.capacity_provider].purchase_option is PurchaseOption.SPOT for i in items)


def _target_group(plan: Plan, name: str) -> Request:
    service = plan.services[name]
    request: Request = {
        "Name": names.target_group_name(plan.cluster, name),
        "Protocol": "HTTP",
        "Port": service.port,
        "VpcId": names.VPC,
        "TargetType": "ip" if service.network_mode == "awsvpc" else "instance",
        "HealthCheckIntervalSeconds": 15,
        "HealthCheckTimeoutSeconds": 5,
        "HealthyThresholdCount": 2,
        "UnhealthyThresholdCount": 3,
    }
    if service.network_mode == NetworkMode.BRIDGE:
        request["HealthCheckPort"] = "traffic-port"  # ELB's default; cfn-lint wants it said where Docker chooses the port
    if service.load_balancer is LoadBalancer.NETWORK:
        return request | {"Protocol": "TCP", "HealthCheckProtocol": "TCP"}
    return request | {"HealthCheckProtocol": "HTTP", "HealthCheckPath": "/", "Matcher": {"HttpCode": "200-399"}}


def _forward(plan: Plan, name: str) -> list[Request]:
    return [{"Type": "forward", "TargetGroupArn": target_group_arn(plan, name)}]


def _listener_rule(plan: Plan, name: str) -> Request:
    """Ties the target group to the listener, without which ECS refuses the service."""
    balanced = sorted(other for other, service in plan.services.items() if service.port is not None)
    return {
        "ListenerArn": names.arn(plan.region, "elasticloadbalancing", names.LISTENER),
        "Priority": 10 * (balanced.index(name) + 1),
        "Conditions": [{"Field": "host-header", "HostHeaderConfig": {"Values": [names.host_name(name)]}}],
        "Actions": _forward(plan, name),
    }


def _listener(plan: Plan, name: str) -> Request:
    """A Network Load Balancer tells services apart by port alone."""
    return {
        "LoadBalancerArn": names.arn(plan.region, "elasticloadbalancing", names.NETWORK_LOAD_BALANCER),
        "Protocol": "TCP",
        "Port": plan.services[name].port,
        "DefaultActions": _forward(plan, name),
    }
