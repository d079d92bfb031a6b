package wasmbin

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

var (
	wasmMagic     = []byte("\x00asm")
	moduleVersion = []byte{1, 0, 0, 0}
	componentVer  = []byte{0x0d, 0, 1, 0}
)

const headerSize = 8

func checkHeader(wasm []byte) error {
	switch {
	case len(wasm) == 0:
		return &Error{Reason: "empty file"}
	case !bytes.HasPrefix(wasm, wasmMagic[:min(4, len(wasm))]):
		return &Error{Reason: "not WebAssembly: " + looksLike(wasm)}
	case len(wasm) < headerSize:
		return &Error{Offset: int64(len(wasm)), Reason: "truncated: the file ends within the header"}
	case bytes.Equal(wasm[4:8], componentVer):
		return &Error{Offset: 4, Reason: "a component-model binary, not a core module: build it for wasip1 (wasm32-wasip1), or take out its core module with `wasm-tools component unbundle`"}
	case !bytes.Equal(wasm[4:8], moduleVersion):
		return &Error{Offset: 4, Reason: fmt.Sprintf("unknown version % x, want 01 00 00 00", wasm[4:8])}
	}
	return nil
}

// looksLike names what somebody may have passed instead of a module.
func looksLike(b []byte) string {
	known := []struct{ prefix, what string }{
		{"\x7fELF", "looks like an ELF executable"},
		{"MZ", "looks like a Windows executable"},
		{"\xcf\xfa\xed\xfe", "looks like a Mach-O executable"},
		{"\x1f\x8b", "looks like gzip: unpack it first"},
		{"\x28\xb5\x2f\xfd", "looks like zstd: unpack it first"},
		{"PK\x03\x04", "looks like a zip archive"},
		{"#!", "looks like a script"},
		{"(module", "looks like the text format: convert it with wat2wasm"},
		{"<", "looks like HTML or XML (a failed download?)"},
	}
	for _, k := range known {
		if bytes.HasPrefix(bytes.TrimSpace(b[:min(len(b), 4096)]), []byte(k.prefix)) {
			return k.what
		}
	}
	head := b[:min(len(b), 32)]
	if utf8.Valid(head) {
		return fmt.Sprintf("looks like text, it begins %q", head)
	}
	return fmt.Sprintf("it begins % x", b[:min(len(b), 8)])
}
