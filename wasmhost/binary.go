package wasmhost

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// layout is what the host reads from a binary by itself, before wazero sees it.
type layout struct {
	imports   []importEntry
	memoryMin uint64 // pages
	memoryMax uint64 // pages; noMax without one
	hasMemory bool
}

type importEntry struct {
	module, name string
	kind         byte // 0 function, 1 table, 2 memory, 3 global
}

const (
	noMax     = ^uint64(0)
	maxLocals = 50_000 // of one function: what V8 and others allow
)

var (
	wasmMagic     = []byte("\x00asm")
	moduleVersion = []byte{1, 0, 0, 0}
	componentVer  = []byte{0x0d, 0, 1, 0}
	sectionNames  = []string{
		"custom", "type", "import", "function", "table", "memory", "global",
		"export", "start", "element", "code", "data", "data count",
	}
	// sectionOrder is the place of each section id: data count precedes code.
	sectionOrder = []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 10}
)

// readBinary walks the sections of a module and checks that every size stays
// within the file and no count exceeds the bytes that are there to hold it.
// Instructions are left to wazero.
func readBinary(wasm []byte) (layout, error) {
	l := layout{memoryMax: noMax}
	if err := checkHeader(wasm); err != nil {
		return l, err
	}
	last := 0
	for pos := 8; pos < len(wasm); {
		id := int(wasm[pos])
		if id >= len(sectionNames) {
			return l, &ModuleError{Offset: int64(pos), Reason: fmt.Sprintf("unknown section id %d", id)}
		}
		head := &reader{data: wasm, pos: pos + 1, section: sectionNames[id]}
		size := head.u32()
		if head.err != nil {
			return l, head.err
		}
		end := uint64(head.pos) + size
		if end > uint64(len(wasm)) {
			return l, &ModuleError{
				Offset: int64(pos), Section: sectionNames[id],
				Reason: fmt.Sprintf("truncated: the section has %d bytes, the file ends after %d", size, len(wasm)-head.pos),
			}
		}
		if order := sectionOrder[id]; id != 0 {
			if order <= last {
				return l, &ModuleError{Offset: int64(pos), Section: sectionNames[id], Reason: "repeated or out of order"}
			}
			last = order
		}
		body := &reader{data: wasm[:end], pos: head.pos, section: sectionNames[id]}
		if err := l.readSection(id, body); err != nil {
			return l, err
		}
		pos = int(end)
	}
	return l, nil
}

func checkHeader(wasm []byte) error {
	switch {
	case len(wasm) == 0:
		return &ModuleError{Reason: "empty file"}
	case !bytes.HasPrefix(wasm, wasmMagic[:min(4, len(wasm))]):
		return &ModuleError{Reason: "not WebAssembly: " + looksLike(wasm)}
	case len(wasm) < 8:
		return &ModuleError{Offset: int64(len(wasm)), Reason: "truncated: the file ends within the header"}
	case bytes.Equal(wasm[4:8], componentVer):
		return &ModuleError{Offset: 4, Reason: "a component-model binary, not a core module: build it for wasip1 (wasm32-wasip1), or take out its core module with `wasm-tools component unbundle`"}
	case !bytes.Equal(wasm[4:8], moduleVersion):
		return &ModuleError{Offset: 4, Reason: fmt.Sprintf("unknown version % x, want 01 00 00 00", wasm[4:8])}
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
		if bytes.HasPrefix(bytes.TrimSpace(b), []byte(k.prefix)) {
			return k.what
		}
	}
	head := b[:min(len(b), 32)]
	if utf8.Valid(head) {
		return fmt.Sprintf("looks like text, it begins %q", head)
	}
	return fmt.Sprintf("it begins % x", b[:min(len(b), 8)])
}
