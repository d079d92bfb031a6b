package natsbus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/natsbus/embedded"
)

// channelOn opens a channel on a connection of its own, which ends with the test.
func channelOn(tb testing.TB, s *embedded.Server, namespace string) *Channel {
	tb.Helper()
	b := openBus(tb, s.Connect, namespace)
	if err := b.Setup(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	c := newChannel(b)
	tb.Cleanup(func() {
		c.bus.Close()
		c.close()
	})
	return c
}

func mustDo(tb testing.TB, c *Channel, op engine.Op, key, value string) string {
	tb.Helper()
	got, err := c.Do(tb.Context(), "r", engine.ChannelOp{Op: op, Key: key, Value: json.RawMessage(value)})
	if err != nil {
		tb.Fatalf("%s %s: %v", op, key, err)
	}
	return string(got)
}

func holdsValue(tb testing.TB, c *Channel, key, want string) {
	tb.Helper()
	got, err := c.Get(tb.Context(), "r", key)
	if want == "" && errors.Is(err, engine.ErrNotFound) {
		return
	}
	if string(got) != want || err != nil {
		tb.Errorf("key %q holds %.60s, %v, want %.60q", key, got, err, want)
	}
}

// Writers of one key all get through, in one process and in several.
func TestChannelContention(t *testing.T) {
	t.Parallel()
	const writers, rounds = 64, 5
	for _, buses := range []int{1, 2, 16} {
		t.Run(strconv.Itoa(buses), func(t *testing.T) {
			t.Parallel()
			ns := newNamespace()
			var all sync.WaitGroup
			var first *Channel
			sums := make([]map[string]bool, buses)
			for i := range buses {
				c := channelOn(t, shared, ns)
				if first == nil {
					first = c
				}
				var mu sync.Mutex
				sums[i] = map[string]bool{}
				for range writers / buses {
					all.Go(func() {
						for range rounds {
							got, err := c.Do(t.Context(), "r", engine.ChannelOp{Op: engine.OpAdd, Key: "n", Value: json.RawMessage("1")})
							if err != nil {
								t.Error(err)
							}
							mu.Lock()
							sums[i][string(got)] = true
							mu.Unlock()
							if _, err := c.Do(t.Context(), "r", engine.ChannelOp{Op: engine.OpAppend, Key: "l", Value: json.RawMessage("1")}); err != nil {
								t.Error(err)
							}
						}
					})
				}
			}
			all.Wait()
			holdsValue(t, first, "n", strconv.Itoa(writers*rounds))
			holdsValue(t, first, "l", "["+strings.Repeat("1,", writers*rounds-1)+"1]")
			told := map[string]bool{}
			for _, some := range sums {
				for sum := range some {
					told[sum] = true
				}
			}
			if len(told) != writers*rounds {
				t.Errorf("writers were told %d sums, want each its own, %d", len(told), writers*rounds)
			}
		})
	}
}

// What was decided by what is gone is refused: a delete is stored, and so is what
// follows it.
func TestChannelDeleteRefusesOld(t *testing.T) {
	t.Parallel()
	c := channelOn(t, shared, newNamespace())
	mustDo(t, c, engine.OpSet, "k", "1")
	subject := c.prefix("r") + leafKey + token("k")
	replace := func(old cell) error {
		next := draft{there: true, value: json.RawMessage(`"old"`)}
		return c.replace(t.Context(), subject, &old, &next)
	}
	look := func() cell {
		held, _, err := c.last(t.Context(), subject)
		if err != nil {
			t.Fatal(err)
		}
		return held
	}
	before := look()
	mustDo(t, c, engine.OpDelete, "k", "")
	if err := replace(before); !errors.Is(err, engine.ErrConflict) {
		t.Errorf("a write from before the delete: %v, want a conflict", err)
	}
	if err := replace(cell{}); !errors.Is(err, engine.ErrConflict) {
		t.Errorf("a write from before the key: %v, want a conflict", err)
	}
	deleted := look()
	if err := c.Forget(t.Context(), "r"); err != nil {
		t.Fatal(err)
	}
	for _, old := range []cell{before, deleted} {
		if err := replace(old); !errors.Is(err, engine.ErrConflict) {
			t.Errorf("a write from before the channel was forgotten: %v, want a conflict", err)
		}
	}
	holdsValue(t, c, "k", "")
}

// A write whose ack was lost is not made again, also if others have built upon it.
func TestChannelLostAck(t *testing.T) {
	t.Parallel()
	c := channelOn(t, shared, newNamespace())
	subject := c.prefix("r") + leafKey + token("n")
	old, _, err := c.last(t.Context(), subject)
	if err != nil {
		t.Fatal(err)
	}
	next := draft{there: true, value: json.RawMessage("1")}
	m, id := next.message(subject, &old)
	if err := c.placed(t.Context(), subject, &old, id); !errors.Is(err, engine.ErrConflict) {
		t.Errorf("before it was published: %v, want a conflict", err)
	}
	if _, err := c.bus.publishOnce(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	for n := range maxIDs - 1 {
		if err := c.placed(t.Context(), subject, &old, id); err != nil {
			t.Fatalf("after %d other writes: %v, want that it was stored", n, err)
		}
		mustDo(t, c, engine.OpAdd, "n", "1")
	}
	mustDo(t, c, engine.OpAdd, "n", "1")
	if err := c.placed(t.Context(), subject, &old, id); !errors.Is(err, ErrUnreachable) {
		t.Errorf("after too many other writes: %v, want that it can't be known", err)
	}
	late := cell{seq: old.seq + 1, ids: id}
	mustDo(t, c, engine.OpDelete, "n", "")
	if err := c.placed(t.Context(), subject, &late, make([]byte, idSize)); !errors.Is(err, ErrUnreachable) {
		t.Errorf("after too many other writes: %v, want that it can't be known", err)
	}
	last, _, err := c.last(t.Context(), subject)
	if err != nil {
		t.Fatal(err)
	}
	mustDo(t, c, engine.OpAdd, "n", "1")
	if err := c.placed(t.Context(), subject, &last, make([]byte, idSize)); !errors.Is(err, engine.ErrConflict) {
		t.Errorf("what was never stored: %v, want a conflict", err)
	}
}

func TestChannelLargeValue(t *testing.T) {
	t.Parallel()
	ns := newNamespace()
	c, other := channelOn(t, shared, ns), channelOn(t, shared, ns)
	limit := int(c.bus.nc.MaxPayload()) - overhead
	for _, size := range []int{64 << 10, 64<<10 + 1, 512 << 10, limit} {
		value := `"` + strings.Repeat("x", size-2) + `"`
		mustDo(t, c, engine.OpSet, "k", value)
		holdsValue(t, other, "k", value)
		for change, err := range other.Watch(t.Context(), "r", "k") {
			if err != nil || string(change.Value) != value {
				t.Errorf("watch: %d bytes, %v, want %d", len(change.Value), err, size)
			}
			break
		}
	}
	mustDo(t, c, engine.OpSet, "l", `["`+strings.Repeat("x", limit-10)+`"]`)
	for _, op := range []engine.ChannelOp{
		{Op: engine.OpSet, Key: "k", Value: json.RawMessage(`"` + strings.Repeat("x", limit-1) + `"`)},
		{Op: engine.OpAppend, Key: "l", Value: json.RawMessage(`"too much"`)},
	} {
		if _, err := c.Do(t.Context(), "r", op); err == nil || !strings.Contains(err.Error(), "blobs") {
			t.Errorf("%s of too much: %v, want an error that says where it belongs", op.Op, err)
		}
	}
	if err := c.Set(t.Context(), "r", strings.Repeat("k", 4096), json.RawMessage("1"), 0); err == nil {
		t.Error("a key of 4 KiB was written, want an error")
	}
}

// Times are those of the server: what a process takes for now is of no matter.
func TestChannelClock(t *testing.T) {
	t.Parallel()
	c := channelOn(t, shared, newNamespace())
	before := time.Now().UnixNano()
	now, err := c.now(t.Context())
	if err != nil || now < before || now > time.Now().UnixNano() {
		t.Errorf("the server's clock is taken to be %d, %v, want between %d and now", now, err, before)
	}
	if err := c.Set(t.Context(), "r", "k", json.RawMessage("1"), time.Hour); err != nil {
		t.Fatal(err)
	}
	for ahead, want := range map[time.Duration]string{0: "1", 59 * time.Minute: "1", time.Hour + time.Second: ""} {
		c.clock.mu.Lock()
		c.clock.read, c.clock.least = time.Now(), time.Now().Add(ahead).UnixNano()
		c.clock.mu.Unlock()
		holdsValue(t, c, "k", want)
	}
	for _, d := range []time.Duration{1, time.Second, 1<<63 - 1} {
		if err := c.Set(t.Context(), "r", "d", json.RawMessage("1"), d); err != nil {
			t.Errorf("set for %s: %v", d, err)
		}
	}
	holdsValue(t, c, "d", "1")
}

// What is gone takes no room for long: the server drops it by itself.
func TestChannelLeavesNothing(t *testing.T) {
	t.Parallel()
	c := channelOn(t, shared, newNamespace())
	ttl := func(leaf, name string) string {
		t.Helper()
		m, err := c.lastMessage(t.Context(), c.prefix("r")+leaf+name)
		if err != nil {
			t.Fatal(err)
		}
		return m.Header.Get(jetstream.MsgTTLHeader)
	}
	want := func(what, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("the message of %s lasts %q s, want %q", what, got, want)
		}
	}
	mustDo(t, c, engine.OpSet, "k", "1")
	want("a key", ttl(leafKey, "_k"), "")
	mustDo(t, c, engine.OpDelete, "k", "")
	want("a delete", ttl(leafKey, "_k"), "60")
	if err := errors.Join(
		c.Set(t.Context(), "r", "k", json.RawMessage("1"), 1500*time.Millisecond),
		c.Lock(t.Context(), "r", "l", "a", time.Minute, 0),
	); err != nil {
		t.Fatal(err)
	}
	want("a key that expires", ttl(leafKey, "_k"), "62")
	mustDo(t, c, engine.OpAdd, "k", "1")
	if got := ttl(leafKey, "_k"); got != "62" && got != "61" {
		t.Errorf("the message of a key that still expires lasts %q s, want 62", got)
	}
	want("a lock", ttl(leafLock, "_l"), "120")
	if err := c.Unlock(t.Context(), "r", "l", "a"); err != nil {
		t.Fatal(err)
	}
	want("a lock that is free", ttl(leafLock, "_l"), "60")
	if err := c.Forget(t.Context(), "r"); err != nil {
		t.Fatal(err)
	}
	want("a channel that was forgotten", ttl(leafLock, allLocks), "120")
	until(t, "the end of all queues of writes, which comes after their answers", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return len(c.queues) == 0
	})
}

