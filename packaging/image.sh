#!/bin/sh
# image.sh BINARY DIR assembles what Containerfile copies, in DIR, which is made anew.
set -eu

binary=$1
out=$2
here=$(cd "$(dirname "$0")" && pwd)

rm -rf "$out"
mkdir -p "$out/root/usr/bin" "$out/root/etc/ssl/certs" "$out/root/usr/share/doc/graflow-wasm"
cp "$binary" "$out/root/usr/bin/graflow-wasm"
chmod 755 "$out/root/usr/bin/graflow-wasm"
printf 'root:x:0:0:root:/:/nonexistent\ngraflow:x:65532:65532:graflow-wasm:/var/lib/graflow-wasm:/nonexistent\n' >"$out/root/etc/passwd"
printf 'root:x:0:\ngraflow:x:65532:\n' >"$out/root/etc/group"

# The licenses of the binary, and of all that is linked into it or embedded.
doc=$out/root/usr/share/doc/graflow-wasm
cp "$here/../LICENSE" "$doc/LICENSE"
[ -r "$here/../build/THIRD_PARTY_LICENSES" ] || { echo "image.sh: build/THIRD_PARTY_LICENSES is missing: make licenses" >&2; exit 1; }
cp "$here/../build/THIRD_PARTY_LICENSES" "$doc/THIRD_PARTY_LICENSES"

# Tasks that are granted HTTP need the certificates of authorities: this machine's.
for bundle in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem; do
    if [ -r "$bundle" ]; then
        cp -L "$bundle" "$out/root/etc/ssl/certs/ca-certificates.crt"
        break
    fi
done
[ -e "$out/root/etc/ssl/certs/ca-certificates.crt" ] ||
    echo "image.sh: no certificates of authorities here: tasks in the image can't use https (install ca-certificates)" >&2

# Nothing below is in the image but the directories, and their owner.
mkdir -p "$out/own/lib/graflow-wasm/credentials" "$out/own/lib/graflow-wasm/tokens" "$out/own/cache/graflow-wasm" "$out/tmp"
chmod 1777 "$out/tmp"
chmod 700 "$out/own/lib/graflow-wasm" "$out/own/lib/graflow-wasm/credentials" "$out/own/lib/graflow-wasm/tokens"
