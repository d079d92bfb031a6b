package artifact_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost/internal/artifact"
)

// given makes a cache with answer(42) that all may read, of another user where
// this one may give files away.
func given(t *testing.T) string {
	t.Helper()
	dir := cacheDir(t)
	b, err := start(t.Context(), artifact.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	b.run(t, answer(42), artifact.FromChild, 42)
	b.close(t)
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if os.Geteuid() == 0 {
			if err := os.Lchown(path, 12345, 12345); err != nil {
				return err
			}
		}
		if d.IsDir() {
			return os.Chmod(path, 0o755)
		}
		return os.Chmod(path, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// tree is what is in dir, with times.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		st, err := d.Info()
		if err == nil {
			fmt.Fprintln(&b, path, st.Mode(), st.Size(), st.ModTime())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestCacheReadOnly(t *testing.T) {
	t.Parallel()
	dir := given(t)
	before := tree(t, dir)
	b := open(t, artifact.Config{Dir: dir, ReadOnly: true})
	b.run(t, answer(42), artifact.FromCache, 42)
	b.run(t, answer(7), artifact.FromChild, 7)
	b.run(t, answer(7), artifact.FromChild, 7)
	if got := tree(t, dir); got != before {
		t.Errorf("the cache has become\n%swant\n%s", got, before)
	}
	if runtime.GOOS == "windows" {
		return
	}
	if other, err := start(t.Context(), artifact.Config{Dir: dir}); err == nil { // its key can be read by others
		other.close(t)
		t.Error("the directory was accepted to be written, too")
	}
}

func TestCacheReadOnlyRejects(t *testing.T) {
	t.Parallel()
	dir := given(t)
	path := entries(t, dir)[0]
	code := read(t, path)
	code[len(code)/2] ^= 1
	write(t, path, code)
	b := open(t, artifact.Config{Dir: dir, ReadOnly: true})
	if report := b.run(t, answer(42), artifact.FromChild, 42); report.Rejected == nil {
		t.Error("nothing says that the entry was rejected")
	}
}

func TestCacheReadOnlyMissing(t *testing.T) {
	t.Parallel()
	dir := cacheDir(t)
	b, err := start(t.Context(), artifact.Config{Dir: dir, ReadOnly: true})
	if err == nil {
		b.close(t)
		t.Fatal("a directory that is not there was accepted")
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("got %v, want that nothing was made", err)
	}
}
