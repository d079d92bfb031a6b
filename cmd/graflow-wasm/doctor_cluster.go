package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/natsbus"
)

const (
	examineFor = 3 * time.Second       // one look at a cluster
	slowAnswer = 20 * time.Millisecond // a round trip, which takes less than 1 ms on a local network
	fullStore  = 80                    // percent
	oldTask    = 5 * time.Minute       // that waits
	farClock   = 3 * time.Second
	// nodeAge is how old the last word of a process is at most, with what it takes to
	// look.
	nodeAge = 12 * time.Second
)

const viewerNeeded = "if the cluster is up: use credentials of the role viewer, operator or owner"

// tryWrite makes a file in a directory that exists or can be made.
func tryWrite(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(dir, ".doctor-")
	if err != nil {
		return err
	}
	return errors.Join(file.Close(), os.Remove(filepath.Clean(file.Name())))
}

// cluster looks at a cluster. Its error is bad usage.
func (f *findings) cluster(ctx context.Context, where *clusterFlags, replicas int) error {
	bus, err := where.open(ctx, natsbus.Config{Replicas: replicas})
	if errors.Is(err, natsbus.ErrUnreachable) {
		f.unreachable = true
		f.wrong("cluster", "", "%s", err)
		return nil
	}
	if err != nil {
		return err
	}
	defer bus.Close()
	within(ctx, func(ctx context.Context) { f.health(ctx, bus) })
	within(ctx, func(ctx context.Context) { f.streams(ctx, bus, replicas) })
	within(ctx, func(ctx context.Context) { f.work(ctx, busFleet{bus}) })
	within(ctx, func(ctx context.Context) { f.deadLetters(ctx, busFleet{bus}) })
	return nil
}

// place looks at the cluster, or the server, that is named. Its error is bad usage.
func (f *findings) place(ctx context.Context, where *clusterFlags, replicas int) error {
	remote, err := where.onServer()
	switch {
	case err != nil:
		return err
	case remote:
		return f.api(ctx, where)
	case where.used():
		return f.cluster(ctx, where, replicas)
	}
	return nil
}

// within bounds one look, so that another can be had at what comes next.
func within(ctx context.Context, look func(context.Context)) {
	ctx, cancel := context.WithTimeout(ctx, examineFor)
	defer cancel()
	look(ctx)
}

// work looks at processes, and at what they have to do.
func (f *findings) work(ctx context.Context, bus fleet) {
	nodes, err := bus.Nodes(ctx)
	if err != nil {
		f.wrong("workers", viewerNeeded, "%s", err)
		return
	}
	f.processes(nodes)
	f.clocks(nodes, time.Now())
	queues, err := bus.Queues(ctx)
	if err != nil {
		f.wrong("queues", viewerNeeded, "%s", err)
		return
	}
	f.queues(queues, nodes)
}

// streams compares the streams with what they are to be. Their replicas are the
// operator's, unless somebody says.
func (f *findings) streams(ctx context.Context, bus *natsbus.Bus, replicas int) {
	differ, err := bus.Drift(ctx)
	if err != nil {
		f.wrong("streams", viewerNeeded, "%s", err)
		return
	}
	if replicas == 0 {
		differ = slices.DeleteFunc(differ, func(text string) bool { return strings.Contains(text, ": num_replicas is ") })
	}
	missing := slices.ContainsFunc(differ, func(text string) bool { return strings.HasSuffix(text, " is missing") })
	switch {
	case missing:
		f.wrong("streams", "start a server, or a worker without --work-only: they create what is missing", "%s", strings.Join(differ, "; "))
	case len(differ) > 0:
		f.warn("streams", "if nobody meant it, set it back with the nats command; nothing here changes what an operator set", "%s", strings.Join(differ, "; "))
	default:
		f.ok("streams", "all are there, and as they are to be")
	}
}

func (f *findings) deadLetters(ctx context.Context, bus graves) {
	const most = 100
	all, err := bus.DeadLetters(ctx, 0, most)
	switch {
	case err != nil:
		f.wrong("dead letters", viewerNeeded, "%s", err)
	case len(all) == 0:
		f.ok("dead letters", "none")
	default:
		count := countOf(len(all), "dead letter", "dead letters")
		if len(all) == most {
			count += " or more"
		}
		f.warn("dead letters", "graflow-wasm dead ls, then dead retry or dead rm", "%s, the last: %s", count, all[0].Reason)
	}
}
