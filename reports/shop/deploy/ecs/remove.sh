#!/bin/sh
# Takes away what deploy.sh made; what is already gone is passed over. Log groups with their logs,
# images and the account setting stay.
set -u
aws application-autoscaling deregister-scalable-target --region us-east-1 --service-namespace ecs --resource-id service/shop/chat --scalable-dimension ecs:service:DesiredCount
aws cloudwatch delete-alarms --region us-east-1 --alarm-names shop/chat/cpu shop/chat/memory shop/chat/tasks
aws ecs delete-service --region us-east-1 --cluster shop --service chat --force
aws ecs wait services-inactive --region us-east-1 --cluster shop --services chat
group=$(aws elbv2 describe-target-groups --region us-east-1 --names shop-chat --query 'TargetGroups[0].TargetGroupArn' --output text)
balancer=$(aws elbv2 describe-target-groups --region us-east-1 --names shop-chat --query 'TargetGroups[0].LoadBalancerArns[0]' --output text)
for listener in $(aws elbv2 describe-listeners --region us-east-1 --load-balancer-arn "$balancer" --query 'Listeners[].ListenerArn' --output text); do
    for rule in $(aws elbv2 describe-rules --region us-east-1 --listener-arn "$listener" --query "Rules[?!IsDefault && Actions[?TargetGroupArn=='$group']].RuleArn" --output text); do
        aws elbv2 delete-rule --region us-east-1 --rule-arn "$rule"
    done
done
aws elbv2 delete-target-group --region us-east-1 --target-group-arn "$group"
aws application-autoscaling deregister-scalable-target --region us-east-1 --service-namespace ecs --resource-id service/shop/orders --scalable-dimension ecs:service:DesiredCount
aws cloudwatch delete-alarms --region us-east-1 --alarm-names shop/orders/cpu shop/orders/memory shop/orders/tasks
aws ecs delete-service --region us-east-1 --cluster shop --service orders --force
aws ecs wait services-inactive --region us-east-1 --cluster shop --services orders
group=$(aws elbv2 describe-target-groups --region us-east-1 --names shop-orders --query 'TargetGroups[0].TargetGroupArn' --output text)
balancer=$(aws elbv2 describe-target-groups --region us-east-1 --names shop-orders --query 'TargetGroups[0].LoadBalancerArns[0]' --output text)
for listener in $(aws elbv2 describe-listeners --region us-east-1 --load-balancer-arn "$balancer" --query 'Listeners[].ListenerArn' --output text); do
    for rule in $(aws elbv2 describe-rules --region us-east-1 --listener-arn "$listener" --query "Rules[?!IsDefault && Actions[?TargetGroupArn=='$group']].RuleArn" --output text); do
        aws elbv2 delete-rule --region us-east-1 --rule-arn "$rule"
    done
done
aws elbv2 delete-target-group --region us-east-1 --target-group-arn "$group"
aws application-autoscaling deregister-scalable-target --region us-east-1 --service-namespace ecs --resource-id service/shop/search --scalable-dimension ecs:service:DesiredCount
aws cloudwatch delete-alarms --region us-east-1 --alarm-names shop/search/cpu shop/search/memory shop/search/tasks
aws ecs delete-service --region us-east-1 --cluster shop --service search --force
aws ecs wait services-inactive --region us-east-1 --cluster shop --services search
group=$(aws elbv2 describe-target-groups --region us-east-1 --names shop-search --query 'TargetGroups[0].TargetGroupArn' --output text)
balancer=$(aws elbv2 describe-target-groups --region us-east-1 --names shop-search --query 'TargetGroups[0].LoadBalancerArns[0]' --output text)
for listener in $(aws elbv2 describe-listeners --region us-east-1 --load-balancer-arn "$balancer" --query 'Listeners[].ListenerArn' --output text); do
    for rule in $(aws elbv2 describe-rules --region us-east-1 --listener-arn "$listener" --query "Rules[?!IsDefault && Actions[?TargetGroupArn=='$group']].RuleArn" --output text); do
        aws elbv2 delete-rule --region us-east-1 --rule-arn "$rule"
    done
done
aws elbv2 delete-target-group --region us-east-1 --target-group-arn "$group"
aws application-autoscaling deregister-scalable-target --region us-east-1 --service-namespace ecs --resource-id service/shop/storefront --scalable-dimension ecs:service:DesiredCount
aws cloudwatch delete-alarms --region us-east-1 --alarm-names shop/storefront/cpu shop/storefront/memory shop/storefront/tasks
aws ecs delete-service --region us-east-1 --cluster shop --service storefront --force
aws ecs wait services-inactive --region us-east-1 --cluster shop --services storefront
group=$(aws elbv2 describe-target-groups --region us-east-1 --names shop-storefront --query 'TargetGroups[0].TargetGroupArn' --output text)
balancer=$(aws elbv2 describe-target-groups --region us-east-1 --names shop-storefront --query 'TargetGroups[0].LoadBalancerArns[0]' --output text)
for listener in $(aws elbv2 describe-listeners --region us-east-1 --load-balancer-arn "$balancer" --query 'Listeners[].ListenerArn' --output text); do
    for rule in $(aws elbv2 describe-rules --region us-east-1 --listener-arn "$listener" --query "Rules[?!IsDefault && Actions[?TargetGroupArn=='$group']].RuleArn" --output text); do
        aws elbv2 delete-rule --region us-east-1 --rule-arn "$rule"
    done
