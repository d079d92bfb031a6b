package enginetest

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

var timerCases = []testCase{
	{"fires once, in time", timerFires},
	{"fire in order of their times", timerOrder},
	{"stopped", timerStops},
	{"many at once", timerMany},
}

func timerFires(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	begun := time.Now()
	fired := make(chan time.Duration, 2)
	stop := b.Timers.After(2*s.Unit, func() { fired <- time.Since(begun) })
	if got := <-fired; got < 2*s.Unit {
		t.Errorf("fired after %s, want %s or later", got, 2*s.Unit)
	}
	stop() // harmless
	select {
	case <-fired:
		t.Error("fired twice")
	case <-time.After(4 * s.Unit):
	}
	b.Timers.After(0, func() { fired <- 0 })
	<-fired
}

func timerOrder(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	fired := make(chan int, 3)
	for _, n := range []int{3, 1, 2} {
		b.Timers.After(time.Duration(5*n)*s.Unit, func() { fired <- n }) // so far apart that a busy machine doesn't make them one
	}
	for want := 1; want <= 3; want++ {
		if got := <-fired; got != want {
			t.Errorf("timer %d fired, want %d", got, want)
		}
	}
}

func timerStops(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	s.Unit = unhurried(s)
	var fired atomic.Bool
	stop := b.Timers.After(2*s.Unit, func() { fired.Store(true) })
	stop()
	stop()
	wait(4 * s.Unit)
	if fired.Load() {
		t.Error("a stopped timer fired")
	}
}

// timerMany starts timers from many sides, and stops every other one.
func timerMany(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	s.Unit = unhurried(s)
	var fired [racers * rounds]atomic.Int32
	var all sync.WaitGroup
	for r := range racers {
		all.Go(func() {
			for n := range rounds {
				i := r*rounds + n
				stop := b.Timers.After(s.Unit, func() { fired[i].Add(1) })
				if i%2 == 1 {
					stop()
				}
			}
		})
	}
	all.Wait()
	wait(4 * s.Unit)
	for i := range fired {
		if got, want := int(fired[i].Load()), 1-i%2; got != want {
			t.Errorf("timer %d fired %d times, want %d", i, got, want)
		}
	}
}
