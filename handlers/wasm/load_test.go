package wasm_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/graflow/graflow-wasm/handlers/wasm"
)

func TestLoad(t *testing.T) {
	t.Parallel()
	s, code := newShelf(), guestBytes(t)
	digest := s.put("hello@1", code)
	h := newHandler(t, wasm.Config{Registry: s})
	for _, ref := range []string{digest, "hello@1", "testdata"} {
		got, name, err := h.Load(t.Context(), ref)
		switch {
		case ref == "testdata":
			if err == nil {
				t.Error("a directory without a program is loaded")
			}
		case err != nil:
			t.Errorf("%s: %v", ref, err)
		case !bytes.Equal(got, code) || name != ref:
			t.Errorf("%s: got %d bytes of %q, want %d", ref, len(got), name, len(code))
		}
	}
	if _, _, err := h.Load(t.Context(), "hello@2"); !errors.Is(err, wasm.ErrNoModule) {
		t.Errorf("got %v, want %v", err, wasm.ErrNoModule)
	}
	s.modules[digest] = []byte("other")
	if _, _, err := h.Load(t.Context(), digest); !errors.Is(err, wasm.ErrTampered) {
		t.Errorf("got %v, want %v", err, wasm.ErrTampered)
	}
}
