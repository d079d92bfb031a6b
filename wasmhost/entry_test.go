package wasmhost

import (
	"context"
	"testing"

	"github.com/tetratelabs/wazero/api"
)

// recursing is a module whose "deep" calls itself a hundred thousand times, and
// whose "flat" does nothing.
var recursing = []byte("\x00asm\x01\x00\x00\x00" +
	"\x01\x0a\x02\x60\x00\x01\x7f\x60\x01\x7f\x01\x7f" + // types () -> i32, i32 -> i32
	"\x03\x04\x03\x00\x00\x01" +
	"\x07\x0f\x02\x04deep\x00\x00\x04flat\x00\x01" +
	"\x0a\x22\x03\x08\x00\x41\xa0\x8d\x06\x10\x02\x0b\x04\x00\x41\x00\x0b" +
	"\x12\x00\x20\x00\x45\x04\x7f\x41\x00\x05\x20\x00\x41\x01\x6b\x10\x02\x0b\x0b")

func TestDeepStackIsGivenUp(t *testing.T) {
	t.Parallel()
	h, err := New(t.Context(), Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close(context.Background()) })
	m, err := h.Compile(t.Context(), recursing)
	if err != nil {
		t.Fatal(err)
	}
	kept := func(export string) api.Function {
		t.Helper()
		if _, err := m.Call(t.Context(), export, nil, Options{Limits: Limits{Stack: 64 << 20}}); err != nil {
			t.Fatal(err)
		}
		for _, p := range m.pools {
			return p.idle[0].entry.function
		}
		return nil
	}
	flat := kept("flat")
	if flat == nil || flat != kept("flat") {
		t.Error("a small stack: got a new one for each call")
	}
	if deep := kept("deep"); deep != nil {
		t.Errorf("got a stack of %d bytes kept after a deep recursion, want at most %d", stackOf(deep), keptStack)
	}
}
