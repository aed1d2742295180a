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
answer=$(aws ec2 create-security-group --region eu-west-1 --cli-input-json file://security-groups/create-security-group-tasks-worker.json --query 'GroupId' --output text)
fill 'sg-@tasks.worker@' "$answer"

echo 'roles/shop-worker-execution/'
aws iam create-role --region eu-west-1 --cli-input-json file://roles/shop-worker-execution/create-role.json --assume-role-policy-document file://policies/trust-ecs-tasks.json >/dev/null
aws iam put-role-policy --region eu-west-1 --cli-input-json file://roles/shop-worker-execution/put-role-policy.json --policy-document file://policies/worker/execution-role.json >/dev/null

echo 'roles/shop-worker-task/'
aws iam create-role --region eu-west-1 --cli-input-json file://roles/shop-worker-task/create-role.json --assume-role-policy-document file://policies/trust-ecs-tasks.json >/dev/null

echo 'cluster'
aws ecs put-cluster-capacity-providers --region eu-west-1 --cli-input-json file://03-put-cluster-capacity-providers.json >/dev/null

echo 'services/worker/'
aws logs create-log-group --region eu-west-1 --cli-input-json file://services/worker/create-log-group.json >/dev/null
aws logs put-retention-policy --region eu-west-1 --cli-input-json file://services/worker/put-retention-policy.json >/dev/null
aws ecs register-task-definition --region eu-west-1 --cli-input-json file://services/worker/register-task-definition.json >/dev/null
aws ecs create-service --region eu-west-1 --cli-input-json file://services/worker/create-service.json >/dev/null
aws application-autoscaling register-scalable-target --region eu-west-1 --cli-input-json file://services/worker/register-scalable-target.json >/dev/null
aws application-autoscaling put-scaling-policy --region eu-west-1 --cli-input-json file://services/worker/put-scaling-policy.json >/dev/null
aws cloudwatch put-metric-alarm --region eu-west-1 --cli-input-json file://services/worker/put-metric-alarm-cpu.json >/dev/null
aws cloudwatch put-metric-alarm --region eu-west-1 --cli-input-json file://services/worker/put-metric-alarm-memory.json >/dev/null
aws cloudwatch put-metric-alarm --region eu-west-1 --cli-input-json file://services/worker/put-metric-alarm-tasks.json >/dev/null

echo 'cluster'
aws cloudwatch put-dashboard --region eu-west-1 --cli-input-json file://04-put-dashboard.json --dashboard-body file://dashboard.json >/dev/null
