#!/bin/sh
# Creates what the plan needs in us-east-1, in this order.
set -eu
cd "$(dirname "$0")"
here=$(pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -R . "$work" && cd "$work"

# Replaces a placeholder in the copies of the requests.
fill() {
    find . -name '*.json' -exec sed -i.bak "s|$1|$2|g" {} +
    find . -name '*.json.bak' -exec rm {} +
}
find . -name '*.json' -exec sed -i.bak -f placeholders.sed {} +
find . -name '*.json.bak' -exec rm {} +
account=$(aws sts get-caller-identity --query Account --output text)
fill '@account-id@' "$account"

if grep -v '^#' "$here/placeholders.sed" | grep -E '^s[|]([^|]*)[|]\1[|]g$' >&2; then
    echo 'error: fill in these lines of placeholders.sed first' >&2
    exit 1
fi

echo 'cluster'
aws ecs create-cluster --region us-east-1 --cli-input-json file://01-create-cluster.json >/dev/null
aws ecs put-account-setting-default --region us-east-1 --cli-input-json file://02-put-account-setting-default.json >/dev/null

echo 'security-groups/'
answer=$(aws ec2 create-security-group --region us-east-1 --cli-input-json file://security-groups/create-security-group-tasks-chat.json --query 'GroupId' --output text)
fill 'sg-@tasks.chat@' "$answer"
answer=$(aws ec2 create-security-group --region us-east-1 --cli-input-json file://security-groups/create-security-group-tasks-orders.json --query 'GroupId' --output text)
fill 'sg-@tasks.orders@' "$answer"
answer=$(aws ec2 create-security-group --region us-east-1 --cli-input-json file://security-groups/create-security-group-tasks-search.json --query 'GroupId' --output text)
fill 'sg-@tasks.search@' "$answer"
answer=$(aws ec2 create-security-group --region us-east-1 --cli-input-json file://security-groups/create-security-group-tasks-storefront.json --query 'GroupId' --output text)
fill 'sg-@tasks.storefront@' "$answer"
answer=$(aws ec2 create-security-group --region us-east-1 --cli-input-json file://security-groups/create-security-group-tasks-worker.json --query 'GroupId' --output text)
fill 'sg-@tasks.worker@' "$answer"
answer=$(aws ec2 create-security-group --region us-east-1 --cli-input-json file://security-groups/create-security-group-instances-worker-c6a-2xlarge.json --query 'GroupId' --output text)
fill 'sg-@instances.worker-c6a-2xlarge@' "$answer"
aws ec2 authorize-security-group-ingress --region us-east-1 --cli-input-json file://security-groups/authorize-security-group-ingress-00.json >/dev/null
aws ec2 authorize-security-group-ingress --region us-east-1 --cli-input-json file://security-groups/authorize-security-group-ingress-01.json >/dev/null
aws ec2 authorize-security-group-ingress --region us-east-1 --cli-input-json file://security-groups/authorize-security-group-ingress-02.json >/dev/null
aws ec2 authorize-security-group-ingress --region us-east-1 --cli-input-json file://security-groups/authorize-security-group-ingress-03.json >/dev/null

echo 'roles/shop-chat-execution/'
aws iam create-role --region us-east-1 --cli-input-json file://roles/shop-chat-execution/create-role.json --assume-role-policy-document file://policies/trust-ecs-tasks.json >/dev/null
aws iam put-role-policy --region us-east-1 --cli-input-json file://roles/shop-chat-execution/put-role-policy.json --policy-document file://policies/chat/execution-role.json >/dev/null

echo 'roles/shop-chat-task/'
aws iam create-role --region us-east-1 --cli-input-json file://roles/shop-chat-task/create-role.json --assume-role-policy-document file://policies/trust-ecs-tasks.json >/dev/null

echo 'roles/shop-orders-execution/'
aws iam create-role --region us-east-1 --cli-input-json file://roles/shop-orders-execution/create-role.json --assume-role-policy-document file://policies/trust-ecs-tasks.json >/dev/null
aws iam put-role-policy --region us-east-1 --cli-input-json file://roles/shop-orders-execution/put-role-policy.json --policy-document file://policies/orders/execution-role.json >/dev/null

echo 'roles/shop-orders-task/'
aws iam create-role --region us-east-1 --cli-input-json file://roles/shop-orders-task/create-role.json --assume-role-policy-document file://policies/trust-ecs-tasks.json >/dev/null

echo 'roles/shop-search-execution/'
aws iam create-role --region us-east-1 --cli-input-json file://roles/shop-search-execution/create-role.json --assume-role-policy-document file://policies/trust-ecs-tasks.json >/dev/null
aws iam put-role-policy --region us-east-1 --cli-input-json file://roles/shop-search-execution/put-role-policy.json --policy-document file://policies/search/execution-role.json >/dev/null

echo 'roles/shop-search-task/'
aws iam create-role --region us-east-1 --cli-input-json file://roles/shop-search-task/create-role.json --assume-role-policy-document file://policies/trust-ecs-tasks.json >/dev/null

echo 'roles/shop-storefront-execution/'
aws iam create-role --region us-east-1 --cli-input-json file://roles/shop-storefront-execution/create-role.json --assume-role-policy-document file://policies/trust-ecs-tasks.json >/dev/null
aws iam put-role-policy --region us-east-1 --cli-input-json file://roles/shop-storefront-execution/put-role-policy.json --policy-document file://policies/storefront/execution-role.json >/dev/null

echo 'roles/shop-storefront-task/'
aws iam create-role --region us-east-1 --cli-input-json file://roles/shop-storefront-task/create-role.json --assume-role-policy-document file://policies/trust-ecs-tasks.json >/dev/null

echo 'roles/shop-worker-execution/'
aws iam create-role --region us-east-1 --cli-input-json file://roles/shop-worker-execution/create-role.json --assume-role-policy-document file://policies/trust-ecs-tasks.json >/dev/null
aws iam put-role-policy --region us-east-1 --cli-input-json file://roles/shop-worker-execution/put-role-policy.json --policy-document file://policies/worker/execution-role.json >/dev/null

echo 'roles/shop-worker-task/'
aws iam create-role --region us-east-1 --cli-input-json file://roles/shop-worker-task/create-role.json --assume-role-policy-document file://policies/trust-ecs-tasks.json >/dev/null

echo 'roles/ecsInstanceRole-shop-worker-c6a-2xlarge/'
aws iam create-role --region us-east-1 --cli-input-json file://roles/ecsInstanceRole-shop-worker-c6a-2xlarge/create-role.json --assume-role-policy-document file://policies/trust-ec2.json >/dev/null
aws iam attach-role-policy --region us-east-1 --cli-input-json file://roles/ecsInstanceRole-shop-worker-c6a-2xlarge/attach-role-policy.json >/dev/null
aws iam create-instance-profile --region us-east-1 --cli-input-json file://roles/ecsInstanceRole-shop-worker-c6a-2xlarge/create-instance-profile.json >/dev/null
aws iam add-role-to-instance-profile --region us-east-1 --cli-input-json file://roles/ecsInstanceRole-shop-worker-c6a-2xlarge/add-role-to-instance-profile.json >/dev/null

echo 'capacity-providers/worker-c6a-2xlarge/'
aws ec2 create-launch-template --region us-east-1 --cli-input-json file://capacity-providers/worker-c6a-2xlarge/create-launch-template.json >/dev/null
aws autoscaling create-auto-scaling-group --region us-east-1 --cli-input-json file://capacity-providers/worker-c6a-2xlarge/create-auto-scaling-group.json >/dev/null
aws ecs create-capacity-provider --region us-east-1 --cli-input-json file://capacity-providers/worker-c6a-2xlarge/create-capacity-provider.json >/dev/null

echo 'cluster'
aws ecs put-cluster-capacity-providers --region us-east-1 --cli-input-json file://03-put-cluster-capacity-providers.json >/dev/null

echo 'services/chat/'
aws logs create-log-group --region us-east-1 --cli-input-json file://services/chat/create-log-group.json >/dev/null
aws logs put-retention-policy --region us-east-1 --cli-input-json file://services/chat/put-retention-policy.json >/dev/null
aws ecs register-task-definition --region us-east-1 --cli-input-json file://services/chat/register-task-definition.json >/dev/null
answer=$(aws elbv2 create-target-group --region us-east-1 --cli-input-json file://services/chat/create-target-group.json --query 'TargetGroups[0].TargetGroupArn' --output text)
fill '@target-group-id.chat@' "${answer##*/}"
aws elbv2 create-rule --region us-east-1 --cli-input-json file://services/chat/create-rule.json >/dev/null
aws ecs create-service --region us-east-1 --cli-input-json file://services/chat/create-service.json >/dev/null
aws application-autoscaling register-scalable-target --region us-east-1 --cli-input-json file://services/chat/register-scalable-target.json >/dev/null
aws application-autoscaling put-scaling-policy --region us-east-1 --cli-input-json file://services/chat/put-scaling-policy.json >/dev/null
aws cloudwatch put-metric-alarm --region us-east-1 --cli-input-json file://services/chat/put-metric-alarm-cpu.json >/dev/null
aws cloudwatch put-metric-alarm --region us-east-1 --cli-input-json file://services/chat/put-metric-alarm-memory.json >/dev/null
aws cloudwatch put-metric-alarm --region us-east-1 --cli-input-json file://services/chat/put-metric-alarm-tasks.json >/dev/null

echo 'services/orders/'
aws logs create-log-group --region us-east-1 --cli-input-json file://services/orders/create-log-group.json >/dev/null
aws logs put-retention-policy --region us-east-1 --cli-input-json file://services/orders/put-retention-policy.json >/dev/null
aws ecs register-task-definition --region us-east-1 --cli-input-json file://services/orders/register-task-definition.json >/dev/null
answer=$(aws elbv2 create-target-group --region us-east-1 --cli-input-json file://services/orders/create-target-group.json --query 'TargetGroups[0].TargetGroupArn' --output text)
fill '@target-group-id.orders@' "${answer##*/}"
aws elbv2 create-rule --region us-east-1 --cli-input-json file://services/orders/create-rule.json >/dev/null
aws ecs create-service --region us-east-1 --cli-input-json file://services/orders/create-service.json >/dev/null
aws application-autoscaling register-scalable-target --region us-east-1 --cli-input-json file://services/orders/register-scalable-target.json >/dev/null
aws application-autoscaling put-scaling-policy --region us-east-1 --cli-input-json file://services/orders/put-scaling-policy.json >/dev/null
aws cloudwatch put-metric-alarm --region us-east-1 --cli-input-json file://services/orders/put-metric-alarm-cpu.json >/dev/null
aws cloudwatch put-metric-alarm --region us-east-1 --cli-input-json file://services/orders/put-metric-alarm-memory.json >/dev/null
aws cloudwatch put-metric-alarm --region us-east-1 --cli-input-json file://services/orders/put-metric-alarm-tasks.json >/dev/null

echo 'services/search/'
aws logs create-log-group --region us-east-1 --cli-input-json file://services/search/create-log-group.json >/dev/null
aws logs put-retention-policy --region us-east-1 --cli-input-json file://services/search/put-retention-policy.json >/dev/null
aws ecs register-task-definition --region us-east-1 --cli-input-json file://services/search/register-task-definition.json >/dev/null
answer=$(aws elbv2 create-target-group --region us-east-1 --cli-input-json file://services/search/create-target-group.json --query 'TargetGroups[0].TargetGroupArn' --output text)
fill '@target-group-id.search@' "${answer##*/}"
aws elbv2 create-rule --region us-east-1 --cli-input-json file://services/search/create-rule.json >/dev/null
aws ecs create-service --region us-east-1 --cli-input-json file://services/search/create-service.json >/dev/null
aws application-autoscaling register-scalable-target --region us-east-1 --cli-input-json file://services/search/register-scalable-target.json >/dev/null
aws application-autoscaling put-scaling-policy --region us-east-1 --cli-input-json file://services/search/put-scaling-policy.json >/dev/null
aws cloudwatch put-metric-alarm --region us-east-1 --cli-input-json file://services/search/put-metric-alarm-cpu.json >/dev/null
aws cloudwatch put-metric-alarm --region us-east-1 --cli-input-json file://services/search/put-metric-alarm-memory.json >/dev/null
aws cloudwatch put-metric-alarm --region us-east-1 --cli-input-json file://services/search/put-metric-alarm-tasks.json >/dev/null

echo 'services/storefront/'
aws logs create-log-group --region us-east-1 --cli-input-json file://services/storefront/create-log-group.json >/dev/null
aws logs put-retention-policy --region us-east-1 --cli-input-json file://services/storefront/put-retention-policy.json >/dev/null
aws ecs register-task-definition --region us-east-1 --cli-input-json file://services/storefront/register-task-definition.json >/dev/null
answer=$(aws elbv2 create-target-group --region us-east-1 --cli-input-json file://services/storefront/create-target-group.json --query 'TargetGroups[0].TargetGroupArn' --output text)
fill '@target-group-id.storefront@' "${answer##*/}"
aws elbv2 create-rule --region us-east-1 --cli-input-json file://services/storefront/create-rule.json >/dev/null
aws ecs create-service --region us-east-1 --cli-input-json file://services/storefront/create-service.json >/dev/null
aws application-autoscaling register-scalable-target --region us-east-1 --cli-input-json file://services/storefront/register-scalable-target.json >/dev/null
aws application-autoscaling put-scaling-policy --region us-east-1 --cli-input-json file://services/storefront/put-scaling-policy.json >/dev/null
aws cloudwatch put-metric-alarm --region us-east-1 --cli-input-json file://services/storefront/put-metric-alarm-cpu.json >/dev/null
aws cloudwatch put-metric-alarm --region us-east-1 --cli-input-json file://services/storefront/put-metric-alarm-memory.json >/dev/null
aws cloudwatch put-metric-alarm --region us-east-1 --cli-input-json file://services/storefront/put-metric-alarm-tasks.json >/dev/null

echo 'services/worker/'
aws logs create-log-group --region us-east-1 --cli-input-json file://services/worker/create-log-group.json >/dev/null
aws logs put-retention-policy --region us-east-1 --cli-input-json file://services/worker/put-retention-policy.json >/dev/null
aws ecs register-task-definition --region us-east-1 --cli-input-json file://services/worker/register-task-definition.json >/dev/null
aws ecs create-service --region us-east-1 --cli-input-json file://services/worker/create-service.json >/dev/null
aws cloudwatch put-metric-alarm --region us-east-1 --cli-input-json file://services/worker/put-metric-alarm-cpu.json >/dev/null
aws cloudwatch put-metric-alarm --region us-east-1 --cli-input-json file://services/worker/put-metric-alarm-memory.json >/dev/null
aws cloudwatch put-metric-alarm --region us-east-1 --cli-input-json file://services/worker/put-metric-alarm-tasks.json >/dev/null

echo 'cluster'
aws cloudwatch put-dashboard --region us-east-1 --cli-input-json file://04-put-dashboard.json --dashboard-body file://dashboard.json >/dev/null
