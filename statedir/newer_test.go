package statedir_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/statedir"
)

// TestNewer: what a newer version has written is refused for that, and stays as it is.
func TestNewer(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	d, err := statedir.Open(path, statedir.Config{})
	check(t, err)
	for _, run := range []string{"header", "event"} {
		appendNth(t, d, run, "a", 0, 1)
	}
	_, err = d.Backend().Journal.Append(t.Context(), "event", "b", 0, &engine.Event{Type: "compacted", Activation: "b"})
	check(t, err)
	check(t, d.Close())
	file := filepath.Join(path, "runs", "header", "00000000000000000001.journal")
	change(t, file, func(data []byte) []byte { data[8]++; return data })
	before := files(t, path)

	d, err = statedir.Open(path, statedir.Config{})
	check(t, err)
	for _, run := range []string{"header", "event"} {
		_, err := d.Backend().Journal.Read(t.Context(), run, 0)
		if !errors.Is(err, engine.ErrNewer) || !errors.Is(err, statedir.ErrVersion) {
			t.Errorf("%s: %v, want ErrNewer and ErrVersion", run, err)
		}
	}
	check(t, d.Close())
	change(t, filepath.Join(path, "format"), func([]byte) []byte { return []byte("graflow-wasm state 2\n") })
	if _, err := statedir.Open(path, statedir.Config{}); !errors.Is(err, engine.ErrNewer) || !errors.Is(err, statedir.ErrVersion) {
		t.Errorf("the directory: %v, want ErrNewer and ErrVersion", err)
	}
	change(t, filepath.Join(path, "format"), func([]byte) []byte { return []byte("graflow-wasm state 1\n") })
	for name, was := range files(t, path) {
		if !bytes.Equal(was, before[name]) {
			t.Errorf("%s was changed", name)
		}
	}
	change(t, filepath.Join(path, "format"), func([]byte) []byte { return []byte("graflow-wasm state x\n") })
	if _, err := statedir.Open(path, statedir.Config{}); errors.Is(err, engine.ErrNewer) || !errors.Is(err, statedir.ErrVersion) {
		t.Errorf("what is no number: %v, want ErrVersion alone", err)
	}
}

func change(t *testing.T, file string, f func([]byte) []byte) {
	t.Helper()
	data, err := os.ReadFile(file)
	check(t, err)
	check(t, os.WriteFile(file, f(data), 0o600))
}

// files are the contents of journals, and of the format.
func files(t *testing.T, path string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	names, err := filepath.Glob(filepath.Join(path, "runs", "*", "*"))
	check(t, err)
	for _, name := range append(names, filepath.Join(path, "format")) {
		data, err := os.ReadFile(name)
		check(t, err)
		all[name] = data
	}
	return all
}
