package statedir_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/statedir"
)

func do(t *testing.T, d *statedir.Dir, op engine.Op, key, value string) {
	t.Helper()
	_, err := d.Backend().Channel.Do(t.Context(), "r", engine.ChannelOp{Op: op, Key: key, Value: json.RawMessage(value)})
	check(t, err)
}

func holds(t *testing.T, d *statedir.Dir, key, want string) {
	t.Helper()
	got, err := d.Backend().Channel.Get(t.Context(), "r", key)
	if want == "" && errors.Is(err, engine.ErrNotFound) {
		return
	}
	if string(got) != want || err != nil {
		t.Errorf("key %q holds %s, %v, want %q", key, got, err, want)
	}
}

func TestChannelReopen(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	d, err := statedir.Open(path, statedir.Config{})
	check(t, err)
	do(t, d, engine.OpSet, "spaced", `{ "a": [1,  2] }`)
	do(t, d, engine.OpSet, "bytes\xff", `1`)
	do(t, d, engine.OpAdd, "n", `40`)
	do(t, d, engine.OpAdd, "n", `2`)
	do(t, d, engine.OpAppend, "l", `"b"`)
	do(t, d, engine.OpPrepend, "l", `"a"`)
	do(t, d, engine.OpSet, "gone", `1`)
	do(t, d, engine.OpDelete, "gone", "")
	for range 3 {
		d = reopen(t, d, path, statedir.Config{})
		holds(t, d, "spaced", `{ "a": [1,  2] }`)
		holds(t, d, "bytes\xff", `1`)
		holds(t, d, "n", `42`)
		holds(t, d, "l", `["a","b"]`)
		holds(t, d, "gone", "")
	}
	check(t, d.Close())
}

// What was forgotten stays so, and what follows begins anew, in this process and
// in the next.
func TestChannelForgetReopen(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	d, err := statedir.Open(path, statedir.Config{})
	check(t, err)
	appendNth(t, d, "r", "a", 0, 1)
	for round := range 3 {
		do(t, d, engine.OpAdd, "n", "1")
		do(t, d, engine.OpAdd, "n", "1")
		holds(t, d, "n", "2")
		if round == 1 {
			d = reopen(t, d, path, statedir.Config{})
		}
		check(t, d.Backend().Channel.Forget(t.Context(), "r"))
		holds(t, d, "n", "")
		if round == 2 {
			do(t, d, engine.OpAdd, "n", "7")
			holds(t, d, "n", "7")
		}
		d = reopen(t, d, path, statedir.Config{})
	}
	holds(t, d, "n", "7")
	if got := attempts(t, d, 0); len(got) != 1 {
		t.Errorf("the journal has %d events, want the 1", len(got))
	}
	damaged := filepath.Join(path, "runs", "r", "channel")
	check(t, d.Close())
	check(t, os.WriteFile(damaged, []byte("no channel"), 0o600))
	d, err = statedir.Open(path, statedir.Config{})
	check(t, err)
	defer d.Close()
	if _, err := d.Backend().Channel.Get(t.Context(), "r", "n"); err == nil {
		t.Error("read a damaged channel")
	}
	check(t, d.Backend().Channel.Forget(t.Context(), "r"))
	do(t, d, engine.OpAdd, "n", "3")
	holds(t, d, "n", "3")
}

// Expiry goes on while no process has the directory open.
func TestChannelExpiryReopen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		path := t.TempDir()
		d, err := statedir.Open(path, statedir.Config{})
		check(t, err)
		c := d.Backend().Channel
		for _, key := range []string{"soon", "late", "kept", "anew"} {
			do(t, d, engine.OpSet, key, "1")
		}
		check(t, c.Expire(t.Context(), "r", "soon", time.Minute))
		check(t, c.Expire(t.Context(), "r", "anew", time.Minute))
		check(t, c.Expire(t.Context(), "r", "late", time.Hour))
		check(t, c.Expire(t.Context(), "r", "kept", time.Minute))
		check(t, c.Expire(t.Context(), "r", "kept", 0))
		check(t, d.Close())
		time.Sleep(2 * time.Minute)
		d, err = statedir.Open(path, statedir.Config{})
		check(t, err)
		do(t, d, engine.OpAdd, "anew", "5") // from 0, for good
		d = reopen(t, d, path, statedir.Config{})
		holds(t, d, "soon", "")
		holds(t, d, "late", "1")
		holds(t, d, "kept", "1")
		holds(t, d, "anew", "5")
		time.Sleep(time.Hour)
		holds(t, d, "late", "")
		holds(t, d, "anew", "5")
		check(t, d.Close())
	})
}

