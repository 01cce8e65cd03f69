#!/bin/sh
# One source, four locked files with the same pins: tests' is the whole, the others are parts of it.
set -eu
compile() { # compile OUTPUT [ARGUMENT...]
    output=$1
    shift
    .venv/bin/uv pip compile --quiet --generate-hashes --python-version 3.11 --no-emit-index-url \
        --custom-compile-command "make lock" --output-file "$output" "$@" pyproject.toml
}
compile tests/requirements.txt --upgrade --group tests
compile training/requirements.txt --constraints tests/requirements.txt --group training
compile requirements.txt --constraints tests/requirements.txt
# The scoring image does without scipy and its 140 MB: xgboost-cpu asks for it, but only its library
# is used here, through its C API. What asks for less than its packages do installs by --no-deps.
echo "scipy; sys_platform == 'never'" |
    compile functions/requirements.txt --constraints tests/requirements.txt --override -
# Not a part of the whole: checkov runs beside it.
.venv/bin/uv pip compile --quiet --generate-hashes --python-version 3.11 --no-emit-index-url --upgrade \
    --custom-compile-command "make lock" --output-file infra/policies/requirements.txt \
    --group policies
