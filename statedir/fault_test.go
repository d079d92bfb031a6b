package statedir

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

var errDisk = errors.New("the disk is on fire")

// faulty is a file system whose nth write or sync to a matching file fails.
type faulty struct {
	osFiles
	match  string
	writes atomic.Int64 // how many succeed before one is short; negative: all
	syncs  atomic.Int64 // how many succeed before one fails
}

func newFaulty(match string) *faulty {
	f := &faulty{match: match}
	f.writes.Store(1 << 40)
	f.syncs.Store(1 << 40)
	return f
}

type faultyFile struct {
	file
	fs *faulty
}

func (f *faulty) openAppend(name string) (file, error) {
	opened, err := f.osFiles.openAppend(name)
	if err != nil || !strings.Contains(name, f.match) {
		return opened, err
	}
	return faultyFile{opened, f}, nil
}

func (f faultyFile) Write(p []byte) (int, error) {
	if f.fs.writes.Add(-1) == -1 {
		return f.file.Write(p[:len(p)/2]) // short, without an error
	}
	return f.file.Write(p)
}

func (f faultyFile) Sync() error {
	if f.fs.syncs.Add(-1) == -1 {
		return errDisk // this once: the next one says that all is well, as Linux does
	}
	return f.file.Sync()
}

func failed(n int) *engine.Event {
	return &engine.Event{Type: engine.EventFailed, Activation: "a", Attempt: n}
}

