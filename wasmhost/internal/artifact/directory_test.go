package artifact_test

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost/internal/artifact"
)

func TestNewMakesDirectory(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a", "cache")
	open(t, artifact.Config{Dir: dir})
	if runtime.GOOS == "windows" {
		t.Skip("no modes here")
	}
	for path, want := range map[string]os.FileMode{
		dir:                          0o700,
		filepath.Join(dir, "key"):    0o600,
		filepath.Join(dir, "code-1"): 0o700,
	} {
		st, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := st.Mode().Perm(); got != want {
			t.Errorf("%s has mode %#o, want %#o", filepath.Base(path), got, want)
		}
	}
	if key := read(t, filepath.Join(dir, "key")); len(key) != 32 || bytes.Equal(key, make([]byte, 32)) {
		t.Errorf("key is %x", key)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("no modes here")
	}
	chmod := func(name string, mode os.FileMode) func(string) error {
		return func(dir string) error { return os.Chmod(filepath.Join(dir, name), mode) }
	}
	for _, tt := range []struct {
		name  string
		spoil func(dir string) error
		want  string
	}{
		{"writable by others", chmod("", 0o777), "others can write it"},
		{"writable by the group", chmod("", 0o770), "others can write it"},
		{"entries writable", chmod(artifact.EntriesDir, 0o777), "others can write it"},
		{"key readable", chmod("key", 0o644), "key of compile cache: others may read"},
		{"key truncated", func(dir string) error { return os.Truncate(filepath.Join(dir, "key"), 3) }, "3 bytes"},
		{"key is a directory", func(dir string) error {
			key := filepath.Join(dir, "key")
			if err := os.Remove(key); err != nil {
				return err
			}
			return os.Mkdir(key, 0o700)
		}, "not a regular file"},
		{"key is a link", func(dir string) error {
			key := filepath.Join(dir, "key")
			if err := os.Rename(key, key+"2"); err != nil {
				return err
			}
			return os.Symlink("key2", key)
		}, "not a regular file"},
		{"a file", func(dir string) error {
			if err := os.RemoveAll(dir); err != nil {
				return err
			}
			return os.WriteFile(dir, nil, 0o600)
		}, "not a directory"},
		{"unreadable", func(dir string) error {
			if os.Geteuid() == 0 { // root reads everything: only a wrong owner is left
				return os.Chown(dir, 12345, 12345)
			}
			return os.Chmod(dir, 0)
		}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := cacheDir(t)
			b, err := start(t.Context(), artifact.Config{Dir: dir})
			if err != nil {
				t.Fatal(err)
			}
			b.close(t)
			if err := tt.spoil(dir); err != nil {
				t.Fatal(err)
			}
			b, err = start(t.Context(), artifact.Config{Dir: dir})
			if err == nil {
				b.close(t)
				t.Fatal("the directory was accepted")
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want it to contain %q", err, tt.want)
			}
		})
	}
}

// Processes that start at once agree on a key, and never see half an entry.
func TestCacheShared(t *testing.T) {
	t.Parallel()
	dir := cacheDir(t)
	var done []func() error
	for range 4 {
		cmd := actor(t, "share", dirVariable+"="+dir)
		said := &bytes.Buffer{}
		cmd.Stdout, cmd.Stderr = said, said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		done = append(done, func() error {
			err := cmd.Wait()
			if err != nil {
				t.Logf("%s", said)
			}
			return err
		})
	}
	for _, wait := range done {
		if err := wait(); err != nil {
			t.Error(err)
		}
	}
	b := open(t, artifact.Config{Dir: dir})
	for n := range byte(shared) {
		b.run(t, answer(n), artifact.FromCache, uint64(n))
	}
	if got := len(entries(t, dir)); got != shared {
		t.Errorf("%d entries, want %d", got, shared)
	}
}
