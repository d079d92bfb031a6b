package script

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/runtimes"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// TestErasedIsBounded keeps more than there is room for: what was used stays, and the sum is
// bounded.
func TestErasedIsBounded(t *testing.T) {
	t.Parallel()
	var e erased
	key := func(n int) erasedKey { return erasedKey{digest: [32]byte{byte(n), byte(n >> 8)}} }
	used := &erasure{code: "used"}
	e.keep(key(0), used)
	for n := range 500 {
		e.keep(key(1+n), &erasure{code: strings.Repeat("x", 100_000)})
		if e.get(key(0)) != used {
			t.Fatalf("what was used is gone after %d more", n+1)
		}
	}
	sum := 0
	for _, half := range []map[erasedKey]*erasure{e.young, e.old} {
		for _, made := range half {
			sum += len(made.code)
		}
	}
	if sum > maxErasedBytes || sum < maxErasedBytes/4 {
		t.Errorf("%d bytes are kept", sum)
	}
	if e.get(key(1)) != nil {
		t.Error("what was not used is still there")
	}
	e.keep(key(1), &erasure{code: strings.Repeat("x", maxErasedEach)})
	if e.get(key(1)) != nil {
		t.Error("a large one is kept")
	}
}

// TestErasedIsApart keeps what tenants and cells have made to themselves.
func TestErasedIsApart(t *testing.T) {
	t.Parallel()
	s, err := New(Config{Host: &wasmhost.Host{}})
	if err != nil {
		t.Fatal(err)
	}
	keys := map[erasedKey]bool{}
	for _, options := range []Options{{}, {Tenant: "a"}, {Tenant: "b"}, {Isolated: true}, {File: "x.ts"}, {Tenant: "a", Isolated: true}} {
		keys[(&run{sandbox: s, options: options}).erasedKey("code")] = true
		keys[(&run{sandbox: s, options: options}).erasedKey("other")] = true
	}
	if len(keys) != 12 {
		t.Errorf("got %d keys", len(keys))
	}
}

// TestErasedIsUsed wants a run to keep code without its types, and to take what is kept if its
// limits allow what that took.
func TestErasedIsUsed(t *testing.T) {
	t.Parallel()
	s, err := New(Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close(context.WithoutCancel(t.Context())) }() // it holds memory only
	var missing *runtimes.MissingError
	if err := s.Prepare(t.Context(), TypeScript); errors.As(err, &missing) && os.Getenv("CI") == "" {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	const code = "1 as number"
	key := (&run{sandbox: s, options: Options{File: TypeScript.file()}}).erasedKey(code)
	comesTo := func(want string) {
		t.Helper()
		got, err := s.Run(t.Context(), TypeScript, code, Options{})
		if err != nil || string(got.Value) != want {
			t.Errorf("got %s, %v, want %s", got.Value, err, want)
		}
	}
	comesTo("1")
	if made := s.erased.get(key); made == nil || made.code != "1 " || made.ledger.Fuel == 0 {
		t.Errorf("kept is %+v", made)
	}
	s.erased.keep(key, &erasure{code: "2"})
	comesTo("2")
	for _, took := range []wasmhost.Ledger{{PeakMemory: 1 << 40}, {Fuel: 1 << 40}} {
		s.erased.keep(key, &erasure{code: "2", ledger: took})
		s.config.Most.Fuel = 1 << 39
		comesTo("1")
	}
}
