#!/bin/sh
# Run by the steps of bitbucket-pipelines.yml: exchange the step's token for the account surety-submit. No key is stored;
# what is written lies outside the clone, which a release wants to be as it was committed.
set -eu
: "${BITBUCKET_STEP_OIDC_TOKEN:?the step must have oidc: true}"
: "${WORKLOAD_IDENTITY_PROVIDER:?set it on the deployment: the bootstrap prints workload_identity_providers}"
: "${PROJECT_ID:?set it on the deployment}"
login=$(mktemp -d)
printf '%s' "$BITBUCKET_STEP_OIDC_TOKEN" >"$login/token"
gcloud iam workload-identity-pools create-cred-config "$WORKLOAD_IDENTITY_PROVIDER" \
    --service-account="surety-submit@$PROJECT_ID.iam.gserviceaccount.com" \
    --credential-source-file="$login/token" --output-file="$login/credentials.json"
gcloud auth login --cred-file="$login/credentials.json" --quiet
