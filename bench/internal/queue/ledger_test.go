package queue

import "testing"

// TestReached holds what a flood counts on: whether or not jobs ran before they were
// waited for, who waits learns of the last at once.
func TestReached(t *testing.T) {
	t.Parallel()
	l := new(ledger)
	closed := func(ch <-chan struct{}) bool {
		select {
		case <-ch:
			return true
		default:
			return false
		}
	}
	first, reached := l.expect(2)
	l.run(first)
	l.run(first) // again, which doesn't count
	if closed(reached) {
		t.Error("one of two jobs has run: got that all have")
	}
	l.run(first + 1)
	if !closed(reached) {
		t.Error("both jobs have run: got that some have not")
	}
	if _, reached := l.expect(0); !closed(reached) {
		t.Error("nothing is left to run: got that something is")
	}
	if again, err := l.audit(); again != 1 || err != nil {
		t.Errorf("got %d runs again, %v, want 1", again, err)
	}
}
