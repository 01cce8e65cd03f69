#!/bin/sh
# submit.sh ENVIRONMENT: give this tree to Cloud Build, for the project that the environment's variables name.
set -eu
variables="terraform/environments/${1:?environment}.tfvars"
told() { sed -n "s/^$1[[:space:]]*=[[:space:]]*\"\([^\"]*\)\".*/\1/p" "$variables"; }
[ -f "$variables" ] || { echo "error: there is no $variables" >&2; exit 2; }
project=$(told project_id)
region=$(told region)
: "${project:?"$variables must state project_id"}" "${region:?"$variables must state region"}"
gcloud builds submit --project="$project" --region="$region" --config=cloudbuild.yaml \
    ${WORKER_POOL:+--worker-pool="$WORKER_POOL"} \
    --gcs-source-staging-dir="gs://$project-surety-state/source" \
    --substitutions="_ENVIRONMENT=$1,_REGION=$region,_STATE_BUCKET=$project-surety-state" .
