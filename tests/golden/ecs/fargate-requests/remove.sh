#!/bin/sh
# Takes away what deploy.sh made; what is already gone is passed over. Log groups with their logs,
# images and the account setting stay.
set -u
aws application-autoscaling deregister-scalable-target --region us-east-1 --service-namespace ecs --resource-id service/shop/web --scalable-dimension ecs:service:DesiredCount
aws cloudwatch delete-alarms --region us-east-1 --alarm-names shop/web/cpu shop/web/memory shop/web/tasks
aws ecs delete-service --region us-east-1 --cluster shop --service web --force
aws ecs wait services-inactive --region us-east-1 --cluster shop --services web
group=$(aws elbv2 describe-target-groups --region us-east-1 --names shop-web --query 'TargetGroups[0].TargetGroupArn' --output text)
balancer=$(aws elbv2 describe-target-groups --region us-east-1 --names shop-web --query 'TargetGroups[0].LoadBalancerArns[0]' --output text)
for listener in $(aws elbv2 describe-listeners --region us-east-1 --load-balancer-arn "$balancer" --query 'Listeners[].ListenerArn' --output text); do
    for rule in $(aws elbv2 describe-rules --region us-east-1 --listener-arn "$listener" --query "Rules[?!IsDefault && Actions[?TargetGroupArn=='$group']].RuleArn" --output text); do
        aws elbv2 delete-rule --region us-east-1 --rule-arn "$rule"
    done
done
aws elbv2 delete-target-group --region us-east-1 --target-group-arn "$group"
aws ecs put-cluster-capacity-providers --region us-east-1 --cluster shop --capacity-providers '[]' --default-capacity-provider-strategy '[]'
aws cloudwatch delete-dashboards --region us-east-1 --dashboard-names shop
aws ecs delete-cluster --region us-east-1 --cluster shop
aws ec2 delete-security-group --region us-east-1 --group-id "$(aws ec2 describe-security-groups --region us-east-1 --filters Name=group-name,Values=tasks-shop-web --query 'SecurityGroups[0].GroupId' --output text)"
aws iam delete-role-policy --role-name shop-web-execution --policy-name execution
aws iam delete-role --role-name shop-web-execution
aws iam delete-role --role-name shop-web-task
