#!/bin/sh
# promote.sh ENVIRONMENT FROM: release in ENVIRONMENT what FROM serves, by digest; nothing is built again.
# Whoever starts it confirms it by typing the environment's name. A pipeline whose own approval came
# before sets CONFIRM to that name, and SERVING to what serving.sh printed under the other account.
set -eu
cd "$(dirname "$0")/.."
from=${2:?which environment serves what is promoted, such as dev}
serving=${SERVING:-$(sh infra/serving.sh "$from")}
from_images=$(
    set -- "$from"
    # shellcheck source=infra/environment.sh
    . infra/environment.sh
    echo "$region-docker.pkg.dev/$project/surety"
)
# shellcheck source=infra/environment.sh
. infra/environment.sh
# shellcheck disable=SC2086 # three words, and a fourth where the loan book runs
set -- $serving
[ $# = 3 ] || [ $# = 4 ] || { echo "error: $from says \"$serving\", not a commit and two or three digests" >&2; exit 2; }
if [ "$(git rev-parse HEAD)" != "$1" ]; then
    echo "error: $from serves commit $1, and this is another: git checkout $1" >&2
    exit 2
fi
echo "$from serves commit $1: scoring $2, training $3${4:+, lending $4}"
if [ "${CONFIRM:-}" != "$environment" ]; then
    printf 'To release it in %s (%s), type %s: ' "$environment" "$project" "$environment"
    read -r answer
    [ "$answer" = "$environment" ] || { echo "nothing is released" >&2; exit 1; }
fi
exec sh infra/submit.sh "$environment" infra/promote.yaml \
    "_FROM=$from_images,_SCORING_DIGEST=$2,_TRAINING_DIGEST=$3${4:+,_LENDING_DIGEST=$4}"
