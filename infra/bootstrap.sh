#!/bin/sh
# Prepare a project: APIs, state bucket, image repository, accounts. Safe to run again.
# Its own state begins in a file, because the bucket for it is made here, and moves there at the end.
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=infra/environment.sh
. infra/environment.sh

# What enabling any other service needs.
gcloud services enable --project "$project" serviceusage.googleapis.com cloudresourcemanager.googleapis.com iam.googleapis.com

# Grants on a billing account are counted against this project.
[ -z "$(stated billing_account)" ] || gcloud services enable --project "$project" cloudbilling.googleapis.com
# Google's accounts that encrypt: in a new project there is none of them to grant a key to.
if [ -n "$(stated kms_key)$(stated backup_kms_key)" ]; then
    gcloud services enable --project "$project" artifactregistry.googleapis.com bigquery.googleapis.com cloudkms.googleapis.com storage.googleapis.com
    gcloud storage service-agent --project "$project"
    bq --project_id "$project" show --encryption_service_account
    gcloud beta services identity create --project "$project" --service artifactregistry.googleapis.com --quiet
    if is_on enable_lending; then
        gcloud services enable --project "$project" sqladmin.googleapis.com
        gcloud beta services identity create --project "$project" --service sqladmin.googleapis.com --quiet
    fi
fi

cd terraform/bootstrap
# A bucket of its own: the build may write to the other one, and an owner applies what stands in this.
bootstrap_bucket="$project-surety-bootstrap"
backend() {
    printf 'terraform {\n  backend "gcs" {\n    bucket = "%s"\n    prefix = "bootstrap"\n  }\n}\n' "$1" >backend.tf
}
if [ -f terraform.tfstate ] && ! grep -q "\"$project\"" terraform.tfstate; then
    echo "error: terraform/bootstrap/terraform.tfstate is not of $project: move it away" >&2
    exit 1
fi
# A listing is empty where there is no such bucket, and fails where nobody may know.
buckets=$(gcloud storage buckets list --project "$project" --filter "name:$project-surety-*" --format 'value(name)')
has() { printf '%s\n' "$buckets" | grep -qx "$1"; }
if [ -f terraform.tfstate ]; then
    rm -f backend.tf
elif has "$bootstrap_bucket" && ! grep -qs "\"$state_bucket\"" backend.tf; then
    backend "$bootstrap_bucket"
elif has "$state_bucket"; then
    backend "$state_bucket" # where version 0.2.0 left it
else
    rm -f backend.tf
fi
terraform init -reconfigure
terraform apply -compact-warnings -var-file "$variables"
if ! grep -qs "\"$bootstrap_bucket\"" backend.tf; then
    backend "$bootstrap_bucket"
    terraform init -migrate-state -force-copy
    rm -f terraform.tfstate terraform.tfstate.backup
fi

# Monitoring's own account, which the uptime check calls with; it does not come with the API.
gcloud beta services identity create --project "$project" --service monitoring.googleapis.com --quiet
