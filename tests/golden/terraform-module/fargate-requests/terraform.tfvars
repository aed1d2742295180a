host_names = {
  web = "FILL-IN"
}

listener_arn                    = "FILL-IN"
load_balancer_arn_suffix        = "FILL-IN"
load_balancer_security_group_id = "FILL-IN"
public_subnet_ids               = ["subnet-FILL-IN", "subnet-FILL-IN"]
vpc_id                          = "FILL-IN"