// The file of a channel does not grow with the number of its writes.
func TestChannelSnapshot(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	d, err := statedir.Open(path, statedir.Config{Sync: statedir.SyncNever})
	check(t, err)
	const writes = 30_000
	filler := strings.Repeat("x", 100)
	largest := int64(0)
	do(t, d, engine.OpSet, "expiring", "1")
	check(t, d.Backend().Channel.Expire(t.Context(), "r", "expiring", time.Hour))
	for i := range writes {
		do(t, d, engine.OpAdd, "n", "1")
		do(t, d, engine.OpSet, fmt.Sprint("k", i%10), fmt.Sprintf(`"%s%d"`, filler, i))
		if i%100 == 0 {
			info, err := os.Stat(filepath.Join(path, "runs", "r", "channel"))
			check(t, err)
			largest = max(largest, info.Size())
		}
	}
	if largest > 300<<10 {
		t.Errorf("the file had %d bytes, want a bound near 256 KiB", largest)
	}
	d = reopen(t, d, path, statedir.Config{})
	defer d.Close()
	holds(t, d, "n", fmt.Sprint(writes))
	holds(t, d, "k7", fmt.Sprintf(`"%s%d"`, filler, writes-3))
	keys, err := d.Backend().Channel.Keys(t.Context(), "r", "")
	if err != nil || len(keys) != 12 || !slices.Contains(keys, "expiring") {
		t.Errorf("keys %q, %v, want 12", keys, err)
	}
	check(t, d.Backend().Channel.Expire(t.Context(), "r", "expiring", 1))
	holds(t, d, "expiring", "")
}

// Snapshots are taken while others write.
func TestChannelSnapshotOfMany(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	d, err := statedir.Open(path, statedir.Config{})
	check(t, err)
	const writers, writes = 8, 60
	filler := fmt.Sprintf("%q", strings.Repeat("x", 10_000))
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			c := d.Backend().Channel
			for range writes {
				_, setErr := c.Do(t.Context(), "r", engine.ChannelOp{Op: engine.OpSet, Key: fmt.Sprint(w), Value: json.RawMessage(filler)})
				_, addErr := c.Do(t.Context(), "r", engine.ChannelOp{Op: engine.OpAdd, Key: "n", Value: json.RawMessage("1")})
				if err := errors.Join(setErr, addErr); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	holds(t, d, "n", fmt.Sprint(writers*writes))
	d = reopen(t, d, path, statedir.Config{})
	defer d.Close()
	holds(t, d, "n", fmt.Sprint(writers*writes))
	for w := range writers {
		holds(t, d, fmt.Sprint(w), filler)
	}
}

func TestBlobCorrupt(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	d := openDir(t, path, statedir.Config{})
	b := d.Backend().Blobs
	digest, _, err := b.Put(t.Context(), "r", strings.NewReader("content"))
	check(t, err)
	file := filepath.Join(path, "blobs", "r", strings.TrimPrefix(digest, "sha256:"))
	check(t, os.WriteFile(file, []byte("c0ntent"), 0o600))
	r, err := b.Open(t.Context(), "r", digest)
	check(t, err)
	defer r.Close()
	_, err = io.Copy(io.Discard, r)
	if ce, ok := errors.AsType[*statedir.CorruptError](err); !ok || ce.File != file {
		t.Errorf("read: %v, want a CorruptError of %s", err, file)
	}
	for _, digest := range []string{"", "sha256:", "sha256:../../format", "sha256:" + strings.Repeat("z", 64), digest[7:], strings.ToUpper(digest)} {
		if _, err := b.Open(t.Context(), "r", digest); !errors.Is(err, engine.ErrNotFound) {
			t.Errorf("open %q: %v, want ErrNotFound", digest, err)
		}
	}
}
