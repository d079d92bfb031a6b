package enginetest

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

var watchCases = []testCase{
	{"what is there, then changes", watchChanges},
	{"of nothing", watchNothing},
	{"expiry", watchExpiry},
	{"order", watchOrder},
	{"slow reader", watchSlow},
	{"many writers and readers", watchMany},
	{"runs are independent", watchRuns},
	{"forget", watchForget},
	{"context", watchContext},
	{"left", watchLeft},
}

// watcher reads a watch change by change.
type watcher struct {
	t    *testing.T
	next func() (engine.Change, error, bool)
}

func watch(t *testing.T, s Suite, c engine.Channel, prefix string) *watcher {
	t.Helper()
	next, stop := iter.Pull2(c.Watch(s.patient(t), "r", prefix))
	t.Cleanup(stop)
	return &watcher{t, next}
}

// tells expects one change: the key and its value, or "deleted", "expired",
// "ready".
func (w *watcher) tells(want string) {
	w.t.Helper()
	got, err, ok := w.next()
	if !ok || err != nil {
		w.t.Fatalf("the watch has ended: %v, want %s", err, want)
	}
	if said := tell(got); said != want {
		w.t.Fatalf("the watch tells %s, want %s", said, want)
	}
}

func tell(c engine.Change) string {
	switch c.Kind {
	case engine.ChangeSet:
		return c.Key + " " + string(c.Value)
	case engine.ChangeDeleted:
		return c.Key + " deleted"
	case engine.ChangeExpired:
		return c.Key + " expired"
	case engine.ChangeReady:
		return "ready" + c.Key
	}
	return fmt.Sprintf("%+v", c)
}

// tellsAll expects changes in any order, then that what there was has been told.
func (w *watcher) tellsAll(want ...string) {
	w.t.Helper()
	left := map[string]bool{}
	for _, c := range want {
		left[c] = true
	}
	for {
		got, err, ok := w.next()
		if !ok || err != nil {
			w.t.Fatalf("the watch has ended: %v", err)
		}
		said := tell(got)
		if said == "ready" {
			break
		}
		if !left[said] {
			w.t.Fatalf("the watch tells %s, want %v", said, want)
		}
		delete(left, said)
	}
	if len(left) > 0 {
		w.t.Fatalf("the watch has not told %v", left)
	}
}

// ends expects an error, and nothing after it. Before it may be told.
func (w *watcher) ends(want error, before ...string) {
	w.t.Helper()
	c, err, ok := w.next()
	for ok && err == nil && slices.Contains(before, tell(c)) {
		c, err, ok = w.next()
	}
	if !ok || c.Kind != 0 {
		w.t.Fatalf("the watch tells %s, %t, want its end", tell(c), ok)
	}
	wantError(w.t, "watch", err, want)
	if c, err, ok := w.next(); ok {
		w.t.Errorf("after its end the watch tells %s, %v", tell(c), err)
	}
}

func watchChanges(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	for _, k := range []string{"user:a", "user:b", "other", "user"} {
		do(t, s, b.Channel, op(engine.OpSet, k, `"`+k+`"`), `"`+k+`"`)
	}
	do(t, s, b.Channel, op(engine.OpSet, "user:gone", "1"), "1")
	do(t, s, b.Channel, op(engine.OpDelete, "user:gone", ""), "")
	some, all := watch(t, s, b.Channel, "user:"), watch(t, s, b.Channel, "")
	some.tellsAll(`user:a "user:a"`, `user:b "user:b"`)
	all.tellsAll(`user:a "user:a"`, `user:b "user:b"`, `other "other"`, `user "user"`)
	for _, c := range []struct {
		op   engine.ChannelOp
		want string // holding; "" is nothing
	}{
		{op(engine.OpSet, "user:a", "1"), "1"},
		{op(engine.OpAdd, "user:a", "2"), "3"},
		{op(engine.OpAppend, "user:new", "1"), "[1]"},
		{op(engine.OpPrepend, "user:new", "0"), "[0,1]"},
		{op(engine.OpDelete, "user:b", ""), ""},
		{op(engine.OpSet, "user:b", "null"), "null"},
		{op(engine.OpSet, "user:b", "null"), "null"}, // told, although it is the same
	} {
		do(t, s, b.Channel, op(engine.OpAdd, "count", "1"), must(b.Channel.Do(s.patient(t), "unseen", op(engine.OpAdd, "count", "1"))))
		if _, err := b.Channel.Do(s.patient(t), "r", op(engine.OpAppend, "user:a", "1")); err == nil {
			t.Error("appended to what is no list")
		}
		do(t, s, b.Channel, c.op, c.want)
		want := c.op.Key + " " + c.want
		if c.want == "" {
			want += "deleted"
		}
		some.tells(want)
		all.tells("count " + must(b.Channel.Get(s.patient(t), "r", "count")))
		all.tells(want)
	}
}

