data "aws_caller_identity" "current" {}

resource "aws_ecs_cluster" "this" {
  name = "shop"

  setting {
    name  = "containerInsights"
    value = "disabled"
  }
}

resource "aws_ecs_account_setting_default" "trunking" {
  name  = "awsvpcTrunking"
  value = "enabled"
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

resource "aws_security_group" "tasks-inference" {
  name        = "tasks-shop-inference"
  description = "ECS tasks"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_egress_rule" "tasks-inference" {
  ip_protocol       = "-1"
  cidr_ipv4         = "0.0.0.0/0"
  description       = "Anywhere: images, logs, secrets, other services"
  security_group_id = aws_security_group.tasks-inference.id
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

resource "aws_security_group" "instances-gpu" {
  name        = "instances-shop-gpu"
  description = "ECS instances"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_egress_rule" "instances-gpu" {
  ip_protocol       = "-1"
  cidr_ipv4         = "0.0.0.0/0"
  description       = "Anywhere: images, logs, secrets, other services"
  security_group_id = aws_security_group.instances-gpu.id
}

resource "aws_vpc_security_group_ingress_rule" "ingress-00" {
  description                  = "Load balancer or Service Connect"
  ip_protocol                  = "tcp"
  from_port                    = 9000
  to_port                      = 9000
  security_group_id            = aws_security_group.tasks-inference.id
  referenced_security_group_id = var.load_balancer_security_group_id
}

resource "aws_iam_role" "shop-inference-execution" {
  name        = "shop-inference-execution"
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
            "aws:SourceArn" = "arn:aws:ecs:us-east-1:${data.aws_caller_identity.current.account_id}:*"
          }
        }
      },
    ]
  })
}

resource "aws_iam_role_policy" "shop-inference-execution" {
  name = "execution"
  role = aws_iam_role.shop-inference-execution.name

  policy = jsonencode({
    Version = "2012-10-17"

    Statement = [
      {
        Sid      = "WriteLogs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "arn:aws:logs:us-east-1:${data.aws_caller_identity.current.account_id}:log-group:/ecs/shop/inference:*"
      },
      {
        Sid      = "PullImage"
        Effect   = "Allow"
        Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        Resource = "arn:aws:ecr:eu-west-1:123456789012:repository/model"
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

resource "aws_iam_role" "shop-inference-task" {
  name        = "shop-inference-task"
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
            "aws:SourceArn" = "arn:aws:ecs:us-east-1:${data.aws_caller_identity.current.account_id}:*"
          }
        }
      },
    ]
  })
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
            "aws:SourceArn" = "arn:aws:ecs:us-east-1:${data.aws_caller_identity.current.account_id}:*"
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
        Resource = "arn:aws:logs:us-east-1:${data.aws_caller_identity.current.account_id}:log-group:/ecs/shop/nightly:*"
      },
      {
        Sid      = "PullImage"
        Effect   = "Allow"
        Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        Resource = "arn:aws:ecr:us-east-1:${data.aws_caller_identity.current.account_id}:repository/shop/nightly"
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
            "aws:SourceArn" = "arn:aws:ecs:us-east-1:${data.aws_caller_identity.current.account_id}:*"
          }
        }
      },
    ]
  })
}

resource "aws_iam_role" "shop-nightly-scheduler" {
  name        = "shop-nightly-scheduler"
  description = "Lets the scheduler start the tasks."

  assume_role_policy = jsonencode({
    Version = "2012-10-17"

    Statement = [
      {
        Effect = "Allow"

        Principal = {
          Service = "scheduler.amazonaws.com"
        }

        Action = "sts:AssumeRole"

        Condition = {
          StringEquals = {
            "aws:SourceAccount" = data.aws_caller_identity.current.account_id
          }

          ArnLike = {
            "aws:SourceArn" = "arn:aws:scheduler:us-east-1:${data.aws_caller_identity.current.account_id}:*"
          }
        }
      },
    ]
  })
}

