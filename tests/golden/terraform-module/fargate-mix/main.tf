data "aws_caller_identity" "current" {}

module "ecs_cluster" {
  source  = "terraform-aws-modules/ecs/aws//modules/cluster"
  version = "~> 7.0"
  name    = "shop"

  setting = [
    {
      name  = "containerInsights"
      value = "enhanced"
    },
  ]

  cluster_capacity_providers       = ["FARGATE", "FARGATE_SPOT"]
  capacity_providers               = {}
  configuration                    = null
  create_cloudwatch_log_group      = false
  create_task_exec_iam_role        = false
  create_infrastructure_iam_role   = false
  create_node_iam_instance_profile = false
  create_security_group            = false
}

module "ecs_service_web" {
  source                             = "terraform-aws-modules/ecs/aws//modules/service"
  version                            = "~> 7.0"
  name                               = "web"
  cluster_arn                        = module.ecs_cluster.arn
  desired_count                      = 4
  scheduling_strategy                = "REPLICA"
  launch_type                        = "FARGATE"
  availability_zone_rebalancing      = "ENABLED"
  deployment_minimum_healthy_percent = 50
  deployment_maximum_percent         = 150

  deployment_circuit_breaker = {
    enable   = true
    rollback = true
  }

  force_new_deployment           = false
  enable_ecs_managed_tags        = true
  propagate_tags                 = "TASK_DEFINITION"
  enable_execute_command         = false
  create_iam_role                = false
  create_infrastructure_iam_role = false
  create_security_group          = true
  enable_autoscaling             = true

  autoscaling_policies = {
    cpu-target-tracking = {
      name        = "cpu-target-tracking"
      policy_type = "TargetTrackingScaling"

      target_tracking_scaling_policy_configuration = {
        target_value = 60

        predefined_metric_specification = {
          predefined_metric_type = "ECSServiceAverageCPUUtilization"
        }

        scale_out_cooldown = 60
        scale_in_cooldown  = 600
        disable_scale_in   = false
      }
    }

    memory-out = {
      name        = "memory-out"
      policy_type = "StepScaling"

      step_scaling_policy_configuration = {
        adjustment_type         = "ChangeInCapacity"
        metric_aggregation_type = "Average"
        cooldown                = 120

        step_adjustment = [
          {
            metric_interval_lower_bound = 0
            scaling_adjustment          = 2
            metric_interval_upper_bound = 15
          },
          {
            metric_interval_lower_bound = 15
            scaling_adjustment          = 6
          },
        ]
      }
    }

    memory-in = {
      name        = "memory-in"
      policy_type = "StepScaling"

      step_scaling_policy_configuration = {
        adjustment_type         = "PercentChangeInCapacity"
        metric_aggregation_type = "Average"
        cooldown                = 300

        step_adjustment = [
          {
            metric_interval_upper_bound = 0
            scaling_adjustment          = -10
            metric_interval_lower_bound = -12.5
          },
          {
            metric_interval_upper_bound = -12.5
            scaling_adjustment          = -25
          },
        ]

        min_adjustment_magnitude = 2
      }
    }
  }

  capacity_provider_strategy = {
    FARGATE = {
      capacity_provider = "FARGATE"
      base              = 2
      weight            = 1
    }

    FARGATE_SPOT = {
      capacity_provider = "FARGATE_SPOT"
      base              = 0
      weight            = 3
    }
  }

  depends_on       = [module.ecs_cluster]
  subnet_ids       = slice(var.private_subnet_ids, 0, 2)
  assign_public_ip = false

  load_balancer = {
    service = {
      target_group_arn = aws_lb_listener_rule.web.action[0].target_group_arn
      container_name   = "web"
      container_port   = 8443
    }
  }

  health_check_grace_period_seconds = 120
  security_group_name               = "tasks-shop-web"
  security_group_use_name_prefix    = false
  security_group_description        = "ECS tasks"

  security_group_ingress_rules = {
    ingress-00 = {
      description                  = "Load balancer or Service Connect"
      ip_protocol                  = "tcp"
      from_port                    = 8443
      to_port                      = 8443
      referenced_security_group_id = var.load_balancer_security_group_id
    }
  }

  security_group_egress_rules = {
    anywhere = {
      ip_protocol = "-1"
      cidr_ipv4   = "0.0.0.0/0"
      description = "Anywhere: images, logs, secrets, other services"
    }
  }

  vpc_id                         = var.vpc_id
  create_task_definition         = true
  ignore_task_definition_changes = false
  track_latest                   = false
  family                         = "shop-web"
  requires_compatibilities       = ["FARGATE"]
  network_mode                   = "awsvpc"
  cpu                            = 512
  memory                         = 1024

  runtime_platform = {
    cpu_architecture        = "X86_64"
    operating_system_family = "LINUX"
  }

