package wasmhost_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost"
)

var header = []byte("\x00asm\x01\x00\x00\x00")

// section makes a section of fewer than 128 bytes.
func section(id byte, body ...byte) []byte {
	return append([]byte{id, byte(len(body))}, body...)
}

// module makes a module whose one function, "f" of type () -> i32, has body.
func module(body ...byte) []byte {
	code := append([]byte{0}, body...) // no locals
	return bytes.Join([][]byte{
		header,
		section(1, 1, 0x60, 0, 1, 0x7f),
		section(3, 1, 0),
		section(5, 1, 0, 1),
		section(7, 1, 1, 'f', 0, 0),
		section(10, append([]byte{1, byte(len(code))}, code...)...),
	}, nil)
}

var (
	trapModule    = module(0x00, 0x0b)                               // unreachable
	loopModule    = module(0x03, 0x40, 0x0c, 0, 0x0b, 0x41, 0, 0x0b) // loop br 0 end, 0
	recurseModule = module(0x10, 0, 0x41, 1, 0x6a, 0x0b)             // call 0, 1, add
	loadModule    = module(0x41, 0x7f, 0x28, 2, 0, 0x0b)             // i32.load of -1
)

func TestCompileRefuses(t *testing.T) {
	t.Parallel()
	imports := func(module, name string, kind ...byte) []byte {
		b := append([]byte{1, byte(len(module))}, module...)
		b = append(append(b, byte(len(name))), name...)
		return bytes.Join([][]byte{header, section(1, 1, 0x60, 0, 0), section(2, append(b, kind...)...)}, nil)
	}
	for _, tc := range []struct {
		name string
		wasm []byte
		want string
	}{
		{"empty", nil, "empty file"},
		{"text", []byte("hello there"), `looks like text, it begins "hello there"`},
		{"wat", []byte("(module)"), "wat2wasm"},
		{"elf", []byte("\x7fELF\x02\x01\x01"), "looks like an ELF executable"},
		{"short header", header[:6], "truncated: the file ends within the header"},
		{"version", []byte("\x00asm\x02\x00\x00\x00"), "unknown version 02 00 00 00"},
		{"component", []byte("\x00asm\x0d\x00\x01\x00"), "wasm-tools component unbundle"},
		{"truncated", trapModule[:len(trapModule)-2], `section "code" at offset`},
		{"truncated size", append(header[:8:8], 1), `section "type"`},
		{"unknown section", append(header[:8:8], 77, 0), "unknown section id 77"},
		{"order", bytes.Join([][]byte{header, section(3, 0), section(1, 0)}, nil), "out of order"},
		{"huge count", append(header[:8:8], section(3, 0xff, 0xff, 0xff, 0xff, 0x0f)...), "4294967295 functions announced"},
		{"huge locals", bytes.Join([][]byte{header, section(1, 1, 0x60, 0, 0), section(3, 1, 0), section(10, 1, 8, 1, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x7f, 0x0b)}, nil), "at most 50000 are allowed"},
		{"unknown import", imports("env", "puts", 0, 0), "unknown imports: env.puts"},
		{"memory import", imports("env", "memory", 2, 0, 1), "unknown imports: env.memory"},
		{"unknown function", imports("graflow_v1", "magic", 0, 0), "unknown imports: graflow_v1.magic"},
		{"wrong type", imports("graflow_v1", "input_len", 0, 0), "has type () -> (), the host offers () -> (i32)"},
		{"no task", imports("graflow_v1", "fail", 0, 0), "fail"},
		{"nothing", header, "neither a graflow_v1 module"},
		{"invalid code", module(0x6a, 0x0b), "function 0, i32.add: type mismatch"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := host(t).Compile(t.Context(), tc.wasm)
			var bad *wasmhost.ModuleError
			if !errors.As(err, &bad) {
				t.Fatalf("got %v, want a *ModuleError", err)
			}
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %q, want it to contain %q", err, tc.want)
			}
			if !strings.HasPrefix(bad.Digest, "sha256:") {
				t.Errorf("got digest %q", bad.Digest)
			}
		})
	}
}

func TestCompileEveryPrefix(t *testing.T) {
	t.Parallel()
	for n := range len(loopModule) {
		if _, err := host(t).Compile(t.Context(), loopModule[:n]); err == nil {
			t.Errorf("the first %d of %d bytes: got no error", n, len(loopModule))
		}
	}
}

func TestCompileTooLarge(t *testing.T) {
	t.Parallel()
	h, err := wasmhost.New(t.Context(), wasmhost.Config{MaxModuleBytes: 10})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = h.Close(t.Context()) }()
	if _, err := h.Compile(t.Context(), trapModule); err == nil || !strings.Contains(err.Error(), "at most 10 are allowed") {
		t.Errorf("got %v", err)
	}
}

func FuzzCompile(f *testing.F) {
	for _, seed := range [][]byte{nil, header, trapModule, loopModule, recurseModule, loadModule} {
		f.Add(seed)
	}
	h, err := wasmhost.New(f.Context(), wasmhost.Config{MaxModuleBytes: 4096})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = h.Close(f.Context()) })
	f.Fuzz(func(t *testing.T, wasm []byte) {
		m, err := h.Compile(t.Context(), wasm)
		var bad *wasmhost.ModuleError
		switch {
		case err == nil:
			m.Describe()
		case !errors.As(err, &bad):
			t.Errorf("got %v, want a *ModuleError", err)
		}
	})
}
