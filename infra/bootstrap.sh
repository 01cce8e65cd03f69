#!/bin/sh
# Prepare a project: APIs, state bucket, image repository, accounts. Safe to run again.
# Its own state begins in a file, because the bucket for it is made here, and moves there at the end.
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=infra/environment.sh
. infra/environment.sh

# What enabling any other service needs.
gcloud services enable --project "$project" serviceusage.googleapis.com cloudresourcemanager.googleapis.com iam.googleapis.com

cd terraform/bootstrap
backend() {
    printf 'terraform {\n  backend "gcs" {\n    bucket = "%s"\n    prefix = "bootstrap"\n  }\n}\n' "$state_bucket" >backend.tf
}
if [ -f terraform.tfstate ] && ! grep -q "\"$project\"" terraform.tfstate; then
    echo "error: terraform/bootstrap/terraform.tfstate is not of $project: move it away" >&2
    exit 1
fi
# A listing is empty where there is no such bucket, and fails where nobody may know.
bucket=$(gcloud storage buckets list --project "$project" --filter "name=$state_bucket" --format 'value(name)')
if [ "$bucket" = "$state_bucket" ] && [ ! -f terraform.tfstate ]; then
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

# Monitoring's own account, which the uptime check calls with; it does not come with the API.
gcloud beta services identity create --project "$project" --service monitoring.googleapis.com --quiet
