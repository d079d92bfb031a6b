package main

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/natsbus"
	"github.com/spf13/pflag"
)

const waitsFlow = `name: waits
tasks:
  task: {wasm: guest.wasm#waits, grants: {mounts: [{host: ./notes, guest: /notes, writable: true}]}}
flow: task
`

// drainingCluster is one whose server takes no task of the queue default, so that its
// workers do.
type drainingCluster struct {
	t   *testing.T
	dir string
}

func newDrainingCluster(t *testing.T) drainingCluster {
	t.Helper()
	c := drainingCluster{t, t.TempDir()}
	if err := os.Symlink(guest, filepath.Join(c.dir, "guest.wasm")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(c.dir, "notes"), 0o700); err != nil {
		t.Fatal(err)
	}
	c.write("waits.flow.yaml", waitsFlow)
	c.write("policy.yaml", "grants: {mounts: [{host: "+c.dir+", writable: true}]}\n")
	begin(t, c.dir, "server", "--dir", "srv", "--listen-nats", "127.0.0.1:0", "--name", "server", "--queues", "none").await("ready$")
	return c
}

func (c drainingCluster) write(name, text string) {
	c.t.Helper()
	if err := os.WriteFile(filepath.Join(c.dir, name), []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

func (c drainingCluster) worker(name string, more ...string) *process {
	c.t.Helper()
	p := begin(c.t, c.dir, append([]string{"worker", "--nats", "./srv", "--policy", "policy.yaml", "--name", name, "--health", "127.0.0.1:0"}, more...)...)
	return p
}

// submit begins the run r1, whose task runs until the file notes/done is there, and
// waits until it does on the worker first.
func (c drainingCluster) submit() {
	c.t.Helper()
	if out, code := ask(c.t, c.dir, "run", "waits.flow.yaml", "--nats", "./srv", "--detach", "--id", "r1"); code != 0 {
		c.t.Fatalf("submit: exit code %d, %s", code, out)
	}
	c.await("first", "1/")
	c.awaitAttempts(1)
}

// await waits until a worker tells something of itself.
func (c drainingCluster) await(worker, state string) {
	c.t.Helper()
	askUntil(c.t, c.dir, "^"+worker+" .*"+state, "workers", "ls", "--nats", "./srv")
}

// attempts is how many attempts of the task have begun.
func (c drainingCluster) attempts() int {
	c.t.Helper()
	raw, err := os.ReadFile(filepath.Join(c.dir, "notes", "lines"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.t.Fatal(err)
	}
	return strings.Count(string(raw), "task\n")
}

// awaitAttempts waits until so many attempts have begun.
func (c drainingCluster) awaitAttempts(n int) {
	c.t.Helper()
	for end := time.Now().Add(patience); c.attempts() < n; {
		if time.Now().After(end) {
			c.t.Fatalf("got %d attempts, want %d", c.attempts(), n)
		}
		<-time.After(20 * time.Millisecond) // a guest can't tell otherwise
	}
}

// TestDrainFinishes ends a worker by SIGTERM while a task runs: it may end, nothing
// new begins, and then the worker ends.
func TestDrainFinishes(t *testing.T) {
	t.Parallel()
	c := newDrainingCluster(t)
	w := c.worker("first")
	health := w.await("health on (.*)")
	w.await("ready$")
	c.submit()
	w.signal(syscall.SIGTERM)
	w.await("SIGTERM: draining: 1 task still runs, for at most 30s")
	if got := get(t, health); got != http.StatusServiceUnavailable {
		t.Errorf("/readyz answers %d while it drains", got)
	}
	if got := get(t, strings.Replace(health, "readyz", "healthz", 1)); got != http.StatusOK {
		t.Errorf("/healthz answers %d while it drains", got)
	}
	c.await("first", "draining")
	if out, code := ask(t, c.dir, "run", "waits.flow.yaml", "--nats", "./srv", "--detach", "--id", "r2"); code != 0 {
		t.Fatalf("submit: exit code %d, %s", code, out)
	}
	if out, code := ask(t, c.dir, "doctor", "--nats", "./srv"); code != exitFailed || !strings.Contains(out, "and no worker takes it") {
		t.Errorf("doctor ends with %d though nobody takes the second run:\n%s", code, out)
	}
	c.write("notes/done", "fine")
	if code := w.exit(); code != 0 {
		t.Errorf("it ends with %d, want 0", code)
	}
	askUntil(t, c.dir, "^r1 +waits +succeeded ", "runs", "ls", "--nats", "./srv")
	if got := c.attempts(); got != 1 {
		t.Errorf("got %d attempts, want the one that ended", got)
	}
}

// TestDrainHandsBack ends workers by SIGTERM whose task does not end: it begins
// anew elsewhere, at once, at the second signal as when the time is over.
func TestDrainHandsBack(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, drain string
		signals     int
	}{{"second-signal", "1h", 2}, {"time-is-over", "100ms", 1}} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newDrainingCluster(t)
			w := c.worker("first", "--drain", test.drain)
			w.await("ready$")
			c.submit()
			c.worker("second").await("ready$")
			began := time.Now()
			w.signal(syscall.SIGTERM)
			w.await("draining")
			if test.signals > 1 {
				w.signal(syscall.SIGTERM)
			}
			w.await("handed back")
			if code := w.exit(); code != 0 {
				t.Errorf("it ends with %d, want 0", code)
			}
			c.awaitAttempts(2)
			if took := time.Since(began); took > 8*time.Second { // a lease is 10 s
				t.Errorf("the task began elsewhere after %s: not at once", took)
			}
			c.write("notes/done", "fine")
			askUntil(t, c.dir, "^r1 +waits +succeeded ", "runs", "ls", "--nats", "./srv")
			if got := c.attempts(); got != 2 {
				t.Errorf("got %d attempts, want 2", got)
			}
			out, _ := ask(t, c.dir, "runs", "show", "r1", "--nats", "./srv", "-o", "json")
			if !strings.Contains(out, `"attempts":1,`) {
				t.Errorf("what was handed back counts as a failure: %s", out)
			}
		})
	}
}

