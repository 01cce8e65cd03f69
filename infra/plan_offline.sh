#!/bin/sh
# Show what a new project would get, without a project, a login or a bucket: state begins in a folder of var/.
# Values that only Google knows are shown as `(known after apply)`.
set -eu
cd "$(dirname "$0")/.."
environment=${1:?which environment: a file of terraform/environments, such as prod}
[ -f "terraform/environments/$environment.tfvars" ] || { echo "error: there is no terraform/environments/$environment.tfvars" >&2; exit 2; }
copy=var/plan-offline
rm -rf "$copy"
mkdir -p "$copy/infra"
cp -R terraform "$copy/terraform"
cp -R infra/placeholder.py infra/monitoring "$copy/infra/"
rm -rf "$copy"/terraform/.terraform "$copy"/terraform/*.tfstate*
cd "$copy/terraform"
# The project's number is the only thing that would be asked for; an argument that is not known yet puts that off.
cat >offline.tf <<'END'
resource "terraform_data" "offline" {
  input = var.project_id
}
END
cat >offline_override.tf <<'END'
terraform {
  backend "local" {}
}

provider "google" {
  access_token = "none"
}

data "google_project" "here" {
  project_id = terraform_data.offline.output
}
END
terraform init -input=false
terraform plan -input=false -refresh=false -var-file="environments/$environment.tfvars"
