package natsbus

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// channelPair is a channel on a line with faults, and another on a sound one.
func channelPair(t *testing.T) (*line, *Channel, *Channel) {
	t.Helper()
	ns := newNamespace()
	l, b := lineTo(t, ns)
	c := newChannel(b)
	t.Cleanup(func() {
		b.Close()
		c.close()
	})
	return l, c, channelOn(t, shared, ns)
}

// told reads a watch of all of run "r", change by change, beyond ChangeReady.
type told struct {
	tb   testing.TB
	next func() (engine.Change, error, bool)
}

func watchAll(tb testing.TB, c *Channel) *told {
	tb.Helper()
	next, stop := iter.Pull2(c.Watch(tb.Context(), "r", ""))
	tb.Cleanup(stop)
	w := &told{tb, next}
	w.until(engine.ChangeReady)
	return w
}

// until reads up to a change of a kind.
func (w *told) until(kind engine.ChangeKind) {
	w.tb.Helper()
	for {
		if w.change().Kind == kind {
			return
		}
	}
}

func (w *told) change() engine.Change {
	w.tb.Helper()
	c, err, ok := w.next()
	if !ok || err != nil {
		w.tb.Fatalf("the watch has ended: %v", err)
	}
	return c
}

func (w *told) wants(kind engine.ChangeKind, key, value string) {
	w.tb.Helper()
	if c := w.change(); c.Kind != kind || c.Key != key || string(c.Value) != value {
		w.tb.Fatalf("told %d %q %s, want %d %q %s", c.Kind, c.Key, c.Value, kind, key, value)
	}
}

func (w *told) ends(want error) {
	w.tb.Helper()
	if c, err, ok := w.next(); !ok || !errors.Is(err, want) {
		w.tb.Fatalf("told %v, %v, want the end with %v", c, err, want)
	}
}

// added is what became of adding 1 to "n", in time.
func added(ctx context.Context, c *Channel) <-chan string {
	got := make(chan string, 1)
	go func() {
		value, err := c.Do(ctx, "r", engine.ChannelOp{Op: engine.OpAdd, Key: "n", Value: json.RawMessage("1")})
		if err != nil {
			value = json.RawMessage(err.Error())
		}
		got <- string(value)
	}()
	return got
}

// A write whose ack was lost with the connection counts once, and is told as what it
// was.
func TestChannelAckLost(t *testing.T) {
	t.Parallel()
	l, c, other := channelPair(t)
	w := watchAll(t, other)
	mustDo(t, c, engine.OpSet, "n", "10") // by now the stream is known
	w.wants(engine.ChangeSet, "n", "10")
	subject := c.prefix("r") + leafKey + token("n")
	old, _, err := c.last(t.Context(), subject)
	if err != nil {
		t.Fatal(err)
	}
	l.lose(true, false)
	replaced := make(chan error, 1)
	go func() {
		next := draft{there: true, value: json.RawMessage("11")}
		replaced <- c.replace(t.Context(), subject, &old, &next)
	}()
	w.wants(engine.ChangeSet, "n", "11")
	if got := mustDo(t, other, engine.OpAdd, "n", "1"); got != "12" {
		t.Errorf("another adds up to %s, want 12", got)
	}
	l.cut()
	if err := <-replaced; err != nil {
		t.Errorf("what was stored is told as %v", err)
	}
	holdsValue(t, other, "n", "12")
}

// A write that was lost on the way is made once, on what others have written.
func TestChannelWriteLost(t *testing.T) {
	t.Parallel()
	l, c, other := channelPair(t)
	mustDo(t, c, engine.OpSet, "n", "10")
	l.lose(true, true)
	got := added(t.Context(), c)
	mustDo(t, other, engine.OpAdd, "n", "5")
	l.cut()
	if got := <-got; got != "16" {
		t.Errorf("the write returned %s, want 16", got)
	}
	holdsValue(t, other, "n", "16")
}

// A holder that is cut off keeps its lock for its time, no longer; and no less.
func TestChannelLockOfLost(t *testing.T) {
	t.Parallel()
	l, c, other := channelPair(t)
	const ttl = 1500 * time.Millisecond
	begun := time.Now()
	if err := c.Lock(t.Context(), "r", "l", "a", ttl, 0); err != nil {
		t.Fatal(err)
	}
	l.lose(true, true)
	if err := other.Lock(t.Context(), "r", "l", "b", time.Hour, time.Minute); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begun); took < ttl || took > ttl+time.Second {
		t.Errorf("the lock was free after %s, want %s, and at most a second more", took, ttl)
	}
	l.cut()
	if err := c.Unlock(t.Context(), "r", "l", "a"); !errors.Is(err, engine.ErrLeaseLost) {
		t.Errorf("unlock what another holds by now: %v", err)
	}
	if err := c.Lock(t.Context(), "r", "l", "a", ttl, 0); !errors.Is(err, engine.ErrLocked) {
		t.Errorf("lock what another holds by now: %v", err)
	}
	had := make(chan error, 1)
	go func() { had <- c.Lock(t.Context(), "r", "l", "a", ttl, time.Minute) }()
	eventually(t, "it waits", func() bool { return c.bus.nc.NumSubscriptions() > 1 })
	begun = time.Now()
	if err := errors.Join(other.Unlock(t.Context(), "r", "l", "b"), <-had); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begun); took > lockLook/3 {
		t.Errorf("who waits had the lock %s after it was free, want it to be told", took)
	}
}

