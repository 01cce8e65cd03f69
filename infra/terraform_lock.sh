#!/bin/sh
# Write .terraform.lock.hcl of both modules: the provider's hashes for every platform that people and builds use,
# as registry.terraform.io signs them. Commit both files; `terraform init` then refuses anything else.
set -eu
cd "$(dirname "$0")/.."
for module in terraform terraform/bootstrap; do
    # A mirror of this machine, such as the one of the offline checks, has hashes of its own.
    TF_CLI_CONFIG_FILE=/dev/null terraform -chdir="$module" providers lock \
        -platform=linux_amd64 -platform=linux_arm64 -platform=darwin_amd64 -platform=darwin_arm64
done