  create_task_exec_iam_role = false
  task_exec_iam_role_arn    = aws_iam_role.shop-web-execution.arn
  create_tasks_iam_role     = false
  tasks_iam_role_arn        = aws_iam_role.shop-web-task.arn

  container_definitions = {
    web = {
      startTimeout = 120
      stopTimeout  = 120

      restartPolicy = {
        enabled = false
      }

      versionConsistency        = "enabled"
      enable_cloudwatch_logging = true
      name                      = "web"
      image                     = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/web:3"
      essential                 = true

      logConfiguration = {
        logDriver = "awslogs"

        options = {
          awslogs-group         = "/ecs/shop/web"
          awslogs-region        = "eu-west-1"
          awslogs-stream-prefix = "ecs"
        }
      }

      readonlyRootFilesystem = true

      linuxParameters = {
        initProcessEnabled = true

        capabilities = {
          drop = ["ALL"]
        }
      }

      portMappings = [
        {
          containerPort = 8443
          protocol      = "tcp"
        },
      ]

      mountPoints = [
        {
          sourceVolume  = "tmp"
          containerPath = "/tmp"
          readOnly      = false
        },
      ]

      create_cloudwatch_log_group            = true
      cloudwatch_log_group_name              = "/ecs/shop/web"
      cloudwatch_log_group_use_name_prefix   = false
      cloudwatch_log_group_retention_in_days = 90
    }
  }

  volume = {
    tmp = {}
  }

  autoscaling_min_capacity = 2
  autoscaling_max_capacity = 20

  autoscaling_scheduled_actions = {
    morning = {
      name         = "morning"
      schedule     = "cron(0 7 ? * MON-FRI *)"
      timezone     = "Europe/Berlin"
      min_capacity = 10
      max_capacity = null
    }

    night = {
      name         = "night"
      schedule     = "cron(0 22 * * ? *)"
      timezone     = "UTC"
      min_capacity = 2
      max_capacity = 8
    }
  }
}

resource "aws_iam_role" "shop-web-execution" {
  name        = "shop-web-execution"
  description = "ECS pulls the images, writes the logs and reads the secrets of the tasks."

  assume_role_policy = jsonencode({
    Version = "2012-10-17"

    Statement = [
      {
        Effect = "Allow"

        Principal = {
          Service = "ecs-tasks.amazonaws.com"
        }

        Action = "sts:AssumeRole"

        Condition = {
          StringEquals = {
            "aws:SourceAccount" = data.aws_caller_identity.current.account_id
          }

          ArnLike = {
            "aws:SourceArn" = "arn:aws:ecs:eu-west-1:${data.aws_caller_identity.current.account_id}:*"
          }
        }
      },
    ]
  })
}

resource "aws_iam_role_policy" "shop-web-execution" {
  name = "execution"
  role = aws_iam_role.shop-web-execution.name

  policy = jsonencode({
    Version = "2012-10-17"

    Statement = [
      {
        Sid      = "WriteLogs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "arn:aws:logs:eu-west-1:${data.aws_caller_identity.current.account_id}:log-group:/ecs/shop/web:*"
      },
      {
        Sid      = "PullImage"
        Effect   = "Allow"
        Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        Resource = "arn:aws:ecr:eu-west-1:123456789012:repository/web"
      },
      {
        Sid      = "LogInToRegistry"
        Effect   = "Allow"
        Action   = ["ecr:GetAuthorizationToken"]
        Resource = "*"
      },
    ]
  })
}

resource "aws_iam_role" "shop-web-task" {
  name        = "shop-web-task"
  description = "What the program may do. Add what it calls."

  assume_role_policy = jsonencode({
    Version = "2012-10-17"

    Statement = [
      {
        Effect = "Allow"

        Principal = {
          Service = "ecs-tasks.amazonaws.com"
        }

        Action = "sts:AssumeRole"

        Condition = {
          StringEquals = {
            "aws:SourceAccount" = data.aws_caller_identity.current.account_id
          }

          ArnLike = {
            "aws:SourceArn" = "arn:aws:ecs:eu-west-1:${data.aws_caller_identity.current.account_id}:*"
          }
        }
      },
    ]
  })
}

resource "aws_lb_target_group" "web" {
  name                 = "shop-web"
  protocol             = "HTTP"
  port                 = 8443
  vpc_id               = var.vpc_id
  target_type          = "ip"
  deregistration_delay = 60

  health_check {
    protocol            = "HTTP"
    path                = "/"
    interval            = 15
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 3
    matcher             = "200-399"
  }
}

