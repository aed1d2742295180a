variable "alarm_topic_arns" {
  type        = list(string)
  description = "SNS topics that alarms go to."
  default     = []
}

variable "image_tags" {
  type        = map(string)
  description = "By service: tag of its images."
}

variable "private_subnet_ids" {
  type        = list(string)
  description = "Private subnets with a route to a NAT gateway or to VPC endpoints, one a zone."
}

variable "vpc_id" {
  type        = string
  description = "The VPC of the subnets."
}
