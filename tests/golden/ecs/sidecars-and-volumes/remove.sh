#!/bin/sh
# Takes away what deploy.sh made; what is already gone is passed over. Log groups with their logs,
# images and the account setting stay.
set -u
aws application-autoscaling deregister-scalable-target --region eu-west-1 --service-namespace ecs --resource-id service/shop/api --scalable-dimension ecs:service:DesiredCount
aws cloudwatch delete-alarms --region eu-west-1 --alarm-names shop/api/cpu shop/api/memory shop/api/tasks
aws ecs delete-service --region eu-west-1 --cluster shop --service api --force
aws ecs wait services-inactive --region eu-west-1 --cluster shop --services api
group=$(aws elbv2 describe-target-groups --region eu-west-1 --names shop-api --query 'TargetGroups[0].TargetGroupArn' --output text)
balancer=$(aws elbv2 describe-target-groups --region eu-west-1 --names shop-api --query 'TargetGroups[0].LoadBalancerArns[0]' --output text)
for listener in $(aws elbv2 describe-listeners --region eu-west-1 --load-balancer-arn "$balancer" --query 'Listeners[].ListenerArn' --output text); do
    for rule in $(aws elbv2 describe-rules --region eu-west-1 --listener-arn "$listener" --query "Rules[?!IsDefault && Actions[?TargetGroupArn=='$group']].RuleArn" --output text); do
        aws elbv2 delete-rule --region eu-west-1 --rule-arn "$rule"
    done
done
aws elbv2 delete-target-group --region eu-west-1 --target-group-arn "$group"
aws application-autoscaling deregister-scalable-target --region eu-west-1 --service-namespace ecs --resource-id service/shop/base-api --scalable-dimension ecs:service:DesiredCount
aws cloudwatch delete-alarms --region eu-west-1 --alarm-names shop/base-api/cpu shop/base-api/memory shop/base-api/tasks
aws ecs delete-service --region eu-west-1 --cluster shop --service base-api --force
aws ecs wait services-inactive --region eu-west-1 --cluster shop --services base-api
aws application-autoscaling deregister-scalable-target --region eu-west-1 --service-namespace ecs --resource-id service/shop/gateway --scalable-dimension ecs:service:DesiredCount
aws cloudwatch delete-alarms --region eu-west-1 --alarm-names shop/gateway/cpu shop/gateway/memory shop/gateway/tasks
aws ecs delete-service --region eu-west-1 --cluster shop --service gateway --force
aws ecs wait services-inactive --region eu-west-1 --cluster shop --services gateway
group=$(aws elbv2 describe-target-groups --region eu-west-1 --names shop-gateway --query 'TargetGroups[0].TargetGroupArn' --output text)
balancer=$(aws elbv2 describe-target-groups --region eu-west-1 --names shop-gateway --query 'TargetGroups[0].LoadBalancerArns[0]' --output text)
for listener in $(aws elbv2 describe-listeners --region eu-west-1 --load-balancer-arn "$balancer" --query "Listeners[?DefaultActions[?TargetGroupArn=='$group']].ListenerArn" --output text); do
    aws elbv2 delete-listener --region eu-west-1 --listener-arn "$listener"
done
aws elbv2 delete-target-group --region eu-west-1 --target-group-arn "$group"
aws ecs put-cluster-capacity-providers --region eu-west-1 --cluster shop --capacity-providers '[]' --default-capacity-provider-strategy '[]'
aws ecs delete-capacity-provider --region eu-west-1 --capacity-provider m6i-large
aws autoscaling delete-auto-scaling-group --region eu-west-1 --auto-scaling-group-name shop-m6i-large --force-delete
aws ec2 delete-launch-template --region eu-west-1 --launch-template-name shop-m6i-large
aws cloudwatch delete-dashboards --region eu-west-1 --dashboard-names shop
aws ecs delete-cluster --region eu-west-1 --cluster shop
aws ec2 delete-security-group --region eu-west-1 --group-id "$(aws ec2 describe-security-groups --region eu-west-1 --filters Name=group-name,Values=tasks-shop-api --query 'SecurityGroups[0].GroupId' --output text)"
aws ec2 delete-security-group --region eu-west-1 --group-id "$(aws ec2 describe-security-groups --region eu-west-1 --filters Name=group-name,Values=tasks-shop-base-api --query 'SecurityGroups[0].GroupId' --output text)"
aws ec2 delete-security-group --region eu-west-1 --group-id "$(aws ec2 describe-security-groups --region eu-west-1 --filters Name=group-name,Values=tasks-shop-gateway --query 'SecurityGroups[0].GroupId' --output text)"
aws ec2 delete-security-group --region eu-west-1 --group-id "$(aws ec2 describe-security-groups --region eu-west-1 --filters Name=group-name,Values=instances-shop-m6i-large --query 'SecurityGroups[0].GroupId' --output text)"
aws iam delete-role-policy --role-name shop-api-execution --policy-name execution
aws iam delete-role --role-name shop-api-execution
aws iam delete-role-policy --role-name shop-api-task --policy-name file-systems
aws iam delete-role --role-name shop-api-task
aws iam delete-role-policy --role-name shop-base-api-execution --policy-name execution
aws iam delete-role --role-name shop-base-api-execution
aws iam delete-role-policy --role-name shop-base-api-task --policy-name file-systems
aws iam delete-role --role-name shop-base-api-task
aws iam delete-role-policy --role-name shop-gateway-execution --policy-name execution
aws iam delete-role --role-name shop-gateway-execution
aws iam delete-role --role-name shop-gateway-task
aws iam remove-role-from-instance-profile --instance-profile-name ecsInstanceRole-shop-m6i-large --role-name ecsInstanceRole-shop-m6i-large
aws iam delete-instance-profile --instance-profile-name ecsInstanceRole-shop-m6i-large
for policy in $(aws iam list-attached-role-policies --role-name ecsInstanceRole-shop-m6i-large --query 'AttachedPolicies[].PolicyArn' --output text); do
    aws iam detach-role-policy --role-name ecsInstanceRole-shop-m6i-large --policy-arn "$policy"
done
aws iam delete-role --role-name ecsInstanceRole-shop-m6i-large
