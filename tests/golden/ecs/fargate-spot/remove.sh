#!/bin/sh
# Takes away what deploy.sh made; what is already gone is passed over. Log groups with their logs,
# images and the account setting stay.
set -u
aws cloudwatch delete-alarms --region eu-west-1 --alarm-names shop/nightly/cpu shop/nightly/memory shop/nightly/tasks
aws ecs delete-service --region eu-west-1 --cluster shop --service nightly --force
aws ecs wait services-inactive --region eu-west-1 --cluster shop --services nightly
aws application-autoscaling deregister-scalable-target --region eu-west-1 --service-namespace ecs --resource-id service/shop/thumbnails --scalable-dimension ecs:service:DesiredCount
aws cloudwatch delete-alarms --region eu-west-1 --alarm-names shop/thumbnails/cpu shop/thumbnails/memory shop/thumbnails/tasks
aws ecs delete-service --region eu-west-1 --cluster shop --service thumbnails --force
aws ecs wait services-inactive --region eu-west-1 --cluster shop --services thumbnails
group=$(aws elbv2 describe-target-groups --region eu-west-1 --names shop-thumbnails --query 'TargetGroups[0].TargetGroupArn' --output text)
balancer=$(aws elbv2 describe-target-groups --region eu-west-1 --names shop-thumbnails --query 'TargetGroups[0].LoadBalancerArns[0]' --output text)
for listener in $(aws elbv2 describe-listeners --region eu-west-1 --load-balancer-arn "$balancer" --query 'Listeners[].ListenerArn' --output text); do
    for rule in $(aws elbv2 describe-rules --region eu-west-1 --listener-arn "$listener" --query "Rules[?!IsDefault && Actions[?TargetGroupArn=='$group']].RuleArn" --output text); do
        aws elbv2 delete-rule --region eu-west-1 --rule-arn "$rule"
    done
done
aws elbv2 delete-target-group --region eu-west-1 --target-group-arn "$group"
aws ecs put-cluster-capacity-providers --region eu-west-1 --cluster shop --capacity-providers '[]' --default-capacity-provider-strategy '[]'
aws cloudwatch delete-dashboards --region eu-west-1 --dashboard-names shop
aws ecs delete-cluster --region eu-west-1 --cluster shop
aws ec2 delete-security-group --region eu-west-1 --group-id "$(aws ec2 describe-security-groups --region eu-west-1 --filters Name=group-name,Values=tasks-shop-nightly --query 'SecurityGroups[0].GroupId' --output text)"
aws ec2 delete-security-group --region eu-west-1 --group-id "$(aws ec2 describe-security-groups --region eu-west-1 --filters Name=group-name,Values=tasks-shop-thumbnails --query 'SecurityGroups[0].GroupId' --output text)"
aws iam delete-role-policy --role-name shop-nightly-execution --policy-name execution
aws iam delete-role --role-name shop-nightly-execution
aws iam delete-role --role-name shop-nightly-task
aws iam delete-role-policy --role-name shop-thumbnails-execution --policy-name execution
aws iam delete-role --role-name shop-thumbnails-execution
aws iam delete-role --role-name shop-thumbnails-task
