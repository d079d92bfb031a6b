package natsbus

import (
	"github.com/graflow/graflow-wasm/engine"
)

// Backend returns what runs need, on this connection. A process needs one: each call
// makes new parts, which do not know of one another.
func (b *Bus) Backend() *engine.Backend {
	blobs := newBlobs(b)
	journal, queue := newJournal(b, blobs), newQueue(b)
	b.ends(queue.Close)
	return &engine.Backend{
		Journal: journal, Queue: queue, Channel: newChannel(b), Blobs: blobs,
		Timers:  engine.InMemory().Timers, // those of any process
		Lease:   b.cfg.Lease,
		Cluster: newCluster(b, journal),
	}
}
