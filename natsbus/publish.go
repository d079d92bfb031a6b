package natsbus

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/graflow/graflow-wasm/engine"
)

const (
	// patience is how long a request is repeated whose outcome is not known. A
	// stream that lost its leader has another after 4 to 13 s.
	patience = 30 * time.Second
	// tryTime is how long one try waits for its answer.
	tryTime = 2 * time.Second
	// Pauses between tries begin with the first, and double up to the longest.
	firstPause, longestPause = 5 * time.Millisecond, 500 * time.Millisecond
)

// tries repeats f while its outcome is not known, until ctx ends or patience does.
// What was not known in the end is ErrUnreachable.
func tries(ctx context.Context, f func(ctx context.Context) error) error {
	begin, pause := time.Now(), firstPause
	for {
		try, cancel := context.WithTimeout(ctx, tryTime)
		err := f(try)
		cancel()
		switch {
		case err == nil, !unanswered(err):
			return translate(err)
		case ctx.Err() != nil:
			return ctx.Err()
		case time.Since(begin) > patience:
			return fmt.Errorf("%w for %s: %w", ErrUnreachable, patience, err)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
		pause = min(2*pause, longestPause)
	}
}

// publishAt publishes m if the last message of the stream with a subject that
// matches chain has the sequence expect (0: there is none), and returns m's, or
// engine.ErrConflict. While it is not known what became of it, m is published
// again, as it is: at most one of them is stored. m must not be used afterwards.
func (b *Bus) publishAt(ctx context.Context, stream, chain string, expect uint64, m *nats.Msg) (seq uint64, err error) {
	if m.Header == nil {
		m.Header = make(nats.Header, 2)
	}
	m.Header[jetstream.ExpectedLastSubjSeqHeader] = []string{strconv.FormatUint(expect, 10)}
	if chain != m.Subject {
		m.Header[jetstream.ExpectedLastSubjSeqSubjHeader] = []string{chain}
	}
	open := false // whether an earlier try may have been stored
	err = tries(ctx, func(ctx context.Context) error {
		seq, err = b.publishOnce(ctx, m)
		if open && isWrongLast(err) {
			seq, err = b.placed(ctx, stream, chain, expect, m)
		}
		open = open || unanswered(err)
		return err
	})
	return seq, err
}

// placed returns the sequence of m if it is what follows expect on its chain: an
// earlier try was stored. It asks for the first message after expect, not for the
// last: m may have been built upon.
func (b *Bus) placed(ctx context.Context, stream, chain string, expect uint64, m *nats.Msg) (uint64, error) {
	next, err := b.look(ctx, stream, lookup{Seq: expect + 1, Next: chain})
	switch {
	case errors.Is(err, engine.ErrNotFound):
		return 0, engine.ErrConflict // the chain ends before what was expected: it was dropped
	case err != nil:
		return 0, err
	case next.Subject != m.Subject, !bytes.Equal(next.Data, m.Data), next.header.Get(headerBlob) != m.Header.Get(headerBlob):
		return 0, engine.ErrConflict
	}
	return next.Seq, nil
}

// publishOnce publishes m and waits for its ack.
func (b *Bus) publishOnce(ctx context.Context, m *nats.Msg) (uint64, error) {
	answer, err := b.request(ctx, m)
	if err != nil {
		return 0, err
	}
	var ack struct {
		Seq   uint64              `json:"seq"`
		Error *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(answer.Data, &ack); err != nil {
		return 0, fmt.Errorf("publish to %s: read the ack: %w", m.Subject, err)
	}
	if ack.Error != nil {
		return 0, ack.Error
	}
	if ack.Seq == 0 {
		return 0, fmt.Errorf("publish to %s: the answer is no ack", m.Subject)
	}
	return ack.Seq, nil
}
