#!/bin/sh
# Prepare a project: APIs, state bucket, image repository, build account. Safe to run again.
# Its own state begins in a file, because the bucket for it is made here, and moves there at the end.
set -eu
environment=${1:?which environment: a file of terraform/environments, such as prod}
cd "$(dirname "$0")/../terraform"
variables="$PWD/environments/$environment.tfvars"
project=$(sed -n 's/^project_id *= *"\([^"]*\)".*/\1/p' "$variables")
bucket="$project-surety-state"

cd bootstrap
backend() {
    printf 'terraform {\n  backend "gcs" {\n    bucket = "%s"\n    prefix = "bootstrap"\n  }\n}\n' "$bucket" >backend.tf
}
if [ ! -f terraform.tfstate ] && gcloud storage buckets describe "gs://$bucket" >/dev/null 2>&1; then
    backend
else
    rm -f backend.tf
fi
terraform init -reconfigure
terraform apply -compact-warnings -var-file "$variables"
if [ ! -f backend.tf ]; then
    backend
    terraform init -migrate-state -force-copy
    rm -f terraform.tfstate terraform.tfstate.backup
fi
