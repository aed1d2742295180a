"""Names of the inputs and outputs of terraform-aws-modules/ecs/aws, release 7.0, read 2026-11.

From modules/service, modules/cluster (variables.tf, outputs.tf) and modules/container-definition (variables.tf) of
github.com/terraform-aws-modules/terraform-aws-ecs, and its docs/UPGRADE-7.0.md. Terraform refuses an input that the module
does not have, but it drops a member of an object that the type lacks without a word: so members are listed too.
"""


def _names(text):
    return frozenset(text.split())


SERVICE = _names(
    """
    alarms assign_public_ip autoscaling_max_capacity autoscaling_min_capacity autoscaling_policies
    autoscaling_scheduled_actions autoscaling_suspended_state availability_zone_rebalancing capacity_provider_strategy
    cluster_arn container_definitions cpu create create_iam_role create_infrastructure_iam_role create_security_group
    create_service create_task_definition create_task_exec_iam_role create_task_exec_policy create_tasks_iam_role
    deployment_circuit_breaker deployment_configuration deployment_controller deployment_maximum_percent
    deployment_minimum_healthy_percent desired_count disable_v7_default_name_description enable_autoscaling
    enable_ecs_managed_tags enable_execute_command enable_fault_injection ephemeral_storage external_id family force_delete
    force_new_deployment health_check_grace_period_seconds iam_role_arn iam_role_description iam_role_name iam_role_path
    iam_role_permissions_boundary iam_role_statements iam_role_tags iam_role_use_name_prefix ignore_task_definition_changes
    infrastructure_iam_role_arn infrastructure_iam_role_description infrastructure_iam_role_name infrastructure_iam_role_path
    infrastructure_iam_role_permissions_boundary infrastructure_iam_role_tags infrastructure_iam_role_use_name_prefix ipc_mode
    launch_type load_balancer memory name network_mode ordered_placement_strategy pid_mode placement_constraints
    platform_version propagate_tags proxy_configuration region requires_compatibilities runtime_platform scale
    scheduling_strategy security_group_description security_group_egress_rules security_group_ids
    security_group_ingress_rules security_group_name security_group_tags security_group_use_name_prefix
    service_connect_configuration service_registries service_tags sigint_rollback skip_destroy subnet_ids tags
    task_definition_arn task_definition_placement_constraints task_exec_iam_policy_path task_exec_iam_role_arn
    task_exec_iam_role_description task_exec_iam_role_max_session_duration task_exec_iam_role_name task_exec_iam_role_path
    task_exec_iam_role_permissions_boundary task_exec_iam_role_policies task_exec_iam_role_tags
    task_exec_iam_role_use_name_prefix task_exec_iam_statements task_exec_secret_arns task_exec_ssm_param_arns task_tags
    tasks_iam_role_arn tasks_iam_role_description tasks_iam_role_max_session_duration tasks_iam_role_name tasks_iam_role_path
    tasks_iam_role_permissions_boundary tasks_iam_role_policies tasks_iam_role_statements tasks_iam_role_tags
    tasks_iam_role_use_name_prefix timeouts track_latest triggers volume volume_configuration vpc_id
    vpc_lattice_configurations wait_for_steady_state wait_until_stable wait_until_stable_timeout
    """
)
CLUSTER = _names(
    """
    capacity_providers cloudwatch_log_group_class cloudwatch_log_group_kms_key_id cloudwatch_log_group_name
    cloudwatch_log_group_retention_in_days cloudwatch_log_group_tags cluster_capacity_providers
    cluster_capacity_providers_wait_duration configuration create create_cloudwatch_log_group create_infrastructure_iam_role
    create_node_iam_instance_profile create_security_group create_task_exec_iam_role create_task_exec_policy
    default_capacity_provider_strategy disable_v7_default_name_description infrastructure_iam_role_description
    infrastructure_iam_role_name infrastructure_iam_role_override_policy_documents infrastructure_iam_role_path
    infrastructure_iam_role_permissions_boundary infrastructure_iam_role_source_policy_documents
    infrastructure_iam_role_statements infrastructure_iam_role_tags infrastructure_iam_role_use_name_prefix name
    node_iam_role_additional_policies node_iam_role_description node_iam_role_name node_iam_role_override_policy_documents
    node_iam_role_path node_iam_role_permissions_boundary node_iam_role_source_policy_documents node_iam_role_statements
    node_iam_role_tags node_iam_role_use_name_prefix region security_group_description security_group_egress_rules
    security_group_ingress_rules security_group_name security_group_tags security_group_use_name_prefix
    service_connect_defaults setting tags task_exec_iam_role_description task_exec_iam_role_name task_exec_iam_role_path
    task_exec_iam_role_permissions_boundary task_exec_iam_role_policies task_exec_iam_role_tags
    task_exec_iam_role_use_name_prefix task_exec_iam_statements task_exec_secret_arns task_exec_ssm_param_arns vpc_id
    """
)
OUTPUTS = {"cluster": ("arn", "name"), "service": ("autoscaling_policies", "security_group_id")}
"""Those in use."""
ANY = None
_CONTAINER = dict.fromkeys(
    _names(
        """
    cpu create_cloudwatch_log_group cloudwatch_log_group_name cloudwatch_log_group_retention_in_days
    cloudwatch_log_group_use_name_prefix command enable_cloudwatch_logging essential image memory memoryReservation name
    readonlyRootFilesystem startTimeout stopTimeout user versionConsistency
    """
    )
) | {
    "dependsOn": [{"condition": ANY, "containerName": ANY}],
    "environment": [{"name": ANY, "value": ANY}],
    "healthCheck": dict.fromkeys(("command", "interval", "retries", "startPeriod", "timeout")),
    "linuxParameters": {"capabilities": {"add": ANY, "drop": ANY}, "initProcessEnabled": ANY},
    "logConfiguration": {"logDriver": ANY, "options": ANY, "secretOptions": ANY},
    "mountPoints": [dict.fromkeys(("containerPath", "readOnly", "sourceVolume"))],
    "portMappings": [dict.fromkeys(("appProtocol", "containerPort", "containerPortRange", "hostPort", "name", "protocol"))],
    "resourceRequirements": [{"type": ANY, "value": ANY}],
    "restartPolicy": {"enabled": ANY},
    "secrets": [{"name": ANY, "valueFrom": ANY}],
}
_POLICY = {
    "name": ANY,
    "policy_type": ANY,
    "step_scaling_policy_configuration": {
        "adjustment_type": ANY,
        "cooldown": ANY,
        "metric_aggregation_type": ANY,
        "min_adjustment_magnitude": ANY,
        "step_adjustment": [
            dict.fromkeys(("metric_interval_lower_bound", "metric_interval_upper_bound", "scaling_adjustment"))
        ],
    },
    "target_tracking_scaling_policy_configuration": {
        "disable_scale_in": ANY,
        "predefined_metric_specification": {"predefined_metric_type": ANY, "resource_label": ANY},
        "scale_in_cooldown": ANY,
        "scale_out_cooldown": ANY,
        "target_value": ANY,
    },
}
_RULE = dict.fromkeys(("cidr_ipv4", "description", "from_port", "ip_protocol", "referenced_security_group_id", "to_port"))
_EFS = {
    "authorization_config": {"access_point_id": ANY, "iam": ANY},
    "file_system_id": ANY,
    "root_directory": ANY,
    "transit_encryption": ANY,
}
_GROUP_PROVIDER = {
    "auto_scaling_group_arn": ANY,
    "managed_draining": ANY,
    "managed_scaling": dict.fromkeys(
        _names("instance_warmup_period maximum_scaling_step_size minimum_scaling_step_size status target_capacity")
    ),
    "managed_termination_protection": ANY,
}
MEMBERS = {
    "autoscaling_policies": {"*": _POLICY},
    "autoscaling_scheduled_actions": {
        "*": dict.fromkeys(("name", "min_capacity", "max_capacity", "schedule", "start_time", "end_time", "timezone"))
    },
    "capacity_provider_strategy": {"*": {"base": ANY, "capacity_provider": ANY, "weight": ANY}},
    "capacity_providers": {"*": {"auto_scaling_group_provider": _GROUP_PROVIDER, "name": ANY, "tags": ANY}},
    "container_definitions": {"*": _CONTAINER},
    "deployment_circuit_breaker": {"enable": ANY, "rollback": ANY},
    "ephemeral_storage": {"size_in_gib": ANY},
    "load_balancer": {"*": {"container_name": ANY, "container_port": ANY, "target_group_arn": ANY}},
    "ordered_placement_strategy": [{"field": ANY, "type": ANY}],
    "runtime_platform": {"cpu_architecture": ANY, "operating_system_family": ANY},
    "security_group_egress_rules": {"*": _RULE},
    "security_group_ingress_rules": {"*": _RULE},
    "service_connect_configuration": {
        "enabled": ANY,
        "namespace": ANY,
        "service": [{"client_alias": {"dns_name": ANY, "port": ANY}, "discovery_name": ANY, "port_name": ANY}],
    },
    "setting": [{"name": ANY, "value": ANY}],
    "volume": {"*": {"efs_volume_configuration": _EFS}},
}
"""Of inputs that are objects; ``*`` is any key of a map."""


def unknown_members(value, known, where):
    """Paths of members that the module's types do not have."""
    if isinstance(value, list) and isinstance(known, list):
        return [found for item in value for found in unknown_members(item, known[0], where)]
    if not isinstance(value, dict) or known is ANY:
        return []
    found = []
    for key, item in value.items():
        if key not in known and "*" not in known:
            found.append(f"{where}.{key}")
        else:
            found += unknown_members(item, known.get(key, known.get("*")), f"{where}.{key}")
    return found


def stand_in(part):
    """A module with these inputs and outputs and nothing in it."""
    inputs = {"cluster": CLUSTER, "service": SERVICE}[part]
    text = "".join(f'variable "{name}" {{\n  type    = any\n  default = null\n}}\n' for name in sorted(inputs))
    outputs = {"arn": '"arn"', "autoscaling_policies": "{ for key, _ in var.autoscaling_policies : key => { arn = key } }"}
    return text + "".join(f'output "{name}" {{\n  value = {outputs.get(name, "var.name")}\n}}\n' for name in OUTPUTS[part])
