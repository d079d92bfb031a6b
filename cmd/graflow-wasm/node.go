package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/cluster"
	"github.com/graflow/graflow-wasm/natsbus"
)

// What processes tell others that they are.
const (
	roleServer   = "server"
	roleWorker   = "worker"
	roleWorkOnly = "work-only" // drives no runs
)

// node is a process that takes part in a cluster: an engine on its bus, and what
// else is to be done there.
type node struct {
	flags   nodeFlags
	role    string
	part    engine.Part
	bus     *natsbus.Bus
	wiring  *wiring
	health  *healthServer    // nil: none
	cluster *cluster.Cluster // what it answers for; nil: it drives no runs
	front   *front           // nil: none
	log     *slog.Logger
	started time.Time
	drains  atomic.Bool
	changed chan struct{} // what the others are told of this process

	duties sync.WaitGroup
	stop   context.CancelFunc // of the duties
}

// runNode takes part until a signal comes, and what runs is drained or handed back.
// The caller closes the bus then. front is what it shows over HTTP, nil for nothing.
func runNode(ctx context.Context, say io.Writer, bus *natsbus.Bus, role string, part engine.Part, flags nodeFlags, front *front, s *stopping) error {
	backend := bus.Backend()
	b, err := newBounds(flags.within, registrySigners(bus), flags.policy.quarantine.path(), flags.name)
	if err != nil {
		return usage(err)
	}
	sayPolicy(say, b.policy)
	w, err := newWiring(ctx, wiringConfig{
		bounds: b, cacheDir: flags.cacheDir, concurrency: flags.concurrency, secrets: flags.store, backend: backend, part: part, name: flags.name, registry: cluster.WasmRegistry(bus), docker: flags.docker, telemetry: flags.telemetry.tel,
	})
	if err != nil {
		return err
	}
	n := &node{flags: flags, role: role, part: part, bus: bus, wiring: w, front: front, log: slog.Default(), started: time.Now(), changed: make(chan struct{}, 1)}
	duties, stop := context.WithCancel(context.WithoutCancel(ctx))
	n.stop = stop
	defer n.Close() //nolint:contextcheck // closing has no context to end by
	if err := n.join(duties, backend); err != nil {
		return err
	}
	n.sayReady(say)
	n.serve(ctx, say, s)
	return nil
}

// join begins what the node does.
func (n *node) join(ctx context.Context, backend *engine.Backend) (err error) {
	if n.flags.health != "" {
		if n.health, err = serveHealth(n.flags.health, n.ready, n.flags.telemetry.openMetrics()); err != nil {
			return err
		}
	}
	n.do("prewarm modules", func() error { return n.wiring.wasm.Prewarm(ctx, n.flags.prewarm) })
	if err := n.wiring.engine.Join(); err != nil { //nolint:contextcheck // it ends by Close
		return fmt.Errorf("join the cluster: %w", err)
	}
	n.do("announce this process", func() error { return n.bus.Announce(ctx, n.changed, n.info) })
	if c, ok := backend.Cluster.(*natsbus.Cluster); ok && n.part != engine.PartWorker {
		n.do("tidy runs", func() error { return c.Tidy(ctx, n.flags.retention()) })
		n.do("do what is asked of runs", func() error { return cluster.Answer(ctx, n.bus, backend, n.wiring.engine) })
		if err := n.answer(ctx); err != nil {
			return err
		}
	}
	n.measure()
	return nil
}

// answer begins what is done in the name of the whole cluster.
func (n *node) answer(ctx context.Context) error {
	var err error
	if n.cluster, err = n.newCluster(); err != nil { //nolint:contextcheck // its sandbox lives as long as the node
		return err
	}
	n.do("begin what schedules say is due", func() error { return n.cluster.KeepSchedules(ctx) })
	n.do("forget sessions that nobody uses", func() error { return n.cluster.KeepSessions(ctx) })
	if n.front == nil {
		return nil
	}
	return n.front.open(ctx, n)
}

// do does something until the node is closed.
func (n *node) do(what string, f func() error) {
	n.duties.Go(func() {
		if err := f(); err != nil && !errors.Is(err, context.Canceled) {
			n.log.Error("a duty has ended that was to go on", "duty", what, "err", err)
		}
	})
}

// info is what the others are told.
func (n *node) info() natsbus.NodeInfo {
	host, _ := os.Hostname() // "" is not known
	return natsbus.NodeInfo{
		Node: n.flags.name, Host: host, PID: os.Getpid(), Version: thisBuild().Version, Role: n.role,
		Queues: n.flags.queueNames(), Labels: n.flags.offers, Concurrency: n.flags.concurrency,
		Running: n.wiring.engine.Executing(), Started: n.started, Draining: n.drains.Load(),
	}
}

// errDraining is a node that takes nothing new.
var errDraining = errors.New("it is draining")

// ready tells why the node can't take tasks; nil if it can.
func (n *node) ready(ctx context.Context) error {
	if n.drains.Load() {
		return errDraining
	}
	return n.bus.Ready(ctx)
}

// serve blocks until a signal comes, and then drains: no task begins any more, those
// that run may end, and what is left when --drain is over, or at a second signal, is
// handed back for other workers. At the end of ctx all of it is, at once.
func (n *node) serve(ctx context.Context, say io.Writer, s *stopping) {
	name, again := s.Wait(ctx)
	n.drains.Store(true)
	n.changed <- struct{}{}
	if ctx.Err() != nil { // nothing that ends from here on can be stored
		n.wiring.engine.Drain(ctx)
		return
	}
	if running := n.wiring.engine.Executing(); running > 0 {
		fmt.Fprintf(say, "graflow-wasm: %s: draining: %s, for at most %s; a second signal hands back at once what does\n", name, countOf(running, "task still runs", "tasks still run"), n.flags.drain)
	} else {
		fmt.Fprintf(say, "graflow-wasm: %s: stopping\n", name)
	}
	again, cancel := context.WithTimeout(again, n.flags.drain)
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	n.wiring.engine.Drain(again)
	if again.Err() != nil { // no task of this process has ended the wait
		fmt.Fprintln(say, "graflow-wasm: what still ran is handed back")
	}
}

// countOf is a number with its noun.
func countOf(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// Close leaves the cluster. Attempts that run are handed back.
func (n *node) Close() {
	if n.front != nil {
		n.front.Close()
	}
	n.stop()
	n.duties.Wait()
	if n.cluster != nil {
		if err := n.cluster.Close(); err != nil {
			n.log.Error("stop answering for the cluster", "err", err)
		}
	}
	n.wiring.Close()
	if n.health != nil {
		n.health.Close()
	}
	if err := n.flags.telemetry.close(); err != nil {
		n.log.Warn("send the last traces", "err", err)
	}
}
