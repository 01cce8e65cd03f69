#!/bin/sh
# Release both images to the service and the jobs that Terraform made, unless DEPLOY is false.
set -eu
: "${DEPLOY:?}" "${ENVIRONMENT:?}" "${MODELS:?}" "${REGION:?}" "${SCORING_IMAGE:?}" "${TRAINING_IMAGE:?}"

[ "$DEPLOY" = true ] || exit 0

gcloud run services update "$ENVIRONMENT-scoring" --region "$REGION" --image "$SCORING_IMAGE"
for model in $MODELS; do
    job="$ENVIRONMENT-train-$(echo "$model" | tr _ -)"
    gcloud run jobs update "$job" --region "$REGION" --image "$TRAINING_IMAGE"
done