resource "aws_lb_listener_rule" "web" {
  priority     = 10
  listener_arn = var.listener_arn

  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.web.arn
  }

  condition {
    host_header {
      values = [var.host_names["web"]]
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "web-step-memory-out" {
  alarm_name          = "shop/web/step-memory-out"
  alarm_description   = "Starts the step policy memory-out."
  namespace           = "AWS/ECS"
  metric_name         = "MemoryUtilization"
  statistic           = "Average"
  period              = 60
  evaluation_periods  = 3
  threshold           = 75
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "missing"
  alarm_actions       = [module.ecs_service_web.autoscaling_policies["memory-out"].arn]

  dimensions = {
    ClusterName = "shop"
    ServiceName = "web"
  }
}

resource "aws_cloudwatch_metric_alarm" "web-step-memory-in" {
  alarm_name          = "shop/web/step-memory-in"
  alarm_description   = "Starts the step policy memory-in."
  namespace           = "AWS/ECS"
  metric_name         = "MemoryUtilization"
  statistic           = "Average"
  period              = 60
  evaluation_periods  = 15
  threshold           = 30
  comparison_operator = "LessThanThreshold"
  treat_missing_data  = "missing"
  alarm_actions       = [module.ecs_service_web.autoscaling_policies["memory-in"].arn]

  dimensions = {
    ClusterName = "shop"
    ServiceName = "web"
  }
}

resource "aws_cloudwatch_metric_alarm" "web-cpu" {
  alarm_description   = "CPUUtilization of web is above 90 percent."
  namespace           = "AWS/ECS"
  metric_name         = "CPUUtilization"
  statistic           = "Average"
  period              = 60
  evaluation_periods  = 5
  threshold           = 90
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "missing"
  alarm_name          = "shop/web/cpu"
  alarm_actions       = var.alarm_topic_arns

  dimensions = {
    ClusterName = "shop"
    ServiceName = "web"
  }
}

resource "aws_cloudwatch_metric_alarm" "web-memory" {
  alarm_description   = "MemoryUtilization of web is above 90 percent."
  namespace           = "AWS/ECS"
  metric_name         = "MemoryUtilization"
  statistic           = "Average"
  period              = 60
  evaluation_periods  = 5
  threshold           = 90
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "missing"
  alarm_name          = "shop/web/memory"
  alarm_actions       = var.alarm_topic_arns

  dimensions = {
    ClusterName = "shop"
    ServiceName = "web"
  }
}

resource "aws_cloudwatch_metric_alarm" "web-tasks" {
  evaluation_periods  = 5
  comparison_operator = "LessThanThreshold"
  alarm_description   = "web runs fewer tasks than desired."
  threshold           = 0
  treat_missing_data  = "breaching"
  alarm_name          = "shop/web/tasks"
  alarm_actions       = var.alarm_topic_arns

  metric_query {
    id          = "running"
    return_data = false

    metric {
      namespace   = "ECS/ContainerInsights"
      metric_name = "RunningTaskCount"
      period      = 60
      stat        = "Average"

      dimensions = {
        ClusterName = "shop"
        ServiceName = "web"
      }
    }
  }

  metric_query {
    id          = "desired"
    return_data = false

    metric {
      namespace   = "ECS/ContainerInsights"
      metric_name = "DesiredTaskCount"
      period      = 60
      stat        = "Average"

      dimensions = {
        ClusterName = "shop"
        ServiceName = "web"
      }
    }
  }

  metric_query {
    id          = "missing"
    expression  = "running - desired"
    label       = "Running less desired"
    return_data = true
  }
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = "shop"

  dashboard_body = jsonencode({
    widgets = [
      {
        type   = "metric"
        x      = 0
        y      = 0
        width  = 8
        height = 6

        properties = {
          title  = "web: CPU and memory, percent"
          region = "eu-west-1"
          view   = "timeSeries"
          period = 60

          metrics = [
            ["AWS/ECS", "CPUUtilization", "ClusterName", "shop", "ServiceName", "web"],
            ["AWS/ECS", "MemoryUtilization", "ClusterName", "shop", "ServiceName", "web"],
          ]
        }
      },
      {
        type   = "metric"
        x      = 8
        y      = 0
        width  = 8
        height = 6

        properties = {
          title  = "web: tasks"
          region = "eu-west-1"
          view   = "timeSeries"
          period = 60

          metrics = [
            ["ECS/ContainerInsights", "DesiredTaskCount", "ClusterName", "shop", "ServiceName", "web"],
            ["ECS/ContainerInsights", "RunningTaskCount", "ClusterName", "shop", "ServiceName", "web"],
            ["ECS/ContainerInsights", "PendingTaskCount", "ClusterName", "shop", "ServiceName", "web"],
          ]
        }
      },
      {
        type   = "metric"
        x      = 16
        y      = 0
        width  = 8
        height = 6

        properties = {
          title  = "web: requests per task"
          region = "eu-west-1"
          view   = "timeSeries"
          period = 60

          metrics = [
            [
              "AWS/ApplicationELB",
              "RequestCountPerTarget",
              "TargetGroup",
              aws_lb_target_group.web.arn_suffix,
              {
                stat = "Sum"
              },
            ],
          ]
        }
      },
    ]
  })
}
