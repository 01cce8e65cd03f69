# shellcheck shell=sh disable=SC2034
# Sourced with an environment's name by scripts that start at the top of the repository: what its
# file of variables says, and the bucket of Terraform's state. No command takes its project from
# gcloud's own configuration, which may be of another one.
environment=${1:?which environment: a file of terraform/environments, such as prod}
variables="$PWD/terraform/environments/$environment.tfvars"
[ -f "$variables" ] || { echo "error: there is no $variables" >&2; exit 2; }
stated() { sed -n "s/^$1[[:space:]]*=[[:space:]]*\"\([^\"]*\)\".*/\1/p" "$variables"; }
is_on() { grep -Eq "^$1[[:space:]]*=[[:space:]]*true" "$variables"; }
project=$(stated project_id)
region=$(stated region)
: "${project:?"$variables must state project_id"}" "${region:?"$variables must state region"}"
[ "$project" != your-project ] || {
    echo "error: project_id in $variables is still your-project: put the id of your project there" >&2
    exit 2
}
state_bucket="$project-surety-state"
# Who signs images, and with which version of its key: terraform/bootstrap/binary_authorization.tf makes both.
attestor='' attestor_key=''
if is_on enable_binary_authorization; then
    attestor="projects/$project/attestors/surety"
    attestor_key="projects/$project/locations/$region/keyRings/surety/cryptoKeys/images/cryptoKeyVersions/1"
fi
