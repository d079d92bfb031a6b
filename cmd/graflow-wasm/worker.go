package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/natsbus"
	"github.com/spf13/cobra"
)

// workerOptions are the flags of `worker`.
type workerOptions struct {
	nodeFlags

	cluster  clusterFlags
	workOnly bool
	wait     bool
	replicas int
}

func newWorker(std streams) *cobra.Command {
	var o workerOptions
	cmd := &cobra.Command{
		Use:   "worker",
		Short: "Run tasks of a cluster",
		Long: `Worker takes tasks from a cluster and runs them, until SIGTERM or Ctrl-C: then no
task begins any more, those that run may go on for --drain, and what is left is
handed back to other workers. A second signal hands it back at once.

It also takes its share of driving runs, unless --work-only says that it only
executes, which credentials of the role worker permit.

A connection that is lost is sought again for as long as the process runs.

Exit codes: 0 drained, 2 bad usage, 6 the cluster does not answer.`,
		Example: `  graflow-wasm worker --nats nats://10.0.0.5:4222 --nkey owner.nk
  graflow-wasm worker --nats tls://bus.example.com --tls-ca ca.pem --creds worker.creds --work-only
  graflow-wasm worker --nats ./srv --queues default,slow --concurrency 4 --labels gpu=1`,
		Args: arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return work(cmd.Context(), std.err, o) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	o.cluster.addTo(f, "take part in the cluster at `URL`, or of the server in a directory")
	f.BoolVar(&o.workOnly, "work-only", false, "only execute tasks; other processes drive the runs")
	f.BoolVar(&o.wait, "wait", false, "wait for a cluster that does not answer yet")
	f.IntVar(&o.replicas, "replicas", 0, "how many servers store each thing, if the streams are not there yet: 1, 3 or 5 (default: 1)")
	o.addTo(cmd)
	return cmd
}

// work does all of `graflow-wasm worker`.
func work(ctx context.Context, say io.Writer, o workerOptions) error {
	if err := o.check(); err != nil { //nolint:contextcheck // telemetry is opened for as long as the worker runs
		return err
	}
	if err := checkReplicas(o.replicas); err != nil {
		return err
	}
	part, role := engine.PartBoth, roleWorker
	if o.workOnly {
		part, role = engine.PartWorker, roleWorkOnly
	}
	stops := catchStops()
	defer stops.Stop()
	o.offerContainers(stops.Started(), say)  //nolint:contextcheck // the signal's
	bus, err := o.join(stops.Started(), say) //nolint:contextcheck // the signal's
	if err != nil {
		return failed("join the cluster", err)
	}
	defer bus.Close()
	return failed("run a worker", runNode(ctx, say, bus, role, part, o.nodeFlags, nil, stops))
}

// sayReady tells that tasks are taken from now on.
func (n *node) sayReady(say io.Writer) {
	if n.health != nil {
		fmt.Fprintf(say, "graflow-wasm: health on http://%s/readyz\n", n.health.address)
	}
	fmt.Fprintf(say, "graflow-wasm: %s %s takes up to %s at once\n", n.role, n.flags.name, countOf(n.flags.concurrency, "task", "tasks"))
	fmt.Fprintln(say, "graflow-wasm: ready")
}

// joinAgain is how often a cluster is tried that is waited for.
const joinAgain = 500 * time.Millisecond

// join connects, and sees that the streams are there.
func (o *workerOptions) join(ctx context.Context, say io.Writer) (*natsbus.Bus, error) {
	for said := false; ; {
		bus, err := o.tryJoin(ctx)
		if err == nil || !o.wait || !errors.Is(err, natsbus.ErrUnreachable) && !errors.Is(err, errNoStreams) {
			return bus, err
		}
		if !said {
			fmt.Fprintf(say, "graflow-wasm: waiting for the cluster: %s\n", oneLine(err.Error()))
			said = true
		}
		select {
		case <-time.After(joinAgain):
		case <-ctx.Done():
			return nil, &exitError{Code: exitCanceled, Err: errors.New("canceled while the cluster did not answer")}
		}
	}
}

// errNoStreams is a cluster on which nothing was set up.
var errNoStreams = fmt.Errorf("nothing is set up there")

func (o *workerOptions) tryJoin(ctx context.Context) (*natsbus.Bus, error) {
	config := o.bus()
	config.Replicas = o.replicas
	bus, err := o.cluster.open(ctx, config)
	if err != nil {
		return nil, err
	}
	if o.workOnly {
		if _, err = bus.Nodes(ctx); errors.Is(err, engine.ErrNotFound) {
			err = fmt.Errorf("%w: %w; start a server, or a worker without --work-only, first", errNoStreams, err)
		}
	} else {
		err = bus.Setup(ctx)
	}
	if err != nil {
		bus.Close()
		return nil, err
	}
	return bus, nil
}

func checkReplicas(n int) error {
	switch n {
	case 0, 1, 3, 5:
		return nil
	}
	return usagef("--replicas %d: want 1, 3 or 5", n)
}
