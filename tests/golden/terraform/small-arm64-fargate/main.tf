data "aws_caller_identity" "current" {}

resource "aws_ecs_cluster" "this" {
  name = "shop"

  setting {
    name  = "containerInsights"
    value = "disabled"
  }
}

resource "aws_security_group" "tasks-worker" {
  name        = "tasks-shop-worker"
  description = "ECS tasks"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_egress_rule" "tasks-worker" {
  ip_protocol       = "-1"
  cidr_ipv4         = "0.0.0.0/0"
  description       = "Anywhere: images, logs, secrets, other services"
  security_group_id = aws_security_group.tasks-worker.id
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

resource "aws_ecs_cluster_capacity_providers" "this" {
  cluster_name       = aws_ecs_cluster.this.name
  capacity_providers = ["FARGATE"]
}

resource "aws_cloudwatch_log_group" "worker" {
  name              = "/ecs/shop/worker"
  retention_in_days = 30
}

resource "aws_ecs_task_definition" "worker" {
  family                   = "shop-worker"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  memory                   = "512"
  execution_role_arn       = aws_iam_role.shop-worker-execution.arn
  task_role_arn            = aws_iam_role.shop-worker-task.arn
  cpu                      = "256"

  container_definitions = jsonencode([
    {
      name      = "worker"
      image     = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/worker:1.4"
      essential = true

      logConfiguration = {
        logDriver = "awslogs"

        options = {
          awslogs-group         = aws_cloudwatch_log_group.worker.name
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
    },
  ])

  runtime_platform {
    cpu_architecture        = "ARM64"
    operating_system_family = "LINUX"
  }

  volume {
    name = "tmp"
  }
}

resource "aws_ecs_service" "worker" {
  name                               = "worker"
  desired_count                      = 1
  scheduling_strategy                = "REPLICA"
  enable_ecs_managed_tags            = true
  propagate_tags                     = "TASK_DEFINITION"
  enable_execute_command             = false
  launch_type                        = "FARGATE"
  availability_zone_rebalancing      = "ENABLED"
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  cluster                            = aws_ecs_cluster.this.arn
  task_definition                    = aws_ecs_task_definition.worker.arn
  depends_on                         = [aws_ecs_cluster_capacity_providers.this]

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = slice(var.private_subnet_ids, 0, 2)
    security_groups  = [aws_security_group.tasks-worker.id]
    assign_public_ip = false
  }

  lifecycle {
    ignore_changes = [desired_count]
  }
}

resource "aws_appautoscaling_target" "worker" {
  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  min_capacity       = 1
  max_capacity       = 3
  resource_id        = "service/${aws_ecs_cluster.this.name}/${aws_ecs_service.worker.name}"
}

resource "aws_appautoscaling_policy" "worker-cpu-target-tracking" {
  name               = "cpu-target-tracking"
  policy_type        = "TargetTrackingScaling"
  resource_id        = aws_appautoscaling_target.worker.resource_id
  scalable_dimension = aws_appautoscaling_target.worker.scalable_dimension
  service_namespace  = aws_appautoscaling_target.worker.service_namespace

  target_tracking_scaling_policy_configuration {
    target_value       = 60
    scale_out_cooldown = 300
    scale_in_cooldown  = 300
    disable_scale_in   = false

    predefined_metric_specification {
      predefined_metric_type = "ECSServiceAverageCPUUtilization"
    }
  }
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
