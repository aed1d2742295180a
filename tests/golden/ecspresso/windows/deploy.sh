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
answer=$(aws ec2 create-security-group --region eu-west-1 --cli-input-json file://security-groups/create-security-group-tasks-portal.json --query 'GroupId' --output text)
fill 'sg-@tasks.portal@' "$answer"
answer=$(aws ec2 create-security-group --region eu-west-1 --cli-input-json file://security-groups/create-security-group-tasks-reports.json --query 'GroupId' --output text)
fill 'sg-@tasks.reports@' "$answer"
answer=$(aws ec2 create-security-group --region eu-west-1 --cli-input-json file://security-groups/create-security-group-instances-windows.json --query 'GroupId' --output text)
fill 'sg-@instances.windows@' "$answer"
aws ec2 authorize-security-group-ingress --region eu-west-1 --cli-input-json file://security-groups/authorize-security-group-ingress-00.json >/dev/null

echo 'roles/shop-portal-execution/'
aws iam create-role --region eu-west-1 --cli-input-json file://roles/shop-portal-execution/create-role.json --assume-role-policy-document file://policies/trust-ecs-tasks.json >/dev/null
aws iam put-role-policy --region eu-west-1 --cli-input-json file://roles/shop-portal-execution/put-role-policy.json --policy-document file://policies/portal/execution-role.json >/dev/null

echo 'roles/shop-portal-task/'
aws iam create-role --region eu-west-1 --cli-input-json file://roles/shop-portal-task/create-role.json --assume-role-policy-document file://policies/trust-ecs-tasks.json >/dev/null

echo 'roles/shop-reports-execution/'
aws iam create-role --region eu-west-1 --cli-input-json file://roles/shop-reports-execution/create-role.json --assume-role-policy-document file://policies/trust-ecs-tasks.json >/dev/null
aws iam put-role-policy --region eu-west-1 --cli-input-json file://roles/shop-reports-execution/put-role-policy.json --policy-document file://policies/reports/execution-role.json >/dev/null

echo 'roles/shop-reports-task/'
aws iam create-role --region eu-west-1 --cli-input-json file://roles/shop-reports-task/create-role.json --assume-role-policy-document file://policies/trust-ecs-tasks.json >/dev/null

echo 'roles/ecsInstanceRole-shop-windows/'
aws iam create-role --region eu-west-1 --cli-input-json file://roles/ecsInstanceRole-shop-windows/create-role.json --assume-role-policy-document file://policies/trust-ec2.json >/dev/null
aws iam attach-role-policy --region eu-west-1 --cli-input-json file://roles/ecsInstanceRole-shop-windows/attach-role-policy.json >/dev/null
aws iam create-instance-profile --region eu-west-1 --cli-input-json file://roles/ecsInstanceRole-shop-windows/create-instance-profile.json >/dev/null
aws iam add-role-to-instance-profile --region eu-west-1 --cli-input-json file://roles/ecsInstanceRole-shop-windows/add-role-to-instance-profile.json >/dev/null

echo 'capacity-providers/windows/'
aws ec2 create-launch-template --region eu-west-1 --cli-input-json file://capacity-providers/windows/create-launch-template.json >/dev/null
aws autoscaling create-auto-scaling-group --region eu-west-1 --cli-input-json file://capacity-providers/windows/create-auto-scaling-group.json >/dev/null
aws ecs create-capacity-provider --region eu-west-1 --cli-input-json file://capacity-providers/windows/create-capacity-provider.json >/dev/null

echo 'cluster'
aws ecs put-cluster-capacity-providers --region eu-west-1 --cli-input-json file://03-put-cluster-capacity-providers.json >/dev/null

echo 'services/portal/'
aws logs create-log-group --region eu-west-1 --cli-input-json file://services/portal/create-log-group.json >/dev/null
aws logs put-retention-policy --region eu-west-1 --cli-input-json file://services/portal/put-retention-policy.json >/dev/null
answer=$(aws elbv2 create-target-group --region eu-west-1 --cli-input-json file://services/portal/create-target-group.json --query 'TargetGroups[0].TargetGroupArn' --output text)
fill '@target-group-id.portal@' "${answer##*/}"
aws elbv2 create-rule --region eu-west-1 --cli-input-json file://services/portal/create-rule.json >/dev/null
ecspresso deploy --config services/portal/ecspresso.yml --tasks 4
aws application-autoscaling register-scalable-target --region eu-west-1 --cli-input-json file://services/portal/register-scalable-target.json >/dev/null
aws application-autoscaling put-scaling-policy --region eu-west-1 --cli-input-json file://services/portal/put-scaling-policy.json >/dev/null
aws cloudwatch put-metric-alarm --region eu-west-1 --cli-input-json file://services/portal/put-metric-alarm-cpu.json >/dev/null
aws cloudwatch put-metric-alarm --region eu-west-1 --cli-input-json file://services/portal/put-metric-alarm-memory.json >/dev/null
aws cloudwatch put-metric-alarm --region eu-west-1 --cli-input-json file://services/portal/put-metric-alarm-tasks.json >/dev/null

echo 'services/reports/'
aws logs create-log-group --region eu-west-1 --cli-input-json file://services/reports/create-log-group.json >/dev/null
aws logs put-retention-policy --region eu-west-1 --cli-input-json file://services/reports/put-retention-policy.json >/dev/null
ecspresso deploy --config services/reports/ecspresso.yml --tasks 4
aws application-autoscaling register-scalable-target --region eu-west-1 --cli-input-json file://services/reports/register-scalable-target.json >/dev/null
aws application-autoscaling put-scaling-policy --region eu-west-1 --cli-input-json file://services/reports/put-scaling-policy.json >/dev/null
aws cloudwatch put-metric-alarm --region eu-west-1 --cli-input-json file://services/reports/put-metric-alarm-cpu.json >/dev/null
aws cloudwatch put-metric-alarm --region eu-west-1 --cli-input-json file://services/reports/put-metric-alarm-memory.json >/dev/null
aws cloudwatch put-metric-alarm --region eu-west-1 --cli-input-json file://services/reports/put-metric-alarm-tasks.json >/dev/null

echo 'cluster'
aws cloudwatch put-dashboard --region eu-west-1 --cli-input-json file://04-put-dashboard.json --dashboard-body file://dashboard.json >/dev/null

# The definitions with everything filled in, for later deployments.
find services -name 'ecs-*-def.json' -exec cp {} "$here/{}" \;
