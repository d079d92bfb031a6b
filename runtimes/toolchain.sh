#!/bin/sh
# toolchain.sh makes the C toolchain that the runtimes are compiled with:
#
#   $RUNTIMES_CACHE/sysroot         wasi-libc and compiler-rt of Debian trixie
#   $RUNTIMES_CACHE/toolchain/bin   clang, clang++, clang-cpp, llvm-ar, ranlib, wasm-ld
#
# The system itself is not changed: packages of trixie come by apt lists of our
# own and are unpacked, never installed. Compiler and linker are those of the
# system: clang-19, lld-19 and llvm-19 (apt-get install clang-19 lld-19 llvm-19).
#
# Sourced, it leaves RUNTIMES_CACHE, SYSROOT, TOOLCHAIN and SOURCE_DATE_EPOCH in
# the environment, and defines trixie_apt, fetch_deb and fetch_source. Run, it
# makes the toolchain and prints its directory.
#
# A version that the mirrors have no more, as after a point release of Debian, is
# substituted by the newest one there, with a warning: $RUNTIMES_CACHE/substitutes
# lists those. Results are then not what is recorded. What can't be had at all ends
# the script with status 3.
set -eu

RUNTIMES_DIR=${RUNTIMES_DIR:-$(cd "$(dirname "$0")" && pwd)}
RUNTIMES_CACHE=${RUNTIMES_CACHE:-$(dirname "$RUNTIMES_DIR")/build/runtimes}
mkdir -p "$RUNTIMES_CACHE"
RUNTIMES_CACHE=$(cd "$RUNTIMES_CACHE" && pwd)
SYSROOT=$RUNTIMES_CACHE/sysroot
TOOLCHAIN=$RUNTIMES_CACHE/toolchain
export RUNTIMES_CACHE SYSROOT TOOLCHAIN
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-1735689600} LC_ALL=C TZ=UTC

die() {
    echo "runtimes: $*" >&2
    exit 1
}

warn() {
    echo "runtimes: WARNING: $*" >&2
}

wasi_libc_version=0.0~git20241209.574b88d-2
compiler_rt_version=1:19.1.7-3

# compiler prints what determines the bytes of a result besides its recipe.
compiler() {
    echo "$(clang-19 --version | head -n 1), wasi-libc $(version_of wasi-libc "$wasi_libc_version")"
}

# missing_tools prints what has to be installed to compile runtimes.
missing_tools() {
    for pair in clang-19:clang-19 wasm-ld-19:lld-19 llvm-ar-19:llvm-19 \
        gcc:gcc make:make dpkg-source:dpkg-dev apt-get:apt pkg-config:pkg-config \
        xz:xz-utils patch:patch; do
        command -v "${pair%%:*}" >/dev/null 2>&1 || printf '%s ' "${pair#*:}"
    done
}

# trixie_apt COMMAND... runs apt-get (or apt-cache) on trixie's lists alone.
trixie_apt() {
    command=$1
    shift
    "$command" -o Dir::State::Lists="$RUNTIMES_CACHE/apt/lists" \
        -o Dir::Etc::SourceList=/dev/null \
        -o Dir::Etc::SourceParts="$RUNTIMES_CACHE/apt/parts" \
        -o Dir::Cache="$RUNTIMES_CACHE/apt" \
        -o Dir::Cache::archives="$RUNTIMES_CACHE/apt/archives" \
        -o APT::Sandbox::User="$(id -un)" -q "$@"
}

