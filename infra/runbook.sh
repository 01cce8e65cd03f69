#!/bin/sh
# runbook.sh ENVIRONMENT: docs/operate.md with that environment's names in its commands.
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=infra/environment.sh
. infra/environment.sh
sed -e "s/your-project/$project/g" -e "s/europe-west1/$region/g" \
    -e "s/prod-/$environment-/g" -e "s/prod_/${environment}_/g" -e "s/ENVIRONMENT=prod/ENVIRONMENT=$environment/g" \
    docs/operate.md
