data "aws_caller_identity" "current" {}

module "ecs_cluster" {
  source  = "terraform-aws-modules/ecs/aws//modules/cluster"
  version = "~> 7.0"
  name    = "shop"

  setting = [
    {
      name  = "containerInsights"
      value = "enabled"
    },
  ]

  cluster_capacity_providers = ["FARGATE"]

  capacity_providers = {
    m6i-large = {
      name = "m6i-large"

      auto_scaling_group_provider = {
        auto_scaling_group_arn = aws_autoscaling_group.m6i-large.arn

        managed_scaling = {
          status                    = "ENABLED"
          target_capacity           = 100
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

module "ecs_service_api" {
  source                             = "terraform-aws-modules/ecs/aws//modules/service"
  version                            = "~> 7.0"
  name                               = "api"
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

  subnet_ids       = slice(var.private_subnet_ids, 0, 2)
  assign_public_ip = false

  load_balancer = {
    service = {
      target_group_arn = aws_lb_listener_rule.api.action[0].target_group_arn
      container_name   = "app"
      container_port   = 8080
    }
  }

  health_check_grace_period_seconds = 120

  service_connect_configuration = {
    enabled   = true
    namespace = "shop"

    service = [
      {
        port_name = "api"

        client_alias = {
          dns_name = "api.shop"
          port     = 80
        }
      },
    ]
  }

  security_group_name            = "tasks-shop-api"
  security_group_use_name_prefix = false
  security_group_description     = "ECS tasks"

  security_group_ingress_rules = {
    ingress-00 = {
      description                  = "Load balancer or Service Connect"
      ip_protocol                  = "tcp"
      from_port                    = 8080
      to_port                      = 8080
      referenced_security_group_id = var.load_balancer_security_group_id
    }

    ingress-01 = {
      description                  = "Load balancer or Service Connect"
      ip_protocol                  = "tcp"
      from_port                    = 8080
      to_port                      = 8080
      referenced_security_group_id = module.ecs_service_gateway.security_group_id
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
  family                         = "shop-api"
  requires_compatibilities       = ["FARGATE"]
  network_mode                   = "awsvpc"
  cpu                            = 1024
  memory                         = 2048

  runtime_platform = {
    cpu_architecture        = "X86_64"
    operating_system_family = "LINUX"
  }

  create_task_exec_iam_role = false
  task_exec_iam_role_arn    = aws_iam_role.shop-api-execution.arn
  create_tasks_iam_role     = false
  tasks_iam_role_arn        = aws_iam_role.shop-api-task.arn

  container_definitions = {
    app = {
      startTimeout = 120
      stopTimeout  = 30

      restartPolicy = {
        enabled = false
      }

      versionConsistency        = "enabled"
      enable_cloudwatch_logging = true
      name                      = "app"
      image                     = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/api:7"
      essential                 = true

      logConfiguration = {
        logDriver = "awslogs"

        options = {
          awslogs-group         = "/ecs/shop/api"
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

      memoryReservation = 512

      environment = [
        {
          name  = "GREETING"
          value = "say \"hi\"; $${HOME} {{x}} %%{y} # no comment"
        },
        {
          name  = "LOG_LEVEL"
          value = "info"
        },
      ]

      secrets = [
        {
          name      = "DB_PASSWORD"
          valueFrom = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop/api-AbCdEf:password::"
        },
        {
          name      = "LICENSE"
          valueFrom = "/shop/license"
        },
      ]

      portMappings = [
        {
          containerPort = 8080
          protocol      = "tcp"
          name          = "api"
        },
      ]

      healthCheck = {
        command     = ["CMD", "/app/healthy", "--quick"]
        interval    = 10
        timeout     = 5
        retries     = 5
        startPeriod = 0
      }

      mountPoints = [
        {
          sourceVolume  = "uploads"
          containerPath = "/data"
          readOnly      = false
        },
        {
          sourceVolume  = "tmp"
          containerPath = "/tmp"
          readOnly      = false
        },
      ]

      dependsOn = [
        {
          containerName = "init"
          condition     = "SUCCESS"
        },
        {
          containerName = "proxy"
          condition     = "HEALTHY"
        },
      ]

      create_cloudwatch_log_group            = true
      cloudwatch_log_group_name              = "/ecs/shop/api"
      cloudwatch_log_group_use_name_prefix   = false
      cloudwatch_log_group_retention_in_days = 30
    }

    init = {
      startTimeout = 120
      stopTimeout  = 30

      restartPolicy = {
        enabled = false
      }

      versionConsistency        = "enabled"
      enable_cloudwatch_logging = true
      name                      = "init"
      image                     = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/init:7"
      essential                 = false

      logConfiguration = {
        logDriver = "awslogs"

        options = {
          awslogs-group         = "/ecs/shop/api"
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

      command = ["migrate", "--once"]

      mountPoints = [
        {
          sourceVolume  = "tmp-1"
          containerPath = "/tmp"
          readOnly      = false
        },
      ]

      create_cloudwatch_log_group = false
    }

    proxy = {
      startTimeout = 120
      stopTimeout  = 30

      restartPolicy = {
        enabled = false
      }

      versionConsistency        = "enabled"
      enable_cloudwatch_logging = true
      name                      = "proxy"
      image                     = "public.ecr.aws/envoy/envoy:v1"
      essential                 = true

      logConfiguration = {
        logDriver = "awslogs"

        options = {
          awslogs-group         = "/ecs/shop/api"
          awslogs-region        = "eu-west-1"
          awslogs-stream-prefix = "ecs"
        }
      }

      readonlyRootFilesystem = false

      linuxParameters = {
        initProcessEnabled = true

        capabilities = {
          drop = ["ALL"]
        }
      }

      cpu    = 128
      memory = 256

      healthCheck = {
        command     = ["CMD-SHELL", "true"]
        interval    = 30
        timeout     = 5
        retries     = 3
        startPeriod = 0
      }

      mountPoints = [
        {
          sourceVolume  = "uploads"
          containerPath = "/data"
          readOnly      = true
        },
      ]

      create_cloudwatch_log_group = false
    }
  }

  volume = {
    uploads = {
      efs_volume_configuration = {
        file_system_id     = "fs-0123456789abcdef0"
        transit_encryption = "ENABLED"

        authorization_config = {
          access_point_id = "fsap-0123456789abcdef0"
          iam             = "ENABLED"
        }
      }
    }

    tmp   = {}
    tmp-1 = {}
  }

  autoscaling_min_capacity = 2
  autoscaling_max_capacity = 40
}

module "ecs_service_base-api" {
  source                             = "terraform-aws-modules/ecs/aws//modules/service"
  version                            = "~> 7.0"
  name                               = "base-api"
  cluster_arn                        = module.ecs_cluster.arn
  desired_count                      = 4
  scheduling_strategy                = "REPLICA"
  launch_type                        = "EC2"
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
    m6i-large = {
      capacity_provider = "m6i-large"
      base              = 0
      weight            = 1
    }
  }

  depends_on = [module.ecs_cluster]

  ordered_placement_strategy = [
    {
      type  = "spread"
      field = "attribute:ecs.availability-zone"
    },
    {
      type  = "binpack"
      field = "memory"
    },
  ]

  subnet_ids       = slice(var.private_subnet_ids, 0, 2)
  assign_public_ip = false

  load_balancer = {
    service = {
      target_group_arn = aws_lb_listener_rule.api.action[0].target_group_arn
      container_name   = "app"
      container_port   = 8080
    }
  }

  health_check_grace_period_seconds = 120
  security_group_name               = "tasks-shop-base-api"
  security_group_use_name_prefix    = false
  security_group_description        = "ECS tasks"

  security_group_ingress_rules = {
    ingress-02 = {
      description                  = "Load balancer or Service Connect"
      ip_protocol                  = "tcp"
      from_port                    = 8080
      to_port                      = 8080
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
  family                         = "shop-base-api"
  requires_compatibilities       = ["EC2"]
  network_mode                   = "awsvpc"
  cpu                            = 1024
  memory                         = 2048

  runtime_platform = {
    cpu_architecture        = "X86_64"
    operating_system_family = "LINUX"
  }

  create_task_exec_iam_role = false
  task_exec_iam_role_arn    = aws_iam_role.shop-base-api-execution.arn
  create_tasks_iam_role     = false
  tasks_iam_role_arn        = aws_iam_role.shop-base-api-task.arn

  container_definitions = {
    app = {
      startTimeout = 120
      stopTimeout  = 30

      restartPolicy = {
        enabled = false
      }

      versionConsistency        = "enabled"
      enable_cloudwatch_logging = true
      name                      = "app"
      image                     = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/api:7"
      essential                 = true

      logConfiguration = {
        logDriver = "awslogs"

        options = {
          awslogs-group         = "/ecs/shop/base-api"
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

      memoryReservation = 512

      environment = [
        {
          name  = "GREETING"
          value = "say \"hi\"; $${HOME} {{x}} %%{y} # no comment"
        },
        {
          name  = "LOG_LEVEL"
          value = "info"
        },
      ]

      secrets = [
        {
          name      = "DB_PASSWORD"
          valueFrom = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop/api-AbCdEf:password::"
        },
        {
          name      = "LICENSE"
          valueFrom = "/shop/license"
        },
      ]

      portMappings = [
        {
          containerPort = 8080
          protocol      = "tcp"
          name          = "api"
        },
      ]

      healthCheck = {
        command     = ["CMD", "/app/healthy", "--quick"]
        interval    = 10
        timeout     = 5
        retries     = 5
        startPeriod = 0
      }

      mountPoints = [
        {
          sourceVolume  = "uploads"
          containerPath = "/data"
          readOnly      = false
        },
        {
          sourceVolume  = "tmp"
          containerPath = "/tmp"
          readOnly      = false
        },
      ]

      dependsOn = [
        {
          containerName = "init"
          condition     = "SUCCESS"
        },
        {
          containerName = "proxy"
          condition     = "HEALTHY"
        },
      ]

      create_cloudwatch_log_group            = true
      cloudwatch_log_group_name              = "/ecs/shop/base-api"
      cloudwatch_log_group_use_name_prefix   = false
      cloudwatch_log_group_retention_in_days = 30
    }

    init = {
      startTimeout = 120
      stopTimeout  = 30

      restartPolicy = {
        enabled = false
      }

      versionConsistency        = "enabled"
      enable_cloudwatch_logging = true
      name                      = "init"
      image                     = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/init:7"
      essential                 = false

      logConfiguration = {
        logDriver = "awslogs"

        options = {
          awslogs-group         = "/ecs/shop/base-api"
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

      command = ["migrate", "--once"]

      mountPoints = [
        {
          sourceVolume  = "tmp-1"
          containerPath = "/tmp"
          readOnly      = false
        },
      ]

      create_cloudwatch_log_group = false
    }

    proxy = {
      startTimeout = 120
      stopTimeout  = 30

      restartPolicy = {
        enabled = false
      }

      versionConsistency        = "enabled"
      enable_cloudwatch_logging = true
      name                      = "proxy"
      image                     = "public.ecr.aws/envoy/envoy:v1"
      essential                 = true

      logConfiguration = {
        logDriver = "awslogs"

        options = {
          awslogs-group         = "/ecs/shop/base-api"
          awslogs-region        = "eu-west-1"
          awslogs-stream-prefix = "ecs"
        }
      }

      readonlyRootFilesystem = false

      linuxParameters = {
        initProcessEnabled = true

        capabilities = {
          drop = ["ALL"]
        }
      }

      cpu    = 128
      memory = 256

      healthCheck = {
        command     = ["CMD-SHELL", "true"]
        interval    = 30
        timeout     = 5
        retries     = 3
        startPeriod = 0
      }

      mountPoints = [
        {
          sourceVolume  = "uploads"
          containerPath = "/data"
          readOnly      = true
        },
      ]

      create_cloudwatch_log_group = false
    }
  }

  volume = {
    uploads = {
      efs_volume_configuration = {
        file_system_id     = "fs-0123456789abcdef0"
        transit_encryption = "ENABLED"

        authorization_config = {
          access_point_id = "fsap-0123456789abcdef0"
          iam             = "ENABLED"
        }
      }
    }

    tmp   = {}
    tmp-1 = {}
  }

  autoscaling_min_capacity = 2
  autoscaling_max_capacity = 40
}

module "ecs_service_gateway" {
  source                             = "terraform-aws-modules/ecs/aws//modules/service"
  version                            = "~> 7.0"
  name                               = "gateway"
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
    memory-target-tracking = {
      name        = "memory-target-tracking"
      policy_type = "TargetTrackingScaling"

      target_tracking_scaling_policy_configuration = {
        target_value = 70

        predefined_metric_specification = {
          predefined_metric_type = "ECSServiceAverageMemoryUtilization"
        }

        scale_out_cooldown = 300
        scale_in_cooldown  = 300
        disable_scale_in   = false
      }
    }
  }

  subnet_ids       = slice(var.private_subnet_ids, 0, 2)
  assign_public_ip = false

  load_balancer = {
    service = {
      target_group_arn = aws_lb_listener.gateway.default_action[0].target_group_arn
      container_name   = "gateway"
      container_port   = 1883
    }
  }

  health_check_grace_period_seconds = 120

  service_connect_configuration = {
    enabled   = true
    namespace = "shop"
  }

  security_group_name            = "tasks-shop-gateway"
  security_group_use_name_prefix = false
  security_group_description     = "ECS tasks"

  security_group_ingress_rules = {
    ingress-03 = {
      description                  = "Load balancer or Service Connect"
      ip_protocol                  = "tcp"
      from_port                    = 1883
      to_port                      = 1883
      referenced_security_group_id = var.network_load_balancer_security_group_id
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
  family                         = "shop-gateway"
  requires_compatibilities       = ["FARGATE"]
  network_mode                   = "awsvpc"
  cpu                            = 512
  memory                         = 1024

  runtime_platform = {
    cpu_architecture        = "X86_64"
    operating_system_family = "LINUX"
  }

  create_task_exec_iam_role = false
  task_exec_iam_role_arn    = aws_iam_role.shop-gateway-execution.arn
  create_tasks_iam_role     = false
  tasks_iam_role_arn        = aws_iam_role.shop-gateway-task.arn

  container_definitions = {
    gateway = {
      startTimeout = 120
      stopTimeout  = 30

      restartPolicy = {
        enabled = false
      }

      versionConsistency        = "enabled"
      enable_cloudwatch_logging = true
      name                      = "gateway"
      image                     = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/gateway:2"
      essential                 = true

      logConfiguration = {
        logDriver = "awslogs"

        options = {
          awslogs-group         = "/ecs/shop/gateway"
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
          containerPort = 1883
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
      cloudwatch_log_group_name              = "/ecs/shop/gateway"
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

resource "aws_ecs_account_setting_default" "trunking" {
  name  = "awsvpcTrunking"
  value = "enabled"
}

resource "aws_security_group" "instances-m6i-large" {
  name        = "instances-shop-m6i-large"
  description = "ECS instances"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_egress_rule" "instances-m6i-large" {
  ip_protocol       = "-1"
  cidr_ipv4         = "0.0.0.0/0"
  description       = "Anywhere: images, logs, secrets, other services"
  security_group_id = aws_security_group.instances-m6i-large.id
}

resource "aws_iam_role" "shop-api-execution" {
  name        = "shop-api-execution"
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

resource "aws_iam_role_policy" "shop-api-execution" {
  name = "execution"
  role = aws_iam_role.shop-api-execution.name

  policy = jsonencode({
    Version = "2012-10-17"

    Statement = [
      {
        Sid      = "WriteLogs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "arn:aws:logs:eu-west-1:${data.aws_caller_identity.current.account_id}:log-group:/ecs/shop/api:*"
      },
      {
        Sid    = "PullImage"
        Effect = "Allow"
        Action = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]

        Resource = [
          "arn:aws:ecr:eu-west-1:123456789012:repository/api",
          "arn:aws:ecr:eu-west-1:123456789012:repository/init",
        ]
      },
      {
        Sid      = "LogInToRegistry"
        Effect   = "Allow"
        Action   = ["ecr:GetAuthorizationToken"]
        Resource = "*"
      },
      {
        Sid      = "ReadSecrets"
        Effect   = "Allow"
        Action   = ["secretsmanager:GetSecretValue"]
        Resource = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop/api-AbCdEf"
      },
      {
        Sid      = "ReadParameters"
        Effect   = "Allow"
        Action   = ["ssm:GetParameters"]
        Resource = "arn:aws:ssm:eu-west-1:${data.aws_caller_identity.current.account_id}:parameter/shop/license"
      },
    ]
  })
}

resource "aws_iam_role" "shop-api-task" {
  name        = "shop-api-task"
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

resource "aws_iam_role_policy" "shop-api-task" {
  name = "file-systems"
  role = aws_iam_role.shop-api-task.name

  policy = jsonencode({
    Version = "2012-10-17"

    Statement = [
      {
        Sid      = "Mount0"
        Effect   = "Allow"
        Action   = ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"]
        Resource = "arn:aws:elasticfilesystem:eu-west-1:${data.aws_caller_identity.current.account_id}:file-system/fs-0123456789abcdef0"

        Condition = {
          StringEquals = {
            "elasticfilesystem:AccessPointArn" = "arn:aws:elasticfilesystem:eu-west-1:${data.aws_caller_identity.current.account_id}:access-point/fsap-0123456789abcdef0"
          }
        }
      },
    ]
  })
}

resource "aws_iam_role" "shop-base-api-execution" {
  name        = "shop-base-api-execution"
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

resource "aws_iam_role_policy" "shop-base-api-execution" {
  name = "execution"
  role = aws_iam_role.shop-base-api-execution.name

  policy = jsonencode({
    Version = "2012-10-17"

    Statement = [
      {
        Sid      = "WriteLogs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "arn:aws:logs:eu-west-1:${data.aws_caller_identity.current.account_id}:log-group:/ecs/shop/base-api:*"
      },
      {
        Sid    = "PullImage"
        Effect = "Allow"
        Action = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]

        Resource = [
          "arn:aws:ecr:eu-west-1:123456789012:repository/api",
          "arn:aws:ecr:eu-west-1:123456789012:repository/init",
        ]
      },
      {
        Sid      = "LogInToRegistry"
        Effect   = "Allow"
        Action   = ["ecr:GetAuthorizationToken"]
        Resource = "*"
      },
      {
        Sid      = "ReadSecrets"
        Effect   = "Allow"
        Action   = ["secretsmanager:GetSecretValue"]
        Resource = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop/api-AbCdEf"
      },
      {
        Sid      = "ReadParameters"
        Effect   = "Allow"
        Action   = ["ssm:GetParameters"]
        Resource = "arn:aws:ssm:eu-west-1:${data.aws_caller_identity.current.account_id}:parameter/shop/license"
      },
    ]
  })
}

resource "aws_iam_role" "shop-base-api-task" {
  name        = "shop-base-api-task"
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

resource "aws_iam_role_policy" "shop-base-api-task" {
  name = "file-systems"
  role = aws_iam_role.shop-base-api-task.name

  policy = jsonencode({
    Version = "2012-10-17"

    Statement = [
      {
        Sid      = "Mount0"
        Effect   = "Allow"
        Action   = ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"]
        Resource = "arn:aws:elasticfilesystem:eu-west-1:${data.aws_caller_identity.current.account_id}:file-system/fs-0123456789abcdef0"

        Condition = {
          StringEquals = {
            "elasticfilesystem:AccessPointArn" = "arn:aws:elasticfilesystem:eu-west-1:${data.aws_caller_identity.current.account_id}:access-point/fsap-0123456789abcdef0"
          }
        }
      },
    ]
  })
}

resource "aws_iam_role" "shop-gateway-execution" {
  name        = "shop-gateway-execution"
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

resource "aws_iam_role_policy" "shop-gateway-execution" {
  name = "execution"
  role = aws_iam_role.shop-gateway-execution.name

  policy = jsonencode({
    Version = "2012-10-17"

    Statement = [
      {
        Sid      = "WriteLogs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "arn:aws:logs:eu-west-1:${data.aws_caller_identity.current.account_id}:log-group:/ecs/shop/gateway:*"
      },
      {
        Sid      = "PullImage"
        Effect   = "Allow"
        Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        Resource = "arn:aws:ecr:eu-west-1:123456789012:repository/gateway"
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

resource "aws_iam_role" "shop-gateway-task" {
  name        = "shop-gateway-task"
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

resource "aws_iam_role" "ecsInstanceRole-shop-m6i-large" {
  name        = "ecsInstanceRole-shop-m6i-large"
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

resource "aws_iam_role_policy_attachment" "ecsInstanceRole-shop-m6i-large" {
  policy_arn = "arn:aws:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role"
  role       = aws_iam_role.ecsInstanceRole-shop-m6i-large.name
}

resource "aws_iam_instance_profile" "ecsInstanceRole-shop-m6i-large" {
  name = "ecsInstanceRole-shop-m6i-large"
  role = aws_iam_role.ecsInstanceRole-shop-m6i-large.name
}

resource "aws_launch_template" "m6i-large" {
  name          = "shop-m6i-large"
  image_id      = "resolve:ssm:/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id"
  user_data     = "IyEvYmluL2Jhc2gKY2F0IDw8J0VPRicgPj4gL2V0Yy9lY3MvZWNzLmNvbmZpZwpFQ1NfQ0xVU1RFUj1zaG9wCkVDU19BV1NWUENfQkxPQ0tfSU1EUz10cnVlCkVDU19ESVNBQkxFX1BSSVZJTEVHRUQ9dHJ1ZQpFT0YK"
  instance_type = "m6i.large"

  iam_instance_profile {
    arn = aws_iam_instance_profile.ecsInstanceRole-shop-m6i-large.arn
  }

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      volume_size           = 30
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
    security_groups             = [aws_security_group.instances-m6i-large.id]
  }

  tag_specifications {
    resource_type = "instance"

    tags = {
      Name = "shop-m6i-large"
    }
  }

  tag_specifications {
    resource_type = "volume"

    tags = {
      Name = "shop-m6i-large"
    }
  }
}

resource "aws_autoscaling_group" "m6i-large" {
  name                  = "shop-m6i-large"
  min_size              = 0
  max_size              = 8
  vpc_zone_identifier   = slice(var.private_subnet_ids, 0, 2)
  protect_from_scale_in = true

  launch_template {
    version = "$Latest"
    id      = aws_launch_template.m6i-large.id
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

resource "aws_lb_target_group" "api" {
  name        = "shop-api"
  protocol    = "HTTP"
  port        = 8080
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

resource "aws_lb_listener_rule" "api" {
  priority     = 10
  listener_arn = var.listener_arn

  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.api.arn
  }

  condition {
    host_header {
      values = [var.host_names["api"]]
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "api-cpu" {
  alarm_description   = "CPUUtilization of api is above 90 percent."
  namespace           = "AWS/ECS"
  metric_name         = "CPUUtilization"
  statistic           = "Average"
  period              = 60
  evaluation_periods  = 5
  threshold           = 90
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "missing"
  alarm_name          = "shop/api/cpu"
  alarm_actions       = var.alarm_topic_arns

  dimensions = {
    ClusterName = "shop"
    ServiceName = "api"
  }
}

resource "aws_cloudwatch_metric_alarm" "api-memory" {
  alarm_description   = "MemoryUtilization of api is above 90 percent."
  namespace           = "AWS/ECS"
  metric_name         = "MemoryUtilization"
  statistic           = "Average"
  period              = 60
  evaluation_periods  = 5
  threshold           = 90
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "missing"
  alarm_name          = "shop/api/memory"
  alarm_actions       = var.alarm_topic_arns

  dimensions = {
    ClusterName = "shop"
    ServiceName = "api"
  }
}

resource "aws_cloudwatch_metric_alarm" "api-tasks" {
  evaluation_periods  = 5
  comparison_operator = "LessThanThreshold"
  alarm_description   = "api runs fewer tasks than desired."
  threshold           = 0
  treat_missing_data  = "breaching"
  alarm_name          = "shop/api/tasks"
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
        ServiceName = "api"
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
        ServiceName = "api"
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

resource "aws_lb_target_group" "gateway" {
  name        = "shop-gateway"
  protocol    = "TCP"
  port        = 1883
  vpc_id      = var.vpc_id
  target_type = "ip"

  health_check {
    protocol            = "TCP"
    interval            = 15
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 3
  }
}

resource "aws_lb_listener" "gateway" {
  protocol          = "TCP"
  port              = 1883
  load_balancer_arn = var.network_load_balancer_arn

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.gateway.arn
  }
}

resource "aws_cloudwatch_metric_alarm" "gateway-cpu" {
  alarm_description   = "CPUUtilization of gateway is above 90 percent."
  namespace           = "AWS/ECS"
  metric_name         = "CPUUtilization"
  statistic           = "Average"
  period              = 60
  evaluation_periods  = 5
  threshold           = 90
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "missing"
  alarm_name          = "shop/gateway/cpu"
  alarm_actions       = var.alarm_topic_arns

  dimensions = {
    ClusterName = "shop"
    ServiceName = "gateway"
  }
}

resource "aws_cloudwatch_metric_alarm" "gateway-memory" {
  alarm_description   = "MemoryUtilization of gateway is above 90 percent."
  namespace           = "AWS/ECS"
  metric_name         = "MemoryUtilization"
  statistic           = "Average"
  period              = 60
  evaluation_periods  = 5
  threshold           = 90
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "missing"
  alarm_name          = "shop/gateway/memory"
  alarm_actions       = var.alarm_topic_arns

  dimensions = {
    ClusterName = "shop"
    ServiceName = "gateway"
  }
}

resource "aws_cloudwatch_metric_alarm" "gateway-tasks" {
  evaluation_periods  = 5
  comparison_operator = "LessThanThreshold"
  alarm_description   = "gateway runs fewer tasks than desired."
  threshold           = 0
  treat_missing_data  = "breaching"
  alarm_name          = "shop/gateway/tasks"
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
        ServiceName = "gateway"
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
        ServiceName = "gateway"
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

resource "aws_cloudwatch_metric_alarm" "base-api-cpu" {
  alarm_description   = "CPUUtilization of base-api is above 90 percent."
  namespace           = "AWS/ECS"
  metric_name         = "CPUUtilization"
  statistic           = "Average"
  period              = 60
  evaluation_periods  = 5
  threshold           = 90
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "missing"
  alarm_name          = "shop/base-api/cpu"
  alarm_actions       = var.alarm_topic_arns

  dimensions = {
    ClusterName = "shop"
    ServiceName = "base-api"
  }
}

resource "aws_cloudwatch_metric_alarm" "base-api-memory" {
  alarm_description   = "MemoryUtilization of base-api is above 90 percent."
  namespace           = "AWS/ECS"
  metric_name         = "MemoryUtilization"
  statistic           = "Average"
  period              = 60
  evaluation_periods  = 5
  threshold           = 90
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "missing"
  alarm_name          = "shop/base-api/memory"
  alarm_actions       = var.alarm_topic_arns

  dimensions = {
    ClusterName = "shop"
    ServiceName = "base-api"
  }
}

resource "aws_cloudwatch_metric_alarm" "base-api-tasks" {
  evaluation_periods  = 5
  comparison_operator = "LessThanThreshold"
  alarm_description   = "base-api runs fewer tasks than desired."
  threshold           = 0
  treat_missing_data  = "breaching"
  alarm_name          = "shop/base-api/tasks"
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
        ServiceName = "base-api"
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
        ServiceName = "base-api"
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
          title  = "api: CPU and memory, percent"
          region = "eu-west-1"
          view   = "timeSeries"
          period = 60

          metrics = [
            ["AWS/ECS", "CPUUtilization", "ClusterName", "shop", "ServiceName", "api"],
            ["AWS/ECS", "MemoryUtilization", "ClusterName", "shop", "ServiceName", "api"],
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
          title  = "api: tasks"
          region = "eu-west-1"
          view   = "timeSeries"
          period = 60

          metrics = [
            ["ECS/ContainerInsights", "DesiredTaskCount", "ClusterName", "shop", "ServiceName", "api"],
            ["ECS/ContainerInsights", "RunningTaskCount", "ClusterName", "shop", "ServiceName", "api"],
            ["ECS/ContainerInsights", "PendingTaskCount", "ClusterName", "shop", "ServiceName", "api"],
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
          title  = "api: requests per task"
          region = "eu-west-1"
          view   = "timeSeries"
          period = 60

          metrics = [
            [
              "AWS/ApplicationELB",
              "RequestCountPerTarget",
              "TargetGroup",
              aws_lb_target_group.api.arn_suffix,
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
          title  = "base-api: CPU and memory, percent"
          region = "eu-west-1"
          view   = "timeSeries"
          period = 60

          metrics = [
            ["AWS/ECS", "CPUUtilization", "ClusterName", "shop", "ServiceName", "base-api"],
            ["AWS/ECS", "MemoryUtilization", "ClusterName", "shop", "ServiceName", "base-api"],
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
          title  = "base-api: tasks"
          region = "eu-west-1"
          view   = "timeSeries"
          period = 60

          metrics = [
            ["ECS/ContainerInsights", "DesiredTaskCount", "ClusterName", "shop", "ServiceName", "base-api"],
            ["ECS/ContainerInsights", "RunningTaskCount", "ClusterName", "shop", "ServiceName", "base-api"],
            ["ECS/ContainerInsights", "PendingTaskCount", "ClusterName", "shop", "ServiceName", "base-api"],
          ]
        }
      },
      {
        type   = "metric"
        x      = 16
        y      = 6
        width  = 8
        height = 6

        properties = {
          title  = "base-api: requests per task"
          region = "eu-west-1"
          view   = "timeSeries"
          period = 60

          metrics = [
            [
              "AWS/ApplicationELB",
              "RequestCountPerTarget",
              "TargetGroup",
              aws_lb_target_group.api.arn_suffix,
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
        y      = 12
        width  = 8
        height = 6

        properties = {
          title  = "gateway: CPU and memory, percent"
          region = "eu-west-1"
          view   = "timeSeries"
          period = 60

          metrics = [
            ["AWS/ECS", "CPUUtilization", "ClusterName", "shop", "ServiceName", "gateway"],
            ["AWS/ECS", "MemoryUtilization", "ClusterName", "shop", "ServiceName", "gateway"],
          ]
        }
      },
      {
        type   = "metric"
        x      = 8
        y      = 12
        width  = 8
        height = 6

        properties = {
          title  = "gateway: tasks"
          region = "eu-west-1"
          view   = "timeSeries"
          period = 60

          metrics = [
            ["ECS/ContainerInsights", "DesiredTaskCount", "ClusterName", "shop", "ServiceName", "gateway"],
            ["ECS/ContainerInsights", "RunningTaskCount", "ClusterName", "shop", "ServiceName", "gateway"],
            ["ECS/ContainerInsights", "PendingTaskCount", "ClusterName", "shop", "ServiceName", "gateway"],
          ]
        }
      },
    ]
  })
}
