#!/bin/sh
# Takes away what deploy.sh made; what is already gone is passed over. Log groups with their logs,
# images and the account setting stay.
set -u
aws application-autoscaling deregister-scalable-target --region eu-west-1 --service-namespace ecs --resource-id service/shop/encoder --scalable-dimension ecs:service:DesiredCount
aws cloudwatch delete-alarms --region eu-west-1 --alarm-names shop/encoder/cpu shop/encoder/memory shop/encoder/tasks
aws ecs delete-service --region eu-west-1 --cluster shop --service encoder --force
aws ecs wait services-inactive --region eu-west-1 --cluster shop --services encoder
aws ecs put-cluster-capacity-providers --region eu-west-1 --cluster shop --capacity-providers '[]' --default-capacity-provider-strategy '[]'
aws ecs delete-capacity-provider --region eu-west-1 --capacity-provider spot-x86
aws autoscaling delete-auto-scaling-group --region eu-west-1 --auto-scaling-group-name shop-spot-x86 --force-delete
aws ec2 delete-launch-template --region eu-west-1 --launch-template-name shop-spot-x86
aws cloudwatch delete-dashboards --region eu-west-1 --dashboard-names shop
aws ecs delete-cluster --region eu-west-1 --cluster shop
aws ec2 delete-security-group --region eu-west-1 --group-id "$(aws ec2 describe-security-groups --region eu-west-1 --filters Name=group-name,Values=tasks-shop-encoder --query 'SecurityGroups[0].GroupId' --output text)"
aws ec2 delete-security-group --region eu-west-1 --group-id "$(aws ec2 describe-security-groups --region eu-west-1 --filters Name=group-name,Values=instances-shop-spot-x86 --query 'SecurityGroups[0].GroupId' --output text)"
aws iam delete-role-policy --role-name shop-encoder-execution --policy-name execution
aws iam delete-role --role-name shop-encoder-execution
aws iam delete-role --role-name shop-encoder-task
aws iam remove-role-from-instance-profile --instance-profile-name ecsInstanceRole-shop-spot-x86 --role-name ecsInstanceRole-shop-spot-x86
aws iam delete-instance-profile --instance-profile-name ecsInstanceRole-shop-spot-x86
for policy in $(aws iam list-attached-role-policies --role-name ecsInstanceRole-shop-spot-x86 --query 'AttachedPolicies[].PolicyArn' --output text); do
    aws iam detach-role-policy --role-name ecsInstanceRole-shop-spot-x86 --policy-arn "$policy"
done
aws iam delete-role --role-name ecsInstanceRole-shop-spot-x86
