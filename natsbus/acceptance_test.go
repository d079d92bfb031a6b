package natsbus_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
	"github.com/graflow/graflow-wasm/natsbus"
	"github.com/graflow/graflow-wasm/natsbus/embedded"
)

// TestAcceptance has the cases of part H that need no process but this one: several
// engines, each with a connection of its own, on one server.
func TestAcceptance(t *testing.T) {
	t.Parallel()
	server, err := embedded.Start(t.Context(), embedded.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Shutdown)
	for _, test := range []struct {
		name string
		run  func(c *cluster)
	}{
		{"H87 members finish before anyone waits", membersBeforeAnyoneWaits},
		{"H88 two runs of one flow", twoRuns},
		{"H91 malformed tickets", malformedTickets},
		{"H91 malformed events", malformedEvents},
		{"H92 a group over three workers", threeWorkers},
		{"H94 limits of the run elsewhere", limitsElsewhere},
		{"H95 counters", counters},
		{"H96 tampered graph", tamperedGraph},
		{"H96 graph tampered with while the run is driven", tamperedWhileDriven},
		{"H96d same idempotency key", sameKey},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(newCluster(t, server.Connect))
		})
	}
}

// cluster is a namespace of a server, with engines on it. Its functions are what tasks
// name, the same on all of them; they are given before the first engine.
type cluster struct {
	*testing.T

	connect   func(...nats.Option) (*nats.Conn, error)
	namespace string
	lease     time.Duration
	funcs     map[string]func(n *node, c *direct.Context) (any, error)
	reader    *node
}

var acceptanceNamespaces atomic.Int64

func newCluster(t *testing.T, connect func(...nats.Option) (*nats.Conn, error)) *cluster {
	t.Helper()
	return &cluster{
		T: t, connect: connect, namespace: fmt.Sprint("acceptance-", acceptanceNamespaces.Add(1)),
		funcs: map[string]func(*node, *direct.Context) (any, error){
			"id": func(_ *node, c *direct.Context) (any, error) { return c.Call.Activation, nil },
			"hang": func(_ *node, c *direct.Context) (any, error) {
				<-c.Done()
				return nil, context.Cause(c)
			},
		},
	}
}

// node is an engine with a bus of its own.
type node struct {
	*engine.Engine

	name    string
	bus     *natsbus.Bus
	backend *engine.Backend
}

// node adds an engine that plays a part, and does so many tasks at once.
func (c *cluster) node(name string, part engine.Part, slots int) *node {
	c.Helper()
	ctx, cancel := c.soon()
	defer cancel()
	quiet := slog.New(slog.DiscardHandler) // what fails here is meant to
	bus, err := natsbus.Open(ctx, natsbus.Config{Connect: c.connect, Namespace: c.namespace, Node: name, Lease: c.lease, Logger: quiet})
	if err != nil {
		c.Fatal(err)
	}
	c.Cleanup(bus.Close)
	if err := bus.Setup(ctx); err != nil {
		c.Fatal(err)
	}
	n := &node{name: name, bus: bus, backend: bus.Backend()}
	h := direct.New()
	for name, f := range c.funcs {
		direct.Func(h, name, func(c *direct.Context, _ json.RawMessage) (any, error) { return f(n, c) })
	}
	n.Engine, err = engine.New(engine.Config{
		Handlers: map[string]engine.Handler{"direct": h}, Backend: n.backend, Part: part, Concurrency: slots, Logger: quiet,
	})
	if err != nil {
		c.Fatal(err)
	}
	c.Cleanup(func() { _ = n.Close() })
	if err := n.Join(); err != nil {
		c.Fatal(err)
	}
	return n
}

// longEnough is how long a case waits for anything.
const longEnough = 3 * time.Minute // on a busy machine, with the race detector

// soon is a context for what is not to hang.
func (c *cluster) soon() (context.Context, context.CancelFunc) {
	return context.WithTimeout(c.Context(), longEnough)
}

// eventually waits until something is so that nobody tells of.
func (c *cluster) eventually(what string, is func() bool) {
	c.Helper()
	for end := time.Now().Add(longEnough); !is(); <-time.After(2 * time.Millisecond) {
		if time.Now().After(end) {
			c.Fatalf("not in %s: %s", longEnough, what)
		}
	}
}

// receive takes from a channel what must come.
func receive[T any](c *cluster, what string, from <-chan T) T {
	c.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(longEnough):
		c.Fatalf("not in %s: %s", longEnough, what)
		panic("unreachable")
	}
}

// fn is a task of an id that calls a function.
func fn(id, name string) engine.Task {
	return engine.Task{ID: id, Spec: json.RawMessage(fmt.Sprintf(`{"func":%q}`, name))}
}

func (c *cluster) graph(nodes ...engine.Node) *engine.Graph {
	c.Helper()
	g, err := engine.NewGraph("flow", nodes...)
	if err != nil {
		c.Fatal(err)
	}
	return g
}

