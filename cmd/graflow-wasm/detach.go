package main

import (
	"context"
	"fmt"

	"github.com/graflow/graflow-wasm/engine"
)

// checkDetach refuses what needs this process to stay, or to be on no cluster.
func (o *driveFlags) checkDetach() error {
	switch {
	case !o.detach:
		return nil
	case !o.place.isFar():
		return usagef("--detach: a run goes on without this process only on a cluster: give --nats URL, or --server URL")
	case o.wait:
		return usagef("--detach and --wait: leave at once, or stay; give one of them")
	case len(o.answers) > 0:
		return usagef("--detach and --answer: an answer in advance needs this process to stay; give it with `graflow-wasm runs resume`")
	case o.filesDir != "":
		return usagef("--detach and --files: the files are there once the run has ended: `graflow-wasm runs files RUN --save DIR` saves them then")
	case o.format.value == "events":
		return usagef("--detach and -o events: nothing is followed; `graflow-wasm runs watch -o json` tells what happens")
	}
	return nil
}

// detach begins a job and leaves it to the cluster: the id is all that is printed.
func (s *session) detach(ctx context.Context, std streams, j job) error {
	if _, err := j.begin(ctx); err != nil {
		return refused(failed(j.deed, err))
	}
	return s.left(std, j, engine.StatusRunning)
}

// left tells of a run that goes on without this process, or has ended before.
func (s *session) left(std streams, j job, status engine.Status) error {
	if j.flags.format.value == "json" {
		on := status == engine.StatusRunning || status == engine.StatusPaused
		return writeJSON(std.out, driven{steered{j.run, string(status)}, on})
	}
	if !j.flags.quiet {
		fmt.Fprintf(std.err, "graflow-wasm: run %s is %s in the cluster; follow it: %s\n", oneLine(j.run), status, commandFor(&s.place, "watch", j.run, ""))
	}
	fmt.Fprintln(std.out, oneLine(j.run))
	return nil
}
