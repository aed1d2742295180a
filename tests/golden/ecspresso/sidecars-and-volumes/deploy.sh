#!/bin/sh
# Creates what the plan needs in eu-west-1, in this order.
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
aws ecs create-cluster --region eu-west-1 --cli-input-json file://01-create-cluster.json >/dev/null
aws ecs put-account-setting-default --region eu-west-1 --cli-input-json file://02-put-account-setting-default.json >/dev/null

echo 'security-groups/'
answer=$(aws ec2 create-security-group --region eu-west-1 --cli-input-json file://security-groups/create-security-group-tasks-api.json --query 'GroupId' --output text)
fill 'sg-@tasks.api@' "$answer"
answer=$(aws ec2 create-security-group --region eu-west-1 --cli-input-json file://security-groups/create-security-group-tasks-base-api.json --query 'GroupId' --output text)
fill 'sg-@tasks.base-api@' "$answer"
answer=$(aws ec2 create-security-group --region eu-west-1 --cli-input-json file://security-groups/create-security-group-tasks-gateway.json --query 'GroupId' --output text)
fill 'sg-@tasks.gateway@' "$answer"
answer=$(aws ec2 create-security-group --region eu-west-1 --cli-input-json file://security-groups/create-security-group-instances-m6i-large.json --query 'GroupId' --output text)
fill 'sg-@instances.m6i-large@' "$answer"
aws ec2 authorize-security-group-ingress --region eu-west-1 --cli-input-json file://security-groups/authorize-security-group-ingress-00.json >/dev/null
aws ec2 authorize-security-group-ingress --region eu-west-1 --cli-input-json file://security-groups/authorize-security-group-ingress-01.json >/dev/null
aws ec2 authorize-security-group-ingress --region eu-west-1 --cli-input-json file://security-groups/authorize-security-group-ingress-02.json >/dev/null
aws ec2 authorize-security-group-ingress --region eu-west-1 --cli-input-json file://security-groups/authorize-security-group-ingress-03.json >/dev/null

echo 'roles/shop-api-execution/'
aws iam create-role --region eu-west-1 --cli-input-json file://roles/shop-api-execution/create-role.json --assume-role-policy-document file://policies/trust-ecs-tasks.json >/dev/null
aws iam put-role-policy --region eu-west-1 --cli-input-json file://roles/shop-api-execution/put-role-policy.json --policy-document file://policies/api/execution-role.json >/dev/null

echo 'roles/shop-api-task/'
aws iam create-role --region eu-west-1 --cli-input-json file://roles/shop-api-task/create-role.json --assume-role-policy-document file://policies/trust-ecs-tasks.json >/dev/null
aws iam put-role-policy --region eu-west-1 --cli-input-json file://roles/shop-api-task/put-role-policy.json --policy-document file://policies/api/task-role.json >/dev/null

echo 'roles/shop-base-api-execution/'
aws iam create-role --region eu-west-1 --cli-input-json file://roles/shop-base-api-execution/create-role.json --assume-role-policy-document file://policies/trust-ecs-tasks.json >/dev/null
aws iam put-role-policy --region eu-west-1 --cli-input-json file://roles/shop-base-api-execution/put-role-policy.json --policy-document file://policies/base-api/execution-role.json >/dev/null

echo 'roles/shop-base-api-task/'
aws iam create-role --region eu-west-1 --cli-input-json file://roles/shop-base-api-task/create-role.json --assume-role-policy-document file://policies/trust-ecs-tasks.json >/dev/null
aws iam put-role-policy --region eu-west-1 --cli-input-json file://roles/shop-base-api-task/put-role-policy.json --policy-document file://policies/base-api/task-role.json >/dev/null

echo 'roles/shop-gateway-execution/'
aws iam create-role --region eu-west-1 --cli-input-json file://roles/shop-gateway-execution/create-role.json --assume-role-policy-document file://policies/trust-ecs-tasks.json >/dev/null
aws iam put-role-policy --region eu-west-1 --cli-input-json file://roles/shop-gateway-execution/put-role-policy.json --policy-document file://policies/gateway/execution-role.json >/dev/null

echo 'roles/shop-gateway-task/'
aws iam create-role --region eu-west-1 --cli-input-json file://roles/shop-gateway-task/create-role.json --assume-role-policy-document file://policies/trust-ecs-tasks.json >/dev/null

echo 'roles/ecsInstanceRole-shop-m6i-large/'
aws iam create-role --region eu-west-1 --cli-input-json file://roles/ecsInstanceRole-shop-m6i-large/create-role.json --assume-role-policy-document file://policies/trust-ec2.json >/dev/null
aws iam attach-role-policy --region eu-west-1 --cli-input-json file://roles/ecsInstanceRole-shop-m6i-large/attach-role-policy.json >/dev/null
aws iam create-instance-profile --region eu-west-1 --cli-input-json file://roles/ecsInstanceRole-shop-m6i-large/create-instance-profile.json >/dev/null
aws iam add-role-to-instance-profile --region eu-west-1 --cli-input-json file://roles/ecsInstanceRole-shop-m6i-large/add-role-to-instance-profile.json >/dev/null

echo 'capacity-providers/m6i-large/'
aws ec2 create-launch-template --region eu-west-1 --cli-input-json file://capacity-providers/m6i-large/create-launch-template.json >/dev/null
aws autoscaling create-auto-scaling-group --region eu-west-1 --cli-input-json file://capacity-providers/m6i-large/create-auto-scaling-group.json >/dev/null
aws ecs create-capacity-provider --region eu-west-1 --cli-input-json file://capacity-providers/m6i-large/create-capacity-provider.json >/dev/null

echo 'cluster'
aws ecs put-cluster-capacity-providers --region eu-west-1 --cli-input-json file://03-put-cluster-capacity-providers.json >/dev/null

echo 'services/api/'
aws logs create-log-group --region eu-west-1 --cli-input-json file://services/api/create-log-group.json >/dev/null
aws logs put-retention-policy --region eu-west-1 --cli-input-json file://services/api/put-retention-policy.json >/dev/null
answer=$(aws elbv2 create-target-group --region eu-west-1 --cli-input-json file://services/api/create-target-group.json --query 'TargetGroups[0].TargetGroupArn' --output text)
fill '@target-group-id.api@' "${answer##*/}"
aws elbv2 create-rule --region eu-west-1 --cli-input-json file://services/api/create-rule.json >/dev/null
ecspresso deploy --config services/api/ecspresso.yml --tasks 4
aws application-autoscaling register-scalable-target --region eu-west-1 --cli-input-json file://services/api/register-scalable-target.json >/dev/null
aws application-autoscaling put-scaling-policy --region eu-west-1 --cli-input-json file://services/api/put-scaling-policy.json >/dev/null
aws cloudwatch put-metric-alarm --region eu-west-1 --cli-input-json file://services/api/put-metric-alarm-cpu.json >/dev/null
aws cloudwatch put-metric-alarm --region eu-west-1 --cli-input-json file://services/api/put-metric-alarm-memory.json >/dev/null
aws cloudwatch put-metric-alarm --region eu-west-1 --cli-input-json file://services/api/put-metric-alarm-tasks.json >/dev/null

echo 'services/gateway/'
aws logs create-log-group --region eu-west-1 --cli-input-json file://services/gateway/create-log-group.json >/dev/null
aws logs put-retention-policy --region eu-west-1 --cli-input-json file://services/gateway/put-retention-policy.json >/dev/null
answer=$(aws elbv2 create-target-group --region eu-west-1 --cli-input-json file://services/gateway/create-target-group.json --query 'TargetGroups[0].TargetGroupArn' --output text)
fill '@target-group-id.gateway@' "${answer##*/}"
aws elbv2 create-listener --region eu-west-1 --cli-input-json file://services/gateway/create-listener.json >/dev/null
ecspresso deploy --config services/gateway/ecspresso.yml --tasks 4
aws application-autoscaling register-scalable-target --region eu-west-1 --cli-input-json file://services/gateway/register-scalable-target.json >/dev/null
aws application-autoscaling put-scaling-policy --region eu-west-1 --cli-input-json file://services/gateway/put-scaling-policy.json >/dev/null
aws cloudwatch put-metric-alarm --region eu-west-1 --cli-input-json file://services/gateway/put-metric-alarm-cpu.json >/dev/null
aws cloudwatch put-metric-alarm --region eu-west-1 --cli-input-json file://services/gateway/put-metric-alarm-memory.json >/dev/null
aws cloudwatch put-metric-alarm --region eu-west-1 --cli-input-json file://services/gateway/put-metric-alarm-tasks.json >/dev/null

echo 'services/base-api/'
aws logs create-log-group --region eu-west-1 --cli-input-json file://services/base-api/create-log-group.json >/dev/null
aws logs put-retention-policy --region eu-west-1 --cli-input-json file://services/base-api/put-retention-policy.json >/dev/null
ecspresso deploy --config services/base-api/ecspresso.yml --tasks 4
aws application-autoscaling register-scalable-target --region eu-west-1 --cli-input-json file://services/base-api/register-scalable-target.json >/dev/null
aws application-autoscaling put-scaling-policy --region eu-west-1 --cli-input-json file://services/base-api/put-scaling-policy.json >/dev/null
aws cloudwatch put-metric-alarm --region eu-west-1 --cli-input-json file://services/base-api/put-metric-alarm-cpu.json >/dev/null
aws cloudwatch put-metric-alarm --region eu-west-1 --cli-input-json file://services/base-api/put-metric-alarm-memory.json >/dev/null
aws cloudwatch put-metric-alarm --region eu-west-1 --cli-input-json file://services/base-api/put-metric-alarm-tasks.json >/dev/null

echo 'cluster'
aws cloudwatch put-dashboard --region eu-west-1 --cli-input-json file://04-put-dashboard.json --dashboard-body file://dashboard.json >/dev/null

# The definitions with everything filled in, for later deployments.
find services -name 'ecs-*-def.json' -exec cp {} "$here/{}" \;