resource "aws_iam_role_policy" "shop-nightly-scheduler" {
  name = "run-task"
  role = aws_iam_role.shop-nightly-scheduler.name

  policy = jsonencode({
    Version = "2012-10-17"

    Statement = [
      {
        Sid    = "StartTasks"
        Effect = "Allow"
        Action = ["ecs:RunTask"]

        Resource = [
          "arn:aws:ecs:us-east-1:${data.aws_caller_identity.current.account_id}:task-definition/shop-nightly",
          "arn:aws:ecs:us-east-1:${data.aws_caller_identity.current.account_id}:task-definition/shop-nightly:*",
        ]

        Condition = {
          ArnEquals = {
            "ecs:cluster" = "arn:aws:ecs:us-east-1:${data.aws_caller_identity.current.account_id}:cluster/shop"
          }
        }
      },
      {
        Sid      = "TagTasks"
        Effect   = "Allow"
        Action   = ["ecs:TagResource"]
        Resource = "arn:aws:ecs:us-east-1:${data.aws_caller_identity.current.account_id}:task/shop/*"
      },
      {
        Sid      = "PassRoles"
        Effect   = "Allow"
        Action   = ["iam:PassRole"]
        Resource = [aws_iam_role.shop-nightly-execution.arn, aws_iam_role.shop-nightly-task.arn]

        Condition = {
          StringLike = {
            "iam:PassedToService" = "ecs-tasks.amazonaws.com"
          }
        }
      },
    ]
  })
}

resource "aws_iam_role" "ecsInstanceRole-shop-gpu" {
  name        = "ecsInstanceRole-shop-gpu"
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

resource "aws_iam_role_policy_attachment" "ecsInstanceRole-shop-gpu" {
  policy_arn = "arn:aws:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role"
  role       = aws_iam_role.ecsInstanceRole-shop-gpu.name
}

resource "aws_iam_instance_profile" "ecsInstanceRole-shop-gpu" {
  name = "ecsInstanceRole-shop-gpu"
  role = aws_iam_role.ecsInstanceRole-shop-gpu.name
}

resource "aws_launch_template" "gpu" {
  name      = "shop-gpu"
  image_id  = "resolve:ssm:/aws/service/ecs/optimized-ami/amazon-linux-2023/gpu/recommended/image_id"
  user_data = "IyEvYmluL2Jhc2gKY2F0IDw8J0VPRicgPj4gL2V0Yy9lY3MvZWNzLmNvbmZpZwpFQ1NfQ0xVU1RFUj1zaG9wCkVDU19BV1NWUENfQkxPQ0tfSU1EUz10cnVlCkVDU19ESVNBQkxFX1BSSVZJTEVHRUQ9dHJ1ZQpFQ1NfRU5BQkxFX0dQVV9TVVBQT1JUPXRydWUKRUNTX1JFU0VSVkVEX01FTU9SWT0yNTYKRU9GCg=="

  iam_instance_profile {
    arn = aws_iam_instance_profile.ecsInstanceRole-shop-gpu.arn
  }

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      volume_size           = 100
      volume_type           = "gp3"
      encrypted             = true
      delete_on_termination = true
    }
  }

  private_dns_name_options {
    enable_resource_name_dns_a_record = false
  }

  network_interfaces {
    device_index                = 0
    associate_public_ip_address = false
    delete_on_termination       = true
    security_groups             = [aws_security_group.instances-gpu.id]
  }

  tag_specifications {
    resource_type = "instance"

    tags = {
      Name = "shop-gpu"
    }
  }

  tag_specifications {
    resource_type = "volume"

    tags = {
      Name = "shop-gpu"
    }
  }
}

