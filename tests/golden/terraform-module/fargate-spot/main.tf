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

  cluster_capacity_providers       = ["FARGATE_SPOT"]
  capacity_providers               = {}
  configuration                    = null
  create_cloudwatch_log_group      = false
  create_task_exec_iam_role        = false
  create_infrastructure_iam_role   = false
  create_node_iam_instance_profile = false
  create_security_group            = false
}

module "ecs_service_nightly" {
  source                             = "terraform-aws-modules/ecs/aws//modules/service"
  version                            = "~> 7.0"
  name                               = "nightly"
  cluster_arn                        = module.ecs_cluster.arn
  desired_count                      = 60
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
  enable_autoscaling             = false
  autoscaling_policies           = {}

  capacity_provider_strategy = {
    FARGATE_SPOT = {
      capacity_provider = "FARGATE_SPOT"
      base              = 0
      weight            = 1
    }
  }

  depends_on                     = [module.ecs_cluster]
  subnet_ids                     = slice(var.private_subnet_ids, 0, 3)
  assign_public_ip               = false
  security_group_name            = "tasks-shop-nightly"
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
  family                         = "shop-nightly"
  requires_compatibilities       = ["FARGATE"]
  network_mode                   = "awsvpc"
  cpu                            = 512
  memory                         = 1024

  runtime_platform = {
    cpu_architecture        = "X86_64"
    operating_system_family = "LINUX"
  }

  create_task_exec_iam_role = false
  task_exec_iam_role_arn    = aws_iam_role.shop-nightly-execution.arn
  create_tasks_iam_role     = false
  tasks_iam_role_arn        = aws_iam_role.shop-nightly-task.arn

  container_definitions = {
    nightly = {
      startTimeout = 120
      stopTimeout  = 120

      restartPolicy = {
        enabled = false
      }

      versionConsistency        = "enabled"
      enable_cloudwatch_logging = true
      name                      = "nightly"
      image                     = "${data.aws_caller_identity.current.account_id}.dkr.ecr.eu-west-1.amazonaws.com/shop/nightly:${var.image_tags["nightly"]}"
      essential                 = true

      logConfiguration = {
        logDriver = "awslogs"

        options = {
          awslogs-group         = "/ecs/shop/nightly"
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
      cloudwatch_log_group_name              = "/ecs/shop/nightly"
      cloudwatch_log_group_use_name_prefix   = false
      cloudwatch_log_group_retention_in_days = 30
    }
  }

  volume = {
    tmp = {}
  }

  task_tags = {
    "advisor:min-tasks" = "0"
  }
}

module "ecs_service_thumbnails" {
  source                             = "terraform-aws-modules/ecs/aws//modules/service"
  version                            = "~> 7.0"
  name                               = "thumbnails"
  cluster_arn                        = module.ecs_cluster.arn
  desired_count                      = 4
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

  capacity_provider_strategy = {
    FARGATE_SPOT = {
      capacity_provider = "FARGATE_SPOT"
      base              = 0
      weight            = 1
    }
  }

  depends_on       = [module.ecs_cluster]
  subnet_ids       = slice(var.private_subnet_ids, 0, 3)
  assign_public_ip = false

  load_balancer = {
    service = {
      target_group_arn = aws_lb_listener_rule.thumbnails.action[0].target_group_arn
      container_name   = "thumbnails"
      container_port   = 80
    }
  }

  health_check_grace_period_seconds = 120
  security_group_name               = "tasks-shop-thumbnails"
  security_group_use_name_prefix    = false
  security_group_description        = "ECS tasks"

  security_group_ingress_rules = {
    ingress-00 = {
      description                  = "Load balancer or Service Connect"
      ip_protocol                  = "tcp"
      from_port                    = 80
      to_port                      = 80
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
  family                         = "shop-thumbnails"
  requires_compatibilities       = ["FARGATE"]
  network_mode                   = "awsvpc"
  cpu                            = 512
  memory                         = 1024

  runtime_platform = {
    cpu_architecture        = "ARM64"
    operating_system_family = "LINUX"
  }

  create_task_exec_iam_role = false
  task_exec_iam_role_arn    = aws_iam_role.shop-thumbnails-execution.arn
  create_tasks_iam_role     = false
  tasks_iam_role_arn        = aws_iam_role.shop-thumbnails-task.arn

  container_definitions = {
    thumbnails = {
      startTimeout = 120
      stopTimeout  = 120

      restartPolicy = {
        enabled = false
      }

      versionConsistency        = "enabled"
      enable_cloudwatch_logging = true
      name                      = "thumbnails"
      image                     = "public.ecr.aws/example/thumbnails:2"
      essential                 = true

      logConfiguration = {
        logDriver = "awslogs"

        options = {
          awslogs-group         = "/ecs/shop/thumbnails"
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

      create_cloudwatch_log_group            = true
      cloudwatch_log_group_name              = "/ecs/shop/thumbnails"
      cloudwatch_log_group_use_name_prefix   = false
      cloudwatch_log_group_retention_in_days = 30
    }
  }

  volume = {
    tmp = {}
  }

  autoscaling_min_capacity = 2
  autoscaling_max_capacity = 20
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
