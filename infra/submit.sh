#!/bin/sh
# submit.sh ENVIRONMENT [FILE SUBSTITUTIONS]: give this commit to Cloud Build, for the project that the
# environment's variables name. FILE is the pipeline, cloudbuild.yaml unless named.
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=infra/environment.sh
. infra/environment.sh
build_region=$(stated build_region)
pipeline=${2:-cloudbuild.yaml}
changed=$(git status --porcelain)
if [ -n "$changed" ]; then
    printf 'error: a release is a commit, and these files differ from theirs; commit them first:\n%s\n' "$changed" >&2
    exit 2
fi
commit=$(git rev-parse HEAD)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
git archive "$commit" | tar -x -C "$tree"
python3 infra/own_models.py --variables="$variables" --into="$tree/own_models"
# The log goes to a bucket of ours too: gcloud shows a build's log while it runs only from there.
gcloud builds submit "$tree" --project="$project" --region="${build_region:-$region}" --config="$tree/$pipeline" \
    --gcs-source-staging-dir="gs://$state_bucket/source" --gcs-log-dir="gs://$state_bucket/logs" \
    --substitutions="_ENVIRONMENT=$environment,_REGION=$region,_STATE_BUCKET=$state_bucket,_COMMIT=$commit${attestor:+,_ATTESTOR=$attestor,_ATTESTOR_KEY=$attestor_key}${3:+,$3}"