resource "aws_autoscaling_group" "gpu" {
  name                  = "shop-gpu"
  min_size              = 0
  max_size              = 8
  vpc_zone_identifier   = slice(var.private_subnet_ids, 0, 2)
  protect_from_scale_in = true

  mixed_instances_policy {
    instances_distribution {
      on_demand_allocation_strategy            = "prioritized"
      on_demand_base_capacity                  = 0
      on_demand_percentage_above_base_capacity = 100
    }

    launch_template {
      launch_template_specification {
        version            = "$Latest"
        launch_template_id = aws_launch_template.gpu.id
      }

      override {
        instance_type = "g5.xlarge"
      }

      override {
        instance_type = "g4dn.xlarge"
      }
    }
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

resource "aws_ecs_capacity_provider" "gpu" {
  name = "gpu"

  auto_scaling_group_provider {
    auto_scaling_group_arn         = aws_autoscaling_group.gpu.arn
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
  capacity_providers = ["FARGATE_SPOT", aws_ecs_capacity_provider.gpu.name]
}

resource "aws_cloudwatch_log_group" "inference" {
  name              = "/ecs/shop/inference"
  retention_in_days = 30
}

resource "aws_ecs_task_definition" "inference" {
  family                   = "shop-inference"
  requires_compatibilities = ["EC2"]
  network_mode             = "awsvpc"
  memory                   = "14000"
  execution_role_arn       = aws_iam_role.shop-inference-execution.arn
  task_role_arn            = aws_iam_role.shop-inference-task.arn
  cpu                      = "4096"

  container_definitions = jsonencode([
    {
      name      = "model"
      image     = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/model:5"
      essential = true

      logConfiguration = {
        logDriver = "awslogs"

        options = {
          awslogs-group         = aws_cloudwatch_log_group.inference.name
          awslogs-region        = "us-east-1"
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

      memoryReservation = 12000

      portMappings = [
        {
          containerPort = 9000
          protocol      = "tcp"
        },
      ]

      healthCheck = {
        command     = ["CMD-SHELL", "curl -f http://localhost:9000/ || exit 1"]
        interval    = 30
        timeout     = 5
        retries     = 3
        startPeriod = 120
      }

      mountPoints = [
        {
          sourceVolume  = "tmp"
          containerPath = "/tmp"
          readOnly      = false
        },
      ]

      resourceRequirements = [
        {
          type  = "GPU"
          value = "1"
        },
      ]
    },
  ])

  tags = {
    "advisor:has-zone-rebalancing" = "false"
  }

  runtime_platform {
    cpu_architecture        = "X86_64"
    operating_system_family = "LINUX"
  }

  volume {
    name = "tmp"
  }
}

resource "aws_lb_target_group" "inference" {
  name        = "shop-inference"
  protocol    = "HTTP"
  port        = 9000
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

resource "aws_lb_listener_rule" "inference" {
  priority     = 10
  listener_arn = var.listener_arn

  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.inference.arn
  }

  condition {
    host_header {
      values = [var.host_names["inference"]]
    }
  }
}

resource "aws_ecs_service" "inference" {
  name                               = "inference"
  desired_count                      = 4
  scheduling_strategy                = "REPLICA"
  enable_ecs_managed_tags            = true
  propagate_tags                     = "TASK_DEFINITION"
  enable_execute_command             = false
  availability_zone_rebalancing      = "DISABLED"
  health_check_grace_period_seconds  = 120
  deployment_minimum_healthy_percent = 0
  deployment_maximum_percent         = 100
  cluster                            = aws_ecs_cluster.this.arn
  task_definition                    = aws_ecs_task_definition.inference.arn
  depends_on                         = [aws_ecs_cluster_capacity_providers.this, aws_lb_listener_rule.inference]

  ordered_placement_strategy {
    type  = "spread"
    field = "attribute:ecs.availability-zone"
  }

  ordered_placement_strategy {
    type  = "binpack"
    field = "memory"
  }

  load_balancer {
    target_group_arn = aws_lb_target_group.inference.arn
    container_name   = "model"
    container_port   = 9000
  }

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  capacity_provider_strategy {
    capacity_provider = aws_ecs_capacity_provider.gpu.name
    base              = 0
    weight            = 1
  }

  network_configuration {
    subnets          = slice(var.private_subnet_ids, 0, 2)
    security_groups  = [aws_security_group.tasks-inference.id]
    assign_public_ip = false
  }

  lifecycle {
    ignore_changes = [desired_count]
  }
}

resource "aws_appautoscaling_target" "inference" {
  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  min_capacity       = 2
  max_capacity       = 20
  resource_id        = "service/${aws_ecs_cluster.this.name}/${aws_ecs_service.inference.name}"
}

resource "aws_appautoscaling_policy" "inference-cpu-target-tracking" {
  name               = "cpu-target-tracking"
  policy_type        = "TargetTrackingScaling"
  resource_id        = aws_appautoscaling_target.inference.resource_id
  scalable_dimension = aws_appautoscaling_target.inference.scalable_dimension
  service_namespace  = aws_appautoscaling_target.inference.service_namespace

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

resource "aws_cloudwatch_metric_alarm" "inference-cpu" {
  alarm_description   = "CPUUtilization of inference is above 90 percent."
  namespace           = "AWS/ECS"
  metric_name         = "CPUUtilization"
  statistic           = "Average"
  period              = 60
  evaluation_periods  = 5
  threshold           = 90
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "missing"
  alarm_name          = "shop/inference/cpu"
  alarm_actions       = var.alarm_topic_arns

  dimensions = {
    ClusterName = "shop"
    ServiceName = "inference"
  }
}

resource "aws_cloudwatch_metric_alarm" "inference-memory" {
  alarm_description   = "MemoryUtilization of inference is above 90 percent."
  namespace           = "AWS/ECS"
  metric_name         = "MemoryUtilization"
  statistic           = "Average"
  period              = 60
  evaluation_periods  = 5
  threshold           = 90
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "missing"
  alarm_name          = "shop/inference/memory"
  alarm_actions       = var.alarm_topic_arns

  dimensions = {
    ClusterName = "shop"
    ServiceName = "inference"
  }
}

resource "aws_cloudwatch_metric_alarm" "inference-tasks" {
  period              = 60
  evaluation_periods  = 5
  comparison_operator = "LessThanThreshold"
  alarm_description   = "inference has fewer healthy tasks than its least number, 2."
  namespace           = "AWS/ApplicationELB"
  metric_name         = "HealthyHostCount"
  statistic           = "Minimum"
  threshold           = 2
  treat_missing_data  = "breaching"
  alarm_name          = "shop/inference/tasks"
  alarm_actions       = var.alarm_topic_arns

  dimensions = {
    LoadBalancer = var.load_balancer_arn_suffix
    TargetGroup  = aws_lb_target_group.inference.arn_suffix
  }
}

resource "aws_cloudwatch_log_group" "nightly" {
  name              = "/ecs/shop/nightly"
  retention_in_days = 30
}

resource "aws_ecs_task_definition" "nightly" {
  family                   = "shop-nightly"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  memory                   = "16384"
  execution_role_arn       = aws_iam_role.shop-nightly-execution.arn
  task_role_arn            = aws_iam_role.shop-nightly-task.arn
  cpu                      = "4096"

  container_definitions = jsonencode([
    {
      name      = "nightly"
      image     = "${data.aws_caller_identity.current.account_id}.dkr.ecr.us-east-1.amazonaws.com/shop/nightly:${var.image_tags["nightly"]}"
      essential = true

      logConfiguration = {
        logDriver = "awslogs"

        options = {
          awslogs-group         = aws_cloudwatch_log_group.nightly.name
          awslogs-region        = "us-east-1"
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
    "advisor:scheduled-task" = "nightly"
  }

  runtime_platform {
    cpu_architecture        = "ARM64"
    operating_system_family = "LINUX"
  }

  volume {
    name = "tmp"
  }

  ephemeral_storage {
    size_in_gib = 100
  }
}

resource "aws_scheduler_schedule" "nightly" {
  name                         = "shop-nightly"
  schedule_expression          = "cron(30 2 * * ? *)"
  schedule_expression_timezone = "America/New_York"
  depends_on                   = [aws_ecs_cluster_capacity_providers.this]

  flexible_time_window {
    mode = "OFF"
  }

  target {
    role_arn = aws_iam_role.shop-nightly-scheduler.arn
    arn      = aws_ecs_cluster.this.arn

    retry_policy {
      maximum_retry_attempts       = 3
      maximum_event_age_in_seconds = 3600
    }

    ecs_parameters {
      task_definition_arn     = aws_ecs_task_definition.nightly.arn
      task_count              = 4
      propagate_tags          = "TASK_DEFINITION"
      enable_ecs_managed_tags = true

      capacity_provider_strategy {
        capacity_provider = "FARGATE_SPOT"
        base              = 0
        weight            = 1
      }

      network_configuration {
        subnets          = slice(var.private_subnet_ids, 0, 2)
        security_groups  = [aws_security_group.tasks-nightly.id]
        assign_public_ip = false
      }
    }
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
          title  = "inference: CPU and memory, percent"
          region = "us-east-1"
          view   = "timeSeries"
          period = 60

          metrics = [
            ["AWS/ECS", "CPUUtilization", "ClusterName", "shop", "ServiceName", "inference"],
            ["AWS/ECS", "MemoryUtilization", "ClusterName", "shop", "ServiceName", "inference"],
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
          title  = "inference: requests per task"
          region = "us-east-1"
          view   = "timeSeries"
          period = 60

          metrics = [
            [
              "AWS/ApplicationELB",
              "RequestCountPerTarget",
              "TargetGroup",
              aws_lb_target_group.inference.arn_suffix,
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
