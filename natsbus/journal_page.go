package natsbus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	pageSize  = 512      // messages
	pageBytes = 16 << 20 // of them, beyond which none is added
)

// pageQuery asks for many messages at once; see the server's ADR-31.
type pageQuery struct {
	Seq   uint64   `json:"seq,omitempty"`
	Next  string   `json:"next_by_subj,omitempty"`
	Multi []string `json:"multi_last,omitempty"` // the last of each subject that matches
	Batch int      `json:"batch"`
	Bytes int      `json:"max_bytes"`
}

// errHole is a page of which messages were lost on the way.
var errHole = fmt.Errorf("a page was not delivered in full: %w", nats.ErrTimeout)

// errWide refuses to list the last messages of more subjects than the server would.
var errWide = errors.New("too many subjects match")

// page reads messages of a stream from any of its replicas: of several, one may
// not have the newest yet, but none has holes. done tells that the replica had no
// more.
func (b *Bus) page(ctx context.Context, in *inbox, stream string, q pageQuery) (all []*nats.Msg, done bool, err error) {
	q.Bytes = pageBytes
	query, err := json.Marshal(q)
	if err != nil {
		return nil, false, fmt.Errorf("read stream %s: %w", stream, err)
	}
	err = tries(ctx, func(ctx context.Context) error {
		all, done, err = b.pageOnce(ctx, in, stream, q.Batch, query)
		return err
	})
	return all, done, err
}

func (b *Bus) pageOnce(ctx context.Context, in *inbox, stream string, size int, query []byte) (all []*nats.Msg, done bool, err error) {
	reply, answers, finish, err := in.begin(size + 1)
	if err != nil {
		return nil, false, err
	}
	defer finish()
	ctx, end := b.guard(ctx, apiPrefix+"DIRECT.GET."+stream)
	defer func() { err = end(err) }()
	if err := b.nc.PublishRequest(apiPrefix+"DIRECT.GET."+stream, reply, query); err != nil {
		return nil, false, err
	}
	for last := "0"; ; {
		select {
		case <-ctx.Done():
			return nil, false, ctx.Err()
		case m := <-answers:
			if end, more, err := endOfPage(m, last); end {
				return all, !more, err
			}
			if m.Header.Get(jetstream.SequenceHeader) == "" || m.Header.Get(headerPrevious) != last {
				return nil, false, errHole
			}
			last = m.Header.Get(jetstream.SequenceHeader)
			all = append(all, m)
		}
	}
}

// Headers of a page's messages.
const (
	headerPrevious = "Nats-Last-Sequence" // the sequence of the message before
	headerPending  = "Nats-Num-Pending"
	headerStatus   = "Status"
)

// endOfPage tells whether m is what follows the last message of a page, and whether
// there is more behind that.
func endOfPage(m *nats.Msg, last string) (end, more bool, err error) {
	switch m.Header.Get(headerStatus) {
	case "":
		return false, false, nil
	case "204":
		if m.Header.Get(headerPrevious) != last {
			return true, false, errHole
		}
		return true, m.Header.Get(headerPending) != "0", nil
	case "404":
		if last != "0" { // what was found first was dropped meanwhile
			return true, false, errHole
		}
		return true, false, nil
	case "413":
		return true, false, errWide
	case "503":
		return true, false, nats.ErrNoResponders
	default:
		return true, false, fmt.Errorf("read a page: %s", m.Header.Get("Description"))
	}
}

// entryOf is an event as a page has it.
func entryOf(m *nats.Msg) (*entry, error) {
	seq, err := strconv.ParseUint(m.Header.Get(jetstream.SequenceHeader), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("read a page: %w", err)
	}
	subject := m.Header.Get(jetstream.SubjectHeader)
	return &entry{seq: seq, start: isStart(subject), data: m.Data, blob: m.Header.Get(headerBlob)}, nil
}
