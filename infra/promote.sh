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
commit=${serving%% *}
digests=''
for pair in ${serving#"$commit"}; do
    case $pair in
    *=sha256:*) digests="$digests,_$(echo "${pair%%=*}" | tr '[:lower:]' '[:upper:]')_DIGEST=${pair#*=}" ;;
    *) digests='' && break ;;
    esac
done
case $digests in
,_SCORING_DIGEST=*,_TRAINING_DIGEST=*) ;;
*) echo "error: $from says \"$serving\", not a commit and the digests of scoring, training and what else runs" >&2; exit 2 ;;
esac
if [ "$(git rev-parse HEAD)" != "$commit" ]; then
    echo "error: $from serves commit $commit, and this is another: git checkout $commit" >&2
    exit 2
fi
echo "$from serves commit $commit:${serving#"$commit"}"
if [ "${CONFIRM:-}" != "$environment" ]; then
    printf 'To release it in %s (%s), type %s: ' "$environment" "$project" "$environment"
    read -r answer
    [ "$answer" = "$environment" ] || { echo "nothing is released" >&2; exit 1; }
fi
exec sh infra/submit.sh "$environment" infra/promote.yaml "_FROM=$from_images$digests"
