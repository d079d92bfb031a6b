#!/bin/sh
# build.sh makes the language runtimes: runtimes/built/NAME.wasm and NAME.json.
#
#   build.sh [NAME...]           python, javascript; none is all
#   build.sh --record NAME...    the same, and record the digests of the results
#   build.sh --recipe NAME       print the digest of a recipe (a key for caches)
#   build.sh --prebuilt python   take the prebuilt Python, though slower
#
# What is up to date is left alone: NAME.json holds the digest of the recipe, all
# files that a result follows from. RUNTIMES_CACHE (default build/runtimes) keeps
# sources, toolchain, objects and results between calls; results of a recipe that
# was built before come from there.
#
# The same recipe gives the same bytes with the same compiler; recorded.sha256 has
# the digest and the compiler. A result that differs is an error with CI set, when
# all is to be as recorded. It is kept with a warning otherwise, with another
# compiler, and with another version of a source (see toolchain.sh).
set -eu

RUNTIMES_DIR=$(cd "$(dirname "$0")" && pwd)
export RUNTIMES_DIR
. "$RUNTIMES_DIR/toolchain.sh"
built=$RUNTIMES_DIR/built
recorded=$RUNTIMES_DIR/recorded.sha256

# recipe NAME prints the digest of all files that the runtime is made by.
recipe() {
    (cd "$RUNTIMES_DIR" &&
        find toolchain.sh sources.sha256 "$1" -type f ! -name '*.go' ! -name '*.md' \
            ! -path '*/testdata/*' ! -path '*/conformance/*' ! -path '*/node_modules/*' ! -path '*/__pycache__/*' ! -name '*.wasm' |
        sort | xargs sha256sum | sha256sum | cut -d' ' -f1)
}

digest() {
    sha256sum "$1" | cut -d' ' -f1
}

# suffix tells results of other sources from those of the recipe's.
suffix() {
    [ ! -s "$RUNTIMES_CACHE/substitutes" ] || echo "+$(sha256sum "$RUNTIMES_CACHE/substitutes" | cut -c 1-8)"
}

up_to_date() {
    [ -e "$built/$1.wasm" ] && grep -q "\"recipe\": \"$2$(suffix)\"" "$built/$1.json" 2>/dev/null &&
        grep -q "\"sha256\": \"$(digest "$built/$1.wasm")\"" "$built/$1.json"
}

# check NAME compares a fresh result with what is recorded.
check() {
    got=$(digest "$RUNTIMES_CACHE/$1/$1.wasm")
    want=$(awk -v name="$1.wasm" '$2 == name {print $1}' "$recorded" 2>/dev/null)
    [ "$got" != "$want" ] || return 0
    by=$(awk -v name="$1.wasm" '$2 == name' "$recorded" 2>/dev/null | cut -d' ' -f4-)
    note="$1.wasm has sha256 $got, recorded is ${want:-none}"
    if [ "$by" != "$(compiler)" ]; then
        warn "$note; this compiler is $(compiler), the recorded one ${by:-none}"
    elif [ -s "$RUNTIMES_CACHE/substitutes" ]; then
        warn "$note, of other sources: $(cut -d' ' -f1,2 "$RUNTIMES_CACHE/substitutes" | paste -s -d, -)"
    elif [ -n "${CI:-}" ]; then
        die "$note"
    else
        warn "$note"
    fi
}

# record NAME writes the digest of the result down: "DIGEST  NAME.wasm COMPILER".
record() {
    [ ! -s "$RUNTIMES_CACHE/substitutes" ] || die "not recorded: not of the sources that are; see $RUNTIMES_CACHE/substitutes"
    touch "$recorded"
    awk -v name="$1.wasm" '$2 != name' "$recorded" >"$recorded.new"
    echo "$(digest "$RUNTIMES_CACHE/$1/$1.wasm")  $1.wasm $(compiler)" >>"$recorded.new"
    sort -k 2 "$recorded.new" >"$recorded"
    rm "$recorded.new"
}

# install_runtime NAME WASM VERSION RECIPE PREBUILT puts a result where it is embedded.
install_runtime() {
    cp "$2" "$built/$1.wasm.new"
    chmod 644 "$built/$1.wasm.new"
    mv "$built/$1.wasm.new" "$built/$1.wasm"
    printf '{"version": "%s", "recipe": "%s", "sha256": "%s", "prebuilt": %s}\n' \
        "$3" "$4" "$(digest "$built/$1.wasm")" "$5" >"$built/$1.json"
    echo "runtimes: $built/$1.wasm: $(wc -c <"$built/$1.wasm") bytes, version $3" >&2
}

build() {
    name=$1
    [ -e "$RUNTIMES_DIR/$name/build.sh" ] || die "there is no runtime $name"
    key=$(recipe "$name")
    if [ -z "$recording" ] && up_to_date "$name" "$key"; then
        echo "runtimes: $name is up to date" >&2
        return
    fi
    kept=$RUNTIMES_CACHE/results/$key$(suffix)
    if [ -n "$recording" ] || [ ! -e "$kept/$name.wasm" ]; then
        lacking=$(missing_tools)
        if [ -n "$lacking" ]; then
            without_compiler "$name" "$lacking"
            return
        fi
        status=0
        sh "$RUNTIMES_DIR/$name/build.sh" || status=$?
        case $status in
        0) ;;
        3)
            without_sources "$name"
            return
            ;;
        *) exit "$status" ;;
        esac
        [ -z "$recording" ] || record "$name"
        check "$name"
        kept=$RUNTIMES_CACHE/results/$key$(suffix)
        mkdir -p "$kept"
        cp "$RUNTIMES_CACHE/$name/version" "$kept/version"
        cp "$RUNTIMES_CACHE/$name/$name.wasm" "$kept/$name.wasm"
    fi
    install_runtime "$name" "$kept/$name.wasm" "$(cat "$kept/version")" "$key$(suffix)" false
}

# without_compiler NAME PACKAGES takes what others have compiled, if there is that.
without_compiler() {
    echo "runtimes: to compile $1: apt-get install $2" >&2
    [ -e "$RUNTIMES_DIR/$1/prebuilt.sh" ] || die "$1 can't be had without a compiler"
    prebuilt "$1"
}

# without_sources NAME does the same where what is compiled can't be had.
without_sources() {
    [ -e "$RUNTIMES_DIR/$1/prebuilt.sh" ] || die "$1 can't be had without its sources"
    warn "taking the prebuilt $1, slower and without tools"
    prebuilt "$1"
}

prebuilt() {
    sh "$RUNTIMES_DIR/$1/prebuilt.sh"
    dir=$RUNTIMES_CACHE/$1-prebuilt
    install_runtime "$1" "$dir/$1.wasm" "$(cat "$dir/version")" "prebuilt" true
}

recording=
case ${1:-} in
--recipe)
    recipe "$2"
    exit
    ;;
--prebuilt)
    prebuilt "$2"
    exit
    ;;
--record)
    recording=1
    shift
    ;;
esac
[ $# -gt 0 ] || set -- python javascript
for name in "$@"; do
    build "$name"
done
