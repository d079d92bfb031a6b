#!/bin/sh
# Makes an image of the files in a directory, unless it is there already.
#
#     image.sh IMAGE DIR [INSTRUCTION…]
#
# Each instruction is one of a Dockerfile's, as 'USER 1000'. The image of before, of other
# files, is removed. $DOCKER is the command, docker by default.
set -eu
docker=${DOCKER:-docker}
image=$1 dir=$2
shift 2
tree=$(mktemp)
trap 'rm -f "$tree"' EXIT
tar --create --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --directory "$dir" --file "$tree" .
digest=$({ cat "$tree"; echo "$@"; } | sha256sum | cut -c1-16)
[ "$("$docker" image inspect --format '{{index .Config.Labels "content"}}' "$image" 2>/dev/null)" != "$digest" ] || exit 0
before=$("$docker" image ls --quiet "$image")
for instruction; do
    shift
    set -- "$@" --change "$instruction"
done
"$docker" import --change "LABEL content=$digest" "$@" "$tree" "$image" >/dev/null
[ -z "$before" ] || "$docker" image rm "$before" >/dev/null 2>&1 || true    # a run may have it still
