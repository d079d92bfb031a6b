package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"go.temporal.io/server/temporal"

	"github.com/graflow/graflow-wasm/bench/internal/queue"
)

// peers are Temporal, as durable as SQLite makes it.
var peers = []queue.Peer{
	peer(queue.Memory, "SQLite in memory", "", queue.Loss{Killed: "all", Power: "all"}, false),
	peer(queue.Later, "SQLite, WAL, synchronous NORMAL", "normal", queue.Loss{Killed: "nothing", Power: "what follows the last checkpoint"}, false),
	peer(queue.Synced, "SQLite, WAL, synchronous FULL", "full", queue.Loss{Killed: "nothing", Power: "nothing"}, false),
	peer(queue.Synced, "SQLite, WAL, synchronous FULL", "full", queue.Loss{Killed: "nothing", Power: "nothing"}, true),
}

// peer runs its jobs as activities or, with local, as such as the worker that has the
// workflow runs at once: they are cheaper, and lost and repeated with it.
func peer(class queue.Class, config, synchronous string, loses queue.Loss, local bool) queue.Peer {
	settings := "activities"
	if local {
		settings = "local activities"
	}
	return queue.Peer{
		Name: "Temporal", Module: "go.temporal.io/server", Settings: settings, Class: class, Config: config, Loses: loses,
		Open: func(ctx context.Context, dir string) (queue.System, error) {
			address, s, err := start(dir, synchronous)
			if err != nil {
				return nil, err
			}
			t := &onTemporal{server: s, local: local}
			if err := t.connect(ctx, address); err != nil {
				return nil, errors.Join(err, s.Stop())
			}
			return t, nil
		},
	}
}

const tasks = "jobs"

// onTemporal is a Temporal server and a client of it, over TCP on loopback.
type onTemporal struct {
	server  temporal.Server
	local   bool
	client  client.Client
	started atomic.Int64 // workflows, of whatever kind
}

var _ queue.Flows = (*onTemporal)(nil)

// connect waits until the server takes calls.
func (t *onTemporal) connect(ctx context.Context, address string) error {
	var err error
	t.client, err = client.DialContext(ctx, client.Options{
		HostPort: address, Namespace: namespace,
		Logger: sdklog.NewStructuredLogger(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))),
	})
	return err
}

// Server implements [queue.System].
func (t *onTemporal) Server() string { return "in process, TCP" }

func (t *onTemporal) execute(ctx context.Context, first queue.Job, flow any, args ...any) (client.WorkflowRun, error) {
	t.started.Add(1)
	return t.client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: strconv.Itoa(int(first)), TaskQueue: tasks}, flow, args...)
}

// await executes a workflow and waits for its result.
func (t *onTemporal) await(ctx context.Context, first queue.Job, flow any, args ...any) error {
	run, err := t.execute(ctx, first, flow, args...)
	if err != nil {
		return err
	}
	return run.Get(ctx, nil)
}

// Submit implements [queue.System].
func (t *onTemporal) Submit(ctx context.Context, job queue.Job) error {
	_, err := t.execute(ctx, job, chain, t.local, job, 1)
	return err
}

// Watch implements [queue.Flows]: a client can wait for any workflow.
func (t *onTemporal) Watch(context.Context) (func() error, error) {
	return func() error { return nil }, nil
}

// Run implements [queue.Flows]: a workflow of one activity.
func (t *onTemporal) Run(ctx context.Context, job queue.Job) error {
	return t.await(ctx, job, chain, t.local, job, 1)
}

// Chain implements [queue.Flows].
func (t *onTemporal) Chain(ctx context.Context, first queue.Job, steps int) error {
	return t.await(ctx, first, chain, t.local, first, steps)
}

// FanOut implements [queue.Flows].
func (t *onTemporal) FanOut(ctx context.Context, first queue.Job, width int) error {
	return t.await(ctx, first, fan, t.local, first, width)
}

// activityName is the activity's name.
const activityName = "run"

// execute begins the activity of a job.
func execute(ctx workflow.Context, local bool, job queue.Job) workflow.Future {
	if local {
		ctx = workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{StartToCloseTimeout: time.Minute})
		return workflow.ExecuteLocalActivity(ctx, activityName, job)
	}
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
	return workflow.ExecuteActivity(ctx, activityName, job)
}

// chain is a workflow: one activity after the other.
func chain(ctx workflow.Context, local bool, first queue.Job, steps int) error {
	for i := range steps {
		if err := execute(ctx, local, first+queue.Job(i)).Get(ctx, nil); err != nil {
			return err
		}
	}
	return nil
}

// fan is a workflow: one activity, many at the same time, one more.
func fan(ctx workflow.Context, local bool, first queue.Job, width int) error {
	if err := execute(ctx, local, first).Get(ctx, nil); err != nil {
		return err
	}
	members := make([]workflow.Future, width)
	for i := range members {
		members[i] = execute(ctx, local, first+queue.Job(i)+1)
	}
	for _, m := range members {
		if err := m.Get(ctx, nil); err != nil {
			return err
		}
	}
	return execute(ctx, local, first+queue.Job(width)+1).Get(ctx, nil)
}

// Work implements [queue.System]. The SDK wants at least two workflow tasks at a time.
func (t *onTemporal) Work(_ context.Context, concurrency int, handle func(queue.Job)) (func(context.Context) error, error) {
	w := worker.New(t.client, tasks, worker.Options{
		MaxConcurrentActivityExecutionSize:      concurrency,
		MaxConcurrentWorkflowTaskExecutionSize:  max(2, concurrency),
		MaxConcurrentLocalActivityExecutionSize: concurrency,
	})
	w.RegisterWorkflow(chain)
	w.RegisterWorkflow(fan)
	w.RegisterActivityWithOptions(func(_ context.Context, job queue.Job) error {
		handle(job)
		return nil
	}, activity.RegisterOptions{Name: activityName})
	if err := w.Start(); err != nil {
		return nil, err
	}
	return func(context.Context) error { w.Stop(); return nil }, nil
}

// Unfinished implements [queue.System].
func (t *onTemporal) Unfinished(ctx context.Context) (int, error) {
	answer, err := t.client.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Query: "ExecutionStatus = 'Completed'"})
	if err != nil {
		return 0, fmt.Errorf("count workflows: %w", err)
	}
	return int(t.started.Load() - answer.Count), nil
}

// Close implements [queue.System].
func (t *onTemporal) Close(context.Context) error {
	t.client.Close()
	return t.server.Stop()
}
