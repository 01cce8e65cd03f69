#!/bin/sh
# test.sh IMAGE [OPTION...]: start a service's image as strictly as it can be run, and wait until it answers. Options,
# such as --env=NAME=VALUE, are docker's.
set -eu
image=${1:?image}
shift
container=$(docker run --detach --read-only --tmpfs=/tmp --cap-drop=ALL --security-opt=no-new-privileges \
    --env=AUTH=none --env=HOST=0.0.0.0 --env=PORT=8080 "$@" "$image")
set -- "$image"
trap 'docker logs "$container"; docker rm --force "$container" >/dev/null' EXIT

inside() { docker exec "$container" "$@"; }
live='import urllib.request; urllib.request.urlopen("http://127.0.0.1:8080/health/live", timeout=2)'
tries=30
until inside python -c "$live" 2>/dev/null; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || { echo "error: $1 does not answer" >&2; exit 1; }
    sleep 1
done

user=$(inside id -u)
[ "$user" = 10001 ] || { echo "error: $1 runs as user ${user:-unknown}, not 10001" >&2; exit 1; }
for tool in pip gcc cc; do
    ! inside sh -c "command -v $tool" || { echo "error: $1 holds $tool" >&2; exit 1; }
done
echo "$1 answers, read-only, without a tool that it does not need"
