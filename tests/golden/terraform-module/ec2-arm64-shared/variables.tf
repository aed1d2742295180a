variable "alarm_topic_arns" {
  type        = list(string)
  description = "SNS topics that alarms go to."
  default     = []
}

variable "host_names" {
  type        = map(string)
  description = "By service: host name under which the load balancer forwards to it."
}

variable "listener_arn" {
  type        = string
  description = "ARN of the HTTPS listener of the Application Load Balancer."
}

variable "load_balancer_arn_suffix" {
  type        = string
  description = "Application Load Balancer, app/name/id, the end of its ARN."
}

variable "load_balancer_security_group_id" {
  type        = string
  description = "Security group of the Application Load Balancer."
}

variable "private_subnet_ids" {
  type        = list(string)
  description = "Private subnets with a route to a NAT gateway or to VPC endpoints, one a zone."
}

variable "vpc_id" {
  type        = string
  description = "The VPC of the subnets."
}