func must(v json.RawMessage, err error) string {
	if err != nil {
		return err.Error()
	}
	return string(v)
}

func watchNothing(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	w := watch(t, s, b.Channel, "k")
	w.tells("ready")
	do(t, s, b.Channel, op(engine.OpDelete, "k1", ""), "")
	do(t, s, b.Channel, op(engine.OpSet, "l", "1"), "1")
	do(t, s, b.Channel, op(engine.OpSet, "k2", "1"), "1")
	for {
		c, err, ok := w.next() // that a missing key was deleted may be told or not
		if !ok || err != nil {
			t.Fatalf("the watch has ended: %v", err)
		}
		if said := tell(c); said == "k2 1" {
			return
		} else if said != "k1 deleted" {
			t.Fatalf("the watch tells %s, want k2 1", said)
		}
	}
}

func watchExpiry(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	s.Unit = unhurried(s)
	ctx := s.patient(t)
	set := func(key string, ttl time.Duration) {
		check(t, b.Channel.Set(ctx, "r", key, json.RawMessage("1"), ttl))
	}
	set("before", s.Unit)
	wait(2*s.Unit + late(s))
	set("a", 3*s.Unit)
	begun := time.Now()
	w := watch(t, s, b.Channel, "")
	w.tellsAll("a 1")
	set("kept", 3*s.Unit)
	w.tells("kept 1")
	set("kept", 0)
	w.tells("kept 1")
	w.tells("a expired") // nobody asks for it
	if got := time.Since(begun); got < 2*s.Unit || got > 4*s.Unit+late(s)+s.Lease {
		t.Errorf("told of the expiry after %s, want %s", got, 3*s.Unit)
	}
	holds(t, s, b.Channel, "a", "")
	set("a", 0)
	w.tells("a 1")
	check(t, b.Channel.Expire(ctx, "r", "a", s.Unit))
	w.tells("a expired")
	set("b", s.Unit)
	w.tells("b 1")
	w.tells("b expired")
	do(t, s, b.Channel, op(engine.OpAdd, "b", "5"), "5")
	w.tells("b 5")
	holds(t, s, b.Channel, "kept", "1")
}

// watchOrder: however far a reader is behind, what it is told is in the order in
// which it was written, up to the last.
func watchOrder(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	const last = 600
	w := watch(t, s, b.Channel, "")
	w.tells("ready")
	var writer sync.WaitGroup
	defer writer.Wait()
	writer.Go(func() {
		for n := 1; n <= last; n++ {
			key := []string{"a", "b", "b", "c"}[n%4]
			if _, err := b.Channel.Do(s.patient(t), "r", op(engine.OpSet, key, strconv.Itoa(n))); err != nil {
				t.Error(err)
			}
		}
	})
	for before := 0; before < last; {
		c, err, ok := w.next()
		if !ok || err != nil {
			t.Fatalf("the watch has ended: %v", err)
		}
		n, err := strconv.Atoi(string(c.Value))
		if err != nil || n <= before {
			t.Fatalf("told %s after %d", tell(c), before)
		}
		before = n
	}
}

