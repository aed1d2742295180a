data "aws_caller_identity" "current" {}

resource "aws_ecs_cluster" "this" {
  name = "shop"

  setting {
    name  = "containerInsights"
    value = "disabled"
  }
}

resource "aws_ecr_repository" "shop_nightly" {
  name                 = "shop/nightly"
  image_tag_mutability = "IMMUTABLE"

  image_scanning_configuration {
    scan_on_push = true
  }

  encryption_configuration {
    encryption_type = "AES256"
  }
}

resource "aws_ecr_lifecycle_policy" "shop_nightly" {
  repository = aws_ecr_repository.shop_nightly.name

  policy = jsonencode({
    rules = [
      {
        rulePriority = 1
        description  = "Keep the newest 30 images."

        selection = {
          tagStatus   = "any"
          countType   = "imageCountMoreThan"
          countNumber = 30
        }

        action = {
          type = "expire"
        }
      },
    ]
  })
}

resource "aws_security_group" "tasks-nightly" {
  name        = "tasks-shop-nightly"
  description = "ECS tasks"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_egress_rule" "tasks-nightly" {
  ip_protocol       = "-1"
  cidr_ipv4         = "0.0.0.0/0"
  description       = "Anywhere: images, logs, secrets, other services"
  security_group_id = aws_security_group.tasks-nightly.id
}

resource "aws_security_group" "tasks-thumbnails" {
  name        = "tasks-shop-thumbnails"
  description = "ECS tasks"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_egress_rule" "tasks-thumbnails" {
  ip_protocol       = "-1"
  cidr_ipv4         = "0.0.0.0/0"
  description       = "Anywhere: images, logs, secrets, other services"
  security_group_id = aws_security_group.tasks-thumbnails.id
}

resource "aws_vpc_security_group_ingress_rule" "ingress-00" {
  description                  = "Load balancer or Service Connect"
  ip_protocol                  = "tcp"
  from_port                    = 80
  to_port                      = 80
  security_group_id            = aws_security_group.tasks-thumbnails.id
  referenced_security_group_id = var.load_balancer_security_group_id
}

