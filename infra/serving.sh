#!/bin/sh
# serving.sh ENVIRONMENT: the commit, and each image that it has released as NAME=DIGEST, on one line.
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=infra/environment.sh
. infra/environment.sh
exec python3 -m infra.serving --project="$project" --region="$region" --environment="$environment"
