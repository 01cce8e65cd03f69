#!/bin/sh
# images.sh FILE SCORING TRAINING LENDING: write the images, by digest, as variables of Terraform and of a release.
# An image that is named by a tag has just been pushed from here, and Docker knows its digest. One whose name ends
# with @ is none: what is promoted comes from an environment without the loan book.
set -eu
by_digest() {
    case $1 in
    *@sha256:*) echo "$1" ;;
    *) docker inspect --format='{{range .RepoDigests}}{{println .}}{{end}}' "$1" | grep "^${1%:*}@sha256:" ;;
    esac
}
scoring=$(by_digest "${2:?scoring image}")
training=$(by_digest "${3:?training image}")
case ${4:?lending image} in
*@) lending='' ;;
*) lending=$(by_digest "$4") ;;
esac
mkdir -p "$(dirname "${1:?file}")"
printf '{"scoring_image": "%s", "training_image": "%s"%s}\n' "$scoring" "$training" \
    "${lending:+, \"lending_image\": \"$lending\"}" >"$1"
cat "$1"