# trixie_lists makes apt lists of trixie: the system's own Debian sources, with
# the suite's name replaced. Those of other archives are left out.
trixie_lists() {
    apt=$RUNTIMES_CACHE/apt
    [ -e "$apt/done" ] && return
    mkdir -p "$apt/lists/partial" "$apt/archives/partial" "$apt/parts"
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*; do
        [ -r "$file" ] && grep -q debian "$file" || continue
        case $file in
        *.sources)
            sed -E 's/\b(bookworm|trixie)\b/trixie/g; s/^Types:.*/Types: deb deb-src/' "$file" |
                awk -v RS= -v ORS='\n\n' '/trixie/' >"$apt/parts/$(basename "$file")"
            ;;
        *.list)
            sed -En 's/\b(bookworm|trixie)\b/trixie/g; /^deb(-src)? .*debian.*trixie/{s/^deb(-src)?/deb/p; s/^deb/deb-src/p}' \
                "$file" | sort -u >"$apt/parts/$(basename "$file")"
            ;;
        esac
    done
    trixie_apt apt-get update >&2 || unavailable "cannot read the package lists of Debian trixie"
    : >"$apt/done"
}

# check_sum FILE fails unless runtimes/sources.sha256 records the file's digest.
check_sum() {
    got=$(sha256sum "$1" | cut -d' ' -f1)
    want=$(awk -v name="$(basename "$1")" '$2 == name {print $1}' "$RUNTIMES_DIR/sources.sha256")
    [ "$got" = "$want" ] ||
        die "$(basename "$1") has sha256 $got, sources.sha256 records '${want}'"
}

# obtain PACKAGE VERSION FILE VERB has apt-get VERB (download or source) leave a
# package in $RUNTIMES_CACHE/dl, checked, and prints the name of its file: FILE, or
# the newest one's. That one is not recorded, but apt has checked it against the
# archive's signature.
obtain() {
    mkdir -p "$RUNTIMES_CACHE/dl"
    cd "$RUNTIMES_CACHE/dl"
    forget_substitute "$1"
    if [ ! -e "$3" ]; then
        trixie_lists
        download "$4" "$1=$2" || newest "$@"
    fi
    if [ -e "$3" ]; then
        check_sum "$PWD/$3"
        echo "$3"
    else
        substitute "$1" | cut -d' ' -f3
    fi
}

download() {
    case $1 in
    source) trixie_apt apt-get source --download-only "$2" >&2 ;;
    *) trixie_apt apt-get "$1" "$2" >&2 ;;
    esac
}

