package statedir

import (
	"encoding/json"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/graflow/graflow-wasm/engine"
)

// gated is a file system whose syncs of journals and channels wait while gate is
// there.
type gated struct {
	osFiles
	gate chan struct{}
}

type gatedFile struct {
	file
	fs *gated
}

func (g *gated) openAppend(name string) (file, error) {
	f, err := g.osFiles.openAppend(name)
	if strings.Contains(name, "/runs/") {
		f = gatedFile{f, g}
	}
	return f, err
}

func (f gatedFile) Sync() error {
	if g := f.fs.gate; g != nil {
		<-g
	}
	return f.file.Sync()
}

// TestTrimWhileWriting: a chain whose next event is being written, and may get
// lost, keeps its last sequence through a trim.
func TestTrimWhileWriting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		path, files := t.TempDir(), &gated{}
		d := mustOpen(t, path, Config{SegmentSize: 300}, files)
		j := d.Backend().Journal
		push := func(chain string, expect uint64) uint64 {
			seq, err := j.Append(t.Context(), "r", chain, expect, &engine.Event{Type: engine.EventFailed, Activation: chain, Attempt: 1})
			if err != nil {
				t.Error(err)
			}
			return seq
		}
		open, last := push("open", 0), uint64(0)
		for range 20 {
			last = push("other", last)
		}
		gate := make(chan struct{})
		files.gate = gate
		done := make(chan struct{}, 2)
		go func() { push("open", open); done <- struct{}{} }()
		synctest.Wait()
		go func() {
			if err := j.Trim(t.Context(), "r", last); err != nil {
				t.Error(err)
			}
			done <- struct{}{}
		}()
		synctest.Wait()
		lost := t.TempDir()
		if err := os.CopyFS(lost, os.DirFS(path)); err != nil {
			t.Fatal(err)
		}
		dropLastRecord(t, lost)
		close(gate)
		<-done
		<-done
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		d = mustOpen(t, lost, Config{}, osFiles{})
		defer d.Close()
		if got, err := d.Backend().Journal.Last(t.Context(), "r", "open"); err != nil || got != open {
			t.Errorf("last of the chain: %d, %v, want %d", got, err, open)
		}
	})
}

// TestConflictWaits: who has lost against an event hears of it when that event is
// stored, and can't get lost in turn.
func TestConflictWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		files := &gated{}
		d := mustOpen(t, t.TempDir(), Config{}, files)
		defer d.Close()
		j := d.Backend().Journal
		if _, err := j.Append(t.Context(), "r", "b", 0, failed(1)); err != nil {
			t.Fatal(err)
		}
		gate := make(chan struct{})
		files.gate = gate
		lost, last, won := make(chan error, 1), make(chan uint64, 1), make(chan error, 1)
		go func() { _, err := j.Append(t.Context(), "r", "a", 0, failed(1)); won <- err }()
		synctest.Wait()
		go func() { _, err := j.Append(t.Context(), "r", "a", 0, failed(1)); lost <- err }()
		go func() { seq, _ := j.Last(t.Context(), "r", "a"); last <- seq }()
		synctest.Wait()
		if len(lost)+len(last)+len(won) != 0 {
			t.Error("told before the event was stored")
		}
		if events, err := j.Read(t.Context(), "r", 0); err != nil || len(events) != 1 {
			t.Errorf("read: %d events, %v; want the one that is stored", len(events), err)
		}
		close(gate)
		if err := <-won; err != nil {
			t.Error(err)
		}
		if err := <-lost; !errors.Is(err, engine.ErrConflict) {
			t.Errorf("append: %v, want ErrConflict", err)
		}
		if got := <-last; got != 2 {
			t.Errorf("last: %d, want 2", got)
		}
	})
}

// TestSnapshotWhileWriting: what waits while a channel's file is replaced is in
// the new one, once.
func TestSnapshotWhileWriting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		path, files := t.TempDir(), &gated{}
		d := mustOpen(t, path, Config{}, files)
		done := make(chan struct{}, 2)
		do := func(op engine.Op, key, value string) {
			_, err := d.Backend().Channel.Do(t.Context(), "r", engine.ChannelOp{Op: op, Key: key, Value: json.RawMessage(value)})
			if err != nil {
				t.Error(err)
			}
			done <- struct{}{}
		}
		do(engine.OpAdd, "n", "1")
		<-done
		gate := make(chan struct{})
		files.gate = gate
		go do(engine.OpSet, "large", strconv.Quote(strings.Repeat("x", minSnapshot)))
		synctest.Wait()
		go do(engine.OpAdd, "n", "10")
		synctest.Wait()
		close(gate)
		<-done
		<-done
		do(engine.OpAdd, "n", "100")
		check := func() {
			v, err := d.Backend().Channel.Get(t.Context(), "r", "n")
			if err != nil || string(v) != "111" {
				t.Errorf("n is %s, %v, want 111", v, err)
			}
		}
		check()
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		d = mustOpen(t, path, Config{}, osFiles{})
		check()
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// TestForgetWhileWriting: appends that wait when a run is forgotten are stored
// before.
func TestForgetWhileWriting(t *testing.T) {
	t.Parallel()
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			files := &gated{}
			d := mustOpen(t, t.TempDir(), Config{}, files)
			defer d.Close()
			j := d.Backend().Journal
			push := func(chain string) error {
				_, err := j.Append(t.Context(), "r", chain, 0, failed(1))
				return err
			}
			if err := push("a"); err != nil {
				t.Fatal(err)
			}
			gate := make(chan struct{})
			files.gate = gate
			errs := make(chan error)
			for _, f := range []func() error{
				func() error { return push("b") },
				func() error { return j.Forget(t.Context(), "r") },
				func() error { return push("c") },
			} {
				go func() { errs <- f() }()
				synctest.Wait()
			}
			close(gate)
			for range 3 {
				if err := <-errs; err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func dropLastRecord(t *testing.T, path string) {
	t.Helper()
	all, err := listSegments(path + "/runs/r")
	if err != nil {
		t.Fatal(err)
	}
	name := all[len(all)-1].name
	info, err := os.Stat(name)
	if err == nil {
		err = os.Truncate(name, info.Size()-1)
	}
	if err != nil {
		t.Fatal(err)
	}
}
