#!/bin/sh
# Show what `terraform apply` would change in an environment whose project was bootstrapped.
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=infra/environment.sh
. infra/environment.sh
cd terraform
terraform init -reconfigure -backend-config="bucket=$state_bucket" -backend-config="prefix=$environment"
terraform plan -var-file="$variables"
