#!/bin/sh
# build.sh compiles javascript.wasm into $RUNTIMES_CACHE/javascript/. Called by
# ../build.sh; works by itself too.
#
# QuickJS is Debian trixie's source with patches/quickjs.patch; the shim includes it
# whole. The prelude and sucrase, which takes types away, are bundled by esbuild, both
# from npm as package-lock.json has them. patches/sucrase.patch makes sucrase quicker.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
RUNTIMES_DIR=$(dirname "$here")
. "$RUNTIMES_DIR/toolchain.sh"

quickjs_version=2025.04.26
stack_bytes=1048576
out=$RUNTIMES_CACHE/javascript
work=$out/work

for tool in node npm; do
    command -v $tool >/dev/null 2>&1 || die "to build javascript: install node and npm (lacking: $tool)"
done

sources() {
    fetch_source quickjs "$quickjs_version-1" "quickjs_$quickjs_version-1.dsc" quickjs
    rm -rf "$work/quickjs"
    mkdir -p "$work/quickjs"
    cp "$RUNTIMES_CACHE"/src/quickjs/*.[ch] "$work/quickjs/"
    patch -s -d "$work/quickjs" -p1 <"$here/patches/quickjs.patch"
}

# packages installs what package-lock.json names, checked against its digests.
packages() {
    mkdir -p "$work/npm"
    cmp -s "$here/package-lock.json" "$work/npm/package-lock.json" && [ -e "$work/npm/done" ] && return
    rm -rf "$work/npm"
    mkdir -p "$work/npm"
    cp "$here/package.json" "$here/package-lock.json" "$work/npm/"
    (cd "$work/npm" && npm ci --ignore-scripts --no-audit --no-fund >npm.log 2>&1) ||
        die "npm ci failed, see $work/npm/npm.log"
    : >"$work/npm/done"
}

# sucrase patches it, and has numbers for the names in its enums.
sucrase() {
    rm -rf "$work/patched"
    mkdir "$work/patched"
    cp -r "$work/npm/node_modules/sucrase" "$work/patched/sucrase"
    patch -s -d "$work/patched/sucrase" -p1 <"$here/patches/sucrase.patch"
    node "$here/inline.mjs" "$work/patched/sucrase/dist/esm" "$work/npm/node_modules/sucrase/dist/esm"
}

# prelude bundles prelude/*.js and sucrase into one function of the shim's host.
prelude() {
    rm -rf "$work/prelude"
    cp -r "$here/prelude" "$work/prelude"
    node "$here/inline.mjs" "$work/prelude" "$work/npm/node_modules/sucrase/dist/esm"
    (cd "$work" && NODE_PATH=patched:npm/node_modules npm/node_modules/.bin/esbuild prelude/main.js --bundle \
        --format=iife --global-name=made --platform=neutral --main-fields=module,main --target=es2022 \
        --legal-comments=none --minify-syntax --minify-whitespace --log-level=warning --outfile=bundle.js)
    { printf '(function (__host) {'; cat "$work/bundle.js"; printf 'return made;})'; } >"$work/prelude.js"
}

compile() {
    cd "$work"
    flags="-O2 -fno-strict-aliasing -D_GNU_SOURCE -DSTACK_BYTES=$stack_bytes -w -Iquickjs -I$here/shim"
    flags="$flags -include malloc.h -DCONFIG_VERSION=\"$quickjs_version\""
    for part in cutils libregexp libunicode dtoa; do
        "$TOOLCHAIN/bin/clang" $flags -c "quickjs/$part.c" -o "$part.o"
    done
    "$TOOLCHAIN/bin/clang" $flags -Wa,-I. -c "$here/shim/reactor.c" -o reactor.o
    "$TOOLCHAIN/bin/clang" -mexec-model=reactor "-fuse-ld=$TOOLCHAIN/bin/wasm-ld" -O2 \
        -Wl,--strip-all,--stack-first,--gc-sections,-z,stack-size=$stack_bytes \
        reactor.o cutils.o libregexp.o libunicode.o dtoa.o -o "$out/javascript.wasm.new"
    mv "$out/javascript.wasm.new" "$out/javascript.wasm"
}

make_toolchain
mkdir -p "$work"
sources
packages
sucrase
prelude
compile
echo "quickjs $quickjs_version" >"$out/version"
