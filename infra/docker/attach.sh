#!/bin/sh
# attach.sh IMAGES FOLDER: attach to each image, in its registry, the bill of materials of its contents.
# It runs in an image of oras.
set -eu
images=${1:?the file that images.sh wrote}
folder=${2:?the folder of the bills of materials}
sed -n 's/.*"\([a-z]*\)_image": "\([^"]*\)".*/\1 \2/p' "$images" | while read -r target image; do
    bill="$folder/$target-image.json"
    [ -s "$bill" ] || { echo "error: there is no $bill" >&2; exit 1; }
    oras attach --artifact-type=application/vnd.cyclonedx+json "$image" "$bill:application/vnd.cyclonedx+json"
done
