package wasip1

import (
	"testing"
	"time"
)

// TestGoOn starts clocks where another one has left off.
func TestGoOn(t *testing.T) {
	t.Parallel()
	for _, kind := range []ClockKind{RealClock, CoarseClock} {
		s := New(Config{Clock: Clock{Kind: kind}})
		before := s.now(clockRealtime)
		for _, seen := range []uint64{0, uint64(time.Hour) + 7, uint64(time.Minute)} {
			s.GoOn(seen)
			most := max(seen, uint64(time.Since(processStart))) + uint64(time.Minute)
			if got := s.Seen(); got < seen || got > most {
				t.Errorf("clock %d: got %v, want %v", kind, time.Duration(got), time.Duration(seen))
			}
		}
		if now := s.now(clockRealtime); now < before || now > before+uint64(time.Minute) {
			t.Errorf("clock %d: the time of day is %d, before it was %d", kind, now, before)
		}
	}
	virtual := New(Config{Clock: Clock{Kind: VirtualClock, Elapsed: func() uint64 { return 5 }}})
	virtual.GoOn(uint64(time.Hour))
	if got := virtual.Seen(); got != 5 {
		t.Errorf("a virtual clock: got %d, want what its guest has computed", got)
	}
}