// limited is a graph with limits.
func (c *cluster) limited(l engine.RunLimits, nodes ...engine.Node) *engine.Graph {
	c.Helper()
	raw, err := c.graph(nodes...).MarshalJSON()
	if err != nil {
		c.Fatal(err)
	}
	var s engine.Spec
	if err := json.Unmarshal(raw, &s); err != nil {
		c.Fatal(err)
	}
	s.Limits = l
	g, err := s.Build()
	if err != nil {
		c.Fatal(err)
	}
	return g
}

func (c *cluster) start(n *node, g *engine.Graph, id string) *engine.Running {
	c.Helper()
	ctx, cancel := c.soon()
	defer cancel()
	o, err := n.Start(ctx, g, engine.Start{ID: id, Input: json.RawMessage(`"` + id + `"`)})
	if err != nil {
		c.Fatal(err)
	}
	return o
}

func (c *cluster) follow(n *node, id string) *engine.Running {
	c.Helper()
	ctx, cancel := c.soon()
	defer cancel()
	o, err := n.Follow(ctx, id)
	if err != nil {
		c.Fatal(err)
	}
	return o
}

func (c *cluster) wait(o *engine.Running) engine.Outcome {
	c.Helper()
	ctx, cancel := c.soon()
	defer cancel()
	out, err := o.Wait(ctx)
	if err != nil {
		c.Fatal(err)
	}
	return out
}

// succeed waits for a run's end, which must be a success with an output.
func (c *cluster) succeed(o *engine.Running, output string) {
	c.Helper()
	if out := c.wait(o); out.Status != engine.StatusSucceeded || output != "" && string(out.Output) != output {
		c.Errorf("run %s: outcome %+v (%v), want success with %s", o.ID(), out, out.Error, output)
	}
}

// commits counts the ends of attempts that a run's log holds, by activation.
func (c *cluster) commits(run string) map[string][]engine.EventType {
	c.Helper()
	ctx, cancel := c.soon()
	defer cancel()
	if c.reader == nil { // who follows a run hears of others' events a little later
		c.reader = c.node("reader", engine.PartNone, 1)
	}
	all := map[string][]engine.EventType{}
	for after := uint64(0); ; {
		events, err := c.reader.backend.Journal.Read(ctx, run, after)
		if err != nil {
			c.Fatal(err)
		}
		if len(events) == 0 {
			return all
		}
		for _, e := range events {
			after = e.Seq
			switch e.Type {
			case engine.EventCompleted, engine.EventFailed, engine.EventStopped, engine.EventPaused, engine.EventReturned:
				all[e.Activation] = append(all[e.Activation], e.Type)
			}
		}
	}
}

// once wants a run's log to hold exactly one commit of each of so many activations.
func (c *cluster) once(run string, want int) {
	c.Helper()
	all := c.commits(run)
	if len(all) != want {
		c.Errorf("run %s: %d activations were committed, want %d", run, len(all), want)
	}
	for activation, types := range all {
		if !slices.Equal(types, []engine.EventType{engine.EventCompleted}) {
			c.Errorf("run %s: activation %s was committed as %v, want once", run, activation, types)
		}
	}
}

// processed waits until an engine has counted so many attempts, which is soon after they
// are in the log, and wants them to have ended so.
func (c *cluster) processed(n *node, want engine.Stats) {
	c.Helper()
	c.eventually(fmt.Sprintf("%s has processed %d", n.name, want.Processed), func() bool { return n.Stats().Processed >= want.Processed })
	if got := n.Stats(); got != want {
		c.Errorf("%s has processed %+v, want %+v", n.name, got, want)
	}
}

// membersBeforeAnyoneWaits: the members of a group all end while nobody drives the
// run, and nobody waits for it. Who drives it then finds them, and so does who waits.
func membersBeforeAnyoneWaits(c *cluster) {
	const members = 20
	begun, gate := make(chan string, members), make(chan struct{})
	c.funcs["member"] = func(_ *node, t *direct.Context) (any, error) {
		begun <- t.Call.Activation
		<-gate
		return nil, nil
	}
	owner, worker := c.node("owner", engine.PartOwner, 1), c.node("worker", engine.PartWorker, members)
	client := c.node("client", engine.PartNone, 1)
	var group []engine.Node
	for i := range members {
		group = append(group, fn(fmt.Sprint("m", i), "member"))
	}
	c.start(client, c.graph(engine.Seq(engine.Par(group...), fn("end", "id"))), "r")
	for range members {
		receive(c, "a member begins", begun)
	}
	_ = client.Close()
	_ = owner.Close()
	close(gate)
	c.eventually("all members are committed", func() bool { return worker.Stats().Succeeded == members })
	if c.commits("r")["end"] != nil {
		c.Error("the run went on though nobody drives it: this proves nothing")
	}
	late := c.node("late", engine.PartOwner, 1)
	c.succeed(c.follow(late, "r"), `"end"`)
	c.succeed(c.follow(c.node("later", engine.PartNone, 1), "r"), `"end"`)
	c.once("r", members+1)
}