done
aws elbv2 delete-target-group --region us-east-1 --target-group-arn "$group"
aws cloudwatch delete-alarms --region us-east-1 --alarm-names shop/worker/cpu shop/worker/memory shop/worker/tasks
aws ecs delete-service --region us-east-1 --cluster shop --service worker --force
aws ecs wait services-inactive --region us-east-1 --cluster shop --services worker
aws ecs put-cluster-capacity-providers --region us-east-1 --cluster shop --capacity-providers '[]' --default-capacity-provider-strategy '[]'
aws ecs delete-capacity-provider --region us-east-1 --capacity-provider worker-c6a-2xlarge
aws autoscaling delete-auto-scaling-group --region us-east-1 --auto-scaling-group-name shop-worker-c6a-2xlarge --force-delete
aws ec2 delete-launch-template --region us-east-1 --launch-template-name shop-worker-c6a-2xlarge
aws cloudwatch delete-dashboards --region us-east-1 --dashboard-names shop
aws ecs delete-cluster --region us-east-1 --cluster shop
aws ec2 delete-security-group --region us-east-1 --group-id "$(aws ec2 describe-security-groups --region us-east-1 --filters Name=group-name,Values=tasks-shop-chat --query 'SecurityGroups[0].GroupId' --output text)"
aws ec2 delete-security-group --region us-east-1 --group-id "$(aws ec2 describe-security-groups --region us-east-1 --filters Name=group-name,Values=tasks-shop-orders --query 'SecurityGroups[0].GroupId' --output text)"
aws ec2 delete-security-group --region us-east-1 --group-id "$(aws ec2 describe-security-groups --region us-east-1 --filters Name=group-name,Values=tasks-shop-search --query 'SecurityGroups[0].GroupId' --output text)"
aws ec2 delete-security-group --region us-east-1 --group-id "$(aws ec2 describe-security-groups --region us-east-1 --filters Name=group-name,Values=tasks-shop-storefront --query 'SecurityGroups[0].GroupId' --output text)"
aws ec2 delete-security-group --region us-east-1 --group-id "$(aws ec2 describe-security-groups --region us-east-1 --filters Name=group-name,Values=tasks-shop-worker --query 'SecurityGroups[0].GroupId' --output text)"
aws ec2 delete-security-group --region us-east-1 --group-id "$(aws ec2 describe-security-groups --region us-east-1 --filters Name=group-name,Values=instances-shop-worker-c6a-2xlarge --query 'SecurityGroups[0].GroupId' --output text)"
aws iam delete-role-policy --role-name shop-chat-execution --policy-name execution
aws iam delete-role --role-name shop-chat-execution
aws iam delete-role --role-name shop-chat-task
aws iam delete-role-policy --role-name shop-orders-execution --policy-name execution
aws iam delete-role --role-name shop-orders-execution
aws iam delete-role --role-name shop-orders-task
aws iam delete-role-policy --role-name shop-search-execution --policy-name execution
aws iam delete-role --role-name shop-search-execution
aws iam delete-role --role-name shop-search-task
aws iam delete-role-policy --role-name shop-storefront-execution --policy-name execution
aws iam delete-role --role-name shop-storefront-execution
aws iam delete-role --role-name shop-storefront-task
aws iam delete-role-policy --role-name shop-worker-execution --policy-name execution
aws iam delete-role --role-name shop-worker-execution
aws iam delete-role --role-name shop-worker-task
aws iam remove-role-from-instance-profile --instance-profile-name ecsInstanceRole-shop-worker-c6a-2xlarge --role-name ecsInstanceRole-shop-worker-c6a-2xlarge
aws iam delete-instance-profile --instance-profile-name ecsInstanceRole-shop-worker-c6a-2xlarge
for policy in $(aws iam list-attached-role-policies --role-name ecsInstanceRole-shop-worker-c6a-2xlarge --query 'AttachedPolicies[].PolicyArn' --output text); do
    aws iam detach-role-policy --role-name ecsInstanceRole-shop-worker-c6a-2xlarge --policy-arn "$policy"
done
aws iam delete-role --role-name ecsInstanceRole-shop-worker-c6a-2xlarge
