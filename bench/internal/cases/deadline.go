package cases

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/graflow/graflow-wasm/bench/internal/measure"
)

const limit = 50 * time.Millisecond

// Programs of guests/c/stuck.c, and what they do.
var stuck = [][2]string{
	{"loop", "`for {}`"},
	{"table", "a loop round a br_table"},
	{"recursion", "a tree of calls, no loop"},
	{"deep", "recursion ever deeper"},
	{"fill", "memory.fill of 16 MB, again and again"},
	{"sleep", "sleep of an hour"},
}

// stop is one line of a deadline child.
type stop struct {
	Took time.Duration
	By   string
}

// deadline measures how long after 50 ms a task returns that never would.
func deadline(ctx context.Context, b *Bench) error {
	if _, err := b.Guests.C(ctx, "stuck"); err != nil {
		return err
	}
	t := measure.Table{{"past the deadline", "host", "ended by", "p50", "p99", "worst", "runs"}}
	kept := ""
	for _, program := range stuck {
		// Each host has its share of the runs at each end of the time.
		took := map[string]measure.Times{}
		ended := map[string]string{}
		hosts := []string{hostOurs, hostStops, hostWazero}
		for half := range 2 {
			for _, host := range hosts {
				if half == 1 && ended[host] == "" {
					continue // hung
				}
				runs := max(1, b.Runs/2)
				o := order{What: "deadline", Host: host, Module: b.Guests.Path("c-stuck"), Program: program[0], N: runs}
				err := child(ctx, b.patience(host)+time.Duration(runs)*2*limit, o, func(line json.RawMessage) error {
					var s stop
					err := json.Unmarshal(line, &s)
					took[host] = append(took[host], s.Took)
					ended[host] = s.By
					return err
				})
				if err != nil && (host == hostOurs || !errors.Is(err, errHung)) {
					return err
				}
			}
		}
		for _, host := range hosts {
			row(&t, program[1], host, ended[host], took[host])
			kept += fmt.Sprintf("%s, %s: %v\n", program[0], host, took[host])
		}
	}
	fmt.Fprintf(b.Out, "A task that its stack ends is shown with the whole time that it took.\n\n%s\n", t)
	return b.keep("deadline", kept)
}

func row(t *measure.Table, what, host, by string, took measure.Times) {
	if by == "" {
		t.Add(what, host, "never: process killed", "", "", "", "")
		return
	}
	past := make(measure.Times, len(took))
	for i, d := range took {
		past[i] = d
		if by == "timeout" {
			past[i] -= limit
		}
	}
	t.Add(what, host, by, past.Median(), past.Percentile(99), past.Percentile(100), len(past))
}

func deadlineChild(ctx context.Context, o order, out *json.Encoder) error {
	run, err := stopperOn(ctx, o.Host, o.Module)
	if err != nil {
		return err
	}
	for range o.N {
		start := time.Now()
		by, err := run(ctx, o.Program, limit)
		if err != nil {
			return fmt.Errorf("%s: %w", o.Program, err)
		}
		if err := out.Encode(stop{time.Since(start), by}); err != nil {
			return err
		}
	}
	return nil
}
