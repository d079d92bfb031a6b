package secrets_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/internal/secrets"
)

// memory is a store of what it is.
type memory map[string]string

func (m memory) Secret(_ context.Context, name string) ([]byte, error) {
	if value, ok := m[name]; ok {
		return []byte(value), nil
	}
	return nil, secrets.ErrNotFound
}

// broken is a store that can't be read.
type broken struct{}

var errBroken = errors.New("broken")

func (broken) Secret(context.Context, string) ([]byte, error) { return nil, errBroken }

func TestCheckName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a", "API_KEY", "api-key", "_x", "9lives", strings.Repeat("a", 128)} {
		if err := secrets.CheckName(name); err != nil {
			t.Errorf("%q: got %v, want it allowed", name, err)
		}
	}
	for _, name := range []string{"", "-a", "a b", "a.b", "../a", "a=b", "a\x00", "é", strings.Repeat("a", 129)} {
		if err := secrets.CheckName(name); !errors.Is(err, secrets.ErrName) {
			t.Errorf("%q: got %v, want ErrName", name, err)
		}
	}
}

func TestChain(t *testing.T) {
	t.Parallel()
	store := secrets.Chain(memory{"a": "1"}, memory{"a": "2", "b": "3"})
	for name, want := range map[string]string{"a": "1", "b": "3"} {
		if got, err := store.Secret(t.Context(), name); err != nil || string(got) != want {
			t.Errorf("%s: got %q, %v, want %q", name, got, err, want)
		}
	}
	if _, err := store.Secret(t.Context(), "c"); !errors.Is(err, secrets.ErrNotFound) || !strings.Contains(err.Error(), `"c"`) {
		t.Errorf("got %v, want ErrNotFound naming c", err)
	}
	if _, err := store.Secret(t.Context(), "c d"); !errors.Is(err, secrets.ErrName) {
		t.Errorf("got %v, want ErrName", err)
	}
	if _, err := secrets.Chain(broken{}, memory{"a": "1"}).Secret(t.Context(), "a"); !errors.Is(err, errBroken) {
		t.Errorf("a store that fails: got %v, want its error", err)
	}
}

func TestCollect(t *testing.T) {
	t.Parallel()
	store := memory{"a": "1", "b": "", "c": "3"}
	got, err := secrets.Collect(t.Context(), store, "a", "b", "a")
	if err != nil || len(got) != 2 || string(got["a"]) != "1" || got["b"] == nil {
		t.Errorf("got %q, %v, want a and an empty b", got, err)
	}
	_, err = secrets.Collect(t.Context(), store, "x", "a", "y", "x")
	var missing *secrets.Missing
	if !errors.As(err, &missing) || !slices.Equal(missing.Names, []string{"x", "y"}) || !errors.Is(err, secrets.ErrNotFound) {
		t.Fatalf("got %v, want x and y missing", err)
	}
	if got, want := err.Error(), `secrets "x" "y" are missing`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if _, err := secrets.Collect(t.Context(), secrets.Chain(broken{}), "x"); !errors.Is(err, errBroken) {
		t.Errorf("got %v, want the store's error", err)
	}
}

func TestEnv(t *testing.T) {
	t.Setenv("GRAFLOW_SECRET_API_KEY", "hunter2")
	t.Setenv("GRAFLOW_SECRET_lower", "unreachable")
	t.Setenv("OTHER_A", "1")
	for _, name := range []string{"api-key", "API_KEY", "Api_Key"} {
		if got, err := (secrets.Env{}).Secret(t.Context(), name); err != nil || string(got) != "hunter2" {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
	if got, err := (secrets.Env{Prefix: "OTHER_"}).Secret(t.Context(), "a"); err != nil || string(got) != "1" {
		t.Errorf("another prefix: got %q, %v", got, err)
	}
	if _, err := (secrets.Env{}).Secret(t.Context(), "none"); !errors.Is(err, secrets.ErrNotFound) || !strings.Contains(err.Error(), "GRAFLOW_SECRET_NONE") {
		t.Errorf("got %v, want ErrNotFound naming the variable", err)
	}
	if _, err := (secrets.Env{}).Secret(t.Context(), "a.b"); !errors.Is(err, secrets.ErrName) {
		t.Errorf("got %v, want ErrName", err)
	}
	if got := (secrets.Env{}).Names(); !slices.Equal(got, []string{"API_KEY"}) {
		t.Errorf("got %q, want API_KEY alone: nothing can ask for the other", got)
	}
}
