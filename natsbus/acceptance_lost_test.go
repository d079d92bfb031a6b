package natsbus_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
	"github.com/graflow/graflow-wasm/natsbus"
)

// Environment of a worker that is a process of its own.
const (
	workerURL       = "NATSBUS_WORKER_URL"
	workerKey       = "NATSBUS_WORKER_KEY"
	workerNamespace = "NATSBUS_WORKER_NAMESPACE"
)

const (
	lostLease = time.Second
	lostExit  = 7 // of a worker that a task has ended
)

// TestAcceptanceLost loses workers.
func TestAcceptanceLost(t *testing.T) {
	t.Parallel()
	t.Run("H96b a task that kills its worker", killsItsWorker)
}

// TestWorkerProcess is the worker, in a process of its own: it works until its stdin
// ends, or a task ends it.
func TestWorkerProcess(t *testing.T) {
	t.Parallel()
	if os.Getenv(workerURL) == "" {
		t.Skip("it is a part of TestAcceptanceLost")
	}
	dial := natsbus.DialConfig{URL: os.Getenv(workerURL), NKey: os.Getenv(workerKey)}
	c := newCluster(t, natsbus.Dial(dial))
	c.namespace, c.lease = os.Getenv(workerNamespace), lostLease
	c.deadly()
	n := c.node("worker", engine.PartWorker, 8)
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		t.Error(err)
	}
	n.Drain(t.Context())
}

// deadly adds the functions of the case.
func (c *cluster) deadly() {
	c.funcs["kill"] = func(*node, *direct.Context) (any, error) {
		os.Exit(lostExit)
		return nil, nil
	}
	c.funcs["short"] = func(_ *node, t *direct.Context) (any, error) {
		<-time.After(300 * time.Millisecond) // what a task does
		return t.Call.Activation, nil
	}
}

// killsItsWorker: an attempt that ends the process of its worker each time fails as
// such after five, and is a dead letter. Runs beside it succeed.
func killsItsWorker(t *testing.T) {
	const others = 6
	server := listen(t)
	c := newCluster(t, natsbus.Dial(server.dial()))
	c.lease = lostLease
	c.deadly()
	owner := c.node("owner", engine.PartOwner, 1)
	deadly := c.start(owner, c.graph(engine.Seq(fn("a", "kill"), fn("b", "id"))), "deadly")
	var beside []*engine.Running
	for i := range others {
		beside = append(beside, c.start(owner, c.graph(engine.Seq(fn("a", "short"), fn("b", "short"), fn("c", "short"))), fmt.Sprint("r", i)))
	}
	lost := 0
	for ended := false; !ended; {
		stop, exit := c.workerProcess(server)
		select {
		case err := <-exit:
			if code, ok := errors.AsType[*exec.ExitError](err); !ok || code.ExitCode() != lostExit {
				t.Fatalf("the worker ended with %v", err)
			}
			lost++
		case <-deadly.Done():
			ended = true
			for _, o := range beside {
				c.succeed(o, `"c"`)
			}
			stop()
			if err := receive(c, "the worker ends", exit); err != nil {
				t.Errorf("the worker ended with %v", err)
			}
		}
		if lost > 5 {
			t.Fatal("more than 5 workers were lost")
		}
	}
	out := c.wait(deadly)
	if out.Status != engine.StatusFailed || out.Reason != engine.ReasonWorkerLost || out.Error.Kind != engine.KindWorkerLost || lost != 5 {
		t.Errorf("after %d workers: outcome %+v (%v), want failed after 5 were lost", lost, out, out.Error)
	}
	l := c.letters(owner, 1)[0]
	if l.Run != "deadly" || l.Activation != "a" || l.Delivered != 5 || !strings.Contains(l.Reason, "5 workers in turn were lost") {
		t.Errorf("dead letter %+v, want the activation and its reason", l)
	}
	for _, o := range beside {
		c.once(o.ID(), 3)
	}
}

// workerProcess begins a worker that is a process. stop has it end, exit tells how it
// did.
func (c *cluster) workerProcess(s *listening) (stop func(), exit <-chan error) {
	c.Helper()
	cmd := exec.CommandContext(c.Context(), os.Args[0], "-test.run=^TestWorkerProcess$")
	dial := s.dial()
	cmd.Env = append(os.Environ(), workerURL+"="+dial.URL, workerKey+"="+dial.NKey, workerNamespace+"="+c.namespace, "TMPDIR="+c.TempDir())
	stdin, err := cmd.StdinPipe()
	if err != nil {
		c.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		c.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	return func() { _ = stdin.Close() }, ended
}