# newest PACKAGE VERSION FILE VERB downloads the newest version that is there, with
# lists that may know more than those at hand. Mirrors lack some of what lists name.
newest() {
    new=$PWD/new.$1
    rm -f "$RUNTIMES_CACHE/apt/done"
    trixie_lists
    for version in $(versions "$1" "$4"); do
        rm -rf "$new"
        mkdir "$new"
        (cd "$new" && download "$4" "$1=$version") || continue
        found=$(cd "$new" && find . -name '*.dsc' -o -name '*.deb' | head -n 1)
        [ -n "$found" ] || continue
        mv "$new"/* .
        rmdir "$new"
        found=${found#./}
        [ "$found" != "$3" ] || return 0
        warn "$1 $2 can't be had; taking $version, whose result is not recorded"
        echo "$1 $version $found" >>"$RUNTIMES_CACHE/substitutes"
        return 0
    done
    rm -rf "$new"
    unavailable "no version of $1 can be had"
}

# versions PACKAGE VERB prints those that lists have, the newest first.
versions() {
    kind=Packages
    [ "$2" != source ] || kind=Sources
    trixie_apt apt-cache madison "$1" |
        awk -F ' *[|] *' -v kind="$kind\$" '$3 ~ kind && !seen[$2]++ {print $2}'
}

unavailable() {
    echo "runtimes: $*" >&2
    exit 3
}

# substitute PACKAGE prints "PACKAGE VERSION FILE" if another version was taken.
substitute() {
    [ ! -e "$RUNTIMES_CACHE/substitutes" ] ||
        awk -v name="$1" '$1 == name' "$RUNTIMES_CACHE/substitutes"
}

forget_substitute() {
    [ -e "$RUNTIMES_CACHE/substitutes" ] || return 0
    awk -v name="$1" '$1 != name' "$RUNTIMES_CACHE/substitutes" >"$RUNTIMES_CACHE/substitutes.new"
    mv "$RUNTIMES_CACHE/substitutes.new" "$RUNTIMES_CACHE/substitutes"
}

# version_of PACKAGE VERSION prints the version that was taken.
version_of() {
    taken=$(substitute "$1" | cut -d' ' -f2)
    echo "${taken:-$2}"
}

# fetch_deb PACKAGE VERSION FILE unpacks a package of trixie into the sysroot.
fetch_deb() {
    deb=$(obtain "$1" "$2" "$3" download) || exit $?
    dpkg-deb -x "$RUNTIMES_CACHE/dl/$deb" "$SYSROOT"
}

# fetch_source PACKAGE VERSION DSC DIRECTORY unpacks a source package of trixie,
# with Debian's patches, into $RUNTIMES_CACHE/src/DIRECTORY. The digests of its
# parts are in the .dsc, whose own is recorded.
fetch_source() {
    [ -e "$RUNTIMES_CACHE/src/$4.$2" ] && return
    dsc=$(obtain "$1" "$2" "$3" source) || exit $?
    rm -rf "$RUNTIMES_CACHE/src/$4"
    mkdir -p "$RUNTIMES_CACHE/src"
    (cd "$RUNTIMES_CACHE/src" && dpkg-source --no-copy -x "../dl/$dsc" "$4" >"$4.log" 2>&1) ||
        die "cannot unpack $dsc, see $RUNTIMES_CACHE/src/$4.log"
    : >"$RUNTIMES_CACHE/src/$4.$2"
}

# wrapper NAME COMMAND writes $TOOLCHAIN/bin/NAME.
wrapper() {
    printf '#!/bin/sh\nexec %s "$@"\n' "$2" >"$TOOLCHAIN/bin/$1"
    chmod +x "$TOOLCHAIN/bin/$1"
}

make_toolchain() {
    [ -e "$TOOLCHAIN/done-1" ] && return
    lacking=$(missing_tools)
    [ -z "$lacking" ] || die "to compile runtimes: apt-get install $lacking"
    rm -rf "$SYSROOT" "$TOOLCHAIN"
    mkdir -p "$SYSROOT" "$TOOLCHAIN/bin" "$TOOLCHAIN/resource/lib/wasi"
    fetch_deb wasi-libc "$wasi_libc_version" "wasi-libc_${wasi_libc_version}_all.deb"
    fetch_deb libclang-rt-19-dev-wasm32 "$compiler_rt_version" \
        "libclang-rt-19-dev-wasm32_1%3a${compiler_rt_version#1:}_all.deb"
    # A resource directory of our own: the compiler's headers, trixie's compiler-rt.
    ln -s "$(clang-19 -print-resource-dir)/include" "$TOOLCHAIN/resource/include"
    cp "$SYSROOT"/usr/lib/llvm-19/lib/clang/19/lib/wasi/*.a "$TOOLCHAIN/resource/lib/wasi/"
    target="--target=wasm32-wasi --sysroot=$SYSROOT/usr -resource-dir=$TOOLCHAIN/resource"
    # Names in objects must not depend on where the build runs.
    map="-ffile-prefix-map=$RUNTIMES_CACHE=/runtimes -g0"
    wrapper clang "$(command -v clang-19) $target $map"
    wrapper clang++ "$(command -v clang-19) --driver-mode=g++ $target $map"
    wrapper clang-cpp "$(command -v clang-19) $target $map -E"
    wrapper llvm-ar "$(command -v llvm-ar-19)"
    wrapper ar "$(command -v llvm-ar-19)"
    wrapper ranlib "$(command -v llvm-ranlib-19)"
    wrapper llvm-ranlib "$(command -v llvm-ranlib-19)"
    wrapper llvm-nm "$(command -v llvm-nm-19)"
    wrapper nm "$(command -v llvm-nm-19)"
    wrapper strip "true"
    wrapper wasm-ld "$(command -v wasm-ld-19)"
    : >"$TOOLCHAIN/done-1"
}

case $(basename "$0") in
toolchain.sh)
    make_toolchain
    echo "$TOOLCHAIN"
    ;;
esac
