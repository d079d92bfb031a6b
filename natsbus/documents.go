package natsbus

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/graflow/graflow-wasm/engine"
)

// Document is what operators have the cluster keep under a kind and a name, such as
// a flow, or a schedule.
type Document struct {
	Kind, Name string
	Rev        uint64 // grows with every change of any document
	Time       time.Time
	Data       []byte
}

// ErrStale refuses to write a document over another than its writer has read.
var ErrStale = errors.New("the document has changed meanwhile: read it again")

// DocumentBytes is how large a document may be.
const DocumentBytes = 1<<20 - 4<<10 // what fits into a message with its header

// documentsStream keeps documents.
func documentsStream(Config) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: streamDocuments, Description: "flows, schedules",
		Subjects: []string{"gf.cfg.>"}, Storage: jetstream.FileStorage,
		MaxMsgsPerSubject: 1, AllowDirect: true,
	}
}

// documents begins the subjects of a kind of documents: …<name>.
func (b *Bus) documents(kind string) string {
	return "gf.cfg." + token(b.cfg.Namespace) + "." + token(kind) + "."
}

// PutDocument stores a document in place of the one of revision rev, 0 for none, and
// returns the new one's. ErrStale.
func (b *Bus) PutDocument(ctx context.Context, kind, name string, data []byte, rev uint64) (uint64, error) {
	if len(data) > DocumentBytes {
		return 0, fmt.Errorf("store %s %q: it has %d bytes, more than %d", kind, name, len(data), DocumentBytes)
	}
	subject := b.documents(kind) + token(name)
	put, err := b.publishAt(ctx, streamDocuments, subject, rev, &nats.Msg{Subject: subject, Data: data})
	if errors.Is(err, engine.ErrConflict) {
		err = ErrStale
	}
	if err != nil {
		return 0, fmt.Errorf("store %s %q: %w", kind, name, err)
	}
	return put, nil
}

// Document reads a document as the stream's leader has it. Without it the error is
// engine.ErrNotFound.
func (b *Bus) Document(ctx context.Context, kind, name string) (Document, error) {
	m, err := b.leaderLast(ctx, streamDocuments, b.documents(kind)+token(name))
	if errors.Is(err, engine.ErrNotFound) {
		return Document{}, fmt.Errorf("%s %q: %w", kind, name, engine.ErrNotFound)
	}
	if err != nil {
		return Document{}, fmt.Errorf("read %s %q: %w", kind, name, err)
	}
	return Document{Kind: kind, Name: name, Rev: m.seq, Time: m.time, Data: m.data}, nil
}

// Documents lists the documents of a kind, that which changed last at the end. A
// replica that lags may miss what was stored just now.
func (b *Bus) Documents(ctx context.Context, kind string) ([]Document, error) {
	var all []Document
	prefix := b.documents(kind)
	for after := uint64(0); ; {
		found, err := b.gather(ctx, streamDocuments, wanted{Seq: after + 1, Next: prefix + "*", Batch: directBatch})
		if err != nil {
			return nil, fmt.Errorf("list documents of kind %s: %w", kind, err)
		}
		for _, m := range found {
			named, err := name(strings.TrimPrefix(m.subject, prefix))
			if err != nil {
				return nil, fmt.Errorf("list documents of kind %s: %w", kind, err)
			}
			all = append(all, Document{Kind: kind, Name: named, Rev: m.seq, Time: m.time, Data: m.data})
		}
		if len(found) < directBatch {
			return all, nil
		}
		after = found[len(found)-1].seq
	}
}

// RemoveDocument drops a document, if it is of that revision or older. Without one
// the error is engine.ErrNotFound.
func (b *Bus) RemoveDocument(ctx context.Context, kind, name string, rev uint64) error {
	d, err := b.Document(ctx, kind, name)
	if err == nil && d.Rev > rev {
		err = fmt.Errorf("remove %s %q: %w", kind, name, ErrStale)
	}
	if err != nil {
		return err
	}
	if err := b.purgeThrough(ctx, streamDocuments, b.documents(kind)+token(name), rev); err != nil {
		return fmt.Errorf("remove %s %q: %w", kind, name, err)
	}
	return nil
}

// WatchDocuments has a receiver told when a document of a kind has changed, until
// stop is called. It may be told too often; while nobody receives it is told once. What
// is removed is not told.
func (b *Bus) WatchDocuments(kind string) (changed <-chan struct{}, stop func(), err error) {
	hint := make(chan struct{}, 1)
	sub, err := b.nc.Subscribe(b.documents(kind)+"*", func(*nats.Msg) {
		select {
		case hint <- struct{}{}:
		default: // one waits
		}
	})
	if err != nil {
		return nil, nil, fmt.Errorf("watch documents of kind %s: %w", kind, translate(err))
	}
	return hint, func() { _ = sub.Unsubscribe() }, nil
}