// watchSlow: writers do not wait for a reader, who comes to know what there is.
func watchSlow(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	ctx := s.patient(t)
	do(t, s, b.Channel, op(engine.OpSet, "dropped", "1"), "1")
	w := watch(t, s, b.Channel, "")
	w.tellsAll("dropped 1")
	do(t, s, b.Channel, op(engine.OpDelete, "dropped", ""), "")
	for n := range 300 {
		do(t, s, b.Channel, op(engine.OpAdd, "n", "1"), strconv.Itoa(n+1))
		passing := fmt.Sprint("passing", n)
		do(t, s, b.Channel, op(engine.OpSet, passing, "1"), "1")
		do(t, s, b.Channel, op(engine.OpDelete, passing, ""), "")
	}
	check(t, b.Channel.Set(ctx, "r", "short", json.RawMessage("1"), s.Unit))
	wait(2*s.Unit + late(s))
	do(t, s, b.Channel, op(engine.OpSet, "last", "1"), "1")
	knows := map[string]string{"dropped": "1"}
	for knows["last"] == "" {
		c, err, ok := w.next()
		if !ok || err != nil {
			t.Fatalf("the watch has ended: %v", err)
		}
		if c.Kind == engine.ChangeSet {
			knows[c.Key] = string(c.Value)
		} else {
			delete(knows, c.Key)
		}
	}
	if len(knows) != 2 || knows["n"] != "300" {
		t.Errorf("the reader knows %v, want n 300 and last 1", knows)
	}
}

func watchMany(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	ctx := s.patient(t)
	const writers = 8
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			sum, length := 0, 0
			for c, err := range b.Channel.Watch(ctx, "r", "") {
				if err != nil {
					t.Errorf("the watch has ended: %v", err)
					return
				}
				var list []int
				switch c.Key {
				case "n":
					sum, _ = strconv.Atoi(string(c.Value))
				case "l":
					_ = json.Unmarshal(c.Value, &list)
					length = len(list)
				}
				if sum == writers*rounds && length == writers*rounds {
					return
				}
			}
		})
	}
	for range writers {
		all.Go(func() {
			for range rounds {
				for _, o := range []engine.ChannelOp{op(engine.OpAdd, "n", "1"), op(engine.OpAppend, "l", "1")} {
					if _, err := b.Channel.Do(ctx, "r", o); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	all.Wait()
	holds(t, s, b.Channel, "n", strconv.Itoa(writers*rounds))
}

func watchRuns(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	ctx := s.patient(t)
	check(t, b.Channel.Set(ctx, "other", "k", json.RawMessage("1"), 0))
	w := watch(t, s, b.Channel, "")
	w.tells("ready")
	check(t, b.Channel.Set(ctx, "other", "k", json.RawMessage("2"), 0))
	check(t, b.Channel.Forget(ctx, "other"))
	check(t, b.Channel.Set(ctx, "r", "k", json.RawMessage("3"), 0))
	w.tells("k 3")
}

func watchForget(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	ctx := s.patient(t)
	do(t, s, b.Channel, op(engine.OpSet, "k", "1"), "1")
	w, begun := watch(t, s, b.Channel, ""), watch(t, s, b.Channel, "")
	w.tellsAll("k 1")
	begun.tells("k 1") // and is not ready
	check(t, b.Channel.Forget(ctx, "r"))
	do(t, s, b.Channel, op(engine.OpSet, "new", "2"), "2")
	w.ends(engine.ErrNotFound)
	begun.ends(engine.ErrNotFound, "ready") // it may come to know a little later
	again := watch(t, s, b.Channel, "")
	again.tellsAll("new 2")
	do(t, s, b.Channel, op(engine.OpSet, "k", "3"), "3")
	again.tells("k 3")
}

func watchContext(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	next, stop := iter.Pull2(b.Channel.Watch(ctx, "r", ""))
	defer stop()
	w := &watcher{t, next}
	w.tells("ready")
	time.AfterFunc(s.Unit, cancel)
	w.ends(context.Canceled)
}

// watchLeft: a loop may be left, also while it is told of what there was, and be
// begun again.
func watchLeft(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	do(t, s, b.Channel, op(engine.OpSet, "k", "1"), "1")
	do(t, s, b.Channel, op(engine.OpSet, "l", "1"), "1")
	changes := b.Channel.Watch(s.patient(t), "r", "")
	for range 2 {
		n := 0
		for c, err := range changes {
			check(t, err)
			if n++; c.Kind != engine.ChangeSet {
				t.Errorf("told %s, want what there is", tell(c))
			}
			do(t, s, b.Channel, op(engine.OpSet, "m", strconv.Itoa(n)), strconv.Itoa(n))
			if n == 2 {
				break
			}
		}
	}
	do(t, s, b.Channel, op(engine.OpSet, "k", "2"), "2")
}
