package wasip1_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost/internal/guestfs"
	"github.com/graflow/graflow-wasm/wasmhost/internal/wasip1"
)

// subscription is a record for poll_oneoff.
type subscription struct {
	kind     byte   // clock, read, write
	id       uint32 // of the clock, or the descriptor
	timeout  uint64
	absolute uint16
}

const (
	onClock = iota
	onRead
	onWrite
)

// event is a record from poll_oneoff. The user data is the subscription's place.
type event struct {
	userdata uint64
	errno    guestfs.Errno
	kind     byte
	bytes    uint64
}

func (g *guest) poll(ctx context.Context, subscriptions ...subscription) ([]event, guestfs.Errno) {
	g.t.Helper()
	n := len(subscriptions)
	in, out, count := g.room(48*n), g.room(32*n), g.room(4)
	for i, s := range subscriptions {
		b := g.memory[in+uint64(48*i):]
		le.PutUint64(b, uint64(i))
		b[8] = s.kind
		le.PutUint32(b[16:], s.id)
		le.PutUint64(b[24:], s.timeout)
		le.PutUint16(b[40:], s.absolute)
	}
	errno := run(ctx, g.t, g.state, g.memory, "poll_oneoff", in, out, uint64(n), count)
	events := make([]event, g.u32(count))
	for i := range events {
		b := g.memory[out+uint64(32*i):]
		events[i] = event{
			le.Uint64(b), guestfs.Errno(le.Uint16(b[8:])), b[10], le.Uint64(b[16:]),
		}
	}
	return events, errno
}

func (g *guest) mustPoll(s subscription) {
	g.t.Helper()
	if events, errno := g.poll(g.t.Context(), s); errno != guestfs.OK || len(events) != 1 {
		g.t.Fatalf("poll %+v: got %v, errno %d", s, events, errno)
	}
}

func TestPollEvents(t *testing.T) {
	t.Parallel()
	const second = uint64(time.Second)
	g := newTreeGuest(t)
	g.state = wasip1.New(wasip1.Config{
		Stdin: []byte("abc"),
		Clock: wasip1.Clock{Kind: wasip1.VirtualClock},
		Preopens: []wasip1.Preopen{
			{GuestPath: "/", FS: guestfs.NewMemory(guestfs.NewQuota(1 << 20))},
		},
	})
	fd := uint32(g.open("f", create, 0))
	g.write(uint64(fd), "12345")
	g.seek(uint64(fd), 1, 0)
	for _, c := range []struct {
		name string
		in   []subscription
		want []event
	}{
		{
			"relative",
			[]subscription{{onClock, 1, second, 0}},
			[]event{{0, 0, onClock, 0}},
		},
		{
			"the earlier of two",
			[]subscription{{onClock, 0, 2 * second, 0}, {onClock, 1, second, 0}},
			[]event{{1, 0, onClock, 0}},
		},
		{
			"two at once",
			[]subscription{{onClock, 0, second, 0}, {onClock, 1, second, 0}},
			[]event{{0, 0, onClock, 0}, {1, 0, onClock, 0}},
		},
		{
			"past",
			[]subscription{{onClock, 0, 1, 1}, {onClock, 1, second, 0}},
			[]event{{0, 0, onClock, 0}},
		},
		{
			"descriptors before clocks",
			[]subscription{{onClock, 1, second, 0}, {onRead, 0, 0, 0}, {onWrite, 1, 0, 0}, {onRead, fd, 0, 0}},
			[]event{{1, 0, onRead, 3}, {2, 0, onWrite, 16 << 20}, {3, 0, onRead, 4}},
		},
		{
			"no such descriptor",
			[]subscription{{onRead, 50, 0, 0}, {onWrite, 1<<32 - 1, 0, 0}},
			[]event{{0, guestfs.EBADF, onRead, 0}, {1, guestfs.EBADF, onWrite, 16 << 20}},
		},
		{
			"a CPU clock",
			[]subscription{{onClock, 2, second, 0}},
			[]event{{0, guestfs.ENOTSUP, onClock, 0}},
		},
		{"for ever", []subscription{{onClock, 1, 1<<64 - 1, 0}}, []event{{0, 0, onClock, 0}}},
	} {
		got, errno := g.poll(t.Context(), c.in...)
		if errno != guestfs.OK || len(got) != len(c.want) {
			t.Errorf("%s: got %v, errno %d, want %v", c.name, got, errno, c.want)
			continue
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%s: got %v, want %v", c.name, got[i], c.want[i])
			}
		}
	}
}