func TestChannelKeysOfMany(t *testing.T) {
	t.Parallel()
	c := channelOn(t, shared, newNamespace())
	var want []string
	for n := range 700 {
		key := fmt.Sprintf("key %03d", n)
		mustDo(t, c, engine.OpSet, key, "1")
		if n%3 == 0 {
			mustDo(t, c, engine.OpDelete, key, "")
			continue
		}
		want = append(want, key)
	}
	got, err := c.Keys(t.Context(), "r", "key ")
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%d keys, %v, want %d", len(got), err, len(want))
	}
	s, err := c.handle(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name := range s.ConsumerNames(t.Context()).Name() {
		if info, err := s.Consumer(t.Context(), name); err == nil && strings.HasPrefix(info.CachedInfo().Config.FilterSubject, c.prefix("r")) {
			t.Errorf("consumer %s is left", name)
		}
	}
}

func TestChannelErrors(t *testing.T) {
	t.Parallel()
	c := channelOn(t, shared, newNamespace())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Set(ctx, "r", "k", json.RawMessage("1"), 0); !errors.Is(err, context.Canceled) {
		t.Errorf("set with a context that is done: %v", err)
	}
	holdsValue(t, c, "k", "")
	watched := make(chan error)
	go func() {
		for change, err := range c.Watch(t.Context(), "r", "") {
			if err != nil || change.Kind == engine.ChangeReady {
				watched <- err
			}
		}
	}()
	if err := <-watched; err != nil {
		t.Fatal(err)
	}
	c.bus.Close()
	if err := <-watched; !errors.Is(err, engine.ErrClosed) {
		t.Errorf("watch of a bus that was closed: %v", err)
	}
	_, getErr := c.Get(t.Context(), "r", "k")
	for what, err := range map[string]error{
		"get": getErr, "set": c.Set(t.Context(), "r", "k", json.RawMessage("1"), 0),
		"lock": c.Lock(t.Context(), "r", "l", "a", time.Minute, 0), "forget": c.Forget(t.Context(), "r"),
	} {
		if !errors.Is(err, engine.ErrClosed) {
			t.Errorf("%s on a bus that was closed: %v", what, err)
		}
	}
	c.close()
	if err := c.Set(t.Context(), "r", "k", json.RawMessage("1"), 0); !errors.Is(err, engine.ErrClosed) {
		t.Errorf("set of a channel that was closed: %v", err)
	}
}

// A right to write a key is none to write others, or to hide what was written.
func TestChannelStreamRefuses(t *testing.T) {
	t.Parallel()
	c := channelOn(t, shared, newNamespace())
	mustDo(t, c, engine.OpSet, "k", "1")
	for header, value := range map[string]string{
		jetstream.MsgRollup: jetstream.MsgRollupAll, "Nats-Schedule": "@at " + time.Now().Add(time.Hour).Format(time.RFC3339),
	} {
		m := nats.NewMsg(c.prefix("r") + leafKey + token("l"))
		m.Header.Set(header, value)
		if _, err := c.bus.publishOnce(t.Context(), m); err == nil {
			t.Errorf("a message with %s was stored", header)
		}
	}
	holdsValue(t, c, "k", "1")
}
