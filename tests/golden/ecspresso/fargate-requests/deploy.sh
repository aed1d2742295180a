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

echo 'security-groups/'
answer=$(aws ec2 create-security-group --region us-east-1 --cli-input-json file://security-groups/create-security-group-tasks-web.json --query 'GroupId' --output text)
fill 'sg-@tasks.web@' "$answer"
aws ec2 authorize-security-group-ingress --region us-east-1 --cli-input-json file://security-groups/authorize-security-group-ingress-00.json >/dev/null

echo 'roles/shop-web-execution/'
aws iam create-role --region us-east-1 --cli-input-json file://roles/shop-web-execution/create-role.json --assume-role-policy-document file://policies/trust-ecs-tasks.json >/dev/null
aws iam put-role-policy --region us-east-1 --cli-input-json file://roles/shop-web-execution/put-role-policy.json --policy-document file://policies/web/execution-role.json >/dev/null

echo 'roles/shop-web-task/'
aws iam create-role --region us-east-1 --cli-input-json file://roles/shop-web-task/create-role.json --assume-role-policy-document file://policies/trust-ecs-tasks.json >/dev/null

echo 'cluster'
aws ecs put-cluster-capacity-providers --region us-east-1 --cli-input-json file://03-put-cluster-capacity-providers.json >/dev/null

echo 'services/web/'
aws logs create-log-group --region us-east-1 --cli-input-json file://services/web/create-log-group.json >/dev/null
aws logs put-retention-policy --region us-east-1 --cli-input-json file://services/web/put-retention-policy.json >/dev/null
answer=$(aws elbv2 create-target-group --region us-east-1 --cli-input-json file://services/web/create-target-group.json --query 'TargetGroups[0].TargetGroupArn' --output text)
fill '@target-group-id.web@' "${answer##*/}"
aws elbv2 create-rule --region us-east-1 --cli-input-json file://services/web/create-rule.json >/dev/null
ecspresso deploy --config services/web/ecspresso.yml --tasks 4
aws application-autoscaling register-scalable-target --region us-east-1 --cli-input-json file://services/web/register-scalable-target.json >/dev/null
aws application-autoscaling put-scaling-policy --region us-east-1 --cli-input-json file://services/web/put-scaling-policy.json >/dev/null
aws cloudwatch put-metric-alarm --region us-east-1 --cli-input-json file://services/web/put-metric-alarm-cpu.json >/dev/null
aws cloudwatch put-metric-alarm --region us-east-1 --cli-input-json file://services/web/put-metric-alarm-memory.json >/dev/null
aws cloudwatch put-metric-alarm --region us-east-1 --cli-input-json file://services/web/put-metric-alarm-tasks.json >/dev/null

echo 'cluster'
aws cloudwatch put-dashboard --region us-east-1 --cli-input-json file://04-put-dashboard.json --dashboard-body file://dashboard.json >/dev/null

# The definitions with everything filled in, for later deployments.
find services -name 'ecs-*-def.json' -exec cp {} "$here/{}" \;
