#!/usr/bin/env bash
# Builds a commit (HEAD, or the one that is given) in two directories, with what this
# checkout has to embed: in one with Go's cache, in one with none, and compares. Which
# interpreters a commit embeds is pinned by digests of their own (runtimes/build.sh).
set -euo pipefail
cd "$(dirname "$0")/.."
commit=$(git rev-parse "${1:-HEAD}")
work=$(mktemp -d)
trap 'chmod -R u+w "$work" && rm -rf "$work"' EXIT

# build DIR [CACHE] prints the digest of what `make build` makes there.
build() {
	git clone --quiet --no-checkout . "$1"
	git -C "$1" checkout --quiet --detach "$commit"
	for built in runtimes/built internal/layout/built; do
		find "$built" -maxdepth 1 \( -name '*.wasm' -o -name '*.js' -o -name '*.json' \) -exec cp {} "$1/$built/" \;
	done
	GOCACHE=${2:-$(${GO:-go} env GOCACHE)} GOFLAGS=-buildvcs=true make -s -C "$1" build >&2
	sha256sum <"$1/bin/graflow-wasm" | cut -d' ' -f1
}

first=$(build "$work/here")
second=$(build "$work/a place/elsewhere" "$work/cache")
echo "here, with the cache:      sha256 $first"
echo "elsewhere, without caches: sha256 $second"
if [[ $first != "$second" ]]; then
	echo "the same commit was built to different bytes" >&2
	exit 1
fi
