data "aws_caller_identity" "current" {}

resource "aws_ecs_cluster" "this" {
  name = "shop"

  setting {
    name  = "containerInsights"
    value = "disabled"
  }
}

resource "aws_ecr_repository" "shop_reports" {
  name                 = "shop/reports"
  image_tag_mutability = "IMMUTABLE"

  image_scanning_configuration {
    scan_on_push = true
  }

  encryption_configuration {
    encryption_type = "AES256"
  }
}

resource "aws_ecr_lifecycle_policy" "shop_reports" {
  repository = aws_ecr_repository.shop_reports.name

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

resource "aws_security_group" "tasks-portal" {
  name        = "tasks-shop-portal"
  description = "ECS tasks"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_egress_rule" "tasks-portal" {
  ip_protocol       = "-1"
  cidr_ipv4         = "0.0.0.0/0"
  description       = "Anywhere: images, logs, secrets, other services"
  security_group_id = aws_security_group.tasks-portal.id
}

resource "aws_security_group" "tasks-reports" {
  name        = "tasks-shop-reports"
  description = "ECS tasks"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_egress_rule" "tasks-reports" {
  ip_protocol       = "-1"
  cidr_ipv4         = "0.0.0.0/0"
  description       = "Anywhere: images, logs, secrets, other services"
  security_group_id = aws_security_group.tasks-reports.id
}

resource "aws_security_group" "instances-windows" {
  name        = "instances-shop-windows"
  description = "ECS instances"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_egress_rule" "instances-windows" {
  ip_protocol       = "-1"
  cidr_ipv4         = "0.0.0.0/0"
  description       = "Anywhere: images, logs, secrets, other services"
  security_group_id = aws_security_group.instances-windows.id
}

resource "aws_vpc_security_group_ingress_rule" "ingress-00" {
  description                  = "Load balancer or Service Connect"
  ip_protocol                  = "tcp"
  from_port                    = 80
  to_port                      = 80
  security_group_id            = aws_security_group.tasks-portal.id
  referenced_security_group_id = var.load_balancer_security_group_id
}

resource "aws_iam_role" "shop-portal-execution" {
  name        = "shop-portal-execution"
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

resource "aws_iam_role_policy" "shop-portal-execution" {
  name = "execution"
  role = aws_iam_role.shop-portal-execution.name

  policy = jsonencode({
    Version = "2012-10-17"

    Statement = [
      {
        Sid      = "WriteLogs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "arn:aws:logs:eu-west-1:${data.aws_caller_identity.current.account_id}:log-group:/ecs/shop/portal:*"
      },
      {
        Sid      = "PullImage"
        Effect   = "Allow"
        Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        Resource = "arn:aws:ecr:eu-west-1:123456789012:repository/portal"
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

resource "aws_iam_role" "shop-portal-task" {
  name        = "shop-portal-task"
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

resource "aws_iam_role" "shop-reports-execution" {
  name        = "shop-reports-execution"
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

resource "aws_iam_role_policy" "shop-reports-execution" {
  name = "execution"
  role = aws_iam_role.shop-reports-execution.name

  policy = jsonencode({
    Version = "2012-10-17"

    Statement = [
      {
        Sid      = "WriteLogs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "arn:aws:logs:eu-west-1:${data.aws_caller_identity.current.account_id}:log-group:/ecs/shop/reports:*"
      },
      {
        Sid      = "PullImage"
        Effect   = "Allow"
        Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        Resource = "arn:aws:ecr:eu-west-1:${data.aws_caller_identity.current.account_id}:repository/shop/reports"
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

resource "aws_iam_role" "shop-reports-task" {
  name        = "shop-reports-task"
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

resource "aws_iam_role" "ecsInstanceRole-shop-windows" {
  name        = "ecsInstanceRole-shop-windows"
  description = "Lets instances join the cluster."

  assume_role_policy = jsonencode({
    Version = "2012-10-17"

    Statement = [
      {
        Effect = "Allow"

        Principal = {
          Service = "ec2.amazonaws.com"
        }

        Action = "sts:AssumeRole"
      },
    ]
  })
}

resource "aws_iam_role_policy_attachment" "ecsInstanceRole-shop-windows" {
  policy_arn = "arn:aws:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role"
  role       = aws_iam_role.ecsInstanceRole-shop-windows.name
}

resource "aws_iam_instance_profile" "ecsInstanceRole-shop-windows" {
  name = "ecsInstanceRole-shop-windows"
  role = aws_iam_role.ecsInstanceRole-shop-windows.name
}

resource "aws_launch_template" "windows" {
  name          = "shop-windows"
  image_id      = "resolve:ssm:/aws/service/ami-windows-latest/Windows_Server-2022-English-Core-ECS_Optimized/image_id"
  user_data     = "PHBvd2Vyc2hlbGw+CltFbnZpcm9ubWVudF06OlNldEVudmlyb25tZW50VmFyaWFibGUoIkVDU19FTkFCTEVfQVdTTE9HU19FWEVDVVRJT05ST0xFX09WRVJSSURFIiwgJFRSVUUsICJNYWNoaW5lIikKW0Vudmlyb25tZW50XTo6U2V0RW52aXJvbm1lbnRWYXJpYWJsZSgiRUNTX1JFU0VSVkVEX01FTU9SWSIsICI1MTIiLCAiTWFjaGluZSIpCkltcG9ydC1Nb2R1bGUgRUNTVG9vbHMKSW5pdGlhbGl6ZS1FQ1NBZ2VudCAtQ2x1c3RlciAnc2hvcCcgLUVuYWJsZVRhc2tJQU1Sb2xlIC1FbmFibGVUYXNrRU5JIC1Bd3N2cGNCbG9ja0lNRFMgLUxvZ2dpbmdEcml2ZXJzICdbImpzb24tZmlsZSIsImF3c2xvZ3MiXScKPC9wb3dlcnNoZWxsPgo="
  instance_type = "m6i.xlarge"

  iam_instance_profile {
    arn = aws_iam_instance_profile.ecsInstanceRole-shop-windows.arn
  }

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  block_device_mappings {
    device_name = "/dev/sda1"

    ebs {
      volume_size           = 80
      volume_type           = "gp3"
      encrypted             = true
      delete_on_termination = true
    }
  }

  network_interfaces {
    device_index                = 0
    associate_public_ip_address = false
    delete_on_termination       = true
    security_groups             = [aws_security_group.instances-windows.id]
  }

  tag_specifications {
    resource_type = "instance"

    tags = {
      Name = "shop-windows"
    }
  }

  tag_specifications {
    resource_type = "volume"

    tags = {
      Name = "shop-windows"
    }
  }
}

resource "aws_autoscaling_group" "windows" {
  name                  = "shop-windows"
  min_size              = 0
  max_size              = 8
  vpc_zone_identifier   = slice(var.private_subnet_ids, 0, 2)
  protect_from_scale_in = true

  launch_template {
    version = "$Latest"
    id      = aws_launch_template.windows.id
  }

  tag {
    key                 = "AmazonECSManaged"
    value               = ""
    propagate_at_launch = true
  }

  lifecycle {
    ignore_changes = [desired_capacity]
  }
}

resource "aws_ecs_capacity_provider" "windows" {
  name = "windows"

  tags = {
    "advisor:has-trunking" = "true"
  }

  auto_scaling_group_provider {
    auto_scaling_group_arn         = aws_autoscaling_group.windows.arn
    managed_termination_protection = "ENABLED"
    managed_draining               = "ENABLED"

    managed_scaling {
      status                    = "ENABLED"
      target_capacity           = 100
      minimum_scaling_step_size = 1
      maximum_scaling_step_size = 10000
      instance_warmup_period    = 300
    }
  }
}

resource "aws_ecs_cluster_capacity_providers" "this" {
  cluster_name       = aws_ecs_cluster.this.name
  capacity_providers = ["FARGATE", aws_ecs_capacity_provider.windows.name]
}

resource "aws_cloudwatch_log_group" "portal" {
  name              = "/ecs/shop/portal"
  retention_in_days = 30
}

resource "aws_ecs_task_definition" "portal" {
  family                   = "shop-portal"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  memory                   = "4096"
  execution_role_arn       = aws_iam_role.shop-portal-execution.arn
  task_role_arn            = aws_iam_role.shop-portal-task.arn
  cpu                      = "2048"

  container_definitions = jsonencode([
    {
      name      = "portal"
      image     = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/portal:9"
      essential = true

      logConfiguration = {
        logDriver = "awslogs"

        options = {
          awslogs-group         = aws_cloudwatch_log_group.portal.name
          awslogs-region        = "eu-west-1"
          awslogs-stream-prefix = "ecs"
        }
      }

      portMappings = [
        {
          containerPort = 80
          protocol      = "tcp"
        },
      ]
    },
  ])

  runtime_platform {
    cpu_architecture        = "X86_64"
    operating_system_family = "WINDOWS_SERVER_2022_CORE"
  }
}

resource "aws_lb_target_group" "portal" {
  name        = "shop-portal"
  protocol    = "HTTP"
  port        = 80
  vpc_id      = var.vpc_id
  target_type = "ip"

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

resource "aws_lb_listener_rule" "portal" {
  priority     = 10
  listener_arn = var.listener_arn

  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.portal.arn
  }

  condition {
    host_header {
      values = [var.host_names["portal"]]
    }
  }
}

resource "aws_ecs_service" "portal" {
  name                               = "portal"
  desired_count                      = 4
  scheduling_strategy                = "REPLICA"
  enable_ecs_managed_tags            = true
  propagate_tags                     = "TASK_DEFINITION"
  enable_execute_command             = false
  launch_type                        = "FARGATE"
  availability_zone_rebalancing      = "ENABLED"
  health_check_grace_period_seconds  = 120
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  cluster                            = aws_ecs_cluster.this.arn
  task_definition                    = aws_ecs_task_definition.portal.arn
  depends_on                         = [aws_ecs_cluster_capacity_providers.this, aws_lb_listener_rule.portal]

  load_balancer {
    target_group_arn = aws_lb_target_group.portal.arn
    container_name   = "portal"
    container_port   = 80
  }

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = slice(var.private_subnet_ids, 0, 2)
    security_groups  = [aws_security_group.tasks-portal.id]
    assign_public_ip = false
  }

  lifecycle {
    ignore_changes = [desired_count]
  }
}

resource "aws_appautoscaling_target" "portal" {
  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  min_capacity       = 2
  max_capacity       = 20
  resource_id        = "service/${aws_ecs_cluster.this.name}/${aws_ecs_service.portal.name}"
}

resource "aws_appautoscaling_policy" "portal-cpu-target-tracking" {
  name               = "cpu-target-tracking"
  policy_type        = "TargetTrackingScaling"
  resource_id        = aws_appautoscaling_target.portal.resource_id
  scalable_dimension = aws_appautoscaling_target.portal.scalable_dimension
  service_namespace  = aws_appautoscaling_target.portal.service_namespace

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

resource "aws_cloudwatch_metric_alarm" "portal-cpu" {
  alarm_description   = "CPUUtilization of portal is above 90 percent."
  namespace           = "AWS/ECS"
  metric_name         = "CPUUtilization"
  statistic           = "Average"
  period              = 60
  evaluation_periods  = 5
  threshold           = 90
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "missing"
  alarm_name          = "shop/portal/cpu"
  alarm_actions       = var.alarm_topic_arns

  dimensions = {
    ClusterName = "shop"
    ServiceName = "portal"
  }
}

resource "aws_cloudwatch_metric_alarm" "portal-memory" {
  alarm_description   = "MemoryUtilization of portal is above 90 percent."
  namespace           = "AWS/ECS"
  metric_name         = "MemoryUtilization"
  statistic           = "Average"
  period              = 60
  evaluation_periods  = 5
  threshold           = 90
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "missing"
  alarm_name          = "shop/portal/memory"
  alarm_actions       = var.alarm_topic_arns

  dimensions = {
    ClusterName = "shop"
    ServiceName = "portal"
  }
}

resource "aws_cloudwatch_metric_alarm" "portal-tasks" {
  period              = 60
  evaluation_periods  = 5
  comparison_operator = "LessThanThreshold"
  alarm_description   = "portal has fewer healthy tasks than its least number, 2."
  namespace           = "AWS/ApplicationELB"
  metric_name         = "HealthyHostCount"
  statistic           = "Minimum"
  threshold           = 2
  treat_missing_data  = "breaching"
  alarm_name          = "shop/portal/tasks"
  alarm_actions       = var.alarm_topic_arns

  dimensions = {
    LoadBalancer = var.load_balancer_arn_suffix
    TargetGroup  = aws_lb_target_group.portal.arn_suffix
  }
}

resource "aws_cloudwatch_log_group" "reports" {
  name              = "/ecs/shop/reports"
  retention_in_days = 30
}

resource "aws_ecs_task_definition" "reports" {
  family                   = "shop-reports"
  requires_compatibilities = ["EC2"]
  network_mode             = "awsvpc"
  memory                   = "2048"
  execution_role_arn       = aws_iam_role.shop-reports-execution.arn
  task_role_arn            = aws_iam_role.shop-reports-task.arn
  cpu                      = "1024"

  container_definitions = jsonencode([
    {
      name      = "reports"
      image     = "${data.aws_caller_identity.current.account_id}.dkr.ecr.eu-west-1.amazonaws.com/shop/reports:${var.image_tags["reports"]}"
      essential = true

      logConfiguration = {
        logDriver = "awslogs"

        options = {
          awslogs-group         = aws_cloudwatch_log_group.reports.name
          awslogs-region        = "eu-west-1"
          awslogs-stream-prefix = "ecs"
        }
      }

      command = ["C:\\app\\reports.exe", "--port", "5000"]
      cpu     = 1024
      memory  = 2048
    },
  ])

  runtime_platform {
    cpu_architecture        = "X86_64"
    operating_system_family = "WINDOWS_SERVER_2022_CORE"
  }
}

resource "aws_ecs_service" "reports" {
  name                               = "reports"
  desired_count                      = 4
  scheduling_strategy                = "REPLICA"
  enable_ecs_managed_tags            = true
  propagate_tags                     = "TASK_DEFINITION"
  enable_execute_command             = false
  availability_zone_rebalancing      = "ENABLED"
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  cluster                            = aws_ecs_cluster.this.arn
  task_definition                    = aws_ecs_task_definition.reports.arn
  depends_on                         = [aws_ecs_cluster_capacity_providers.this]

  ordered_placement_strategy {
    type  = "spread"
    field = "attribute:ecs.availability-zone"
  }

  ordered_placement_strategy {
    type  = "binpack"
    field = "memory"
  }

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  capacity_provider_strategy {
    capacity_provider = aws_ecs_capacity_provider.windows.name
    base              = 0
    weight            = 1
  }

  network_configuration {
    subnets          = slice(var.private_subnet_ids, 0, 2)
    security_groups  = [aws_security_group.tasks-reports.id]
    assign_public_ip = false
  }

  lifecycle {
    ignore_changes = [desired_count]
  }
}

resource "aws_appautoscaling_target" "reports" {
  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  min_capacity       = 2
  max_capacity       = 20
  resource_id        = "service/${aws_ecs_cluster.this.name}/${aws_ecs_service.reports.name}"
}

resource "aws_appautoscaling_policy" "reports-cpu-target-tracking" {
  name               = "cpu-target-tracking"
  policy_type        = "TargetTrackingScaling"
  resource_id        = aws_appautoscaling_target.reports.resource_id
  scalable_dimension = aws_appautoscaling_target.reports.scalable_dimension
  service_namespace  = aws_appautoscaling_target.reports.service_namespace

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

resource "aws_cloudwatch_metric_alarm" "reports-cpu" {
  alarm_description   = "CPUUtilization of reports is above 90 percent."
  namespace           = "AWS/ECS"
  metric_name         = "CPUUtilization"
  statistic           = "Average"
  period              = 60
  evaluation_periods  = 5
  threshold           = 90
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "missing"
  alarm_name          = "shop/reports/cpu"
  alarm_actions       = var.alarm_topic_arns

  dimensions = {
    ClusterName = "shop"
    ServiceName = "reports"
  }
}

resource "aws_cloudwatch_metric_alarm" "reports-memory" {
  alarm_description   = "MemoryUtilization of reports is above 90 percent."
  namespace           = "AWS/ECS"
  metric_name         = "MemoryUtilization"
  statistic           = "Average"
  period              = 60
  evaluation_periods  = 5
  threshold           = 90
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "missing"
  alarm_name          = "shop/reports/memory"
  alarm_actions       = var.alarm_topic_arns

  dimensions = {
    ClusterName = "shop"
    ServiceName = "reports"
  }
}

resource "aws_cloudwatch_metric_alarm" "reports-tasks" {
  period              = 60
  evaluation_periods  = 5
  comparison_operator = "LessThanThreshold"
  alarm_description   = "reports runs no task: a service without tasks reports no metric."
  namespace           = "AWS/ECS"
  metric_name         = "MemoryUtilization"
  statistic           = "Maximum"
  threshold           = 0
  treat_missing_data  = "breaching"
  alarm_name          = "shop/reports/tasks"
  alarm_actions       = var.alarm_topic_arns

  dimensions = {
    ClusterName = "shop"
    ServiceName = "reports"
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
          title  = "portal: CPU and memory, percent"
          region = "eu-west-1"
          view   = "timeSeries"
          period = 60

          metrics = [
            ["AWS/ECS", "CPUUtilization", "ClusterName", "shop", "ServiceName", "portal"],
            ["AWS/ECS", "MemoryUtilization", "ClusterName", "shop", "ServiceName", "portal"],
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
          title  = "portal: requests per task"
          region = "eu-west-1"
          view   = "timeSeries"
          period = 60

          metrics = [
            [
              "AWS/ApplicationELB",
              "RequestCountPerTarget",
              "TargetGroup",
              aws_lb_target_group.portal.arn_suffix,
              {
                stat = "Sum"
              },
            ],
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
          title  = "reports: CPU and memory, percent"
          region = "eu-west-1"
          view   = "timeSeries"
          period = 60

          metrics = [
            ["AWS/ECS", "CPUUtilization", "ClusterName", "shop", "ServiceName", "reports"],
            ["AWS/ECS", "MemoryUtilization", "ClusterName", "shop", "ServiceName", "reports"],
          ]
        }
      },
    ]
  })
}
