#!/bin/sh
# rollback.sh ENVIRONMENT: all traffic to the revision that served before the last release.
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=infra/environment.sh
. infra/environment.sh
serving() {
    gcloud run services describe "$environment-scoring" --project="$project" --region="$region" \
        --flatten=status.traffic \
        --format='csv[no-heading](status.traffic.revisionName,status.traffic.percent,status.traffic.tag)'
}
echo "$environment-scoring in $project: revision, per cent of traffic, tag. Before:"
serving
gcloud run services update-traffic "$environment-scoring" --project="$project" --region="$region" \
    --to-tags=previous=100 --quiet
echo "After:"
serving