func mustOpen(t *testing.T, path string, c Config, files fileSystem) *Dir {
	t.Helper()
	c.Logger = slog.New(slog.DiscardHandler)
	d, err := open(path, c, files)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestFault: after a short write or a failed sync nothing is reported as stored
// any more, and all that was reported is there for the next process.
func TestFault(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"short write", "failed sync"} {
		for after := range 12 {
			t.Run(fmt.Sprint(kind, " after ", after), func(t *testing.T) {
				t.Parallel()
				dir, files := t.TempDir(), newFaulty(journalSuffix)
				d := mustOpen(t, dir, Config{SegmentSize: 300}, files)
				acked := appendUntilFault(t, d, files, kind, after)
				d.Close()
				d = mustOpen(t, dir, Config{}, osFiles{})
				defer d.Close()
				events, err := d.Backend().Journal.Read(t.Context(), "r", 0)
				if err != nil || len(events) < acked || len(events) > acked+1 {
					t.Errorf("%d events, %v; %d were reported", len(events), err, acked)
				}
				if _, err := d.Backend().Journal.Append(t.Context(), "r", "a", uint64(len(events)), failed(len(events)+1)); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func appendUntilFault(t *testing.T, d *Dir, files *faulty, kind string, after int) (acked int) {
	t.Helper()
	j := d.Backend().Journal
	if _, err := j.Append(t.Context(), "r", "a", 0, failed(1)); err != nil {
		t.Fatal(err)
	}
	if kind == "short write" {
		files.writes.Store(int64(after))
	} else {
		files.syncs.Store(int64(after))
	}
	acked = 1
	var err error
	for err == nil && acked < 100 {
		if _, err = j.Append(t.Context(), "r", "a", uint64(acked), failed(acked+1)); err == nil {
			acked++
		}
	}
	if !errors.Is(err, ErrFailed) || acked != after+1 {
		t.Fatalf("after %d: %v, want ErrFailed after %d", acked, err, after+1)
	}
	for range 3 {
		if _, err := j.Append(t.Context(), "r", "b", 0, failed(1)); !errors.Is(err, ErrFailed) {
			t.Errorf("append after a fault: %v, want ErrFailed", err)
		}
		if _, err := j.Last(t.Context(), "r", "a"); !errors.Is(err, ErrFailed) {
			t.Errorf("last after a fault: %v, want ErrFailed, nobody knows", err)
		}
		if events, err := j.Read(t.Context(), "r", 0); err != nil || len(events) != acked {
			t.Errorf("read after a fault: %d events, %v; want the %d that were reported", len(events), err, acked)
		}
	}
	if _, err := j.Append(t.Context(), "other", "a", 0, failed(1)); err != nil {
		t.Errorf("append to another run: %v", err)
	}
	return acked
}

// TestFaultOfMany: when a batch fails, all that wait for it hear of it.
func TestFaultOfMany(t *testing.T) {
	t.Parallel()
	for after := range 5 {
		files := newFaulty(journalSuffix)
		dir := t.TempDir()
		d := mustOpen(t, dir, Config{}, files)
		j := d.Backend().Journal
		if _, err := j.Append(t.Context(), "r", "", 0, failed(1)); err != nil {
			t.Fatal(err)
		}
		files.syncs.Store(int64(after))
		var acked atomic.Int64
		var all sync.WaitGroup
		for i := range 16 {
			all.Go(func() {
				last := uint64(0)
				for range 1000 {
					seq, err := j.Append(t.Context(), "r", fmt.Sprint(i), last, failed(1))
					if err != nil {
						if !errors.Is(err, ErrFailed) || !errors.Is(err, errDisk) {
							t.Errorf("append: %v, want ErrFailed and its cause", err)
						}
						return
					}
					acked.Add(1)
					last = seq
				}
				t.Error("1000 appends after the fault, and no error")
			})
		}
		all.Wait()
		events, err := ReadAll(t.Context(), j, "r", 0)
		if err != nil || int64(len(events)) != acked.Load()+1 {
			t.Errorf("read: %d events, %v; %d were reported", len(events), err, acked.Load()+1)
		}
		d.Close()
	}
}

// TestFaultStays: a run whose log failed is not closed to make room, and had
// again as if nothing had been.
func TestFaultStays(t *testing.T) {
	t.Parallel()
	files := newFaulty("/r/")
	d := mustOpen(t, t.TempDir(), Config{OpenRuns: 1}, files)
	defer d.Close()
	j := d.Backend().Journal
	if _, err := j.Append(t.Context(), "r", "a", 0, failed(1)); err != nil {
		t.Fatal(err)
	}
	files.syncs.Store(0)
	for i := range 10 {
		if _, err := j.Append(t.Context(), "r", "a", 1, failed(2)); !errors.Is(err, ErrFailed) {
			t.Errorf("append: %v, want ErrFailed", err)
		}
		if _, err := j.Append(t.Context(), fmt.Sprint(i), "a", 0, failed(1)); err != nil {
			t.Error(err)
		}
	}
}

// TestFaultOfInterval: what is synced later fails later, and then for good.
func TestFaultOfInterval(t *testing.T) {
	t.Parallel()
	files := newFaulty(journalSuffix)
	d := mustOpen(t, t.TempDir(), Config{Sync: SyncInterval, SyncInterval: 1}, files)
	defer d.Close()
	j := d.Backend().Journal
	files.syncs.Store(0)
	var err error
	for end, last := time.Now().Add(time.Minute), uint64(0); err == nil && time.Now().Before(end); { // until the syncer has come
		last, err = j.Append(t.Context(), "r", "a", last, failed(1))
	}
	if !errors.Is(err, ErrFailed) {
		t.Errorf("append: %v, want ErrFailed", err)
	}
}

func TestFaultOfChannel(t *testing.T) {
	t.Parallel()
	for after := range 4 {
		dir, files := t.TempDir(), newFaulty("/channel")
		d := mustOpen(t, dir, Config{}, files)
		add := engine.ChannelOp{Op: engine.OpAdd, Key: "n", Value: json.RawMessage("1")}
		c := d.Backend().Channel
		if _, err := c.Do(t.Context(), "r", add); err != nil {
			t.Fatal(err)
		}
		files.writes.Store(int64(after))
		acked := 1
		var err error
		for ; err == nil && acked < 100; acked++ {
			_, err = c.Do(t.Context(), "r", add)
		}
		acked--
		if _, getErr := c.Get(t.Context(), "r", "n"); !errors.Is(err, ErrFailed) || !errors.Is(getErr, ErrFailed) {
			t.Errorf("add: %v, then get: %v; want ErrFailed, nobody knows", err, getErr)
		}
		d.Close()
		d = mustOpen(t, dir, Config{}, osFiles{})
		if v, err := d.Backend().Channel.Get(t.Context(), "r", "n"); err != nil || string(v) != fmt.Sprint(acked) {
			t.Errorf("opened anew: %s, %v; %d were reported", v, err, acked)
		}
		d.Close()
	}
}

func TestFaultOfBlob(t *testing.T) {
	t.Parallel()
	files := newFaulty("/tmp/")
	d := mustOpen(t, t.TempDir(), Config{}, files)
	defer d.Close()
	files.writes.Store(0)
	if _, _, err := d.Backend().Blobs.Put(t.Context(), "r", strings.NewReader("long enough to be short")); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("put with a short write: %v, want io.ErrShortWrite", err)
	}
	files.syncs.Store(0)
	if _, _, err := d.Backend().Blobs.Put(t.Context(), "r", strings.NewReader("x")); !errors.Is(err, errDisk) {
		t.Errorf("put with a failed sync: %v, want its error", err)
	}
}
