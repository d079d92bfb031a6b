package enginetest

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// Suite says how the tests of a backend are run.
type Suite struct {
	// Open returns an empty backend for one test. What it starts is to be
	// ended by t.Cleanup.
	Open func(t *testing.T) *engine.Backend
	// Lease is how long the leases of the backend's queue last; 0 is 10 s.
	Lease time.Duration
	// Unit is the time of short waits: for what must not happen, and of
	// expiries. The backend must tell it apart from 0; 0 is 100 ms, or 1 s
	// in a bubble.
	Unit time.Duration
	// Bubble runs each test in a synctest bubble, where waiting takes no
	// time. For backends without I/O.
	Bubble bool
}

// Backend runs the suite with its defaults on what open returns.
func Backend(t *testing.T, open func(t *testing.T) *engine.Backend) {
	t.Helper()
	Suite{Open: open}.Run(t)
}

// Run runs the suite.
func (s Suite) Run(t *testing.T) {
	t.Helper()
	if s.Lease == 0 {
		s.Lease = 10 * time.Second
	}
	if s.Unit == 0 {
		s.Unit = 100 * time.Millisecond
		if s.Bubble {
			s.Unit = time.Second
		}
	}
	s.group(t, "Journal", journalCases)
	s.group(t, "Queue", queueCases)
	s.group(t, "Timers", timerCases)
	s.group(t, "Channel", channelCases)
	s.group(t, "Watch", watchCases)
	s.group(t, "Locks", lockCases)
	s.group(t, "Blobs", blobCases)
}

// testCase is one test, on a backend of its own.
type testCase struct {
	name string
	run  func(t *testing.T, s Suite, b *engine.Backend)
}

func (s Suite) group(t *testing.T, name string, cases []testCase) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				run := func(t *testing.T) { t.Helper(); c.run(t, s, s.Open(t)) }
				if s.Bubble {
					synctest.Test(t, run)
					return
				}
				run(t)
			})
		}
	})
}

// patient is a context that ends only when a backend hangs.
func (s Suite) patient(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*s.Lease+time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// wait lets time pass: the bubble's, or real time when the backend is real.
func wait(d time.Duration) { <-time.After(d) }

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantError(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: error %v, want %v", what, got, want)
	}
}
