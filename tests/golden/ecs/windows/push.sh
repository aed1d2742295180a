#!/bin/sh
# Makes the repositories, then builds and pushes: sh push.sh TAG [FOLDER WITH THE DOCKERFILES]
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

tag=${1:?the tag}
source=${2:-$here}
aws ecr create-repository --region eu-west-1 --cli-input-json file://services/reports/create-repository.json >/dev/null || true  # it may exist
aws ecr put-lifecycle-policy --region eu-west-1 --cli-input-json file://services/reports/put-lifecycle-policy.json --lifecycle-policy-text file://policies/lifecycle.json >/dev/null || true  # it may exist
aws ecr get-login-password --region eu-west-1 | docker login --username AWS --password-stdin "$account.dkr.ecr.eu-west-1.amazonaws.com"
docker build --platform windows/amd64 --tag "$account.dkr.ecr.eu-west-1.amazonaws.com/shop/reports:$tag" "$source/reports"
docker push "$account.dkr.ecr.eu-west-1.amazonaws.com/shop/reports:$tag"
