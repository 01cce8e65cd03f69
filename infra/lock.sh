#!/bin/sh
# Resolve pyproject.toml into uv.lock, and export the requirement files from it.
# `lock.sh upgrade` takes the newest release of every package; `lock.sh export` only exports.
set -eu
uv=.uv/bin/uv
case "${1:-keep}" in
upgrade)
    $uv lock --upgrade
    $uv lock --upgrade --project infra/policies
    echo uv | $uv pip compile --quiet --generate-hashes --universal --no-header --upgrade --output-file infra/uv.txt -
    ;;
keep)
    $uv lock
    $uv lock --project infra/policies
    ;;
export) ;;
*)
    echo "usage: lock.sh [upgrade|export]" >&2
    exit 2
    ;;
esac

export_to() { # export_to FILE [ARGUMENT...]
    file=$1
    shift
    {
        echo "# Written by \`make lock\` from uv.lock: change pyproject.toml instead."
        $uv export --quiet --frozen --no-header --no-annotate --no-emit-project --no-default-groups "$@"
    } >"$file"
}
export_to requirements.txt
# xgboost-cpu asks for scipy and its 140 MB; scoring only calls xgboost's C library, which needs none.
# The file therefore installs with `pip install --no-deps`.
export_to functions/requirements.txt --no-emit-package scipy
export_to functions/lending/requirements.txt --no-emit-package scipy --group lending
export_to functions/batch/requirements.txt --no-emit-package scipy --group batch
export_to functions/dashboard/requirements.txt --no-emit-package scipy --group dashboard
export_to training/requirements.txt --group training
# The image also runs the data pipeline, whatever its warehouse.
export_to training/image.txt --group training --group bigquery --group snowflake
export_to training/bigquery.txt --only-group bigquery
export_to training/snowflake.txt --only-group snowflake
export_to training/mlflow.txt --only-group mlflow
export_to training/dask.txt --only-group dask
