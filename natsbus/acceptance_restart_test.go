package natsbus_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
	"github.com/graflow/graflow-wasm/natsbus"
	"github.com/graflow/graflow-wasm/natsbus/embedded"
)

// TestAcceptanceRestart stops the server, and starts it again.
func TestAcceptanceRestart(t *testing.T) {
	t.Parallel()
	t.Run("H96c server restarted with 1 000 runs in flight", serverRestarted)
}

// listening is a server that others reach by its address.
type listening struct {
	*embedded.Server

	config embedded.Config
}

func listen(t *testing.T) *listening {
	t.Helper()
	s := &listening{config: embedded.Config{
		Dir: t.TempDir(), Listen: "127.0.0.1:0", Users: []embedded.User{{Name: "all", All: true}},
	}}
	s.begin(t)
	t.Cleanup(func() { s.Shutdown() })
	return s
}

func (s *listening) begin(t *testing.T) {
	t.Helper()
	var err error
	if s.Server, err = embedded.Start(t.Context(), s.config); err != nil {
		t.Fatal(err)
	}
	s.config.Listen = s.ClientURL()[len("nats://"):] // the same once it is started again
}

func (s *listening) dial() natsbus.DialConfig {
	return natsbus.DialConfig{URL: s.ClientURL(), NKey: s.Credentials("all")}
}

// serverRestarted: runs that were accepted all end, and each of their activations is
// committed once, though the server is stopped and started again in their midst.
func serverRestarted(t *testing.T) {
	const runs, before = 1000, 300 // in the midst of the first tasks of all
	server := listen(t)
	c := newCluster(t, natsbus.Dial(server.dial()))
	c.lease = 2 * time.Second // for tickets that were on their way
	var executed atomic.Int32
	gate, enough, down := make(chan struct{}), make(chan struct{}), make(chan struct{})
	c.funcs["step"] = func(_ *node, t *direct.Context) (any, error) {
		<-gate // until all runs are accepted
		switch n := executed.Add(1); {
		case n == before:
			close(enough)
			fallthrough
		case n > before: // these are committed when the server is there again
			<-down
		}
		return t.Call.Activation, nil
	}
	one := c.node("one", engine.PartBoth, 8)
	c.node("two", engine.PartBoth, 8)
	g := c.graph(engine.Seq(fn("a", "step"), fn("b", "step"), fn("c", "step")))
	all := make([]*engine.Running, runs)
	for i := range all {
		all[i] = c.start(one, g, fmt.Sprint("r", i))
	}
	close(gate)
	receive(c, "some tasks are executed", enough)
	server.Shutdown()
	t.Logf("%d tasks had begun when the server stopped", executed.Load())
	close(down)
	server.begin(t)
	for _, o := range all {
		c.succeed(o, `"c"`)
	}
	for _, o := range all {
		c.once(o.ID(), 3)
	}
	t.Logf("%d tasks were executed for %d commits", executed.Load(), 3*runs)
	if got := executed.Load(); got < 3*runs {
		t.Errorf("%d tasks were executed: fewer than were committed", got)
	}
}
