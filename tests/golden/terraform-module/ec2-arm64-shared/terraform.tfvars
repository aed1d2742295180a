host_names = {
  api = "FILL-IN"
}

listener_arn                    = "FILL-IN"
load_balancer_arn_suffix        = "FILL-IN"
load_balancer_security_group_id = "FILL-IN"
private_subnet_ids              = ["subnet-FILL-IN", "subnet-FILL-IN"]
vpc_id                          = "FILL-IN"