resource "aws_iam_role" "shop-nightly-execution" {
  name        = "shop-nightly-execution"
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

resource "aws_iam_role_policy" "shop-nightly-execution" {
  name = "execution"
  role = aws_iam_role.shop-nightly-execution.name

  policy = jsonencode({
    Version = "2012-10-17"

    Statement = [
      {
        Sid      = "WriteLogs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "arn:aws:logs:eu-west-1:${data.aws_caller_identity.current.account_id}:log-group:/ecs/shop/nightly:*"
      },
      {
        Sid      = "PullImage"
        Effect   = "Allow"
        Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        Resource = "arn:aws:ecr:eu-west-1:${data.aws_caller_identity.current.account_id}:repository/shop/nightly"
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

resource "aws_iam_role" "shop-nightly-task" {
  name        = "shop-nightly-task"
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

resource "aws_iam_role" "shop-thumbnails-execution" {
  name        = "shop-thumbnails-execution"
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

resource "aws_iam_role_policy" "shop-thumbnails-execution" {
  name = "execution"
  role = aws_iam_role.shop-thumbnails-execution.name

  policy = jsonencode({
    Version = "2012-10-17"

    Statement = [
      {
        Sid      = "WriteLogs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "arn:aws:logs:eu-west-1:${data.aws_caller_identity.current.account_id}:log-group:/ecs/shop/thumbnails:*"
      },
    ]
  })
}

resource "aws_iam_role" "shop-thumbnails-task" {
  name        = "shop-thumbnails-task"
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
  capacity_providers = ["FARGATE_SPOT"]
}

resource "aws_cloudwatch_log_group" "nightly" {
  name              = "/ecs/shop/nightly"
  retention_in_days = 30
}

resource "aws_ecs_task_definition" "nightly" {
  family                   = "shop-nightly"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  memory                   = "1024"
  execution_role_arn       = aws_iam_role.shop-nightly-execution.arn
  task_role_arn            = aws_iam_role.shop-nightly-task.arn
  cpu                      = "512"

  container_definitions = jsonencode([
    {
      name      = "nightly"
      image     = "${data.aws_caller_identity.current.account_id}.dkr.ecr.eu-west-1.amazonaws.com/shop/nightly:${var.image_tags["nightly"]}"
      essential = true

      logConfiguration = {
        logDriver = "awslogs"

        options = {
          awslogs-group         = aws_cloudwatch_log_group.nightly.name
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

      stopTimeout = 120
    },
  ])

  tags = {
    "advisor:min-tasks" = "0"
  }

  runtime_platform {
    cpu_architecture        = "X86_64"
    operating_system_family = "LINUX"
  }

  volume {
    name = "tmp"
  }
}

resource "aws_ecs_service" "nightly" {
  name                               = "nightly"
  desired_count                      = 60
  scheduling_strategy                = "REPLICA"
  enable_ecs_managed_tags            = true
  propagate_tags                     = "TASK_DEFINITION"
  enable_execute_command             = false
  availability_zone_rebalancing      = "ENABLED"
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  cluster                            = aws_ecs_cluster.this.arn
  task_definition                    = aws_ecs_task_definition.nightly.arn
  depends_on                         = [aws_ecs_cluster_capacity_providers.this]

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  capacity_provider_strategy {
    capacity_provider = "FARGATE_SPOT"
    base              = 0
    weight            = 1
  }

  network_configuration {
    subnets          = slice(var.private_subnet_ids, 0, 3)
    security_groups  = [aws_security_group.tasks-nightly.id]
    assign_public_ip = false
  }
}

resource "aws_cloudwatch_metric_alarm" "nightly-cpu" {
  alarm_description   = "CPUUtilization of nightly is above 90 percent."
  namespace           = "AWS/ECS"
  metric_name         = "CPUUtilization"
  statistic           = "Average"
  period              = 60
  evaluation_periods  = 5
  threshold           = 90
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "missing"
  alarm_name          = "shop/nightly/cpu"
  alarm_actions       = var.alarm_topic_arns

  dimensions = {
    ClusterName = "shop"
    ServiceName = "nightly"
  }
}

resource "aws_cloudwatch_metric_alarm" "nightly-memory" {
  alarm_description   = "MemoryUtilization of nightly is above 90 percent."
  namespace           = "AWS/ECS"
  metric_name         = "MemoryUtilization"
  statistic           = "Average"
  period              = 60
  evaluation_periods  = 5
  threshold           = 90
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "missing"
  alarm_name          = "shop/nightly/memory"
  alarm_actions       = var.alarm_topic_arns

  dimensions = {
    ClusterName = "shop"
    ServiceName = "nightly"
  }
}

resource "aws_cloudwatch_log_group" "thumbnails" {
  name              = "/ecs/shop/thumbnails"
  retention_in_days = 30
}

resource "aws_ecs_task_definition" "thumbnails" {
  family                   = "shop-thumbnails"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  memory                   = "1024"
  execution_role_arn       = aws_iam_role.shop-thumbnails-execution.arn
  task_role_arn            = aws_iam_role.shop-thumbnails-task.arn
  cpu                      = "512"

  container_definitions = jsonencode([
    {
      name      = "thumbnails"
      image     = "public.ecr.aws/example/thumbnails:2"
      essential = true

      logConfiguration = {
        logDriver = "awslogs"

        options = {
          awslogs-group         = aws_cloudwatch_log_group.thumbnails.name
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
          containerPort = 80
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

      stopTimeout = 120
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

resource "aws_lb_target_group" "thumbnails" {
  name                 = "shop-thumbnails"
  protocol             = "HTTP"
  port                 = 80
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

resource "aws_lb_listener_rule" "thumbnails" {
  priority     = 10
  listener_arn = var.listener_arn

  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.thumbnails.arn
  }

  condition {
    host_header {
      values = [var.host_names["thumbnails"]]
    }
  }
}

resource "aws_ecs_service" "thumbnails" {
  name                               = "thumbnails"
  desired_count                      = 4
  scheduling_strategy                = "REPLICA"
  enable_ecs_managed_tags            = true
  propagate_tags                     = "TASK_DEFINITION"
  enable_execute_command             = false
  availability_zone_rebalancing      = "ENABLED"
  health_check_grace_period_seconds  = 120
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  cluster                            = aws_ecs_cluster.this.arn
  task_definition                    = aws_ecs_task_definition.thumbnails.arn
  depends_on                         = [aws_ecs_cluster_capacity_providers.this, aws_lb_listener_rule.thumbnails]

  load_balancer {
    target_group_arn = aws_lb_target_group.thumbnails.arn
    container_name   = "thumbnails"
    container_port   = 80
  }

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  capacity_provider_strategy {
    capacity_provider = "FARGATE_SPOT"
    base              = 0
    weight            = 1
  }

  network_configuration {
    subnets          = slice(var.private_subnet_ids, 0, 3)
    security_groups  = [aws_security_group.tasks-thumbnails.id]
    assign_public_ip = false
  }

  lifecycle {
    ignore_changes = [desired_count]
  }
}

resource "aws_appautoscaling_target" "thumbnails" {
  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  min_capacity       = 2
  max_capacity       = 20
  resource_id        = "service/${aws_ecs_cluster.this.name}/${aws_ecs_service.thumbnails.name}"
}

resource "aws_appautoscaling_policy" "thumbnails-cpu-target-tracking" {
  name               = "cpu-target-tracking"
  policy_type        = "TargetTrackingScaling"
  resource_id        = aws_appautoscaling_target.thumbnails.resource_id
  scalable_dimension = aws_appautoscaling_target.thumbnails.scalable_dimension
  service_namespace  = aws_appautoscaling_target.thumbnails.service_namespace

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

resource "aws_cloudwatch_metric_alarm" "thumbnails-cpu" {
  alarm_description   = "CPUUtilization of thumbnails is above 90 percent."
  namespace           = "AWS/ECS"
  metric_name         = "CPUUtilization"
  statistic           = "Average"
  period              = 60
  evaluation_periods  = 5
  threshold           = 90
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "missing"
  alarm_name          = "shop/thumbnails/cpu"
  alarm_actions       = var.alarm_topic_arns

  dimensions = {
    ClusterName = "shop"
    ServiceName = "thumbnails"
  }
}

resource "aws_cloudwatch_metric_alarm" "thumbnails-memory" {
  alarm_description   = "MemoryUtilization of thumbnails is above 90 percent."
  namespace           = "AWS/ECS"
  metric_name         = "MemoryUtilization"
  statistic           = "Average"
  period              = 60
  evaluation_periods  = 5
  threshold           = 90
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "missing"
  alarm_name          = "shop/thumbnails/memory"
  alarm_actions       = var.alarm_topic_arns

  dimensions = {
    ClusterName = "shop"
    ServiceName = "thumbnails"
  }
}

resource "aws_cloudwatch_metric_alarm" "thumbnails-tasks" {
  period              = 60
  evaluation_periods  = 5
  comparison_operator = "LessThanThreshold"
  alarm_description   = "thumbnails has fewer healthy tasks than its least number, 2."
  namespace           = "AWS/ApplicationELB"
  metric_name         = "HealthyHostCount"
  statistic           = "Minimum"
  threshold           = 2
  treat_missing_data  = "breaching"
  alarm_name          = "shop/thumbnails/tasks"
  alarm_actions       = var.alarm_topic_arns

  dimensions = {
    LoadBalancer = var.load_balancer_arn_suffix
    TargetGroup  = aws_lb_target_group.thumbnails.arn_suffix
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
          title  = "nightly: CPU and memory, percent"
          region = "eu-west-1"
          view   = "timeSeries"
          period = 60

          metrics = [
            ["AWS/ECS", "CPUUtilization", "ClusterName", "shop", "ServiceName", "nightly"],
            ["AWS/ECS", "MemoryUtilization", "ClusterName", "shop", "ServiceName", "nightly"],
          ]
        }
      },
      {
        type   = "metric"
        x      = 0
        y      = 6
        width  = 8
        height = 6

        properties = {
          title  = "thumbnails: CPU and memory, percent"
          region = "eu-west-1"
          view   = "timeSeries"
          period = 60

          metrics = [
            ["AWS/ECS", "CPUUtilization", "ClusterName", "shop", "ServiceName", "thumbnails"],
            ["AWS/ECS", "MemoryUtilization", "ClusterName", "shop", "ServiceName", "thumbnails"],
          ]
        }
      },
      {
        type   = "metric"
        x      = 8
        y      = 6
        width  = 8
        height = 6

        properties = {
          title  = "thumbnails: requests per task"
          region = "eu-west-1"
          view   = "timeSeries"
          period = 60

          metrics = [
            [
              "AWS/ApplicationELB",
              "RequestCountPerTarget",
              "TargetGroup",
              aws_lb_target_group.thumbnails.arn_suffix,
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
