package natsbus

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/nats-io/nats.go"

	"github.com/graflow/graflow-wasm/engine"
)

// headerBlob is the digest of an event that is too large for a message.
const headerBlob = "Gf-Blob"

// entry is an event as it is stored, decoded when it is first read.
type entry struct {
	seq   uint64
	start bool // the run's first
	data  []byte
	blob  string
	event atomic.Pointer[engine.Event]
}

// size is about what it takes.
func (e *entry) size() int { return len(e.data) + entryCost }

const entryCost = 512

// encode makes an event the message that is stored. Its sequence is left to the
// stream.
func (j *Journal) encode(ctx context.Context, run, subject string, e *engine.Event) (*nats.Msg, error) {
	plain := *e
	plain.Seq = 0
	data, err := json.Marshal(&plain)
	if err != nil {
		return nil, fmt.Errorf("encode event %s: %w", e.Type, err)
	}
	m := &nats.Msg{Subject: subject, Data: data}
	if int64(len(data)) <= j.bus.nc.MaxPayload()-headerRoom {
		return m, nil
	}
	digest, _, err := j.blobs.Put(ctx, run, bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("event %s of %d bytes: %w", e.Type, len(data), err)
	}
	m.Data, m.Header = nil, nats.Header{headerBlob: []string{digest}}
	return m, nil
}

// headerRoom is what headers and subjects may take of a message.
const headerRoom = 4 << 10

// decode returns the event. Of readers at the same time all get the same one.
func (j *Journal) decode(ctx context.Context, run string, e *entry) (*engine.Event, error) {
	if ev := e.event.Load(); ev != nil {
		return ev, nil
	}
	data := e.data
	if e.blob != "" {
		var err error
		if data, err = j.large(ctx, run, e.blob); err != nil {
			return nil, fmt.Errorf("event %d of run %q: %w", e.seq, run, err)
		}
	}
	ev, err := engine.DecodeEvent(data)
	switch {
	case errors.Is(err, engine.ErrNewer):
		return nil, fmt.Errorf("event %d of run %q: %w", e.seq, run, err)
	case err != nil:
		return nil, fmt.Errorf("event %d of run %q: %w: %w", e.seq, run, engine.ErrUnreadable, err)
	}
	ev.Seq = e.seq
	e.event.CompareAndSwap(nil, ev)
	return e.event.Load(), nil
}

func (j *Journal) large(ctx context.Context, run, digest string) ([]byte, error) {
	r, err := j.blobs.Open(ctx, run, digest)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}
