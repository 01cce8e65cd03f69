# shellcheck shell=sh disable=SC2034
# Sourced with an environment's name by scripts that start at the top of the repository: what its
# file of variables says, and the bucket of Terraform's state.
environment=${1:?which environment: a file of terraform/environments, such as prod}
variables="$PWD/terraform/environments/$environment.tfvars"
[ -f "$variables" ] || { echo "error: there is no $variables" >&2; exit 2; }
told() { sed -n "s/^$1[[:space:]]*=[[:space:]]*\"\([^\"]*\)\".*/\1/p" "$variables"; }
project=$(told project_id)
region=$(told region)
: "${project:?"$variables must state project_id"}" "${region:?"$variables must state region"}"
state_bucket="$project-surety-state"
