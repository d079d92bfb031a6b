package artifact

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestSweep removes what a dead process has left, and nothing else.
func TestSweep(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	long := time.Now().Add(-time.Hour)
	lay := func(name string) string {
		dir := filepath.Join(parent, name)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, lockName), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(dir, long, long); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	dead := lay(privatePattern + "1")
	young := lay(privatePattern + "2")
	if err := os.Chtimes(young, time.Now(), time.Now()); err != nil {
		t.Fatal(err)
	}
	foreign := lay("other-1")
	bare := filepath.Join(parent, privatePattern+"3")
	if err := os.Mkdir(bare, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(bare, long, long); err != nil {
		t.Fatal(err)
	}
	sweep(parent)
	if _, err := os.Stat(dead); err == nil {
		t.Error("a dead process's directory is left")
	}
	for _, dir := range []string{young, foreign, bare} {
		if _, err := os.Stat(dir); err != nil {
			t.Errorf("%s is gone: %v", filepath.Base(dir), err)
		}
	}
}

// TestSweepLiving leaves the directory of a process that lives, however old it is.
func TestSweepLiving(t *testing.T) {
	t.Parallel()
	living, err := makePrivate()
	if err != nil {
		t.Fatal(err)
	}
	long := time.Now().Add(-time.Hour)
	if err := os.Chtimes(living.dir, long, long); err != nil {
		t.Fatal(err)
	}
	if isDead(living.dir) {
		t.Error("a living process is taken for dead")
	}
	if err := living.lock.Close(); err != nil {
		t.Fatal(err)
	}
	if !isDead(living.dir) {
		t.Error("a dead process is taken for living")
	}
	if err := os.RemoveAll(living.dir); err != nil {
		t.Error(err)
	}
}
