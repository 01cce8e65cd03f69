#!/bin/sh
# attach.sh IMAGES FOLDER: attach to each image, in its registry, the bill of materials of its contents.
# It runs in an image of oras.
set -eu
images=${1:?the file that images.sh wrote}
folder=${2:?the folder of the bills of materials}
for target in scoring training lending; do
    image=$(sed -n "s/.*\"${target}_image\": \"\([^\"]*\)\".*/\1/p" "$images")
    bill="$folder/$target-image.json"
    [ -s "$bill" ] || { echo "error: there is no $bill" >&2; exit 1; }
    oras attach --artifact-type=application/vnd.cyclonedx+json "$image" "$bill:application/vnd.cyclonedx+json"
done
