package statedir

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// follow watches the keys of run r that begin with k, and sends what it is told, and at last the
// error.
func follow(ctx context.Context, d *Dir) (changes chan engine.Change, end chan error) {
	changes, end = make(chan engine.Change, 100), make(chan error, 1)
	go func() {
		for c, err := range d.Backend().Channel.Watch(ctx, "r", "k") {
			if err != nil {
				end <- err
				return
			}
			changes <- c
		}
	}()
	return changes, end
}

func setKey(t *testing.T, d *Dir, key, value string, ttl time.Duration) {
	t.Helper()
	if err := d.Backend().Channel.Set(t.Context(), "r", key, json.RawMessage(value), ttl); err != nil {
		t.Error(err)
	}
}

// TestWatchWaits: who watches is told of a change when it is stored, and can't get
// lost.
func TestWatchWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		files := &gated{}
		d := mustOpen(t, t.TempDir(), Config{}, files)
		defer d.Close()
		setKey(t, d, "k", "1", 0)
		changes, end := follow(t.Context(), d)
		if first, ready := <-changes, <-changes; string(first.Value) != "1" || ready.Kind != engine.ChangeReady {
			t.Errorf("told %v and %v", first, ready)
		}
		gate := make(chan struct{})
		files.gate = gate
		written := make(chan struct{})
		go func() { setKey(t, d, "k", "2", 0); close(written) }()
		synctest.Wait()
		if len(changes) > 0 {
			t.Errorf("told %v before it was stored", <-changes)
		}
		close(gate)
		<-written
		if got := <-changes; string(got.Value) != "2" {
			t.Errorf("told %v, want 2", got)
		}
		if err := d.Backend().Channel.Forget(t.Context(), "r"); err != nil {
			t.Error(err)
		}
		if err := <-end; !errors.Is(err, engine.ErrNotFound) {
			t.Errorf("the watch of a forgotten channel ends with %v", err)
		}
	})
}

// TestWatchEnds: with the journal, with the directory, and with a write that has
// failed.
func TestWatchEnds(t *testing.T) {
	t.Parallel()
	for want, stop := range map[error]func(d *Dir, files *faulty) error{
		engine.ErrNotFound: func(d *Dir, _ *faulty) error { return d.Backend().Journal.Forget(context.Background(), "r") },
		engine.ErrClosed:   func(d *Dir, _ *faulty) error { return d.Close() },
		ErrFailed: func(d *Dir, files *faulty) error {
			files.syncs.Store(0)
			if err := d.Backend().Channel.Set(context.Background(), "r", "other", nil, 0); !errors.Is(err, ErrFailed) {
				return errors.New("the write has not failed")
			}
			return nil
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			files := newFaulty("/channel")
			d := mustOpen(t, t.TempDir(), Config{OpenRuns: 1}, files)
			defer d.Close()
			setKey(t, d, "k", "1", 0)
			changes, end := follow(t.Context(), d)
			<-changes
			<-changes
			if err := d.Backend().Channel.Set(t.Context(), "evicts r", "k", nil, 0); err != nil {
				t.Error(err)
			}
			setKey(t, d, "k", "2", 0)
			if got := <-changes; string(got.Value) != "2" {
				t.Errorf("told %v, want 2", got)
			}
			synctest.Wait()
			if err := stop(d, files); err != nil {
				t.Error(err)
			}
			if err := <-end; !errors.Is(err, want) {
				t.Errorf("the watch ends with %v, want %v", err, want)
			}
		})
	}
}

// TestExpiredGoes: a key that has expired takes no room, though nobody asks for
// it; nor does a channel that is not open have timers.
func TestExpiredGoes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		path := t.TempDir()
		d := mustOpen(t, path, Config{}, osFiles{})
		large := `"` + strings.Repeat("x", 1000) + `"`
		setKey(t, d, "soon", large, time.Minute)
		setKey(t, d, "late", large, time.Hour)
		setKey(t, d, "never", large, time.Minute)
		setKey(t, d, "never", large, 0)
		open := func() *runChannel {
			var c *runChannel
			_ = d.runs.use("r", func(r *openRun) (bool, error) { c = r.channel; return false, nil })
			return c
		}
		has := func(c *runChannel, values, timers int) {
			t.Helper()
			c.mu.Lock()
			defer c.mu.Unlock()
			if len(c.values) != values || len(c.timers) != timers {
				t.Errorf("%d values and %d timers, want %d and %d", len(c.values), len(c.timers), values, timers)
			}
		}
		has(open(), 3, 2)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		has(open(), 2, 1)
		closed := open()
		d.Close()
		has(closed, 2, 0)
		d = mustOpen(t, path, Config{}, osFiles{})
		defer d.Close()
		if _, err := d.Backend().Channel.Keys(t.Context(), "r", ""); err != nil {
			t.Error(err)
		}
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		has(open(), 1, 0)
	})
}

// TestClockSetBack: what had expired stays so for this process, and the next one
// comes to the same values.
func TestClockSetBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		path := t.TempDir()
		d := mustOpen(t, path, Config{}, osFiles{})
		setKey(t, d, "n", "1", time.Hour)
		_ = d.runs.use("r", func(r *openRun) (bool, error) {
			r.channel.mu.Lock()
			defer r.channel.mu.Unlock()
			r.channel.clock += int64(2 * time.Hour) // seen before the clock was set
			r.channel.dropExpired()
			return false, nil
		})
		add := engine.ChannelOp{Op: engine.OpAdd, Key: "n", Value: json.RawMessage("5")}
		if v, err := d.Backend().Channel.Do(t.Context(), "r", add); err != nil || string(v) != "5" {
			t.Errorf("added to what has expired: %s, %v, want 5", v, err)
		}
		d.Close()
		d = mustOpen(t, path, Config{}, osFiles{})
		defer d.Close()
		if v, err := d.Backend().Channel.Get(t.Context(), "r", "n"); err != nil || string(v) != "5" {
			t.Errorf("opened anew: %s, %v, want 5", v, err)
		}
	})
}

// TestWatchRace watches what others write to, forget, and put out of memory.
func TestWatchRace(t *testing.T) {
	t.Parallel()
	d := mustOpen(t, t.TempDir(), Config{Sync: SyncNever, OpenRuns: 2}, osFiles{})
	b := d.Backend()
	ctx, stop := context.WithCancel(t.Context())
	var readers, writers sync.WaitGroup
	for i := range 4 {
		run := fmt.Sprint(i % 2)
		readers.Go(func() {
			for {
				for c, err := range b.Channel.Watch(ctx, run, "") {
					if errors.Is(err, engine.ErrNotFound) {
						break // forgotten; what comes is watched anew
					}
					if err != nil {
						if !errors.Is(err, context.Canceled) && !errors.Is(err, engine.ErrClosed) {
							t.Error(err)
						}
						return
					}
					if c.Kind == engine.ChangeSet && c.Value == nil {
						t.Errorf("told that %q is set, without a value", c.Key)
					}
				}
			}
		})
		writers.Go(func() {
			for n := range 300 {
				key := fmt.Sprint(n % 7)
				err := errors.Join(
					b.Channel.Set(ctx, run, key, json.RawMessage("1"), time.Duration(n%3)*time.Millisecond),
					b.Channel.Set(ctx, fmt.Sprint("other", n%5), key, nil, time.Hour),
				)
				switch n % 50 {
				case 10:
					err = errors.Join(err, b.Channel.Forget(ctx, run))
				case 20:
					err = errors.Join(err, b.Journal.Forget(ctx, run))
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	if err := d.Close(); err != nil { // with the watches
		t.Error(err)
	}
	readers.Wait()
	stop()
}
