package dirlock_test

import (
	"errors"
	"io/fs"
	"path/filepath"
	"testing"

	"github.com/graflow/graflow-wasm/internal/dirlock"
)

var errInUse = errors.New("in use")

// TestTake has two want one file.
func TestTake(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "lock")
	if _, err := dirlock.Held(name); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("held without a file: %v, want ErrNotExist", err)
	}
	first, err := dirlock.Take(name, errInUse)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dirlock.Take(name, errInUse); !errors.Is(err, errInUse) {
		t.Errorf("taken twice: %v", err)
	}
	if held, err := dirlock.Held(name); !held || err != nil {
		t.Errorf("held %t, %v, want true", held, err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if held, err := dirlock.Held(name); held || err != nil {
		t.Errorf("held %t after it was given back, %v", held, err)
	}
	again, err := dirlock.Take(name, errInUse)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}
