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
	examineFor = 10 * time.Second       // one look at a cluster, with what it repeats
	slowAnswer = 100 * time.Millisecond // of one request, which takes less than 1 ms on a local network
	oldTask    = 5 * time.Minute        // that waits
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
	ctx, cancel := context.WithTimeout(ctx, examineFor)
	defer cancel()
	f.streams(ctx, bus, replicas)
	nodes, took, err := fastest(ctx, bus)
	if err != nil {
		f.wrong("cluster", viewerNeeded, "it does not tell which processes are there: %s", err)
		return nil
	}
	f.reach(where.address(), took)
	f.processes(nodes)
	f.clocks(nodes, time.Now())
	queues, err := bus.Queues(ctx)
	if err != nil {
		f.wrong("queues", viewerNeeded, "%s", err)
		return nil
	}
	f.queues(queues, nodes)
	f.deadLetters(ctx, bus)
	return nil
}

// fastest asks a few times, and tells how long the fastest answer took.
func fastest(ctx context.Context, bus *natsbus.Bus) (nodes []natsbus.NodeInfo, best time.Duration, err error) {
	for range 5 {
		began := time.Now()
		if nodes, err = bus.Nodes(ctx); err != nil {
			return nil, 0, err
		}
		if took := time.Since(began); best == 0 || took < best {
			best = took
		}
	}
	return nodes, best, nil
}

func (f *findings) reach(address string, took time.Duration) {
	if took > slowAnswer {
		f.warn("cluster", "run workers nearer to the servers; each step of a run takes several requests", "%s answers in %s, which is slow", redacted(address), roundDuration(took))
		return
	}
	f.ok("cluster", "%s answers in %s", redacted(address), took.Round(10*time.Microsecond))
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

func (f *findings) deadLetters(ctx context.Context, bus *natsbus.Bus) {
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
