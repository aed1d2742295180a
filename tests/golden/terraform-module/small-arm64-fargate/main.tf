data "aws_caller_identity" "current" {}

module "ecs_cluster" {
  source  = "terraform-aws-modules/ecs/aws//modules/cluster"
  version = "~> 7.0"
  name    = "shop"

  setting = [
    {
      name  = "containerInsights"
      value = "disabled"
    },
  ]

  cluster_capacity_providers       = ["FARGATE"]
  capacity_providers               = {}
  configuration                    = null
  create_cloudwatch_log_group      = false
  create_task_exec_iam_role        = false
  create_infrastructure_iam_role   = false
  create_node_iam_instance_profile = false
  create_security_group            = false
}

module "ecs_service_worker" {
  source                             = "terraform-aws-modules/ecs/aws//modules/service"
  version                            = "~> 7.0"
  name                               = "worker"
  cluster_arn                        = module.ecs_cluster.arn
  desired_count                      = 1
  scheduling_strategy                = "REPLICA"
  launch_type                        = "FARGATE"
  availability_zone_rebalancing      = "ENABLED"
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200

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

        scale_out_cooldown = 300
        scale_in_cooldown  = 300
        disable_scale_in   = false
      }
    }
  }

  subnet_ids                     = slice(var.private_subnet_ids, 0, 2)
  assign_public_ip               = false
  security_group_name            = "tasks-shop-worker"
  security_group_use_name_prefix = false
  security_group_description     = "ECS tasks"
  security_group_ingress_rules   = {}

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
  family                         = "shop-worker"
  requires_compatibilities       = ["FARGATE"]
  network_mode                   = "awsvpc"
  cpu                            = 256
  memory                         = 512

  runtime_platform = {
    cpu_architecture        = "ARM64"
    operating_system_family = "LINUX"
  }

  create_task_exec_iam_role = false
  task_exec_iam_role_arn    = aws_iam_role.shop-worker-execution.arn
  create_tasks_iam_role     = false
  tasks_iam_role_arn        = aws_iam_role.shop-worker-task.arn

  container_definitions = {
    worker = {
      startTimeout = 120
      stopTimeout  = 30

      restartPolicy = {
        enabled = false
      }

      versionConsistency        = "enabled"
      enable_cloudwatch_logging = true
      name                      = "worker"
      image                     = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/worker:1.4"
      essential                 = true

      logConfiguration = {
        logDriver = "awslogs"

        options = {
          awslogs-group         = "/ecs/shop/worker"
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

      mountPoints = [
        {
          sourceVolume  = "tmp"
          containerPath = "/tmp"
          readOnly      = false
        },
      ]

      create_cloudwatch_log_group            = true
      cloudwatch_log_group_name              = "/ecs/shop/worker"
      cloudwatch_log_group_use_name_prefix   = false
      cloudwatch_log_group_retention_in_days = 30
    }
  }

  volume = {
    tmp = {}
  }

  autoscaling_min_capacity = 1
  autoscaling_max_capacity = 3
}

resource "aws_iam_role" "shop-worker-execution" {
  name        = "shop-worker-execution"
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

resource "aws_iam_role_policy" "shop-worker-execution" {
  name = "execution"
  role = aws_iam_role.shop-worker-execution.name

  policy = jsonencode({
    Version = "2012-10-17"

    Statement = [
      {
        Sid      = "WriteLogs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "arn:aws:logs:eu-west-1:${data.aws_caller_identity.current.account_id}:log-group:/ecs/shop/worker:*"
      },
      {
        Sid      = "PullImage"
        Effect   = "Allow"
        Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        Resource = "arn:aws:ecr:eu-west-1:123456789012:repository/worker"
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

resource "aws_iam_role" "shop-worker-task" {
  name        = "shop-worker-task"
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

resource "aws_cloudwatch_metric_alarm" "worker-cpu" {
  alarm_description   = "CPUUtilization of worker is above 90 percent."
  namespace           = "AWS/ECS"
  metric_name         = "CPUUtilization"
  statistic           = "Average"
  period              = 60
  evaluation_periods  = 5
  threshold           = 90
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "missing"
  alarm_name          = "shop/worker/cpu"
  alarm_actions       = var.alarm_topic_arns

  dimensions = {
    ClusterName = "shop"
    ServiceName = "worker"
  }
}

resource "aws_cloudwatch_metric_alarm" "worker-memory" {
  alarm_description   = "MemoryUtilization of worker is above 90 percent."
  namespace           = "AWS/ECS"
  metric_name         = "MemoryUtilization"
  statistic           = "Average"
  period              = 60
  evaluation_periods  = 5
  threshold           = 90
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "missing"
  alarm_name          = "shop/worker/memory"
  alarm_actions       = var.alarm_topic_arns

  dimensions = {
    ClusterName = "shop"
    ServiceName = "worker"
  }
}

resource "aws_cloudwatch_metric_alarm" "worker-tasks" {
  period              = 60
  evaluation_periods  = 5
  comparison_operator = "LessThanThreshold"
  alarm_description   = "worker runs no task: a service without tasks reports no metric."
  namespace           = "AWS/ECS"
  metric_name         = "MemoryUtilization"
  statistic           = "Maximum"
  threshold           = 0
  treat_missing_data  = "breaching"
  alarm_name          = "shop/worker/tasks"
  alarm_actions       = var.alarm_topic_arns

  dimensions = {
    ClusterName = "shop"
    ServiceName = "worker"
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
          title  = "worker: CPU and memory, percent"
          region = "eu-west-1"
          view   = "timeSeries"
          period = 60

          metrics = [
            ["AWS/ECS", "CPUUtilization", "ClusterName", "shop", "ServiceName", "worker"],
            ["AWS/ECS", "MemoryUtilization", "ClusterName", "shop", "ServiceName", "worker"],
          ]
        }
      },
    ]
  })
}
