package main

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/natsbus"
	"github.com/spf13/pflag"
)

// leaseTime is how long a worker may be silent before others get what it holds.
const leaseTime = 10 * time.Second

// TestAcceptanceProcesses has the cases of part H for which workers are processes of
// their own, that get signals.
func TestAcceptanceProcesses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		run  func(c drainingCluster)
	}{
		{"H90 worker killed", drainingCluster.workerKilled},
		{"H90b worker stopped past its lease", drainingCluster.workerStopped},
		{"H93 drain hands back", drainingCluster.drainHandsBack},
		{"H93 drain lets finish", drainingCluster.drainLetsFinish},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(newDrainingCluster(t))
		})
	}
}

// began waits until so many attempts have begun, and returns how long that took.
func (c drainingCluster) began(n int, since time.Time) time.Duration {
	c.t.Helper()
	for c.attempts() < n {
		if time.Since(since) > patience {
			c.t.Fatalf("%d attempts have begun, want %d", c.attempts(), n)
		}
		<-time.After(10 * time.Millisecond) // a guest can't tell otherwise
	}
	return time.Since(since)
}

// once wants the run r1 to succeed with what its one task was told, committed once, in
// its first attempt.
func (c drainingCluster) once() {
	c.t.Helper()
	askUntil(c.t, c.dir, "^r1 +waits +succeeded ", "runs", "ls", "--nats", "./srv")
	out, code := ask(c.t, c.dir, "runs", "show", "r1", "--events", "--nats", "./srv")
	if code != 0 {
		c.t.Fatalf("runs show ends with %d", code)
	}
	var commits []engine.Event
	for decoder := json.NewDecoder(strings.NewReader(out)); decoder.More(); {
		var e engine.Event
		if err := decoder.Decode(&e); err != nil {
			c.t.Fatal(err)
		}
		if e.Type == engine.EventCompleted || e.Type == engine.EventFailed {
			commits = append(commits, e)
		}
	}
	if len(commits) != 1 || commits[0].Type != engine.EventCompleted || string(commits[0].Value) != `"fine"` || commits[0].Attempt != 1 {
		c.t.Errorf("want one commit, of the first attempt, with \"fine\":\n%s", out)
	}
}

// warning waits until an attempt of the run r1 says that it is dropped, and returns its
// words.
func (c drainingCluster) warning() string {
	c.t.Helper()
	flags, where := pflag.NewFlagSet("", pflag.ContinueOnError), clusterFlags{}
	where.addTo(flags, "")
	if err := flags.Parse([]string{"--nats", filepath.Join(c.dir, "srv")}); err != nil {
		c.t.Fatal(err)
	}
	bus, err := where.open(c.t.Context(), natsbus.Config{})
	if err != nil {
		c.t.Fatal(err)
	}
	defer bus.Close()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	for n, err := range bus.Notices(ctx, "r1", 0, true) {
		if err != nil {
			c.t.Fatalf("no attempt says that it is dropped: %v", err)
		}
		if n.Type != engine.NoticeWarning || n.Task != "task" {
			continue
		}
		for _, how := range []string{"stale commit: ", "lease lost: ", "fenced: "} {
			if strings.HasPrefix(n.Message, how) {
				return n.Message
			}
		}
	}
	c.t.Fatal("the notices have ended")
	return ""
}

// workerKilled: the task of a worker that was killed runs elsewhere once its lease is
// over, and is committed once.
func (c drainingCluster) workerKilled() {
	first := c.worker("first")
	first.await("ready$")
	c.submit()
	c.worker("second").await("ready$")
	first.signal(syscall.SIGKILL)
	took := c.began(2, time.Now())
	c.t.Logf("the task began anew %s after the kill, with a lease of %s", took.Round(time.Millisecond), leaseTime)
	if took > leaseTime+5*time.Second {
		c.t.Errorf("the task began anew %s after the kill, want at most %s and 5 s", took, leaseTime)
	}
	c.write("notes/done", "fine")
	c.once()
}

// workerStopped: a worker that was stopped for longer than its lease, and goes on then,
// does not commit what another has; it says so.
func (c drainingCluster) workerStopped() {
	first := c.worker("first")
	first.await("ready$")
	c.submit()
	second := c.worker("second")
	second.await("ready$")
	first.signal(syscall.SIGSTOP)
	took := c.began(2, time.Now())
	c.t.Logf("the task began anew %s after its worker was stopped, with a lease of %s", took.Round(time.Millisecond), leaseTime)
	c.write("notes/done", "fine")
	c.once()
	first.signal(syscall.SIGCONT)
	said := c.warning()
	c.t.Logf("it says: %s", said)
	if out, code := ask(c.t, c.dir, "runs", "logs", "r1", "--nats", "./srv", "-o", "json"); code != 0 || !strings.Contains(out, said) || !strings.Contains(out, `"worker":"first"`) {
		c.t.Errorf("exit code %d, want the words of worker first in the run's log:\n%s", code, out)
	}
	c.once()
	for _, p := range []*process{first, second} {
		p.signal(syscall.SIGTERM)
		if code := p.exit(); code != 0 {
			c.t.Errorf("a worker ends with %d, want 0", code)
		}
	}
}

// drainHandsBack: a worker that drains for a second ends then, and the task that was
// not done runs elsewhere at once.
func (c drainingCluster) drainHandsBack() {
	first := c.worker("first", "--drain", "1s")
	first.await("ready$")
	c.submit()
	c.worker("second").await("ready$")
	asked := time.Now()
	first.signal(syscall.SIGTERM)
	if code := first.exit(); code != 0 {
		c.t.Errorf("it ends with %d, want 0", code)
	}
	took := time.Since(asked)
	again := c.began(2, asked)
	c.t.Logf("it ended after %s, the task began elsewhere after %s", took.Round(time.Millisecond), again.Round(time.Millisecond))
	if took < time.Second || took > 2500*time.Millisecond {
		c.t.Errorf("it ended after %s, want 1 s and a little", took)
	}
	if again > leaseTime/2 {
		c.t.Errorf("the task began elsewhere after %s: it was not handed back", again)
	}
	c.write("notes/done", "fine")
	c.once()
}

// drainLetsFinish: a worker that drains for long lets the task end, and ends then.
func (c drainingCluster) drainLetsFinish() {
	first := c.worker("first", "--drain", "30s")
	first.await("ready$")
	c.submit()
	c.worker("second").await("ready$")
	first.signal(syscall.SIGTERM)
	first.await("draining: 1 task still runs, for at most 30s")
	c.await("first", "draining")
	c.write("notes/done", "fine")
	if code := first.exit(); code != 0 {
		c.t.Errorf("it ends with %d, want 0", code)
	}
	c.once()
	if got := c.attempts(); got != 1 {
		c.t.Errorf("%d attempts began, want the one that ended", got)
	}
}
