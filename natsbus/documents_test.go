package natsbus

import (
	"errors"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
)

func TestDocuments(t *testing.T) {
	t.Parallel()
	b := sharedBus(t, newNamespace())
	changed, stop, err := b.WatchDocuments("flow")
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	first, err := b.PutDocument(t.Context(), "flow", "a@1.0 x", []byte("one"), 0)
	if err != nil {
		t.Fatal(err)
	}
	<-changed
	if _, err := b.PutDocument(t.Context(), "flow", "a@1.0 x", []byte("two"), 0); !errors.Is(err, ErrStale) {
		t.Errorf("written over what nobody read: %v, want ErrStale", err)
	}
	if _, err := b.PutDocument(t.Context(), "schedule", "a@1.0 x", []byte("other kind"), 0); err != nil {
		t.Error(err)
	}
	if _, err := b.PutDocument(t.Context(), "flow", "b", nil, 0); err != nil {
		t.Error(err)
	}
	second, err := b.PutDocument(t.Context(), "flow", "a@1.0 x", []byte("two"), first)
	if err != nil || second <= first {
		t.Fatalf("revision %d after %d, %v", second, first, err)
	}
	got, err := b.Document(t.Context(), "flow", "a@1.0 x")
	if err != nil || string(got.Data) != "two" || got.Rev != second || got.Name != "a@1.0 x" || got.Time.IsZero() {
		t.Errorf("read %+v, %v", got, err)
	}
	all, err := b.Documents(t.Context(), "flow")
	if err != nil || len(all) != 2 || all[0].Name != "b" || all[1].Name != "a@1.0 x" || string(all[1].Data) != "two" {
		t.Errorf("list %+v, %v; want b, then a which has changed", all, err)
	}
	if _, err := b.PutDocument(t.Context(), "flow", "big", make([]byte, DocumentBytes), 0); err != nil {
		t.Errorf("the largest: %v", err)
	}
	if _, err := b.PutDocument(t.Context(), "flow", "bigger", make([]byte, DocumentBytes+1), 0); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("too large: %v", err)
	}
}

func TestDocumentsRemove(t *testing.T) {
	t.Parallel()
	b := sharedBus(t, newNamespace())
	first, err := b.PutDocument(t.Context(), "flow", "a", []byte("one"), 0)
	if err != nil {
		t.Fatal(err)
	}
	second, err := b.PutDocument(t.Context(), "flow", "a", []byte("two"), first)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.RemoveDocument(t.Context(), "flow", "a", first); !errors.Is(err, ErrStale) {
		t.Errorf("remove what has changed: %v, want ErrStale", err)
	}
	if err := b.RemoveDocument(t.Context(), "flow", "a", second); err != nil {
		t.Error(err)
	}
	for what, err := range map[string]error{
		"read": func() error { _, err := b.Document(t.Context(), "flow", "a"); return err }(), "remove": b.RemoveDocument(t.Context(), "flow", "a", second),
	} {
		if !errors.Is(err, engine.ErrNotFound) {
			t.Errorf("%s what is gone: %v, want ErrNotFound", what, err)
		}
	}
	if _, err := b.PutDocument(t.Context(), "flow", "a", []byte("again"), 0); err != nil {
		t.Error(err)
	}
}
