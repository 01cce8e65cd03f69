#!/bin/sh
# restore_drill.sh ENVIRONMENT: try the daily copies of an environment on this machine; Google Cloud is only read.
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=infra/environment.sh
. infra/environment.sh
exec "${PYTHON:-.venv/bin/python}" -m infra.restore_drill --project="$project" --environment="$environment" \
    --into="$PWD/var/restore-drill/$environment"
