package natsbus

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/graflow/graflow-wasm/engine"
)

// moduleOf is as good as a module, to who stores it.
func moduleOf(size int, seed byte) []byte {
	data := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(data) // never fails
	return data
}

func put(tb testing.TB, b *Bus, name, version string, data []byte) ModuleRecord {
	tb.Helper()
	r, err := b.PutModule(tb.Context(), ModuleRecord{Name: name, Version: version, Signature: []byte("s"), By: "me"}, bytes.NewReader(data))
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func TestModules(t *testing.T) {
	t.Parallel()
	b := sharedBus(t, newNamespace())
	one, two := moduleOf(3*chunkBytes+17, 1), moduleOf(100, 2)
	r1 := put(t, b, "acme/hello.v", "1.0", one)
	r2 := put(t, b, "acme/hello.v", "0.9", two)
	put(t, b, "acme/hello.v", "1.0", one) // once more
	put(t, b, "also", "", two)
	for ref, want := range map[string]ModuleRecord{"acme/hello.v": r2, "acme/hello.v@1.0": r1, r1.Digest: r1} {
		got, err := b.Module(t.Context(), ref)
		if err != nil || got.Digest != want.Digest || got.Version != want.Version || got.By != "me" || string(got.Signature) != "s" {
			t.Errorf("module %s is %+v, %v", ref, got, err)
		}
	}
	rc, err := b.OpenModule(t.Context(), r1.Digest)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(rc); err != nil || !bytes.Equal(got, one) {
		t.Errorf("read %d bytes, %v; want what was put", len(got), err)
	}
	all, err := b.Modules(t.Context())
	if err != nil || len(all) != 3 || all[0].Version != "1.0" || all[2].Name != "also" {
		t.Errorf("the modules are %+v, %v", all, err)
	}
	_, err = b.PutModule(t.Context(), ModuleRecord{Name: "acme/hello.v", Version: "1.0"}, bytes.NewReader(two))
	if !errors.Is(err, ErrVersionTaken) {
		t.Errorf("another module of the same version: %v, want ErrVersionTaken", err)
	}
	_, err = b.PutModule(t.Context(), ModuleRecord{Name: "x", Digest: r1.Digest}, bytes.NewReader(two))
	if !errors.Is(err, ErrTampered) {
		t.Errorf("another digest than the record's: %v, want ErrTampered", err)
	}
	for _, ref := range []string{"", "@1", "a@", "sha256:12"} {
		if _, err := b.Module(t.Context(), ref); err == nil || errors.Is(err, engine.ErrNotFound) {
			t.Errorf("reference %q: %v, want it to be refused", ref, err)
		}
	}
}

func TestModulesRemove(t *testing.T) {
	t.Parallel()
	b := sharedBus(t, newNamespace())
	data := moduleOf(chunkBytes+1, 3)
	r := put(t, b, "a", "1", data)
	put(t, b, "b", "1", data)
	if err := b.RemoveModule(t.Context(), "a@1"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Module(t.Context(), "a"); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("a module that was removed: %v, want ErrNotFound", err)
	}
	if _, err := b.OpenModule(t.Context(), r.Digest); err != nil {
		t.Errorf("the bytes went while another name needs them: %v", err)
	}
	if err := b.RemoveModule(t.Context(), "b"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.OpenModule(t.Context(), r.Digest); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("the bytes that nobody names: %v, want ErrNotFound", err)
	}
	if err := b.RemoveModule(t.Context(), "b"); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("removing it twice: %v, want ErrNotFound", err)
	}
}

// Acceptance 96: what was changed in storage is refused, as that.
func TestModulesTampered(t *testing.T) {
	t.Parallel()
	b := sharedBus(t, newNamespace())
	data := moduleOf(2*chunkBytes, 4)
	r := put(t, b, "m", "1", data)
	chunk := b.moduleChunks(r.Digest) + "1"
	changed := bytes.Clone(data[chunkBytes:])
	changed[7] ^= 1
	if err := b.persist(t.Context(), &nats.Msg{Subject: chunk, Data: changed}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.OpenModule(t.Context(), r.Digest); !errors.Is(err, ErrTampered) {
		t.Errorf("a changed byte: %v, want ErrTampered", err)
	}
	if err := b.purge(t.Context(), streamModules, chunk); err != nil {
		t.Fatal(err)
	}
	if _, err := b.OpenModule(t.Context(), r.Digest); !errors.Is(err, ErrTampered) {
		t.Errorf("a part that is gone: %v, want ErrTampered", err)
	}
	put(t, b, "m", "1", data) // who has it makes it good
	if _, err := b.OpenModule(t.Context(), r.Digest); err != nil {
		t.Errorf("after it was put again: %v", err)
	}
	record := bytes.Replace([]byte(`{"name":"m","version":"1","digest":"D"}`), []byte("D"), []byte("sha256:00"), 1)
	if err := b.persist(t.Context(), &nats.Msg{Subject: b.recordSubject(r), Data: record}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Module(t.Context(), "m"); !errors.Is(err, ErrTampered) {
		t.Errorf("a record of another digest: %v, want ErrTampered", err)
	}
}

// What could not be read because the caller left is an error, not a panic.
func TestModulesCanceled(t *testing.T) {
	t.Parallel()
	b := sharedBus(t, newNamespace())
	r := put(t, b, "m", "1", moduleOf(10, 5))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.OpenModule(ctx, r.Digest); !errors.Is(err, context.Canceled) {
		t.Errorf("open a module: %v, want it to be canceled", err)
	}
	if _, err := b.archived(ctx, "r"); !errors.Is(err, context.Canceled) {
		t.Errorf("read an archive: %v, want it to be canceled", err)
	}
}

// TestModulesSpoofed: a record under one name that tells another is none.
func TestModulesSpoofed(t *testing.T) {
	t.Parallel()
	b := sharedBus(t, newNamespace())
	good := put(t, b, "good", "1", moduleOf(10, 6))
	r := put(t, b, LocalModules, "1", moduleOf(10, 7))
	record := bytes.Replace([]byte(`{"name":"good","version":"2","digest":"D"}`), []byte("D"), []byte(r.Digest), 1)
	if err := b.persist(t.Context(), &nats.Msg{Subject: b.recordSubject(r), Data: record}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Module(t.Context(), r.Digest); !errors.Is(err, ErrTampered) {
		t.Errorf("by its digest: %v, want ErrTampered", err)
	}
	all, err := b.Modules(t.Context())
	if !errors.Is(err, ErrTampered) || len(all) != 1 || all[0].Digest != good.Digest {
		t.Errorf("the modules are %+v, %v; want the good one, and that there is another", all, err)
	}
	if err := b.RemoveModule(t.Context(), LocalModules); err != nil {
		t.Errorf("remove it: %v", err)
	}
	if _, err := b.Modules(t.Context()); err != nil {
		t.Error(err)
	}
}