// twoRuns: runs of one flow, at the same time on the same engines, see their own input
// and channel alone, whatever their ids are.
func twoRuns(c *cluster) {
	ids := []string{"r", "r-1", "r.1", "r.*", "r.>", "r 1", "R", "r/1"}
	var first sync.WaitGroup // all runs are under way together
	first.Add(len(ids))
	c.funcs["note"] = func(_ *node, t *direct.Context) (any, error) {
		first.Done()
		first.Wait()
		return nil, t.Set("mine", t.Call.Run)
	}
	c.funcs["tell"] = func(_ *node, t *direct.Context) (any, error) {
		var mine string
		if _, err := t.Get("mine", &mine); err != nil {
			return nil, err
		}
		return mine, t.Append("told", t.Call.Task.ID)
	}
	c.funcs["sum"] = func(_ *node, t *direct.Context) (any, error) {
		var told []string
		if _, err := t.Get("told", &told); err != nil {
			return nil, err
		}
		slices.Sort(told)
		var a, b string
		err := errors.Join(t.Result("a", &a), t.Result("b", &b))
		return fmt.Sprintf("%s: %s %s %s", t.Call.Run, a, b, strings.Join(told, ",")), err
	}
	one, two := c.node("one", engine.PartBoth, len(ids)), c.node("two", engine.PartBoth, len(ids))
	g := c.graph(engine.Seq(fn("first", "note"), engine.Par(fn("a", "tell"), fn("b", "tell")), fn("sum", "sum")))
	var all []*engine.Running
	for i, id := range ids {
		all = append(all, c.start([]*node{one, two}[i%2], g, id))
	}
	for _, o := range all {
		want := fmt.Sprintf(`"%[1]s: %[1]s %[1]s a,b"`, o.ID())
		if out := c.wait(o); out.Status != engine.StatusSucceeded || unescape(out.Output) != want {
			c.Errorf("run %s: outcome %+v (%v) with %s, want %s", o.ID(), out, out.Error, out.Output, want)
		}
		c.once(o.ID(), 4)
	}
}

func unescape(raw json.RawMessage) string {
	return strings.NewReplacer(`\u003e`, ">").Replace(string(raw))
}

// threeWorkers: each of 500 members is executed by one of three engines, once, and
// each engine has some.
func threeWorkers(c *cluster) {
	const members = 500
	var mu sync.Mutex
	ran, did := map[string]int{}, map[string]int{}
	all := make(chan struct{}) // closed when each engine has had one
	c.funcs["member"] = func(n *node, t *direct.Context) (any, error) {
		mu.Lock()
		ran[t.Call.Activation]++
		did[n.name]++
		if did[n.name] == 1 && len(did) == 3 {
			close(all)
		}
		mu.Unlock()
		select {
		case <-all:
			return t.Call.Activation, nil
		case <-t.Done():
			return nil, context.Cause(t)
		}
	}
	owner := c.node("owner", engine.PartOwner, 1)
	for _, name := range []string{"one", "two", "three"} {
		c.node(name, engine.PartWorker, 4)
	}
	var group []engine.Node
	for i := range members {
		group = append(group, fn(fmt.Sprint("m", i), "member"))
	}
	c.succeed(c.start(owner, c.graph(engine.Par(group...)), "r"), "")
	c.once("r", members)
	if len(ran) != members {
		c.Errorf("%d members were executed, want %d", len(ran), members)
	}
	for activation, n := range ran {
		if n != 1 {
			c.Errorf("%s was executed %d times", activation, n)
		}
	}
	c.Logf("executed: %v", did)
}

// sameKey: of two who submit a run of one id at the same time one begins it, and both
// can follow it.
func sameKey(c *cluster) {
	var times atomic.Int32
	c.funcs["count"] = func(*node, *direct.Context) (any, error) { return times.Add(1), nil }
	c.node("node", engine.PartBoth, 4)
	clients := []*node{c.node("one", engine.PartNone, 1), c.node("two", engine.PartNone, 1)}
	g := c.graph(fn("a", "count"))
	errs := make([]error, len(clients))
	var both sync.WaitGroup
	for i, n := range clients {
		both.Go(func() { _, errs[i] = n.Start(c.Context(), g, engine.Start{ID: "key"}) })
	}
	both.Wait()
	slices.SortFunc(errs, func(x, _ error) int {
		if x == nil {
			return -1
		}
		return 1
	})
	if errs[0] != nil || !errors.Is(errs[1], engine.ErrRunExists) {
		c.Fatalf("two submitted the same: %v and %v, want one of them to be ErrRunExists", errs[0], errs[1])
	}
	for _, n := range clients {
		c.succeed(c.follow(n, "key"), "1")
	}
	if _, err := clients[0].Start(c.Context(), g, engine.Start{ID: "key"}); !errors.Is(err, engine.ErrRunExists) {
		c.Errorf("submitted again after its end: %v, want ErrRunExists", err)
	}
	c.once("key", 1)
}
