package gauntlet

import (
	"encoding/binary"
	"math"
	"slices"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost/gauntlet/internal/asm"
)

const (
	clockRealtime  = 0
	clockMonotonic = 1
	absolute       = 1 // a flag of a subscription
)

// onClock is a subscription to a clock.
func onClock(clock uint32, timeout uint64, flags uint16) []byte {
	b := make([]byte, 48)
	binary.LittleEndian.PutUint32(b[16:], clock)
	binary.LittleEndian.PutUint64(b[24:], timeout)
	binary.LittleEndian.PutUint16(b[40:], flags)
	return b
}

// onRead is a subscription to a file's being readable.
func onRead(fd uint32) []byte {
	b := make([]byte, 48)
	b[8] = 1
	binary.LittleEndian.PutUint32(b[16:], fd)
	return b
}

// poll waits for subscriptions; it leaves the errno.
func (g *guest) poll(subscriptions ...[]byte) asm.Code {
	at := g.put(slices.Concat(subscriptions...))
	const events = 1024
	return g.host("poll_oneoff", asm.I32(at), asm.I32(events), asm.I32(len(subscriptions)), asm.I32(resultAt))
}

func waits() []Case {
	const sleeps = "lets a guest sleep in the host, where its deadline does not reach"
	hour := onClock(clockMonotonic, uint64(time.Hour), 0)
	one := func(name string, verdict Verdict, why string, subscriptions ...[]byte) Case {
		return attack(name, ABICommand, verdict, why, func(g *guest) {
			g.run("", g.poll(subscriptions...), asm.Drop)
		})
	}
	stopped := Stopped(KindTimeout)
	either := stopped.Or(Contained()) // the host may refuse to sleep so
	crowd := one("sixty-four-hours", stopped, "keeps a thread for each of many sleepers", hour)
	crowd.Parallel = 64
	crowd.Verdict.Wall = DefaultTimeout + 2*StopAllowance
	return []Case{
		one("hour", stopped, sleeps, hour),
		one("longest", stopped, "takes 2^64-1 nanoseconds for a negative time and returns at once, or sleeps for ever", onClock(clockMonotonic, math.MaxUint64, 0)).or(Contained()),
		one("longest-signed", stopped, sleeps, onClock(clockMonotonic, math.MaxInt64, 0)),
		one("realtime", either, sleeps, onClock(clockRealtime, uint64(time.Hour), 0)),
		one("absolute", either, sleeps, onClock(clockMonotonic, math.MaxInt64, absolute)),
		one("absolute-realtime", either, sleeps, onClock(clockRealtime, math.MaxInt64, absolute)),
		one("unknown-clock", either, sleeps, onClock(77, uint64(time.Hour), 0)),
		one("on-stdin-and-hour", either, sleeps, onRead(0), hour),
		one("on-stdin", either, "waits for its own terminal", onRead(0)),
		one("on-unknown-file", either, sleeps, onRead(999)),
		one("nothing", either, "waits for none of no events, for ever"),
		attack("many-subscriptions", ABICommand, either, "sets up ten thousand timers for one guest", func(g *guest) {
			g.pages(32, 32)
			at := g.put(bytesRepeat(hour, 10_000))
			g.run("", g.host("poll_oneoff", asm.I32(at), asm.I32(16*pageBytes), asm.I32(10_000), asm.I32(resultAt)), asm.Drop)
		}),
		attack("one-hour-after-the-other", ABICommand, stopped, "wakes a guest at its deadline and lets it go on", func(g *guest) {
			g.run("", forever(g.poll(hour), asm.Drop))
		}),
		attack("nanoseconds", ABICommand, stopped, "starts a timer for each of a million sleeps of a nanosecond", func(g *guest) {
			g.run("", forever(g.poll(onClock(clockMonotonic, 1, 0)), asm.Drop))
		}),
		attack("no-time", ABICommand, stopped, "polls without sleeping", func(g *guest) {
			g.run("", forever(g.poll(onClock(clockMonotonic, 0, 0)), asm.Drop))
		}),
		attack("in-start-function", ABIReactor, stopped, sleeps, func(g *guest) {
			code := asm.Seq(g.poll(hour), asm.Drop)
			g.Start(g.Func("", "", "", code))
			g.run("")
		}),
		attack("in-initialize", ABIReactor, stopped, sleeps, func(g *guest) {
			code := asm.Seq(g.poll(hour), asm.Drop)
			g.Export("_initialize", g.Func("", "", "", code))
			g.run("")
		}),
		crowd,
		attack("yield", ABICommand, stopped, "hands the core over a million times and looks at no deadline", func(g *guest) {
			g.run("", forever(g.host("sched_yield"), asm.Drop))
		}),
		attack("clock", ABICommand, stopped, "is asked for the time a million times", func(g *guest) {
			g.run("", forever(g.host("clock_time_get", asm.I32(clockMonotonic), asm.I64(0), asm.I32(resultAt)), asm.Drop))
		}),
	}
}

// or is the case with more endings allowed.
func (c Case) or(v Verdict) Case {
	c.Verdict = c.Verdict.Or(v)
	return c
}

func bytesRepeat(b []byte, n int) []byte { return asm.Repeat(n, b) }
