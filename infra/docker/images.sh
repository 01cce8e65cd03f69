#!/bin/sh
# images.sh FILE IMAGE...: write the images, by digest, as variables of Terraform and of a release, one a line. The last
# part of an image's repository names its variable: .../scoring is scoring_image.
# An image that is named by a tag has just been pushed from here, and Docker knows its digest. One whose name ends
# with @ is none: what is promoted comes from an environment without it.
set -eu
by_digest() {
    case $1 in
    *@sha256:*) echo "$1" ;;
    *) docker inspect --format='{{range .RepoDigests}}{{println .}}{{end}}' "$1" | grep "^${1%:*}@sha256:" ;;
    esac
}
file=${1:?file}
: "${2:?an image}"
shift
lines=''
for image; do
    case $image in *@) continue ;; esac
    digest=$(by_digest "$image")
    target=${digest%@*}
    lines="${lines:+$lines,
}  \"${target##*/}_image\": \"$digest\""
done
mkdir -p "$(dirname "$file")"
printf '{\n%s\n}\n' "$lines" >"$file"
cat "$file"
