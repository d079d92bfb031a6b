package natsbus

import (
	"github.com/graflow/graflow-wasm/engine"
)

// Backend returns what runs need, on this connection. A process needs one: each call
// makes new parts, which do not know of one another.
func (b *Bus) Backend() *engine.Backend {
	all := engine.InMemory() // its timers are those of any process
	blobs := newBlobs(b)
	all.Journal, all.Blobs = newJournal(b, blobs), blobs
	return all
}