// TestDeadLetters settles dead letters of a run whose task failed as if its workers
// had been lost.
func TestDeadLetters(t *testing.T) {
	t.Parallel()
	c := newDrainingCluster(t)
	c.worker("only").await("ready$")
	c.write("mended.flow.yaml", strings.NewReplacer("waits", "mended").Replace(waitsFlow))
	if _, code := ask(t, c.dir, "run", "mended.flow.yaml", "--nats", "./srv", "--id", "broken"); code != exitFailed {
		t.Fatalf("the run ends with %d, want %d", code, exitFailed)
	}
	c.bury("broken", "task")
	c.bury("nobody", "task")
	out, _ := ask(t, c.dir, "dead", "ls", "--nats", "./srv")
	if want := "2  "; !strings.HasPrefix(out, want) || !strings.Contains(out, "\n1  ") || !strings.Contains(out, "broken  task  5 workers in turn") {
		t.Errorf("dead ls tells\n%s", out)
	}
	if out, _ = ask(t, c.dir, "dead", "ls", "--nats", "./srv", "--run", "nobody", "-o", "json"); !strings.HasPrefix(out, `{"number":2,"run":"nobody",`) || strings.Count(out, "\n") != 1 {
		t.Errorf("dead ls --run tells\n%s", out)
	}
	out, _ = ask(t, c.dir, "dead", "show", "1", "--nats", "./srv")
	for _, want := range []string{"why: 5 workers in turn", "run broken, task task, activation task, attempt 1", "graflow-wasm dead retry 1 --nats ./srv"} {
		if !strings.Contains(out, want) {
			t.Errorf("dead show does not tell %q:\n%s", want, out)
		}
	}
	if out, code := ask(t, c.dir, "doctor", "--nats", "./srv"); code != 0 || !strings.Contains(out, "2 dead letters, the last: 5 workers") {
		t.Errorf("doctor ends with %d and tells\n%s", code, out)
	}
	if _, code := ask(t, c.dir, "dead", "retry", "2", "--nats", "./srv"); code != exitUsage {
		t.Errorf("to retry a run that is not there ends with %d, want %d", code, exitUsage)
	}
	c.write("notes/mended", "fine")
	if out, code := ask(t, c.dir, "dead", "retry", "1", "--nats", "./srv"); code != 0 || !strings.Contains(out, "run broken goes on") {
		t.Errorf("dead retry ends with %d and tells\n%s", code, out)
	}
	askUntil(t, c.dir, "^broken +mended +succeeded ", "runs", "ls", "--nats", "./srv")
	if out, _ = ask(t, c.dir, "dead", "rm", "2", "--nats", "./srv"); out != "1 dead letter removed\n" {
		t.Errorf("dead rm tells\n%s", out)
	}
	if out, _ = ask(t, c.dir, "dead", "ls", "--nats", "./srv"); out != "" {
		t.Errorf("still dead:\n%s", out)
	}
}

// bury leaves a dead letter, as a worker does.
func (c drainingCluster) bury(run, activation string) {
	c.t.Helper()
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	where := clusterFlags{}
	where.addTo(flags, "")
	if err := flags.Parse([]string{"--nats", filepath.Join(c.dir, "srv")}); err != nil {
		c.t.Fatal(err)
	}
	bus, err := where.open(c.t.Context(), natsbus.Config{})
	if err != nil {
		c.t.Fatal(err)
	}
	defer bus.Close()
	letter := engine.DeadLetter{
		Run: run, Activation: activation, Task: activation, Attempt: 1, Delivered: 5, Time: time.Now(),
		Reason: "5 workers in turn were lost while they ran it",
	}
	if err := bus.Bury(c.t.Context(), letter); err != nil {
		c.t.Fatal(err)
	}
}

// TestWorkerKilled kills a worker whose task runs: it begins anew elsewhere once the
// lease is over.
func TestWorkerKilled(t *testing.T) {
	t.Parallel()
	const lease = 10 * time.Second
	c := newDrainingCluster(t)
	w := c.worker("first")
	w.await("ready$")
	c.submit()
	c.worker("second").await("ready$")
	began := time.Now()
	w.signal(syscall.SIGKILL)
	c.awaitAttempts(2)
	took := time.Since(began)
	t.Logf("it began anew after %s", took.Round(time.Millisecond))
	if took > lease+5*time.Second { // a second, on a machine that has nothing else to do
		t.Errorf("the task of a worker that was killed began anew after %s", took)
	}
	c.write("notes/done", "fine")
	askUntil(t, c.dir, "^r1 +waits +succeeded ", "runs", "ls", "--nats", "./srv")
	askUntil(t, c.dir, `\Asecond `, "workers", "ls", "--nats", "./srv") // the other is off the list
}
