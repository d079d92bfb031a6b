package artifact_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost/internal/artifact"
)

// entries are the paths of the cache's entries.
func entries(tb testing.TB, dir string) []string {
	tb.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, artifact.EntriesDir, "*"))
	if err != nil {
		tb.Fatal(err)
	}
	return paths
}

// added is the one entry that there is now and was not before.
func added(tb testing.TB, dir string, before []string) string {
	tb.Helper()
	var found []string
	for _, p := range entries(tb, dir) {
		if !slices.Contains(before, p) {
			found = append(found, p)
		}
	}
	if len(found) != 1 {
		tb.Fatalf("new entries: %v", found)
	}
	return found[0]
}

func read(tb testing.TB, path string) []byte {
	tb.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return content
}

func write(tb testing.TB, path string, content []byte) {
	tb.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		tb.Fatal(err)
	}
}

// rejects checks that the entry of answer(42) is not run but replaced.
func rejects(t *testing.T, dir string) {
	t.Helper()
	b := open(t, artifact.Config{Dir: dir})
	if report := b.run(t, answer(42), artifact.FromChild, 42); report.Rejected == nil {
		t.Error("nothing says that the entry was rejected")
	}
	if report := b.run(t, answer(42), artifact.FromCache, 42); report.Rejected != nil {
		t.Errorf("the new entry was rejected: %v", report.Rejected)
	}
}

func TestCacheRejects(t *testing.T) {
	t.Parallel()
	dir := cacheDir(t)
	open(t, artifact.Config{Dir: dir}).run(t, answer(42), artifact.FromChild, 42)
	good := read(t, added(t, dir, nil))
	key := read(t, filepath.Join(dir, "key"))
	name := filepath.Base(added(t, dir, nil))
	flip := func(at int) []byte {
		bad := slices.Clone(good)
		bad[at] ^= 1
		return bad
	}
	code := len(good) - 112 // before the trailer
	for title, bad := range map[string][]byte{
		"first byte":     flip(0),
		"in the code":    flip(code / 2),
		"last of code":   flip(code - 1),
		"name":           flip(code + 5),
		"size":           flip(code + 64 + 7),
		"authentication": flip(code + 72),
		"magic":          flip(len(good) - 1),
		"truncated":      good[:len(good)-1],
		"no trailer":     good[:code],
		"trailer alone":  good[code:],
		"cut inside":     slices.Concat(good[:code/2], good[code:]),
		"more in front":  slices.Concat([]byte{0}, good),
		"more behind":    append(slices.Clone(good), 0),
		"twice":          slices.Concat(good, good),
		"empty":          {},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			dir := cacheDir(t)
			entry := filepath.Join(dir, artifact.EntriesDir, name)
			if err := os.MkdirAll(filepath.Dir(entry), 0o700); err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(dir, "key"), key)
			write(t, entry, bad)
			rejects(t, dir)
			if got := read(t, entry); !bytes.Equal(got, good) {
				t.Error("the entry was not replaced by a good one")
			}
		})
	}
}

// Good code of one module is not code of another.
func TestCacheRejectsSwapped(t *testing.T) {
	t.Parallel()
	dir := cacheDir(t)
	b := open(t, artifact.Config{Dir: dir})
	b.run(t, answer(42), artifact.FromChild, 42)
	first := entries(t, dir)
	b.run(t, answer(13), artifact.FromChild, 13)
	write(t, first[0], read(t, added(t, dir, first)))
	rejects(t, dir)
}

func TestCacheRejectsAfterKeyChanged(t *testing.T) {
	t.Parallel()
	dir := cacheDir(t)
	open(t, artifact.Config{Dir: dir}).run(t, answer(42), artifact.FromChild, 42)
	write(t, filepath.Join(dir, "key"), bytes.Repeat([]byte{7}, 32))
	rejects(t, dir)
}

// What differs in any part of its identity is another entry, not a bad one.
func TestCacheIdentity(t *testing.T) {
	t.Parallel()
	dir := cacheDir(t)
	one := artifact.Key{Module: [32]byte{1}, Meter: "a"}
	for _, tt := range []struct {
		name   string
		config artifact.Config
		key    artifact.Key
		want   artifact.Source
	}{
		{"first", artifact.Config{Dir: dir}, one, artifact.FromChild},
		{"same", artifact.Config{Dir: dir}, one, artifact.FromCache},
		{"meter", artifact.Config{Dir: dir}, artifact.Key{Module: [32]byte{1}, Meter: "b"}, artifact.FromChild},
		{"module", artifact.Config{Dir: dir}, artifact.Key{Module: [32]byte{2}, Meter: "a"}, artifact.FromChild},
		{"wazero", artifact.Config{Dir: dir, Wazero: "v0.0.1"}, one, artifact.FromChild},
		{"options", artifact.Config{Dir: dir, Options: artifact.Options{CloseOnContextDone: true}}, one, artifact.FromChild},
		{"still same", artifact.Config{Dir: dir}, one, artifact.FromCache},
	} {
		b := open(t, tt.config)
		_, report, err := b.Compile(t.Context(), b.runtime, tt.key, answer(1), false)
		if err != nil {
			t.Fatal(err)
		}
		if report.Source != tt.want || report.Rejected != nil {
			t.Errorf("%s: code from %s, rejected %v; want %s", tt.name, report.Source, report.Rejected, tt.want)
		}
	}
}

func TestCacheEvicts(t *testing.T) {
	t.Parallel()
	dir := cacheDir(t)
	b := open(t, artifact.Config{Dir: dir})
	var paths []string
	for n := range byte(4) {
		b.run(t, answer(n), artifact.FromChild, uint64(n))
		path := added(t, dir, paths)
		paths = append(paths, path)
		age := time.Now().Add(time.Duration(n)*time.Hour - 100*time.Hour)
		if err := os.Chtimes(path, age, age); err != nil {
			t.Fatal(err)
		}
	}
	stale := filepath.Join(dir, artifact.EntriesDir, "new-STALE")
	write(t, stale, []byte("a writer died"))
	old := time.Now().Add(-48 * time.Hour)
	if err := os.Chtimes(stale, old, old); err != nil {
		t.Fatal(err)
	}
	b.run(t, answer(0), artifact.FromCache, 0) // the oldest is used
	size := int64(len(read(t, paths[0])))
	small := open(t, artifact.Config{Dir: dir, MaxBytes: 3*size + size/2})
	small.run(t, answer(9), artifact.FromChild, 9) // the fifth

	small.run(t, answer(9), artifact.FromCache, 9)
	small.run(t, answer(0), artifact.FromCache, 0)
	small.run(t, answer(3), artifact.FromCache, 3)
	if got := entries(t, dir); len(got) != 3 {
		t.Errorf("entries left: %v", got)
	}
	small.run(t, answer(1), artifact.FromChild, 1)
}

func TestCacheTooSmall(t *testing.T) {
	t.Parallel()
	b := open(t, artifact.Config{Dir: cacheDir(t), MaxBytes: 10})
	_, report, err := b.compile(t.Context(), answer(1))
	if err != nil {
		t.Fatal(err)
	}
	if report.Unsaved == nil {
		t.Error("nothing says that the code was not kept")
	}
}
