#!/bin/sh
# attest.sh IMAGES ATTESTOR KEY: sign what Binary Authorization asks for before it lets an image run.
# ATTESTOR is projects/P/attestors/A, KEY the resource of a key's version in Cloud KMS. Without an attestor, nothing.
set -eu
images=${1:?the file that images.sh wrote}
[ -n "${2-}" ] || { echo "no attestor is named: nothing is signed"; exit 0; }
: "${3:?the version of a key must sign for $2}"
sed -n 's/.*"[a-z]*_image": "\([^"]*\)".*/\1/p' "$images" | while read -r image; do
    gcloud beta container binauthz attestations sign-and-create --artifact-url="$image" --attestor="$2" --keyversion="$3" --quiet </dev/null
done
