package server

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestVersions(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		find       func(string) string
		said, want string
	}{
		{redisVersion, "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=ae4d", "7.0.15"},
		{redisVersion, "", "unknown"},
		{postgresVersion, "postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)\n", "15.13"},
		{postgresVersion, "postgres", "unknown"},
	} {
		if got := tc.find(tc.said); got != tc.want {
			t.Errorf("%q: got %q, want %q", tc.said, got, tc.want)
		}
	}
}

func TestTellsWhyAServerEnded(t *testing.T) {
	t.Parallel()
	never := errors.New("not ready")
	cmd := exec.CommandContext(t.Context(), "sh", "-c", "echo no such port >&2; exit 1")
	_, err := start(t.Context(), cmd, func(context.Context) error { return never })
	if err == nil || !strings.Contains(err.Error(), "sh ended: no such port") {
		t.Errorf("got %v, want what it said", err)
	}
}

func TestEndsAServerThatIsNeverReady(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cmd := exec.Command("sleep", "600") // it's what start has to end
	never := errors.New("not ready")
	_, err := start(ctx, cmd, func(context.Context) error { cancel(); return never })
	if !errors.Is(err, never) {
		t.Errorf("got %v, want %v", err, never)
	}
	if cmd.ProcessState == nil {
		t.Error("it still runs")
	}
}

func TestStops(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("sleep", "600") // likewise
	p, err := start(t.Context(), cmd, func(context.Context) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	if err := p.stop(syscall.SIGTERM); err != nil || cmd.ProcessState == nil {
		t.Errorf("got %v, state %v, want it ended", err, cmd.ProcessState)
	}
}
