#!/bin/sh
# images.sh FILE SCORING TRAINING: write both images, by digest, as variables of Terraform and of a release.
# An image that is named by a tag has just been pushed from here, and Docker knows its digest.
set -eu
by_digest() {
    case $1 in
    *@sha256:*) echo "$1" ;;
    *) docker inspect --format='{{range .RepoDigests}}{{println .}}{{end}}' "$1" | grep "^${1%:*}@sha256:" ;;
    esac
}
scoring=$(by_digest "${2:?scoring image}")
training=$(by_digest "${3:?training image}")
mkdir -p "$(dirname "${1:?file}")"
printf '{"scoring_image": "%s", "training_image": "%s"}\n' "$scoring" "$training" >"$1"
cat "$1"
