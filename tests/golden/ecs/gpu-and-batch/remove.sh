#!/bin/sh
# Takes away what deploy.sh made; what is already gone is passed over. Log groups with their logs,
# images and the account setting stay.
set -u
aws application-autoscaling deregister-scalable-target --region us-east-1 --service-namespace ecs --resource-id service/shop/inference --scalable-dimension ecs:service:DesiredCount
aws cloudwatch delete-alarms --region us-east-1 --alarm-names shop/inference/cpu shop/inference/memory shop/inference/tasks
aws ecs delete-service --region us-east-1 --cluster shop --service inference --force
aws ecs wait services-inactive --region us-east-1 --cluster shop --services inference
group=$(aws elbv2 describe-target-groups --region us-east-1 --names shop-inference --query 'TargetGroups[0].TargetGroupArn' --output text)
balancer=$(aws elbv2 describe-target-groups --region us-east-1 --names shop-inference --query 'TargetGroups[0].LoadBalancerArns[0]' --output text)
for listener in $(aws elbv2 describe-listeners --region us-east-1 --load-balancer-arn "$balancer" --query 'Listeners[].ListenerArn' --output text); do
    for rule in $(aws elbv2 describe-rules --region us-east-1 --listener-arn "$listener" --query "Rules[?!IsDefault && Actions[?TargetGroupArn=='$group']].RuleArn" --output text); do
        aws elbv2 delete-rule --region us-east-1 --rule-arn "$rule"
    done
done
aws elbv2 delete-target-group --region us-east-1 --target-group-arn "$group"
aws scheduler delete-schedule --region us-east-1 --name shop-nightly
aws ecs put-cluster-capacity-providers --region us-east-1 --cluster shop --capacity-providers '[]' --default-capacity-provider-strategy '[]'
aws ecs delete-capacity-provider --region us-east-1 --capacity-provider gpu
aws autoscaling delete-auto-scaling-group --region us-east-1 --auto-scaling-group-name shop-gpu --force-delete
aws ec2 delete-launch-template --region us-east-1 --launch-template-name shop-gpu
aws cloudwatch delete-dashboards --region us-east-1 --dashboard-names shop
aws ecs delete-cluster --region us-east-1 --cluster shop
aws ec2 delete-security-group --region us-east-1 --group-id "$(aws ec2 describe-security-groups --region us-east-1 --filters Name=group-name,Values=tasks-shop-inference --query 'SecurityGroups[0].GroupId' --output text)"
aws ec2 delete-security-group --region us-east-1 --group-id "$(aws ec2 describe-security-groups --region us-east-1 --filters Name=group-name,Values=tasks-shop-nightly --query 'SecurityGroups[0].GroupId' --output text)"
aws ec2 delete-security-group --region us-east-1 --group-id "$(aws ec2 describe-security-groups --region us-east-1 --filters Name=group-name,Values=instances-shop-gpu --query 'SecurityGroups[0].GroupId' --output text)"
aws iam delete-role-policy --role-name shop-inference-execution --policy-name execution
aws iam delete-role --role-name shop-inference-execution
aws iam delete-role --role-name shop-inference-task
aws iam delete-role-policy --role-name shop-nightly-execution --policy-name execution
aws iam delete-role --role-name shop-nightly-execution
aws iam delete-role --role-name shop-nightly-task
aws iam delete-role-policy --role-name shop-nightly-scheduler --policy-name run-task
aws iam delete-role --role-name shop-nightly-scheduler
aws iam remove-role-from-instance-profile --instance-profile-name ecsInstanceRole-shop-gpu --role-name ecsInstanceRole-shop-gpu
aws iam delete-instance-profile --instance-profile-name ecsInstanceRole-shop-gpu
for policy in $(aws iam list-attached-role-policies --role-name ecsInstanceRole-shop-gpu --query 'AttachedPolicies[].PolicyArn' --output text); do
    aws iam detach-role-policy --role-name ecsInstanceRole-shop-gpu --policy-arn "$policy"
done
aws iam delete-role --role-name ecsInstanceRole-shop-gpu