// Who gave up while a lock was being taken does not leave it behind.
func TestChannelLockAbandoned(t *testing.T) {
	t.Parallel()
	c := channelOn(t, shared, newNamespace())
	ctx, giveUp := context.WithCancel(t.Context())
	left := make(chan struct{})
	w := taking(c.prefix("r")+leafLock+token("l"), "a", time.Hour)
	take := w.apply
	w.apply = func(d *draft) error {
		giveUp()
		<-left
		return take(d)
	}
	if err := c.write(ctx, w); !errors.Is(err, context.Canceled) {
		t.Errorf("lock: %v", err)
	}
	close(left)
	if err := c.Lock(t.Context(), "r", "l", "b", time.Hour, 10*time.Second); err != nil {
		t.Errorf("the lock was left behind: %v", err)
	}
}

// What other processes do is told: also that a key has expired, and that all was
// forgotten.
func TestChannelWatchOthers(t *testing.T) {
	t.Parallel()
	ns := newNamespace()
	c, other := channelOn(t, shared, ns), channelOn(t, shared, ns)
	w := watchAll(t, c)
	begun := time.Now()
	if err := other.Set(t.Context(), "r", "k", json.RawMessage("1"), 700*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	w.wants(engine.ChangeSet, "k", "1")
	w.wants(engine.ChangeExpired, "k", "")
	if took := time.Since(begun); took < 700*time.Millisecond || took > 1700*time.Millisecond {
		t.Errorf("the key expired after %s, want 700 ms, and at most a second more", took)
	}
	if _, err := other.Get(t.Context(), "r", "k"); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("what was told to have expired: %v", err)
	}
	mustDo(t, other, engine.OpAdd, "k", "5")
	w.wants(engine.ChangeSet, "k", "5")
	sleeping := make(chan struct{})
	go func() {
		defer close(sleeping)
		w.until(engine.ChangeExpired) // though nothing is told when it is set to expire
	}()
	if err := errors.Join(
		other.Expire(t.Context(), "r", "k", time.Hour), other.Expire(t.Context(), "r", "k", 300*time.Millisecond),
	); err != nil {
		t.Fatal(err)
	}
	<-sleeping
	mustDo(t, other, engine.OpAdd, "k", "6")
	w.wants(engine.ChangeSet, "k", "6")
	mustDo(t, other, engine.OpDelete, "k", "")
	w.wants(engine.ChangeDeleted, "k", "")
	if err := other.Forget(t.Context(), "r"); err != nil {
		t.Fatal(err)
	}
	w.ends(engine.ErrNotFound)
	watchAll(t, c) // what was forgotten before is of no matter
}

// A watch that was cut off tells what it has missed, and nothing else.
func TestChannelWatchResumes(t *testing.T) {
	t.Parallel()
	l, c, other := channelPair(t)
	for _, key := range []string{"kept", "changed", "deleted"} {
		mustDo(t, other, engine.OpSet, key, "1")
	}
	for _, key := range []string{"expired", "longer"} {
		if err := other.Set(t.Context(), "r", key, json.RawMessage("1"), 500*time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
	w := watchAll(t, c)
	l.lose(true, false)
	mustDo(t, other, engine.OpSet, "changed", "2")
	mustDo(t, other, engine.OpDelete, "deleted", "")
	mustDo(t, other, engine.OpSet, "new", "3")
	if err := errors.Join(other.Expire(t.Context(), "r", "longer", 0), other.Expire(t.Context(), "r", "kept", time.Hour)); err != nil {
		t.Fatal(err)
	}
	watchAll(t, other).until(engine.ChangeExpired)
	l.cut()
	mustDo(t, other, engine.OpSet, "last", "4")
	knows := map[string]string{"kept": "1", "changed": "1", "deleted": "1", "expired": "1", "longer": "1"}
	for knows["last"] == "" {
		change := w.change()
		if change.Kind != engine.ChangeSet {
			delete(knows, change.Key)
			continue
		}
		if change.Key == "kept" {
			t.Error("told of a key whose value is as it was")
		}
		knows[change.Key] = string(change.Value)
	}
	want := map[string]string{"kept": "1", "changed": "2", "longer": "1", "new": "3", "last": "4"}
	for key, value := range want {
		if knows[key] != value {
			t.Errorf("the reader knows %q as %q, want %q", key, knows[key], value)
		}
	}
	if len(knows) != len(want) {
		t.Errorf("the reader knows %v, want %v", knows, want)
	}
	l.lose(true, false)
	if err := other.Forget(t.Context(), "r"); err != nil {
		t.Fatal(err)
	}
	l.cut()
	w.ends(engine.ErrNotFound)
}
