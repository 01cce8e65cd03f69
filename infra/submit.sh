#!/bin/sh
# submit.sh ENVIRONMENT: give this tree to Cloud Build, for the project that the environment's variables name.
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=infra/environment.sh
. infra/environment.sh
gcloud builds submit --project="$project" --region="$region" --config=cloudbuild.yaml \
    --gcs-source-staging-dir="gs://$state_bucket/source" \
    --substitutions="_ENVIRONMENT=$environment,_REGION=$region,_STATE_BUCKET=$state_bucket" .