func TestPollRefusals(t *testing.T) {
	t.Parallel()
	g := newTreeGuest(t)
	for _, s := range []subscription{
		{kind: 3}, {kind: 255}, {kind: onClock, id: 4}, {kind: onClock, absolute: 2},
	} {
		if _, errno := g.poll(t.Context(), s); errno != guestfs.EINVAL {
			t.Errorf("%+v: got errno %d, want EINVAL", s, errno)
		}
	}
	g.want(guestfs.EINVAL, "poll_oneoff", 16, 16, 0, 16)
	g.want(guestfs.EINVAL, "poll_oneoff", 16, 16, 4097, 16)
	g.want(guestfs.EINVAL, "poll_oneoff", 16, 16, 1<<32-1, 16)
}

// Waits take the time asked for, on the real clock in a bubble's time.
func TestPollWaits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		kind wasip1.ClockKind
		in   subscription
		want time.Duration
	}{
		{"relative", wasip1.RealClock, subscription{onClock, 1, 1_500_000_007, 0}, 1_500_000_007},
		{"no time", wasip1.RealClock, subscription{onClock, 1, 0, 0}, 0},
		{"absolute past", wasip1.RealClock, subscription{onClock, 0, 5, 1}, 0},
		// A bubble's time starts at 2000-01-01.
		{"absolute", wasip1.RealClock, subscription{onClock, 0, 946684800_000000000 + 5e9, 1}, 5e9},
		{"coarse", wasip1.CoarseClock, subscription{onClock, 1, 300_000, 0}, time.Millisecond},
		{"virtual", wasip1.VirtualClock, subscription{onClock, 1, 3600e9, 0}, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			g := newGuest(t, wasip1.Config{Clock: wasip1.Clock{Kind: c.kind}})
			start := time.Now()
			if events, errno := g.poll(t.Context(), c.in); errno != guestfs.OK || len(events) != 1 {
				t.Errorf("%s: got %v, errno %d", c.name, events, errno)
			}
			if got := time.Since(start); got != c.want {
				t.Errorf("%s: took %v, want %v", c.name, got, c.want)
			}
		})
	}
}

// On waking the guest finds that it is time, by the clock that it waited for and
// however coarse that is.
func TestPollWakesInTime(t *testing.T) {
	t.Parallel()
	for _, kind := range []wasip1.ClockKind{wasip1.RealClock, wasip1.CoarseClock} {
		g := newGuest(t, wasip1.Config{Clock: wasip1.Clock{Kind: kind}})
		for i := range uint64(40) {
			id, wait := uint32(i%2), 100_000+i*31_415
			at := g.now(uint64(id)) + wait
			in := subscription{onClock, id, at, 1}
			if i%4 > 1 {
				in.timeout, in.absolute = wait, 0
			}
			g.mustPoll(in)
			if late := int64(g.now(uint64(id)) - at); late < 0 {
				t.Errorf("clock %d of kind %d: woke %v early", id, kind, time.Duration(-late))
			}
		}
	}
}

func TestPollIsInterrupted(t *testing.T) {
	t.Parallel()
	interrupted := func(poll func()) (is bool) {
		defer func() { _, is = recover().(wasip1.Interrupted) }()
		poll()
		return false
	}
	for _, in := range []subscription{
		{timeout: 1e9 + 1},
		{timeout: 3600e9},
		{timeout: 1<<64 - 1},
		{id: 1, timeout: 3600e9},
		{timeout: 946684800_000000000 + 3600e9, absolute: 1},
		{id: 1, timeout: 1<<64 - 1, absolute: 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			g := newGuest(t, wasip1.Config{})
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			start := time.Now()
			for range 2 { // the second finds that it is over
				if !interrupted(func() { _, _ = g.poll(ctx, in) }) {
					t.Error("the wait ended by itself")
				}
			}
			if got := time.Since(start); got != time.Second {
				t.Errorf("interrupted after %v, want 1s", got)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	g := newTreeGuest(t)
	for name, args := range map[string][]uint64{
		"sched_yield": nil, "random_get": {16, 64}, "poll_oneoff": {16, 64, 1, 256},
	} {
		if !interrupted(func() { _ = run(ctx, t, g.state, g.memory, name, args...) }) {
			t.Errorf("%s went on after its context ended", name)
		}
	}
}
