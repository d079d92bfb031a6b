package enginetest

import (
	"bytes"
	"context"
	"fmt"
	"runtime/pprof"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

var endCases = []handlerCase{
	{ProgramSpin, "ends with its context", spinEnds},
	{ProgramSpin, "ends at its deadline", spinExpires},
	{ProgramSpin, "before it has begun", spinNeverBegins},
	{ProgramSpin, "ends by its timeout", spinTimesOut},
	{ProgramSpin, "ends with its run", spinCanceled},
	{ProgramSpin, "ends with its group", spinInGroup},
}

// attempts counts attempts, to tell their goroutines apart.
var attempts atomic.Int64

// patience is how many times as long as it may take a handler to return is waited
// for it.
const patience = 10

// ends makes an attempt of ProgramSpin and wants it to return soon after ctx is
// done, and to leave no goroutine. begun is called once the program runs.
func (s HandlerSuite) ends(ctx context.Context, t *testing.T, begun func()) {
	t.Helper()
	call := s.newCall(t, ProgramSpin, "null", nil, nil)
	call.Sink.(*told).line = func(message string) {
		if strings.Contains(message, "spinning") {
			begun()
		}
	}
	h := s.New(t)
	mark := fmt.Sprintf("attempt-%d", attempts.Add(1))
	returned := make(chan error, 1)
	// Goroutines that are started in there have the label too.
	go pprof.Do(ctx, pprof.Labels(mark, mark), func(ctx context.Context) {
		_, err := attempt(ctx, h, call)
		returned <- err
	})
	select {
	case err := <-returned:
		if deadline, bounded := ctx.Deadline(); ctx.Err() == nil && (!bounded || time.Now().Before(deadline)) {
			t.Errorf("got %v before the end of the context", err)
		}
	case <-ctx.Done():
		s.wantReturn(t, returned)
	}
	wantNoGoroutine(t, mark, s.Stop)
}

// wantReturn wants a handler to return soon, from now on.
func (s HandlerSuite) wantReturn(t *testing.T, returned <-chan error) {
	t.Helper()
	done := time.Now()
	select {
	case <-returned: //nolint:errcheck // what it returns now is dropped
		if late := time.Since(done); late > s.Stop {
			t.Errorf("got it back %s after the end of its context, want at most %s", late, s.Stop)
		}
	case <-time.After(patience * s.Stop):
		t.Fatalf("got nothing back %s after the end of its context", patience*s.Stop)
	}
}

// wantNoGoroutine wants those with a label to end soon. The connections that HTTP
// clients keep are not the attempt's.
func wantNoGoroutine(t *testing.T, mark string, soon time.Duration) {
	t.Helper()
	for end := time.Now().Add(soon); ; wait(time.Millisecond) {
		left := labeled(t, mark)
		if left == "" {
			return
		}
		if time.Now().After(end) {
			t.Errorf("got goroutines left by the attempt:\n%s", left)
			return
		}
	}
}

func labeled(t *testing.T, mark string) string {
	t.Helper()
	var profile bytes.Buffer
	check(t, pprof.Lookup("goroutine").WriteTo(&profile, 1))
	for group := range strings.SplitSeq(profile.String(), "\n\n") {
		if strings.Contains(group, `"`+mark+`"`) && !strings.Contains(group, "net/http.(*persistConn)") {
			return group
		}
	}
	return ""
}

func spinEnds(t *testing.T, s HandlerSuite) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s.ends(ctx, t, cancel)
}

func spinExpires(t *testing.T, s HandlerSuite) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	s.ends(ctx, t, func() {})
}

func spinNeverBegins(t *testing.T, s HandlerSuite) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s.ends(ctx, t, func() {})
}

func spinTimesOut(t *testing.T, s HandlerSuite) {
	t.Helper()
	f := s.flow(t, "null", nil)
	task := s.task(t, "a", ProgramSpin)
	task.Timeout = engine.Duration(300 * time.Millisecond)
	out := f.run(t, task)
	wantStatus(t, out, engine.StatusFailed)
	if out.Error == nil || out.Error.Kind != engine.KindTimeout {
		t.Errorf("got %+v, want the kind %s", out.Error, engine.KindTimeout)
	}
}

func spinCanceled(t *testing.T, s HandlerSuite) {
	t.Helper()
	f := s.flow(t, "null", nil)
	begun := f.begun()
	r := f.start(t, engine.Par(s.task(t, "a", ProgramSpin), s.task(t, "b", ProgramSpin)))
	for range 2 {
		select {
		case <-begun:
		case <-r.Done():
			t.Fatalf("got the run ended: %+v", r.Outcome())
		case <-time.After(time.Minute):
			t.Fatal("got no word of a program that spins")
		}
	}
	check(t, r.Cancel("enough"))
	out := waitFor(t, r)
	wantStatus(t, out, engine.StatusCanceled)
}

// begun gets something each time that a program tells that it spins.
func (f *flow) begun() <-chan struct{} {
	begun := make(chan struct{}, 8)
	f.heard = func(n engine.Notice) {
		if n.Type == engine.NoticeTaskLog && strings.Contains(n.Message, "spinning") {
			begun <- struct{}{}
		}
	}
	return begun
}

// spinInGroup wants the failure of one member to end another that computes.
func spinInGroup(t *testing.T, s HandlerSuite) {
	t.Helper()
	if why, out := s.LeftOut[ProgramFail]; out {
		t.Skipf("the program %q is left out: %s", ProgramFail, why)
	}
	f := s.flow(t, `{"kind":"flaky","message":"it broke"}`, nil)
	out := f.run(t, engine.Par(s.task(t, "a", ProgramSpin), s.task(t, "b", ProgramFail)))
	wantStatus(t, out, engine.StatusFailed)
	if done := f.told("a", engine.NoticeTaskSucceeded); len(done) > 0 {
		t.Errorf("got %+v, want it stopped", done)
	}
}
