package dockertest_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/internal/guesttest"
)

func TestMain(m *testing.M) { guesttest.Main(m) }

// A recorder keeps how a test would have ended, and what it was told.
type recorder struct {
	testing.TB

	failed, skipped bool
	messages        []string
}

// record runs a function as a test of its own.
func record(t *testing.T, test func(tb *recorder)) *recorder {
	t.Helper()
	r, done := &recorder{TB: t}, make(chan struct{})
	go func() { defer close(done); test(r) }()
	<-done
	return r
}

func (r *recorder) said() string { return strings.Join(r.messages, "\n") }

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.failed, r.messages = true, append(r.messages, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatal(args ...any) {
	r.Errorf("%s", fmt.Sprint(args...))
	runtime.Goexit()
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

func (r *recorder) Skipf(format string, args ...any) {
	r.skipped, r.messages = true, append(r.messages, fmt.Sprintf(format, args...))
	runtime.Goexit()
}
