host_names = {
  web = "FILL-IN"
}

listener_arn                    = "FILL-IN"
load_balancer_security_group_id = "FILL-IN"
private_subnet_ids              = ["subnet-FILL-IN", "subnet-FILL-IN"]
vpc_id                          = "FILL-IN"
