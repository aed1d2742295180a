#!/bin/sh
# Takes away what deploy.sh made; what is already gone is passed over. Log groups with their logs,
# images and the account setting stay.
set -u
aws application-autoscaling deregister-scalable-target --region eu-west-1 --service-namespace ecs --resource-id service/shop/cron --scalable-dimension ecs:service:DesiredCount
aws cloudwatch delete-alarms --region eu-west-1 --alarm-names shop/cron/cpu shop/cron/memory shop/cron/tasks
aws ecs delete-service --region eu-west-1 --cluster shop --service cron --force
aws ecs wait services-inactive --region eu-west-1 --cluster shop --services cron
aws application-autoscaling deregister-scalable-target --region eu-west-1 --service-namespace ecs --resource-id service/shop/search --scalable-dimension ecs:service:DesiredCount
aws cloudwatch delete-alarms --region eu-west-1 --alarm-names shop/search/cpu shop/search/memory shop/search/tasks
aws ecs delete-service --region eu-west-1 --cluster shop --service search --force
aws ecs wait services-inactive --region eu-west-1 --cluster shop --services search
group=$(aws elbv2 describe-target-groups --region eu-west-1 --names shop-search --query 'TargetGroups[0].TargetGroupArn' --output text)
balancer=$(aws elbv2 describe-target-groups --region eu-west-1 --names shop-search --query 'TargetGroups[0].LoadBalancerArns[0]' --output text)
for listener in $(aws elbv2 describe-listeners --region eu-west-1 --load-balancer-arn "$balancer" --query 'Listeners[].ListenerArn' --output text); do
    for rule in $(aws elbv2 describe-rules --region eu-west-1 --listener-arn "$listener" --query "Rules[?!IsDefault && Actions[?TargetGroupArn=='$group']].RuleArn" --output text); do
        aws elbv2 delete-rule --region eu-west-1 --rule-arn "$rule"
    done
done
aws elbv2 delete-target-group --region eu-west-1 --target-group-arn "$group"
aws application-autoscaling deregister-scalable-target --region eu-west-1 --service-namespace ecs --resource-id service/shop/web --scalable-dimension ecs:service:DesiredCount
aws cloudwatch delete-alarms --region eu-west-1 --alarm-names shop/web/cpu shop/web/memory shop/web/tasks
aws ecs delete-service --region eu-west-1 --cluster shop --service web --force
aws ecs wait services-inactive --region eu-west-1 --cluster shop --services web
group=$(aws elbv2 describe-target-groups --region eu-west-1 --names shop-web --query 'TargetGroups[0].TargetGroupArn' --output text)
balancer=$(aws elbv2 describe-target-groups --region eu-west-1 --names shop-web --query 'TargetGroups[0].LoadBalancerArns[0]' --output text)
for listener in $(aws elbv2 describe-listeners --region eu-west-1 --load-balancer-arn "$balancer" --query 'Listeners[].ListenerArn' --output text); do
    for rule in $(aws elbv2 describe-rules --region eu-west-1 --listener-arn "$listener" --query "Rules[?!IsDefault && Actions[?TargetGroupArn=='$group']].RuleArn" --output text); do
        aws elbv2 delete-rule --region eu-west-1 --rule-arn "$rule"
    done
done
aws elbv2 delete-target-group --region eu-west-1 --target-group-arn "$group"
aws ecs put-cluster-capacity-providers --region eu-west-1 --cluster shop --capacity-providers '[]' --default-capacity-provider-strategy '[]'
aws ecs delete-capacity-provider --region eu-west-1 --capacity-provider managed-arm64 --cluster shop
aws cloudwatch delete-dashboards --region eu-west-1 --dashboard-names shop
aws ecs delete-cluster --region eu-west-1 --cluster shop
aws ec2 delete-security-group --region eu-west-1 --group-id "$(aws ec2 describe-security-groups --region eu-west-1 --filters Name=group-name,Values=tasks-shop-cron --query 'SecurityGroups[0].GroupId' --output text)"
aws ec2 delete-security-group --region eu-west-1 --group-id "$(aws ec2 describe-security-groups --region eu-west-1 --filters Name=group-name,Values=tasks-shop-search --query 'SecurityGroups[0].GroupId' --output text)"
aws ec2 delete-security-group --region eu-west-1 --group-id "$(aws ec2 describe-security-groups --region eu-west-1 --filters Name=group-name,Values=tasks-shop-web --query 'SecurityGroups[0].GroupId' --output text)"
aws ec2 delete-security-group --region eu-west-1 --group-id "$(aws ec2 describe-security-groups --region eu-west-1 --filters Name=group-name,Values=instances-shop-managed-arm64 --query 'SecurityGroups[0].GroupId' --output text)"
aws iam delete-role-policy --role-name shop-cron-execution --policy-name execution
aws iam delete-role --role-name shop-cron-execution
aws iam delete-role --role-name shop-cron-task
aws iam delete-role-policy --role-name shop-search-execution --policy-name execution
aws iam delete-role --role-name shop-search-execution
aws iam delete-role --role-name shop-search-task
aws iam delete-role-policy --role-name shop-web-execution --policy-name execution
aws iam delete-role --role-name shop-web-execution
aws iam delete-role --role-name shop-web-task
aws iam remove-role-from-instance-profile --instance-profile-name ecsInstanceRole-shop-managed-arm64 --role-name ecsInstanceRole-shop-managed-arm64
aws iam delete-instance-profile --instance-profile-name ecsInstanceRole-shop-managed-arm64
for policy in $(aws iam list-attached-role-policies --role-name ecsInstanceRole-shop-managed-arm64 --query 'AttachedPolicies[].PolicyArn' --output text); do
    aws iam detach-role-policy --role-name ecsInstanceRole-shop-managed-arm64 --policy-arn "$policy"
done
aws iam delete-role --role-name ecsInstanceRole-shop-managed-arm64
for policy in $(aws iam list-attached-role-policies --role-name ecsInfrastructureRole-shop --query 'AttachedPolicies[].PolicyArn' --output text); do
    aws iam detach-role-policy --role-name ecsInfrastructureRole-shop --policy-arn "$policy"
done
aws iam delete-role --role-name ecsInfrastructureRole-shop
