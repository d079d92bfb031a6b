#!/bin/sh
# fetch.sh puts dagre where package layout embeds it: ../built/dagre.min.js and
# dagre.json. It comes from npm as package-lock.json has it; dagre.sha256 has the digest of
# the one file that is taken. What is up to date is left alone. RUNTIMES_CACHE (default
# build/runtimes) keeps what was fetched, as for runtimes/build.sh.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
built=$(dirname "$here")/built
cache=${RUNTIMES_CACHE:-$here/../../../build/runtimes}/dagre
version=$(sed -n 's/.*"@dagrejs\/dagre": "\(.*\)".*/\1/p' "$here/package.json")
want=$(cut -d' ' -f1 "$here/dagre.sha256")

die() {
    echo "dagre: $*" >&2
    exit 1
}

digest() {
    [ ! -e "$1" ] || sha256sum "$1" | cut -d' ' -f1
}

about=$(printf '{"version": "%s", "sha256": "%s"}' "$version" "$want")
if [ "$(digest "$built/dagre.min.js")" = "$want" ] && [ "$(cat "$built/dagre.json" 2>/dev/null)" = "$about" ]; then
    echo "dagre: $version is up to date" >&2
    exit
fi

kept=$cache/$want.js
if [ "$(digest "$kept")" != "$want" ]; then
    command -v npm >/dev/null 2>&1 || die "to fetch it: install npm"
    mkdir -p "$cache"
    work=$(mktemp -d "$cache/npm.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    cp "$here/package.json" "$here/package-lock.json" "$work/"
    (cd "$work" && npm ci --ignore-scripts --no-audit --no-fund >"$cache/npm.log" 2>&1) ||
        die "npm ci failed, see $cache/npm.log"
    file=$work/node_modules/@dagrejs/dagre/dist/dagre.min.js
    [ "$(digest "$file")" = "$want" ] || die "dagre.min.js has sha256 $(digest "$file"), dagre.sha256 records $want"
    cp "$file" "$kept.new"
    mv "$kept.new" "$kept"
fi
cp "$kept" "$built/dagre.min.js.new"
chmod 644 "$built/dagre.min.js.new"
mv "$built/dagre.min.js.new" "$built/dagre.min.js"
echo "$about" >"$built/dagre.json"
echo "dagre: $built/dagre.min.js, version $version" >&2
