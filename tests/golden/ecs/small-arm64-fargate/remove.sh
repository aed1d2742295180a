#!/bin/sh
# Takes away what deploy.sh made; what is already gone is passed over. Log groups with their logs,
# images and the account setting stay.
set -u
aws application-autoscaling deregister-scalable-target --region eu-west-1 --service-namespace ecs --resource-id service/shop/worker --scalable-dimension ecs:service:DesiredCount
aws cloudwatch delete-alarms --region eu-west-1 --alarm-names shop/worker/cpu shop/worker/memory shop/worker/tasks
aws ecs delete-service --region eu-west-1 --cluster shop --service worker --force
aws ecs wait services-inactive --region eu-west-1 --cluster shop --services worker
aws ecs put-cluster-capacity-providers --region eu-west-1 --cluster shop --capacity-providers '[]' --default-capacity-provider-strategy '[]'
aws cloudwatch delete-dashboards --region eu-west-1 --dashboard-names shop
aws ecs delete-cluster --region eu-west-1 --cluster shop
aws ec2 delete-security-group --region eu-west-1 --group-id "$(aws ec2 describe-security-groups --region eu-west-1 --filters Name=group-name,Values=tasks-shop-worker --query 'SecurityGroups[0].GroupId' --output text)"
aws iam delete-role-policy --role-name shop-worker-execution --policy-name execution
aws iam delete-role --role-name shop-worker-execution
aws iam delete-role --role-name shop-worker-task
