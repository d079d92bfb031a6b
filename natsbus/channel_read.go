package natsbus

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/graflow/graflow-wasm/engine"
)

// last returns what a subject holds, read through the stream's leader, and the time
// there if it expires.
func (c *Channel) last(ctx context.Context, subject string) (held cell, now int64, err error) {
	m, err := c.lastMessage(ctx, subject)
	switch {
	case errors.Is(err, engine.ErrNotFound):
		return cell{}, 0, nil
	case err != nil:
		return cell{}, 0, err
	}
	if held, err = readCell(m.Sequence, m.Time, m.Header, m.Data); err == nil && held.until != 0 {
		now, err = c.now(ctx)
	}
	return held, now, err
}

// lastSeq returns the sequence of the last message with a subject that matches; 0 is
// none.
func (c *Channel) lastSeq(ctx context.Context, subjects string) (uint64, error) {
	m, err := c.lastMessage(ctx, subjects)
	switch {
	case errors.Is(err, engine.ErrNotFound):
		return 0, nil
	case err != nil:
		return 0, err
	}
	return m.Sequence, nil
}

func (c *Channel) lastMessage(ctx context.Context, subjects string) (m *jetstream.RawStreamMsg, err error) {
	err = tries(ctx, func(ctx context.Context) error {
		s, err := c.handle(ctx)
		if err == nil {
			m, err = s.GetLastMsgForSubject(ctx, subjects)
		}
		return err
	})
	return m, err
}
