#!/bin/sh
# build.sh compiles python.wasm into $RUNTIMES_CACHE/python/. Called by
# ../build.sh; see ../README.md.
#
# Steps, each skipped if it is done already: sources of Debian trixie, a native
# Python of the same version (it compiles the standard library), zlib, libpython
# for wasm32-wasi, and the reactor.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
RUNTIMES_DIR=$(dirname "$here")
. "$RUNTIMES_DIR/toolchain.sh"

python_version=3.13.5-2+deb13u5
zones_version=2026f-0+deb13u1
zlib_version=1:1.3.dfsg+really1.3.1-1
jobs=${JOBS:-$(nproc)}
out=$RUNTIMES_CACHE/python
system_path=$PATH

step() {
    echo "python: $*" >&2
}

# logged FILE COMMAND... runs a command with its output in a file.
logged() {
    log=$1
    shift
    "$@" >"$log" 2>&1 || {
        tail -n 30 "$log" >&2
        die "$1 failed, see $log"
    }
}

# What was compiled from another version is of no use.
sources() {
    [ -e "$RUNTIMES_CACHE/src/python.$python_version" ] || rm -rf "$RUNTIMES_CACHE/native" "$RUNTIMES_CACHE/wasm"
    [ -e "$RUNTIMES_CACHE/src/zlib.$zlib_version" ] || rm -f "$SYSROOT/usr/lib/wasm32-wasi/libz.a"
    fetch_source python3.13 "$python_version" "python3.13_$python_version.dsc" python
    for package in tzdata tzdata-legacy; do
        [ -e "$SYSROOT/usr/share/doc/$package" ] ||
            fetch_deb "$package" "$zones_version" "${package}_${zones_version}_all.deb"
    done
    fetch_source zlib "$zlib_version" zlib_1.3.dfsg+really1.3.1-1.dsc zlib
}

native() {
    [ -e "$RUNTIMES_CACHE/native/done" ] && return
    step "native Python (two minutes)"
    rm -rf "$RUNTIMES_CACHE/native"
    mkdir -p "$RUNTIMES_CACHE/native"
    cd "$RUNTIMES_CACHE/native"
    logged configure.log ../src/python/configure -C --without-ensurepip \
        --disable-test-modules CFLAGS="-O1 -g0"
    logged make.log make "-j$jobs"
    : >done
}

zlib() {
    cd "$RUNTIMES_CACHE"
    [ -e "$SYSROOT/usr/lib/wasm32-wasi/libz.a" ] && return
    step zlib
    rm -rf zlib
    mkdir -p zlib
    for unit in adler32 compress crc32 deflate infback inffast inflate inftrees trees uncompr zutil; do
        clang -O2 -Isrc/zlib -c "src/zlib/$unit.c" -o "zlib/$unit.o"
    done
    cp src/zlib/zlib.h src/zlib/zconf.h "$SYSROOT/usr/include/wasm32-wasi/"
    llvm-ar rcsD zlib/libz.a zlib/*.o
    cp zlib/libz.a "$SYSROOT/usr/lib/wasm32-wasi/"
}

# Paths given to configure are relative: they end up in the library.
libpython() {
    [ -e "$RUNTIMES_CACHE/wasm/done" ] && return
    step "libpython (two minutes)"
    rm -rf "$RUNTIMES_CACHE/wasm"
    mkdir -p "$RUNTIMES_CACHE/wasm"
    cd "$RUNTIMES_CACHE/wasm"
    logged configure.log env PKG_CONFIG_LIBDIR=/nonexistent ZLIB_CFLAGS=" " ZLIB_LIBS=-lz \
        CONFIG_SITE=../src/python/Tools/wasm/config.site-wasm32-wasi \
        CC=clang CXX=clang++ CPP=clang-cpp AR=llvm-ar RANLIB=llvm-ranlib \
        ../src/python/configure -C --host=wasm32-wasi --build=x86_64-linux-gnu \
        --with-build-python=../native/python --prefix=/usr/local \
        --disable-test-modules --without-ensurepip --with-pymalloc --without-mimalloc \
        CFLAGS="-g0 -O2"
    logged make.log make "-j$jobs"
    : >done
}

reactor() {
    step "the reactor"
    mkdir -p "$out"
    cd "$out"
    PYTHONHASHSEED=0 ../native/python -X no_debug_ranges -X frozen_modules=on "$here/freeze.py" \
        ../src/python/Lib "$here/overlay" "$here/graflow" "$SYSROOT/usr/share/zoneinfo" . >&2
    flags="-O2 -g0 -std=gnu23 -I$here -I. -I../src/python/Include -I../wasm -DNDEBUG \
        -D_WASI_EMULATED_SIGNAL -D_WASI_EMULATED_GETPID -D_WASI_EMULATED_PROCESS_CLOCKS"
    for unit in "$here"/*.c frozen.c; do
        clang $flags --embed-dir=. -c "$unit" -o "$(basename "$unit" .c).o"
    done
    clang -mexec-model=reactor -o python.wasm \
        main.o module.o values.o snapshot.o memory.o frozen.o \
        ../wasm/libpython3.13.a ../wasm/Modules/_hacl/libHacl_Hash_SHA2.a \
        ../wasm/Modules/_decimal/libmpdec/libmpdec.a ../wasm/Modules/expat/libexpat.a \
        -lz -lm -ldl -lwasi-emulated-signal -lwasi-emulated-getpid -lwasi-emulated-process-clocks \
        -z stack-size=8388608 -Wl,--stack-first,--initial-memory=33554432,--strip-all \
        $(printf -- ' -Wl,--wrap=__wasi_%s' $(sed -n 's/^WORLD(\([a-z_]*\),.*/\1/p' "$here/snapshot.c"))
}

make_toolchain
PATH=$TOOLCHAIN/bin:/usr/bin:/bin
export PATH
sources
PATH=$system_path
native
PATH=$TOOLCHAIN/bin:/usr/bin:/bin
zlib
libpython
reactor
taken=$(version_of python3.13 "$python_version")
echo "${taken%%-*}" >"$out/version"
