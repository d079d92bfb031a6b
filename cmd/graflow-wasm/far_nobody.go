package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/natsbus"
)

// nobodyAfter is how long nothing of a run has moved when it is looked whether
// anybody is there to take its tasks.
const nobodyAfter = 3 * time.Second

// noteNobody says, once, that no worker takes a task of a run that does not move.
func (d *driving) noteNobody(ctx context.Context, ended <-chan struct{}) {
	quiet := time.NewTimer(nobodyAfter)
	defer quiet.Stop()
	for {
		select {
		case <-ended:
			return
		case <-d.moves:
			quiet.Reset(nobodyAfter)
			continue
		case <-quiet.C:
		}
		ask, cancel := context.WithTimeout(ctx, nobodyAfter)
		text := d.session.whyNobody(ask, d.job.graph)
		cancel()
		if text != "" && d.running.Outcome().Status == engine.StatusRunning {
			d.say("run %s waits: %s", d.job.run, text)
			return
		}
		quiet.Reset(nobodyAfter)
	}
}

// whyNobody tells why no worker takes a task of a graph, "" if one may, or if that
// can't be told.
func (s *session) whyNobody(ctx context.Context, g *engine.Graph) string {
	var there fleet = busFleet{s.bus}
	if s.remote != nil {
		there = remoteFleet{s.remote.service}
	}
	nodes, err := there.Nodes(ctx)
	if err != nil {
		return ""
	}
	if !slices.ContainsFunc(nodes, func(n natsbus.NodeInfo) bool { return !n.Draining }) {
		return "no worker is there; it goes on once there is one: graflow-wasm worker" + s.place.argument()
	}
	queues, err := there.Queues(ctx)
	if err != nil {
		return ""
	}
	if s.remote != nil { // which does not tell who waits
		return nobodyTakes(g, nodes, queues)
	}
	for _, q := range queues {
		if q.Ready > 0 && q.InFlight == 0 && q.Pulls == 0 && uses(g, q) {
			return fmt.Sprintf("of %d workers none takes from queue %s%s", len(nodes), q.Queue, labelsText(q.Requires))
		}
	}
	return ""
}

// uses tells whether tasks of a graph may be in a queue; of no graph any may.
func uses(g *engine.Graph, q natsbus.QueueInfo) bool {
	if g == nil {
		return true
	}
	return slices.ContainsFunc(g.Spec().Tasks, func(t engine.Task) bool {
		return t.Handler == engine.FlowHandler || (t.Queue == q.Queue || t.Queue == "" && q.Queue == "default") && len(t.Requires) == len(q.Requires)
	})
}

func labelsText(labels map[string]string) string {
	var all []string
	for k, v := range labels {
		all = append(all, k+"="+v)
	}
	if len(all) == 0 {
		return ""
	}
	slices.Sort(all)
	return " and offers " + strings.Join(all, ",")
}
