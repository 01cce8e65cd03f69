#!/bin/sh
# Show what `terraform apply` would change in an environment whose project was bootstrapped.
set -eu
environment=${1:?which environment: a file of terraform/environments, such as prod}
cd "$(dirname "$0")/../terraform"
project=$(sed -n 's/^project_id *= *"\([^"]*\)".*/\1/p' "environments/$environment.tfvars")
terraform init -reconfigure -backend-config="bucket=$project-surety-state" -backend-config="prefix=$environment"
terraform plan -var-file="environments/$environment.tfvars"
