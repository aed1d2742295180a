#!/bin/sh
# Fills in the placeholders, then makes the roles and every call in order. A call refuses what exists already.
set -eu
cd "$(dirname "$0")"
find . -name '*.json' -type f -exec sed -i.bak -f placeholders.sed {} + && find . -name '*.json.bak' -delete
aws iam create-role --role-name ecsInfrastructureRoleForExpress-shop --assume-role-policy-document file://policies/trust-ecs.json
aws iam attach-role-policy --role-name ecsInfrastructureRoleForExpress-shop --policy-arn arn:aws:iam::aws:policy/service-role/AmazonECSInfrastructureRoleforExpressGatewayServices
aws iam create-role --role-name shop-web-execution --assume-role-policy-document file://policies/trust-ecs-tasks.json
aws iam attach-role-policy --role-name shop-web-execution --policy-arn arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy
aws iam create-role --role-name shop-web-task --assume-role-policy-document file://policies/trust-ecs-tasks.json
aws ecs create-cluster --region us-east-1 --cli-input-json file://01-create-cluster.json
aws logs create-log-group --region us-east-1 --cli-input-json file://services/web/create-log-group.json
aws logs put-retention-policy --region us-east-1 --cli-input-json file://services/web/put-retention-policy.json
aws ecs create-express-gateway-service --region us-east-1 --cli-input-json file://services/web/create-express-gateway-service.json
