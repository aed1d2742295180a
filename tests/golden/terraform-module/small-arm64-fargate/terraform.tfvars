private_subnet_ids = ["subnet-FILL-IN", "subnet-FILL-IN"]
vpc_id             = "FILL-IN"
