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

  cluster_capacity_providers = []

  capacity_providers = {
    spot-x86 = {
      name = "spot-x86"

      auto_scaling_group_provider = {
        auto_scaling_group_arn = aws_autoscaling_group.spot-x86.arn

        managed_scaling = {
          status                    = "ENABLED"
          target_capacity           = 90
          minimum_scaling_step_size = 1
          maximum_scaling_step_size = 10000
          instance_warmup_period    = 300
        }

        managed_termination_protection = "ENABLED"
        managed_draining               = "ENABLED"
      }
    }
  }

  configuration                    = null
  create_cloudwatch_log_group      = false
  create_task_exec_iam_role        = false
  create_infrastructure_iam_role   = false
  create_node_iam_instance_profile = false
  create_security_group            = false
}

module "ecs_service_encoder" {
  source                             = "terraform-aws-modules/ecs/aws//modules/service"
  version                            = "~> 7.0"
  name                               = "encoder"
  cluster_arn                        = module.ecs_cluster.arn
  desired_count                      = 4
  scheduling_strategy                = "REPLICA"
  launch_type                        = "EC2"
  availability_zone_rebalancing      = "DISABLED"
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
        target_value = 75.5

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
    spot-x86 = {
      capacity_provider = "spot-x86"
      base              = 0
      weight            = 1
    }
  }

  depends_on = [module.ecs_cluster]

  ordered_placement_strategy = [
    {
      type  = "binpack"
      field = "memory"
    },
    {
      type  = "spread"
      field = "attribute:ecs.availability-zone"
    },
  ]

  subnet_ids                     = slice(var.private_subnet_ids, 0, 2)
  assign_public_ip               = false
  security_group_name            = "tasks-shop-encoder"
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
  family                         = "shop-encoder"
  requires_compatibilities       = ["EC2"]
  network_mode                   = "awsvpc"
  cpu                            = 1000
  memory                         = 1900

  runtime_platform = {
    cpu_architecture        = "X86_64"
    operating_system_family = "LINUX"
  }

  create_task_exec_iam_role = false
  task_exec_iam_role_arn    = aws_iam_role.shop-encoder-execution.arn
  create_tasks_iam_role     = false
  tasks_iam_role_arn        = aws_iam_role.shop-encoder-task.arn

  container_definitions = {
    encoder = {
      startTimeout = 120
      stopTimeout  = 120

      restartPolicy = {
        enabled = false
      }

      versionConsistency        = "enabled"
      enable_cloudwatch_logging = true
      name                      = "encoder"
      image                     = "${data.aws_caller_identity.current.account_id}.dkr.ecr.eu-west-1.amazonaws.com/shop/encoder:${var.image_tags["encoder"]}"
      essential                 = true

      logConfiguration = {
        logDriver = "awslogs"

        options = {
          awslogs-group         = "/ecs/shop/encoder"
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
      cloudwatch_log_group_name              = "/ecs/shop/encoder"
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

resource "aws_ecr_repository" "shop_encoder" {
  name                 = "shop/encoder"
  image_tag_mutability = "IMMUTABLE"

  image_scanning_configuration {
    scan_on_push = true
  }

  encryption_configuration {
    encryption_type = "AES256"
  }
}

resource "aws_ecr_lifecycle_policy" "shop_encoder" {
  repository = aws_ecr_repository.shop_encoder.name

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

resource "aws_security_group" "instances-spot-x86" {
  name        = "instances-shop-spot-x86"
  description = "ECS instances"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_egress_rule" "instances-spot-x86" {
  ip_protocol       = "-1"
  cidr_ipv4         = "0.0.0.0/0"
  description       = "Anywhere: images, logs, secrets, other services"
  security_group_id = aws_security_group.instances-spot-x86.id
}

resource "aws_iam_role" "shop-encoder-execution" {
  name        = "shop-encoder-execution"
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

resource "aws_iam_role_policy" "shop-encoder-execution" {
  name = "execution"
  role = aws_iam_role.shop-encoder-execution.name

  policy = jsonencode({
    Version = "2012-10-17"

    Statement = [
      {
        Sid      = "WriteLogs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "arn:aws:logs:eu-west-1:${data.aws_caller_identity.current.account_id}:log-group:/ecs/shop/encoder:*"
      },
      {
        Sid      = "PullImage"
        Effect   = "Allow"
        Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        Resource = "arn:aws:ecr:eu-west-1:${data.aws_caller_identity.current.account_id}:repository/shop/encoder"
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

resource "aws_iam_role" "shop-encoder-task" {
  name        = "shop-encoder-task"
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

resource "aws_iam_role" "ecsInstanceRole-shop-spot-x86" {
  name        = "ecsInstanceRole-shop-spot-x86"
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

resource "aws_iam_role_policy_attachment" "ecsInstanceRole-shop-spot-x86" {
  policy_arn = "arn:aws:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role"
  role       = aws_iam_role.ecsInstanceRole-shop-spot-x86.name
}

resource "aws_iam_instance_profile" "ecsInstanceRole-shop-spot-x86" {
  name = "ecsInstanceRole-shop-spot-x86"
  role = aws_iam_role.ecsInstanceRole-shop-spot-x86.name
}

resource "aws_launch_template" "spot-x86" {
  name      = "shop-spot-x86"
  image_id  = "resolve:ssm:/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id"
  user_data = "IyEvYmluL2Jhc2gKY2F0IDw8J0VPRicgPj4gL2V0Yy9lY3MvZWNzLmNvbmZpZwpFQ1NfQ0xVU1RFUj1zaG9wCkVDU19BV1NWUENfQkxPQ0tfSU1EUz10cnVlCkVDU19ESVNBQkxFX1BSSVZJTEVHRUQ9dHJ1ZQpFT0YK"

  iam_instance_profile {
    arn = aws_iam_instance_profile.ecsInstanceRole-shop-spot-x86.arn
  }

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      volume_size           = 60
      volume_type           = "gp3"
      encrypted             = true
      delete_on_termination = true
    }
  }

  network_interfaces {
    device_index                = 0
    associate_public_ip_address = false
    delete_on_termination       = true
    security_groups             = [aws_security_group.instances-spot-x86.id]
  }

  tag_specifications {
    resource_type = "instance"

    tags = {
      Name = "shop-spot-x86"
    }
  }

  tag_specifications {
    resource_type = "volume"

    tags = {
      Name = "shop-spot-x86"
    }
  }
}

resource "aws_autoscaling_group" "spot-x86" {
  name                  = "shop-spot-x86"
  min_size              = 0
  max_size              = 24
  vpc_zone_identifier   = slice(var.private_subnet_ids, 0, 2)
  protect_from_scale_in = true

  mixed_instances_policy {
    instances_distribution {
      on_demand_allocation_strategy            = "prioritized"
      on_demand_base_capacity                  = 2
      on_demand_percentage_above_base_capacity = 0
      spot_allocation_strategy                 = "price-capacity-optimized"
    }

    launch_template {
      launch_template_specification {
        version            = "$Latest"
        launch_template_id = aws_launch_template.spot-x86.id
      }

      override {
        instance_type = "c7i.xlarge"
      }

      override {
        instance_type = "c6i.xlarge"
      }

      override {
        instance_type = "m6i.xlarge"
      }

      override {
        instance_type = "m7i.xlarge"
      }

      override {
        instance_type = "c6a.xlarge"
      }

      override {
        instance_type = "m6a.xlarge"
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

resource "aws_cloudwatch_metric_alarm" "encoder-cpu" {
  alarm_description   = "CPUUtilization of encoder is above 90 percent."
  namespace           = "AWS/ECS"
  metric_name         = "CPUUtilization"
  statistic           = "Average"
  period              = 60
  evaluation_periods  = 5
  threshold           = 90
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "missing"
  alarm_name          = "shop/encoder/cpu"
  alarm_actions       = var.alarm_topic_arns

  dimensions = {
    ClusterName = "shop"
    ServiceName = "encoder"
  }
}

resource "aws_cloudwatch_metric_alarm" "encoder-memory" {
  alarm_description   = "MemoryUtilization of encoder is above 90 percent."
  namespace           = "AWS/ECS"
  metric_name         = "MemoryUtilization"
  statistic           = "Average"
  period              = 60
  evaluation_periods  = 5
  threshold           = 90
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "missing"
  alarm_name          = "shop/encoder/memory"
  alarm_actions       = var.alarm_topic_arns

  dimensions = {
    ClusterName = "shop"
    ServiceName = "encoder"
  }
}

resource "aws_cloudwatch_metric_alarm" "encoder-tasks" {
  period              = 60
  evaluation_periods  = 5
  comparison_operator = "LessThanThreshold"
  alarm_description   = "encoder runs no task: a service without tasks reports no metric."
  namespace           = "AWS/ECS"
  metric_name         = "MemoryUtilization"
  statistic           = "Maximum"
  threshold           = 0
  treat_missing_data  = "breaching"
  alarm_name          = "shop/encoder/tasks"
  alarm_actions       = var.alarm_topic_arns

  dimensions = {
    ClusterName = "shop"
    ServiceName = "encoder"
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
          title  = "encoder: CPU and memory, percent"
          region = "eu-west-1"
          view   = "timeSeries"
          period = 60

          metrics = [
            ["AWS/ECS", "CPUUtilization", "ClusterName", "shop", "ServiceName", "encoder"],
            ["AWS/ECS", "MemoryUtilization", "ClusterName", "shop", "ServiceName", "encoder"],
          ]
        }
      },
    ]
  })
}
