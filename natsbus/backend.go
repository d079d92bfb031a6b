package natsbus

import (
	"github.com/graflow/graflow-wasm/engine"
)

// Backend returns what runs need, on this connection. A process needs one: each call
// makes new parts, which do not know of one another.
func (b *Bus) Backend() *engine.Backend {
	blobs, channel := newBlobs(b), newChannel(b)
	journal, queue := newJournal(b, blobs), newQueue(b)
	b.ends(queue.Close, channel.close)
	return &engine.Backend{
		Journal: journal, Queue: queue, Channel: channel, Blobs: blobs,
		Timers:  engine.InMemory().Timers, // those of any process
		Lease:   b.cfg.Lease,
		Cluster: newCluster(b, journal),
	}
}
