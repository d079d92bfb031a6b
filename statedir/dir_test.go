package statedir_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/statedir"
)

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func reopen(t *testing.T, d *statedir.Dir, path string, c statedir.Config) *statedir.Dir {
	t.Helper()
	check(t, d.Close())
	d, err := statedir.Open(path, c)
	check(t, err)
	return d
}

func appendNth(t *testing.T, d *statedir.Dir, run, chain string, expect uint64, n int) uint64 {
	t.Helper()
	seq, err := d.Backend().Journal.Append(t.Context(), run, chain, expect, nth(chain, n))
	check(t, err)
	return seq
}

func TestOpenTwice(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	d := openDir(t, path, statedir.Config{})
	_, err := statedir.Open(path, statedir.Config{})
	if !errors.Is(err, statedir.ErrInUse) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), fmt.Sprint(os.Getpid())) {
		t.Errorf("open again: %v, want ErrInUse, the directory and the process", err)
	}
	appendNth(t, d, "r", "a", 0, 1) // unharmed
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	other, next, plain := t.TempDir(), t.TempDir(), filepath.Join(t.TempDir(), "file")
	check(t, os.WriteFile(filepath.Join(other, "thesis.txt"), nil, 0o600))
	check(t, os.WriteFile(filepath.Join(next, "format"), []byte("graflow-wasm state 2\n"), 0o600))
	check(t, os.WriteFile(plain, nil, 0o600))
	for path, want := range map[string]string{other: "thesis.txt", next: "another version", plain: plain} {
		before, _ := os.ReadDir(path)
		d, err := statedir.Open(path, statedir.Config{})
		if err == nil {
			d.Close()
			t.Errorf("opened %s", path)
			continue
		}
		if !strings.Contains(err.Error(), want) {
			t.Errorf("open: %v, want it to say %q", err, want)
		}
		if after, _ := os.ReadDir(path); len(after) != len(before) {
			t.Errorf("%s has %d entries, want %d as before", path, len(after), len(before))
		}
	}
}

// An open that was interrupted anywhere is taken up.
func TestOpenAfterInterruptedOpen(t *testing.T) {
	t.Parallel()
	for _, made := range [][]string{{"lock"}, {"lock", "tmp/"}, {"lock", "tmp/", "tmp/1"}} {
		path := t.TempDir()
		for _, name := range made {
			if dir, ok := strings.CutSuffix(name, "/"); ok {
				check(t, os.Mkdir(filepath.Join(path, dir), 0o700))
			} else {
				check(t, os.WriteFile(filepath.Join(path, name), nil, 0o600))
			}
		}
		appendNth(t, openDir(t, path, statedir.Config{}), "r", "a", 0, 1)
	}
}

func TestRuns(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	d, err := statedir.Open(path, statedir.Config{OpenRuns: 2})
	check(t, err)
	ids := []string{"", "01J8ZQ", "a/../b", "..", ".", "π*?\\:", "a%2Fb", strings.Repeat("x", 200)}
	slices.Sort(ids)
	for i, id := range ids {
		appendNth(t, d, id, "a", 0, i+1)
	}
	_, err = d.Backend().Channel.Do(t.Context(), "no journal", engine.ChannelOp{Op: engine.OpSet, Key: "k"})
	check(t, err)
	check(t, os.WriteFile(filepath.Join(path, "runs", "stray"), nil, 0o600)) // as file managers leave
	d = reopen(t, d, path, statedir.Config{OpenRuns: 2})
	defer d.Close()
	got, err := d.Runs(t.Context())
	slices.Sort(got)
	if err != nil || !slices.Equal(got, ids) {
		t.Errorf("runs: %q, %v, want %q", got, err, ids)
	}
	for i, id := range ids {
		events, err := d.Backend().Journal.Read(t.Context(), id, 0)
		if err != nil || len(events) != 1 || events[0].Attempt != i+1 {
			t.Errorf("run %q: %v, %v, want event %d", id, events, err, i+1)
		}
	}
	if entries, _ := os.ReadDir(path); len(entries) != 5 {
		t.Errorf("the directory has %v, want its own five", entries)
	}
	_, err = d.Backend().Journal.Append(t.Context(), strings.Repeat("π", 100), "a", 0, nth("a", 1))
	if err == nil || !strings.Contains(err.Error(), "too long") {
		t.Errorf("append to a run with a long id: %v, want that it is too long", err)
	}
}

func TestRemove(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	d := openDir(t, path, statedir.Config{})
	b := d.Backend()
	for _, run := range []string{"r", "s"} {
		appendNth(t, d, run, "a", 0, 1)
		_, err := b.Channel.Do(t.Context(), run, engine.ChannelOp{Op: engine.OpSet, Key: "k"})
		check(t, err)
		_, _, err = b.Blobs.Put(t.Context(), run, strings.NewReader("x"))
		check(t, err)
	}
	check(t, d.Remove(t.Context(), "r"))
	check(t, d.Remove(t.Context(), "r"))
	if _, err := b.Channel.Get(t.Context(), "r", "k"); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("get of a removed run: %v, want ErrNotFound", err)
	}
	left := []string{}
	for _, pattern := range []string{"runs/*", "blobs/*", "tmp/*"} {
		names, _ := filepath.Glob(filepath.Join(path, pattern))
		for _, n := range names {
			left = append(left, filepath.Base(n))
		}
	}
	if !slices.Equal(left, []string{"s", "s"}) {
		t.Errorf("left are %q, want the other run's directories", left)
	}
	appendNth(t, d, "r", "a", 0, 1)
}

func TestClosed(t *testing.T) {
	t.Parallel()
	d, err := statedir.Open(t.TempDir(), statedir.Config{Sync: statedir.SyncInterval})
	check(t, err)
	b := d.Backend()
	check(t, d.Close())
	_, appendErr := b.Journal.Append(t.Context(), "r", "a", 0, nth("a", 1))
	_, readErr := b.Journal.Read(t.Context(), "r", 0)
	_, doErr := b.Channel.Do(t.Context(), "r", engine.ChannelOp{Op: engine.OpSet, Key: "k"})
	_, _, putErr := b.Blobs.Put(t.Context(), "r", strings.NewReader("x"))
	for _, err := range []error{appendErr, readErr, doErr, putErr} {
		if !errors.Is(err, engine.ErrClosed) {
			t.Errorf("after close: %v, want ErrClosed", err)
		}
	}
}

// Two processes that race for a directory: one has it.
func TestOpenRace(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	type opened struct {
		d   *statedir.Dir
		err error
	}
	results := make(chan opened)
	for range 8 {
		go func() {
			d, err := statedir.Open(path, statedir.Config{})
			results <- opened{d, err}
		}()
	}
	won := 0
	for range 8 {
		r := <-results
		if r.err == nil {
			won++
			defer r.d.Close()
		} else if !errors.Is(r.err, statedir.ErrInUse) {
			t.Errorf("open: %v, want ErrInUse", r.err)
		}
	}
	if won != 1 {
		t.Errorf("%d have opened it, want 1", won)
	}
}
