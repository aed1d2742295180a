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
answer=$(aws ec2 create-security-group --region us-east-1 --cli-input-json file://security-groups/create-security-group-tasks-inference.json --query 'GroupId' --output text)
fill 'sg-@tasks.inference@' "$answer"
answer=$(aws ec2 create-security-group --region us-east-1 --cli-input-json file://security-groups/create-security-group-tasks-nightly.json --query 'GroupId' --output text)
fill 'sg-@tasks.nightly@' "$answer"
answer=$(aws ec2 create-security-group --region us-east-1 --cli-input-json file://security-groups/create-security-group-instances-gpu.json --query 'GroupId' --output text)
fill 'sg-@instances.gpu@' "$answer"
aws ec2 authorize-security-group-ingress --region us-east-1 --cli-input-json file://security-groups/authorize-security-group-ingress-00.json >/dev/null

echo 'roles/shop-inference-execution/'
aws iam create-role --region us-east-1 --cli-input-json file://roles/shop-inference-execution/create-role.json --assume-role-policy-document file://policies/trust-ecs-tasks.json >/dev/null
aws iam put-role-policy --region us-east-1 --cli-input-json file://roles/shop-inference-execution/put-role-policy.json --policy-document file://policies/inference/execution-role.json >/dev/null

echo 'roles/shop-inference-task/'
aws iam create-role --region us-east-1 --cli-input-json file://roles/shop-inference-task/create-role.json --assume-role-policy-document file://policies/trust-ecs-tasks.json >/dev/null

echo 'roles/shop-nightly-execution/'
aws iam create-role --region us-east-1 --cli-input-json file://roles/shop-nightly-execution/create-role.json --assume-role-policy-document file://policies/trust-ecs-tasks.json >/dev/null
aws iam put-role-policy --region us-east-1 --cli-input-json file://roles/shop-nightly-execution/put-role-policy.json --policy-document file://policies/nightly/execution-role.json >/dev/null

echo 'roles/shop-nightly-task/'
aws iam create-role --region us-east-1 --cli-input-json file://roles/shop-nightly-task/create-role.json --assume-role-policy-document file://policies/trust-ecs-tasks.json >/dev/null

echo 'roles/shop-nightly-scheduler/'
aws iam create-role --region us-east-1 --cli-input-json file://roles/shop-nightly-scheduler/create-role.json --assume-role-policy-document file://policies/trust-scheduler.json >/dev/null
aws iam put-role-policy --region us-east-1 --cli-input-json file://roles/shop-nightly-scheduler/put-role-policy.json --policy-document file://policies/nightly/scheduler-role.json >/dev/null

echo 'roles/ecsInstanceRole-shop-gpu/'
aws iam create-role --region us-east-1 --cli-input-json file://roles/ecsInstanceRole-shop-gpu/create-role.json --assume-role-policy-document file://policies/trust-ec2.json >/dev/null
aws iam attach-role-policy --region us-east-1 --cli-input-json file://roles/ecsInstanceRole-shop-gpu/attach-role-policy.json >/dev/null
aws iam create-instance-profile --region us-east-1 --cli-input-json file://roles/ecsInstanceRole-shop-gpu/create-instance-profile.json >/dev/null
aws iam add-role-to-instance-profile --region us-east-1 --cli-input-json file://roles/ecsInstanceRole-shop-gpu/add-role-to-instance-profile.json >/dev/null

echo 'capacity-providers/gpu/'
aws ec2 create-launch-template --region us-east-1 --cli-input-json file://capacity-providers/gpu/create-launch-template.json >/dev/null
aws autoscaling create-auto-scaling-group --region us-east-1 --cli-input-json file://capacity-providers/gpu/create-auto-scaling-group.json >/dev/null
aws ecs create-capacity-provider --region us-east-1 --cli-input-json file://capacity-providers/gpu/create-capacity-provider.json >/dev/null

echo 'cluster'
aws ecs put-cluster-capacity-providers --region us-east-1 --cli-input-json file://03-put-cluster-capacity-providers.json >/dev/null

echo 'services/inference/'
aws logs create-log-group --region us-east-1 --cli-input-json file://services/inference/create-log-group.json >/dev/null
aws logs put-retention-policy --region us-east-1 --cli-input-json file://services/inference/put-retention-policy.json >/dev/null
answer=$(aws elbv2 create-target-group --region us-east-1 --cli-input-json file://services/inference/create-target-group.json --query 'TargetGroups[0].TargetGroupArn' --output text)
fill '@target-group-id.inference@' "${answer##*/}"
aws elbv2 create-rule --region us-east-1 --cli-input-json file://services/inference/create-rule.json >/dev/null
ecspresso deploy --config services/inference/ecspresso.yml --tasks 4
aws application-autoscaling register-scalable-target --region us-east-1 --cli-input-json file://services/inference/register-scalable-target.json >/dev/null
aws application-autoscaling put-scaling-policy --region us-east-1 --cli-input-json file://services/inference/put-scaling-policy.json >/dev/null
aws cloudwatch put-metric-alarm --region us-east-1 --cli-input-json file://services/inference/put-metric-alarm-cpu.json >/dev/null
aws cloudwatch put-metric-alarm --region us-east-1 --cli-input-json file://services/inference/put-metric-alarm-memory.json >/dev/null
aws cloudwatch put-metric-alarm --region us-east-1 --cli-input-json file://services/inference/put-metric-alarm-tasks.json >/dev/null

echo 'services/nightly/'
aws logs create-log-group --region us-east-1 --cli-input-json file://services/nightly/create-log-group.json >/dev/null
aws logs put-retention-policy --region us-east-1 --cli-input-json file://services/nightly/put-retention-policy.json >/dev/null
ecspresso register --config services/nightly/ecspresso.yml
aws scheduler create-schedule --region us-east-1 --cli-input-json file://services/nightly/create-schedule.json >/dev/null

echo 'cluster'
aws cloudwatch put-dashboard --region us-east-1 --cli-input-json file://04-put-dashboard.json --dashboard-body file://dashboard.json >/dev/null

# The definitions with everything filled in, for later deployments.
find services -name 'ecs-*-def.json' -exec cp {} "$here/{}" \;
