package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/natsbus"
)

// processes looks at who is there.
func (f *findings) processes(nodes []natsbus.NodeInfo) {
	versions, slots, drivers := map[string]bool{}, 0, 0
	for _, n := range nodes {
		versions[n.Version] = true
		if !n.Draining {
			slots += n.Concurrency
		}
		if n.Role != roleWorkOnly {
			drivers++
		}
	}
	switch {
	case len(nodes) == 0:
		f.wrong("workers", "start one: graflow-wasm worker", "no process is there that runs tasks")
		return
	case drivers == 0:
		f.wrong("workers", "start a server, or a worker without --work-only", "no process is there that drives runs: they stand still")
		return
	}
	f.ok("workers", "%s; %s at once", countOf(len(nodes), "process", "processes"), countOf(slots, "task", "tasks"))
	if len(versions) > 1 {
		f.warn("versions", "bring all to the newest", "the processes are of different versions: %s", strings.Join(slices.Sorted(maps.Keys(versions)), ", "))
	}
}

// clocks compares this machine's clock with the server's, roughly: the last word of
// a process is as old as that says, by the server's clock.
func (f *findings) clocks(nodes []natsbus.NodeInfo, now time.Time) {
	for _, n := range nodes {
		age := now.Sub(n.Seen)
		if age < -farClock || age > nodeAge+farClock {
			f.warn("clock", "set both by NTP; what is shown of times is wrong, nothing else", "this machine's clock and the server's differ by %s or so", (age - nodeAge/2).Abs().Round(time.Second))
			return
		}
	}
	if len(nodes) > 0 {
		f.ok("clock", "as the server's, within seconds")
	}
}

// queues looks for tasks that nobody takes.
func (f *findings) queues(queues []natsbus.QueueInfo, nodes []natsbus.NodeInfo) {
	ready, running, fine := uint64(0), 0, true
	for _, q := range queues {
		ready, running = ready+q.Ready, running+q.InFlight
		takers := slices.DeleteFunc(slices.Clone(nodes), func(n natsbus.NodeInfo) bool { return !takes(n, q) })
		switch {
		case q.Ready == 0:
			continue
		case len(takers) == 0:
			fine = false
			f.wrong("queue "+q.Queue, "start a worker for it: graflow-wasm worker"+workerFlags(q), "%s, the oldest for %s, and no worker takes %s%s",
				countOf(int(q.Ready), "task is ready", "tasks are ready"), q.Oldest.Round(time.Second), pronoun(q.Ready), requiring(q)) //nolint:gosec // no queue has so many
		case q.Oldest > oldTask:
			fine = false
			f.warn("queue "+q.Queue, "start more workers"+unlimited(q), "%s%s, the oldest since %s, for %s", countOf(int(q.Ready), "task is ready", "tasks are ready"), //nolint:gosec // likewise
				requiring(q), q.Oldest.Round(time.Second), countOf(len(takers), "worker", "workers"))
		}
	}
	if fine {
		f.ok("queues", "%d ready, %d running", ready, running)
	}
}

// takes tells whether a process takes tasks of a queue.
func takes(n natsbus.NodeInfo, q natsbus.QueueInfo) bool {
	for key, value := range q.Requires {
		if has, ok := n.Labels[key]; !ok || has != value {
			return false
		}
	}
	return !n.Draining && slices.Contains(n.Queues, q.Queue)
}

func workerFlags(q natsbus.QueueInfo) string {
	text := ""
	if q.Queue != "default" {
		text += " --queues " + shellQuote(q.Queue)
	}
	if len(q.Requires) > 0 {
		text += " --labels " + shellQuote(labelText(q.Requires))
	}
	return text
}

func requiring(q natsbus.QueueInfo) string {
	if len(q.Requires) == 0 {
		return ""
	}
	return ", which requires " + labelText(q.Requires)
}

func pronoun(n uint64) string {
	if n == 1 {
		return "it"
	}
	return "them"
}

func unlimited(q natsbus.QueueInfo) string {
	if q.Limit == 0 {
		return ""
	}
	return fmt.Sprintf(", or raise its limit of %d: graflow-wasm queues limit %s N", q.Limit, shellQuote(q.Queue))
}
