#!/bin/sh
# rollback.sh ENVIRONMENT REGION: all traffic to the revision that served before the last release.
set -eu
: "${1:?environment}" "${2:?region}"
gcloud run services update-traffic "$1-scoring" --region="$2" --to-tags=previous=100 --quiet
