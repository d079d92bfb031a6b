package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/control"
	"github.com/graflow/graflow-wasm/internal/ops"
	"github.com/graflow/graflow-wasm/natsbus"
	"github.com/spf13/pflag"
)

// TestScheduleServerKilled kills the one of three servers that leads what schedules are
// stored in, while a time is due each second: each due time has one run, which succeeds.
func TestScheduleServerKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "tick.flow.yaml"), []byte("name: tick\ntasks:\n  now: {builtin: now}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	servers := threeServers(t, dir)
	if out, code := ask(t, dir, "schedules", "add", "tick", "tick.flow.yaml", "--every", "1s", "--overlap", "allow", "--missed", "all", "--nats", "./a"); code != 0 {
		t.Fatalf("schedules add ends with %d: %s", code, out)
	}
	begunRuns(t, dir, "a", 3)
	leader := leaderOf(t, dir, "GF_CFG")
	servers[leader].signal(syscall.SIGKILL)
	servers[leader].exit()
	there := map[string]string{"a": "b", "b": "c", "c": "a"}[leader]
	s := begunRuns(t, dir, there, begunRuns(t, dir, there, 0).Begun+5)
	t.Logf("server %s was killed; %d runs have begun", leader, s.Begun)
	askUntil(t, dir, "^tick: paused$", "schedules", "pause", "tick", "--nats", "./"+there)
	askUntil(t, dir, `^\{"name":"tick".*"paused":true`, "schedules", "show", "tick", "-o", "json", "--nats", "./"+there)
	for end := time.Now().Add(2 * patience); ; { // what was claimed begins
		s = begunRuns(t, dir, there, 0)
		if all := tickRuns(t, dir, there); s.Last.Equal(s.Created.Add(time.Duration(s.Begun)*time.Second)) && len(all) >= s.Begun && !goesOn(all) {
			wantEachOnce(t, s, all)
			return
		}
		if time.Now().After(end) {
			t.Fatalf("not all that was due has begun: %+v", s)
		}
	}
}

// begunRuns waits until the schedule has begun so many runs.
func begunRuns(t *testing.T, dir, server string, n int) (s ops.Schedule) {
	t.Helper()
	for end := time.Now().Add(patience); ; {
		out, code := ask(t, dir, "schedules", "show", "tick", "-o", "json", "--nats", "./"+server)
		if code == 0 {
			if err := json.Unmarshal([]byte(out), &s); err != nil {
				t.Fatalf("%v of %s", err, out)
			}
			if s.Begun >= n {
				return s
			}
		}
		if time.Now().After(end) {
			t.Fatalf("%d runs have begun, want %d; exit code %d", s.Begun, n, code)
		}
	}
}

// leaderOf is the one of the servers a, b and c that leads a stream.
func leaderOf(t *testing.T, dir, stream string) string {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		for _, name := range []string{"a", "b", "c"} {
			health := healthOf(t, filepath.Join(dir, name))
			for _, s := range health.Streams {
				if s.Name == stream && s.Leader == health.Server {
					return name
				}
			}
		}
	}
	t.Fatalf("no server leads %s", stream)
	return ""
}

// healthOf is how a cluster answers through the server of a directory.
func healthOf(t *testing.T, dir string) natsbus.Health {
	t.Helper()
	flags, where := pflag.NewFlagSet("", pflag.ContinueOnError), clusterFlags{}
	where.addTo(flags, "")
	if err := flags.Parse([]string{"--nats", dir}); err != nil {
		t.Fatal(err)
	}
	bus, err := where.open(t.Context(), natsbus.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer bus.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	health, err := bus.Health(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return health
}

// tickRuns are all runs that a server lists.
func tickRuns(t *testing.T, dir, server string) (all []control.Summary) {
	t.Helper()
	out, code := ask(t, dir, "runs", "ls", "--limit", "1000", "-o", "json", "--nats", "./"+server)
	if code != 0 {
		return nil
	}
	for decoder := json.NewDecoder(strings.NewReader(out)); decoder.More(); {
		var s control.Summary
		if err := decoder.Decode(&s); err != nil {
			t.Fatalf("%v of %s", err, out)
		}
		all = append(all, s)
	}
	return all
}

// goesOn tells whether one of some runs has not ended.
func goesOn(all []control.Summary) bool {
	for _, s := range all {
		if s.Ended.IsZero() {
			return true
		}
	}
	return false
}

// wantEachOnce wants one run for each second since the schedule was made, that has
// succeeded.
func wantEachOnce(t *testing.T, s ops.Schedule, all []control.Summary) {
	t.Helper()
	seen := map[string]int{}
	for _, run := range all {
		due, _, _ := strings.Cut(strings.TrimPrefix(run.Run, "tick-"), "-")
		if seen[due]++; run.Status != engine.StatusSucceeded {
			t.Errorf("run %s is %s", run.Run, run.Status)
		}
	}
	for i := range s.Begun {
		due := s.Created.Add(time.Duration(i+1) * time.Second).UTC().Format("20060102T150405Z")
		if seen[due] != 1 {
			t.Errorf("the time %s has %d runs", due, seen[due])
		}
	}
	if len(all) != s.Begun || s.Skipped != 0 || s.Fault != "" {
		t.Error(fmt.Sprintf("there are %d runs", len(all)), s)
	}
}
