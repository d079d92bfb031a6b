package queue_test

import (
	"context"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/bench/internal/queue"
)

// TestTurns lets each peer that needs no server have a short turn (the others have it in
// the test of cmd/peers): its numbers mean nothing, but that nothing is lost, that chains
// are in order and that joins come last does, and is checked while it's measured.
func TestTurns(t *testing.T) { //nolint:paralleltest // they take turns on the machine
	for _, p := range queue.FlowPeers() { //nolint:paralleltest // likewise
		if p.Name != "JetStream" && p.Name != "graflow-wasm" {
			continue
		}
		t.Run(p.Name+" "+p.Settings+" "+p.Config, func(t *testing.T) {
			got, err := queue.Turn(t.Context(), p, queue.ShortTurn, 3)
			if err != nil {
				t.Fatal(err)
			}
			var cases []string
			for _, m := range got {
				cases = append(cases, m.Case)
				if m.Round != 3 || m.Who != p.Name || m.Class != string(p.Class) || m.Durability == "" || m.Tasks == 0 || m.Took <= 0 {
					t.Errorf("got %+v, want it to say whose it is, and some tasks", m)
				}
				if m.Again != 0 {
					t.Errorf("got %d executed again, want none: nothing has failed", m.Again)
				}
				if m.Case != queue.CaseFlood && (m.Min <= 0 || m.Min > m.P50 || m.P50 > m.P99 || m.P99 > m.Max) {
					t.Errorf("got %+v, want times in order", m)
				}
			}
			if got, want := strings.Join(cases, " "), "start job jobs chain chains fan-out flood"; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

// disorderly lets its chains and fans be wrong.
type disorderly struct {
	queue.Flows
	chain, fan func(ctx context.Context, f queue.Flows, first queue.Job, n int) error
}

func (d disorderly) Chain(ctx context.Context, first queue.Job, n int) error {
	if d.chain == nil {
		return d.Flows.Chain(ctx, first, n)
	}
	return d.chain(ctx, d.Flows, first, n)
}

func (d disorderly) FanOut(ctx context.Context, first queue.Job, n int) error {
	if d.fan == nil {
		return d.Flows.FanOut(ctx, first, n)
	}
	return d.fan(ctx, d.Flows, first, n)
}

// each runs jobs one by one, in the order given.
func each(ctx context.Context, f queue.Flows, jobs ...queue.Job) error {
	for _, j := range jobs {
		if err := f.Run(ctx, j); err != nil {
			return err
		}
	}
	return nil
}

func TestTurnsFindDisorder(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		system disorderly
		want   string
	}{
		"a chain backwards": {disorderly{chain: func(ctx context.Context, f queue.Flows, first queue.Job, n int) error {
			var jobs []queue.Job
			for i := range n {
				jobs = append(jobs, first+queue.Job(n-1-i))
			}
			return each(ctx, f, jobs...)
		}}, "step 2 began before step 1"},
		"a chain that lacks a step": {disorderly{chain: func(ctx context.Context, f queue.Flows, first queue.Job, n int) error {
			return each(ctx, f, first+queue.Job(n)-1)
		}}, "step 1 never ran"},
		"a fan that lacks a member": {disorderly{fan: func(ctx context.Context, f queue.Flows, first queue.Job, n int) error {
			return each(ctx, f, first, first+1, first+queue.Job(n)+1)
		}}, "or never"},
		"a join too early": {disorderly{fan: func(ctx context.Context, f queue.Flows, first queue.Job, n int) error {
			jobs := []queue.Job{first, first + queue.Job(n) + 1}
			for i := range n {
				jobs = append(jobs, first+queue.Job(i)+1)
			}
			return each(ctx, f, jobs...)
		}}, "the join of a fan ran before all of its members"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := jetstream(t)
			open := p.Open
			p.Open = func(ctx context.Context, dir string) (queue.System, error) {
				s, err := open(ctx, dir)
				if err != nil {
					return nil, err
				}
				d := tc.system
				d.Flows = s.(queue.Flows)
				return d, nil
			}
			_, err := queue.Turn(t.Context(), p, queue.ShortTurn, 1)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}
