#!/bin/sh
# rollback.sh ENVIRONMENT [SERVICE]: all traffic to the revision that served before the last release. SERVICE is scoring;
# or lending, whose database stays as it is migrated; or batch, batch-api or dashboard.
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=infra/environment.sh
. infra/environment.sh
service="$environment-${2:-scoring}"
serving() {
    gcloud run services describe "$service" --project="$project" --region="$region" \
        --flatten=status.traffic \
        --format='csv[no-heading](status.traffic.revisionName,status.traffic.percent,status.traffic.tag)'
}
echo "$service in $project: revision, per cent of traffic, tag. Before:"
serving
gcloud run services update-traffic "$service" --project="$project" --region="$region" \
    --to-tags=previous=100 --quiet
echo "After:"
serving
