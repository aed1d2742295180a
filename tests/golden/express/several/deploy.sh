#!/bin/sh
# Fills in the placeholders, then makes the roles and every call in order. A call refuses what exists already.
set -eu
cd "$(dirname "$0")"
find . -name '*.json' -type f -exec sed -i.bak -f placeholders.sed {} + && find . -name '*.json.bak' -delete
aws iam create-role --role-name ecsInfrastructureRoleForExpress-shop --assume-role-policy-document file://policies/trust-ecs.json
aws iam attach-role-policy --role-name ecsInfrastructureRoleForExpress-shop --policy-arn arn:aws:iam::aws:policy/service-role/AmazonECSInfrastructureRoleforExpressGatewayServices
aws iam create-role --role-name shop-api-execution --assume-role-policy-document file://policies/trust-ecs-tasks.json
aws iam attach-role-policy --role-name shop-api-execution --policy-arn arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy
aws iam put-role-policy --role-name shop-api-execution --policy-name read-secrets --policy-document file://policies/api/read-secrets.json
aws iam create-role --role-name shop-api-task --assume-role-policy-document file://policies/trust-ecs-tasks.json
aws iam create-role --role-name shop-web-execution --assume-role-policy-document file://policies/trust-ecs-tasks.json
aws iam attach-role-policy --role-name shop-web-execution --policy-arn arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy
aws iam create-role --role-name shop-web-task --assume-role-policy-document file://policies/trust-ecs-tasks.json
aws ecs create-cluster --region eu-west-1 --cli-input-json file://01-create-cluster.json
aws logs create-log-group --region eu-west-1 --cli-input-json file://services/api/create-log-group.json
aws logs put-retention-policy --region eu-west-1 --cli-input-json file://services/api/put-retention-policy.json
aws ecs create-express-gateway-service --region eu-west-1 --cli-input-json file://services/api/create-express-gateway-service.json
aws logs create-log-group --region eu-west-1 --cli-input-json file://services/web/create-log-group.json
aws logs put-retention-policy --region eu-west-1 --cli-input-json file://services/web/put-retention-policy.json
aws ecs create-express-gateway-service --region eu-west-1 --cli-input-json file://services/web/create-express-gateway-service.json
