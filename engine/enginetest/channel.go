package enginetest

import (
	"encoding/json"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

var channelCases = []testCase{
	{"set and get", channelSet},
	{"delete and exists", channelDelete},
	{"keys", channelKeys},
	{"expire", channelExpire},
	{"set for a time", channelSetFor},
	{"ttl", channelTTL},
	{"append and prepend", channelLists},
	{"add", channelAdd},
	{"runs are independent", channelRuns},
	{"operations are atomic", channelAtomic},
	{"forget", channelForget},
}

func op(kind engine.Op, key, value string) engine.ChannelOp {
	o := engine.ChannelOp{Op: kind, Key: key}
	if value != "" {
		o.Value = json.RawMessage(value)
	}
	return o
}

// do expects that the key then holds want, and says so; "" is nothing.
func do(t *testing.T, s Suite, c engine.Channel, o engine.ChannelOp, want string) {
	t.Helper()
	got, err := c.Do(s.patient(t), "r", o)
	if err != nil {
		t.Fatalf("%s %q %s: %v", o.Op, o.Key, o.Value, err)
	}
	if string(got) != want {
		t.Errorf("%s %q %s returned %s, want %s", o.Op, o.Key, o.Value, got, want)
	}
	holds(t, s, c, o.Key, want)
}

func holds(t *testing.T, s Suite, c engine.Channel, key, want string) {
	t.Helper()
	got, err := c.Get(s.patient(t), "r", key)
	if want == "" {
		wantError(t, "get "+strconv.Quote(key), err, engine.ErrNotFound)
		return
	}
	if err != nil || string(got) != want {
		t.Errorf("key %q holds %s, %v, want %s", key, got, err, want)
	}
}

// refuse expects an error, and that nothing has changed.
func refuse(t *testing.T, s Suite, c engine.Channel, o engine.ChannelOp, holding string) {
	t.Helper()
	if got, err := c.Do(s.patient(t), "r", o); err == nil {
		t.Errorf("%s %q %s on %s returned %s, want an error", o.Op, o.Key, o.Value, holding, got)
	}
	holds(t, s, c, o.Key, holding)
}

func channelSet(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	holds(t, s, b.Channel, "k", "")
	for _, v := range []string{`"42"`, `42`, `1.50`, `null`, `true`, `[]`, `{"a":{"b":[1,"π"]}}`, `12345678901234567890`} {
		do(t, s, b.Channel, op(engine.OpSet, "k", v), v)
	}
	do(t, s, b.Channel, op(engine.OpSet, "k", ""), "null")
	do(t, s, b.Channel, op(engine.OpSet, "a/b c.π*>", "1"), "1")
	holds(t, s, b.Channel, "k", "null")
}

func channelDelete(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	do(t, s, b.Channel, op(engine.OpDelete, "k", ""), "")
	do(t, s, b.Channel, op(engine.OpSet, "k", "1"), "1")
	do(t, s, b.Channel, op(engine.OpSet, "l", "2"), "2")
	do(t, s, b.Channel, op(engine.OpDelete, "k", ""), "")
	holds(t, s, b.Channel, "l", "2")
	do(t, s, b.Channel, op(engine.OpAdd, "k", "5"), "5")
	refuse(t, s, b.Channel, op("multiply", "k", "2"), "5")
}

func keysAre(t *testing.T, s Suite, c engine.Channel, prefix string, want ...string) {
	t.Helper()
	got, err := c.Keys(s.patient(t), "r", prefix)
	check(t, err)
	if !slices.Equal(got, want) {
		t.Errorf("keys with prefix %q: %q, want %q", prefix, got, want)
	}
}

func channelKeys(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	keysAre(t, s, b.Channel, "")
	for _, k := range []string{"user:b", "other", "user:a", "user"} {
		do(t, s, b.Channel, op(engine.OpSet, k, "1"), "1")
	}
	keysAre(t, s, b.Channel, "", "other", "user", "user:a", "user:b")
	keysAre(t, s, b.Channel, "user:", "user:a", "user:b")
	keysAre(t, s, b.Channel, "nobody")
	do(t, s, b.Channel, op(engine.OpDelete, "user:a", ""), "")
	keysAre(t, s, b.Channel, "user:", "user:b")
}

func channelExpire(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	s.Unit = unhurried(s)
	ctx := s.patient(t)
	wantError(t, "expire a missing key", b.Channel.Expire(ctx, "r", "k", s.Unit), engine.ErrNotFound)
	for _, k := range []string{"gone", "kept", "never"} {
		do(t, s, b.Channel, op(engine.OpSet, k, "1"), "1")
	}
	check(t, b.Channel.Expire(ctx, "r", "gone", 3*s.Unit))
	check(t, b.Channel.Expire(ctx, "r", "kept", 3*s.Unit))
	check(t, b.Channel.Expire(ctx, "r", "kept", 0))
	holds(t, s, b.Channel, "gone", "1")
	keysAre(t, s, b.Channel, "", "gone", "kept", "never")
	wait(4*s.Unit + late(s))
	holds(t, s, b.Channel, "gone", "")
	keysAre(t, s, b.Channel, "", "kept", "never")
	wantError(t, "expire an expired key", b.Channel.Expire(ctx, "r", "gone", s.Unit), engine.ErrNotFound)
	if err := b.Channel.Expire(ctx, "r", "kept", -1); err == nil {
		t.Error("a key expires before now, want an error")
	}
	do(t, s, b.Channel, op(engine.OpAdd, "gone", "2"), "2")
	wait(4 * s.Unit)
	holds(t, s, b.Channel, "gone", "2")
}

// channelSetFor also looks at which writes keep the time that a key has.
func channelSetFor(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	s.Unit = unhurried(s)
	ctx := s.patient(t)
	if err := b.Channel.Set(ctx, "r", "k", json.RawMessage("1"), -1); err == nil {
		t.Error("a key is set to expire before now, want an error")
	}
	holds(t, s, b.Channel, "k", "")
	set := func(key, value string, ttl time.Duration) {
		check(t, b.Channel.Set(ctx, "r", key, json.RawMessage(value), ttl))
	}
	set("null", "", 0)
	holds(t, s, b.Channel, "null", "null")
	set("good", "1", 3*s.Unit)
	set("good", "2", 0)
	set("reset", "1", 3*s.Unit)
	do(t, s, b.Channel, op(engine.OpSet, "reset", "2"), "2")
	set("longer", "1", 3*s.Unit)
	set("longer", "2", 12*s.Unit)
	set("deleted", "1", 3*s.Unit)
	do(t, s, b.Channel, op(engine.OpDelete, "deleted", ""), "")
	do(t, s, b.Channel, op(engine.OpSet, "deleted", "2"), "2")
	set("added", "1", 3*s.Unit)
	do(t, s, b.Channel, op(engine.OpAdd, "added", "1"), "2")
	set("list", "[]", 3*s.Unit)
	do(t, s, b.Channel, op(engine.OpAppend, "list", "1"), "[1]")
	do(t, s, b.Channel, op(engine.OpPrepend, "list", "0"), "[0,1]")
	wait(4*s.Unit + late(s))
	keysAre(t, s, b.Channel, "", "deleted", "good", "longer", "null", "reset")
	holds(t, s, b.Channel, "longer", "2")
	do(t, s, b.Channel, op(engine.OpAppend, "list", "2"), "[2]") // not what had expired
}

// late is how much later than its time a key may go.
func late(s Suite) time.Duration {
	if s.Bubble {
		return 0
	}
	return time.Second
}

// unhurried is a unit for what is to be there yet when the next is done. On a machine
// that has much else to do a few calls may take longer than a short one: then a key
// has rightly expired before, and a watch need not tell of it at all.
func unhurried(s Suite) time.Duration {
	if s.Bubble {
		return s.Unit
	}
	return max(s.Unit, time.Second)
}

func channelTTL(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	ctx := s.patient(t)
	_, err := b.Channel.TTL(ctx, "r", "k")
	wantError(t, "ttl of a missing key", err, engine.ErrNotFound)
	left := func(atLeast, atMost time.Duration) {
		t.Helper()
		got, err := b.Channel.TTL(ctx, "r", "k")
		check(t, err)
		if got < atLeast || got > atMost {
			t.Errorf("the key has %s left, want %s to %s", got, atLeast, atMost)
		}
	}
	do(t, s, b.Channel, op(engine.OpSet, "k", "1"), "1")
	left(0, 0)
	check(t, b.Channel.Expire(ctx, "r", "k", time.Hour))
	left(time.Hour-time.Minute, time.Hour+time.Second)
	check(t, b.Channel.Set(ctx, "r", "k", json.RawMessage("2"), 2*time.Hour))
	wait(s.Unit)
	do(t, s, b.Channel, op(engine.OpAdd, "k", "1"), "3")
	left(2*time.Hour-time.Minute, 2*time.Hour-s.Unit+late(s))
	check(t, b.Channel.Expire(ctx, "r", "k", 0))
	left(0, 0)
	check(t, b.Channel.Expire(ctx, "r", "k", 2*s.Unit))
	wait(3*s.Unit + late(s))
	_, err = b.Channel.TTL(ctx, "r", "k")
	wantError(t, "ttl of an expired key", err, engine.ErrNotFound)
}

func channelLists(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	do(t, s, b.Channel, op(engine.OpAppend, "l", "1"), `[1]`)
	do(t, s, b.Channel, op(engine.OpAppend, "l", `"b"`), `[1,"b"]`)
	do(t, s, b.Channel, op(engine.OpPrepend, "l", "[0]"), `[[0],1,"b"]`)
	do(t, s, b.Channel, op(engine.OpAppend, "l", "null"), `[[0],1,"b",null]`)
	do(t, s, b.Channel, op(engine.OpPrepend, "p", "1"), `[1]`)
	do(t, s, b.Channel, op(engine.OpPrepend, "p", "2"), `[2,1]`)
	do(t, s, b.Channel, op(engine.OpSet, "e", "[]"), `[]`)
	do(t, s, b.Channel, op(engine.OpAppend, "e", "{}"), `[{}]`)
	for _, v := range []string{`1`, `"[]"`, `null`, `{"a":[]}`} {
		do(t, s, b.Channel, op(engine.OpSet, "x", v), v)
		refuse(t, s, b.Channel, op(engine.OpAppend, "x", "1"), v)
		refuse(t, s, b.Channel, op(engine.OpPrepend, "x", "1"), v)
	}
}

func channelAdd(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	do(t, s, b.Channel, op(engine.OpAdd, "n", "2"), "2") // missing counts as 0
	do(t, s, b.Channel, op(engine.OpAdd, "n", "40"), "42")
	do(t, s, b.Channel, op(engine.OpAdd, "n", "-50"), "-8")
	do(t, s, b.Channel, op(engine.OpAdd, "n", "0"), "-8")
	do(t, s, b.Channel, op(engine.OpAdd, "n", "0.5"), "-7.5")
	do(t, s, b.Channel, op(engine.OpAdd, "f", "0.25"), "0.25")
	do(t, s, b.Channel, op(engine.OpSet, "big", "9007199254740993"), "9007199254740993")
	do(t, s, b.Channel, op(engine.OpAdd, "big", "2"), "9007199254740995")
	for _, v := range []string{`"1"`, `null`, `[1]`, `true`} {
		do(t, s, b.Channel, op(engine.OpSet, "x", v), v)
		refuse(t, s, b.Channel, op(engine.OpAdd, "x", "1"), v)
		refuse(t, s, b.Channel, op(engine.OpAdd, "n", v), "-7.5")
	}
}

func channelRuns(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	do(t, s, b.Channel, op(engine.OpSet, "k", "1"), "1")
	_, err := b.Channel.Get(s.patient(t), "other", "k")
	wantError(t, "get another run's key", err, engine.ErrNotFound)
	_, err = b.Channel.Do(s.patient(t), "other", op(engine.OpAdd, "k", "5"))
	check(t, err)
	holds(t, s, b.Channel, "k", "1")
}

func channelAtomic(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	ctx := s.patient(t)
	var all sync.WaitGroup
	for range racers {
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
	holds(t, s, b.Channel, "n", strconv.Itoa(racers*rounds))
	raw, err := b.Channel.Get(ctx, "r", "l")
	check(t, err)
	var list []int
	check(t, json.Unmarshal(raw, &list))
	if got, want := len(list), racers*rounds; got != want {
		t.Errorf("the list has %d elements, want %d", got, want)
	}
}

func channelForget(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	ctx := s.patient(t)
	do(t, s, b.Channel, op(engine.OpSet, "k", "1"), "1")
	check(t, b.Channel.Set(ctx, "r", "l", json.RawMessage("1"), 2*s.Unit))
	check(t, b.Channel.Set(ctx, "other", "k", json.RawMessage("7"), 0))
	for range 2 {
		check(t, b.Channel.Forget(ctx, "r"))
		keysAre(t, s, b.Channel, "")
		holds(t, s, b.Channel, "k", "")
	}
	check(t, b.Channel.Forget(ctx, "unknown"))
	do(t, s, b.Channel, op(engine.OpAdd, "k", "5"), "5")
	do(t, s, b.Channel, op(engine.OpSet, "l", "2"), "2")
	wait(3*s.Unit + late(s))
	holds(t, s, b.Channel, "l", "2") // the time that another had
	if got, err := b.Channel.Get(ctx, "other", "k"); string(got) != "7" || err != nil {
		t.Errorf("the other run's key holds %s, %v, want 7", got, err)
	}
}
