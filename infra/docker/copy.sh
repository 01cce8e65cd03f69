#!/bin/sh
# copy.sh FROM TO: copy an image with what is attached to it. One whose name ends with @ is none, and nothing is copied.
# It runs in an image of oras.
set -eu
case ${1:?the image by digest} in
*@) echo "no image is named: nothing is copied" ;;
*) oras cp --recursive "$1" "${2:?its new name}" ;;
esac
