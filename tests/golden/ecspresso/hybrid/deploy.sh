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

echo 'security-groups/'
answer=$(aws ec2 create-security-group --region eu-west-1 --cli-input-json file://security-groups/create-security-group-tasks-cron.json --query 'GroupId' --output text)
fill 'sg-@tasks.cron@' "$answer"
answer=$(aws ec2 create-security-group --region eu-west-1 --cli-input-json file://security-groups/create-security-group-tasks-search.json --query 'GroupId' --output text)
fill 'sg-@tasks.search@' "$answer"
answer=$(aws ec2 create-security-group --region eu-west-1 --cli-input-json file://security-groups/create-security-group-tasks-web.json --query 'GroupId' --output text)
fill 'sg-@tasks.web@' "$answer"
answer=$(aws ec2 create-security-group --region eu-west-1 --cli-input-json file://security-groups/create-security-group-instances-managed-arm64.json --query 'GroupId' --output text)
fill 'sg-@instances.managed-arm64@' "$answer"
aws ec2 authorize-security-group-ingress --region eu-west-1 --cli-input-json file://security-groups/authorize-security-group-ingress-00.json >/dev/null
aws ec2 authorize-security-group-ingress --region eu-west-1 --cli-input-json file://security-groups/authorize-security-group-ingress-01.json >/dev/null

echo 'roles/shop-cron-execution/'
aws iam create-role --region eu-west-1 --cli-input-json file://roles/shop-cron-execution/create-role.json --assume-role-policy-document file://policies/trust-ecs-tasks.json >/dev/null
aws iam put-role-policy --region eu-west-1 --cli-input-json file://roles/shop-cron-execution/put-role-policy.json --policy-document file://policies/cron/execution-role.json >/dev/null

echo 'roles/shop-cron-task/'
aws iam create-role --region eu-west-1 --cli-input-json file://roles/shop-cron-task/create-role.json --assume-role-policy-document file://policies/trust-ecs-tasks.json >/dev/null

echo 'roles/shop-search-execution/'
aws iam create-role --region eu-west-1 --cli-input-json file://roles/shop-search-execution/create-role.json --assume-role-policy-document file://policies/trust-ecs-tasks.json >/dev/null
aws iam put-role-policy --region eu-west-1 --cli-input-json file://roles/shop-search-execution/put-role-policy.json --policy-document file://policies/search/execution-role.json >/dev/null

echo 'roles/shop-search-task/'
aws iam create-role --region eu-west-1 --cli-input-json file://roles/shop-search-task/create-role.json --assume-role-policy-document file://policies/trust-ecs-tasks.json >/dev/null

echo 'roles/shop-web-execution/'
aws iam create-role --region eu-west-1 --cli-input-json file://roles/shop-web-execution/create-role.json --assume-role-policy-document file://policies/trust-ecs-tasks.json >/dev/null
aws iam put-role-policy --region eu-west-1 --cli-input-json file://roles/shop-web-execution/put-role-policy.json --policy-document file://policies/web/execution-role.json >/dev/null

echo 'roles/shop-web-task/'
aws iam create-role --region eu-west-1 --cli-input-json file://roles/shop-web-task/create-role.json --assume-role-policy-document file://policies/trust-ecs-tasks.json >/dev/null

echo 'roles/ecsInstanceRole-shop-managed-arm64/'
aws iam create-role --region eu-west-1 --cli-input-json file://roles/ecsInstanceRole-shop-managed-arm64/create-role.json --assume-role-policy-document file://policies/trust-ec2.json >/dev/null
aws iam attach-role-policy --region eu-west-1 --cli-input-json file://roles/ecsInstanceRole-shop-managed-arm64/attach-role-policy.json >/dev/null
aws iam create-instance-profile --region eu-west-1 --cli-input-json file://roles/ecsInstanceRole-shop-managed-arm64/create-instance-profile.json >/dev/null
aws iam add-role-to-instance-profile --region eu-west-1 --cli-input-json file://roles/ecsInstanceRole-shop-managed-arm64/add-role-to-instance-profile.json >/dev/null

echo 'roles/ecsInfrastructureRole-shop/'
aws iam create-role --region eu-west-1 --cli-input-json file://roles/ecsInfrastructureRole-shop/create-role.json --assume-role-policy-document file://policies/trust-ecs.json >/dev/null
aws iam attach-role-policy --region eu-west-1 --cli-input-json file://roles/ecsInfrastructureRole-shop/attach-role-policy.json >/dev/null

echo 'capacity-providers/managed-arm64/'
aws ecs create-capacity-provider --region eu-west-1 --cli-input-json file://capacity-providers/managed-arm64/create-capacity-provider.json >/dev/null

echo 'cluster'
aws ecs put-cluster-capacity-providers --region eu-west-1 --cli-input-json file://03-put-cluster-capacity-providers.json >/dev/null

echo 'services/cron/'
aws logs create-log-group --region eu-west-1 --cli-input-json file://services/cron/create-log-group.json >/dev/null
aws logs put-retention-policy --region eu-west-1 --cli-input-json file://services/cron/put-retention-policy.json >/dev/null
ecspresso deploy --config services/cron/ecspresso.yml --tasks 1
aws application-autoscaling register-scalable-target --region eu-west-1 --cli-input-json file://services/cron/register-scalable-target.json >/dev/null
aws application-autoscaling put-scaling-policy --region eu-west-1 --cli-input-json file://services/cron/put-scaling-policy.json >/dev/null
aws cloudwatch put-metric-alarm --region eu-west-1 --cli-input-json file://services/cron/put-metric-alarm-cpu.json >/dev/null
aws cloudwatch put-metric-alarm --region eu-west-1 --cli-input-json file://services/cron/put-metric-alarm-memory.json >/dev/null
aws cloudwatch put-metric-alarm --region eu-west-1 --cli-input-json file://services/cron/put-metric-alarm-tasks.json >/dev/null

echo 'services/search/'
aws logs create-log-group --region eu-west-1 --cli-input-json file://services/search/create-log-group.json >/dev/null
aws logs put-retention-policy --region eu-west-1 --cli-input-json file://services/search/put-retention-policy.json >/dev/null
answer=$(aws elbv2 create-target-group --region eu-west-1 --cli-input-json file://services/search/create-target-group.json --query 'TargetGroups[0].TargetGroupArn' --output text)
fill '@target-group-id.search@' "${answer##*/}"
aws elbv2 create-rule --region eu-west-1 --cli-input-json file://services/search/create-rule.json >/dev/null
ecspresso deploy --config services/search/ecspresso.yml --tasks 4
aws application-autoscaling register-scalable-target --region eu-west-1 --cli-input-json file://services/search/register-scalable-target.json >/dev/null
aws application-autoscaling put-scaling-policy --region eu-west-1 --cli-input-json file://services/search/put-scaling-policy.json >/dev/null
aws cloudwatch put-metric-alarm --region eu-west-1 --cli-input-json file://services/search/put-metric-alarm-cpu.json >/dev/null
aws cloudwatch put-metric-alarm --region eu-west-1 --cli-input-json file://services/search/put-metric-alarm-memory.json >/dev/null
aws cloudwatch put-metric-alarm --region eu-west-1 --cli-input-json file://services/search/put-metric-alarm-tasks.json >/dev/null

echo 'services/web/'
aws logs create-log-group --region eu-west-1 --cli-input-json file://services/web/create-log-group.json >/dev/null
aws logs put-retention-policy --region eu-west-1 --cli-input-json file://services/web/put-retention-policy.json >/dev/null
answer=$(aws elbv2 create-target-group --region eu-west-1 --cli-input-json file://services/web/create-target-group.json --query 'TargetGroups[0].TargetGroupArn' --output text)
fill '@target-group-id.web@' "${answer##*/}"
aws elbv2 create-rule --region eu-west-1 --cli-input-json file://services/web/create-rule.json >/dev/null
ecspresso deploy --config services/web/ecspresso.yml --tasks 4
aws application-autoscaling register-scalable-target --region eu-west-1 --cli-input-json file://services/web/register-scalable-target.json >/dev/null
aws application-autoscaling put-scaling-policy --region eu-west-1 --cli-input-json file://services/web/put-scaling-policy.json >/dev/null
aws cloudwatch put-metric-alarm --region eu-west-1 --cli-input-json file://services/web/put-metric-alarm-cpu.json >/dev/null
aws cloudwatch put-metric-alarm --region eu-west-1 --cli-input-json file://services/web/put-metric-alarm-memory.json >/dev/null
aws cloudwatch put-metric-alarm --region eu-west-1 --cli-input-json file://services/web/put-metric-alarm-tasks.json >/dev/null

echo 'cluster'
aws cloudwatch put-dashboard --region eu-west-1 --cli-input-json file://04-put-dashboard.json --dashboard-body file://dashboard.json >/dev/null

# The definitions with everything filled in, for later deployments.
find services -name 'ecs-*-def.json' -exec cp {} "$here/{}" \;
