package artifact_test

import (
	"bytes"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost/internal/artifact"
)

func TestNotes(t *testing.T) {
	t.Parallel()
	dir := cacheDir(t)
	first := open(t, artifact.Config{Dir: dir})
	note := []byte("what was found")
	if err := first.Keep(note, "a", "bc"); err != nil {
		t.Fatal(err)
	}
	entry := added(t, dir, nil)
	for _, c := range []*artifact.Compiler{first.Compiler, open(t, artifact.Config{Dir: dir}).Compiler} {
		if got, err := c.Recall("a", "bc"); err != nil || !bytes.Equal(got, note) {
			t.Errorf("got %q, %v, want %q", got, err, note)
		}
		if got, err := c.Recall("ab", "c"); err != nil || got != nil {
			t.Errorf("of other parts: got %q, %v, want nothing", got, err)
		}
	}
	good := read(t, entry)
	for at := range good {
		bad := bytes.Clone(good)
		bad[at] ^= 1
		write(t, entry, bad)
		if got, err := first.Recall("a", "bc"); err == nil {
			t.Errorf("byte %d was changed: got %q, want an error", at, got)
		}
	}
}

// TestNoteElsewhere: a note is not believed under the name of another, nor in a cache
// that has another key.
func TestNoteElsewhere(t *testing.T) {
	t.Parallel()
	dir, other := cacheDir(t), cacheDir(t)
	c, o := open(t, artifact.Config{Dir: dir}), open(t, artifact.Config{Dir: other})
	if err := c.Keep([]byte("one"), "1"); err != nil {
		t.Fatal(err)
	}
	one := added(t, dir, nil)
	if err := c.Keep([]byte("two"), "2"); err != nil {
		t.Fatal(err)
	}
	write(t, added(t, dir, []string{one}), read(t, one))
	if got, err := c.Recall("2"); err == nil {
		t.Errorf("got %q for another note, want an error", got)
	}
	if err := o.Keep([]byte("one"), "1"); err != nil {
		t.Fatal(err)
	}
	write(t, added(t, other, nil), read(t, one))
	if got, err := o.Recall("1"); err == nil {
		t.Errorf("got %q of another cache, want an error", got)
	}
}
