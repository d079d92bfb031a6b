package client

import (
	"context"
	"io"
	"time"
)

// Event is an event of a stream, for tests.
type Event struct{ Name, ID, Data string }

// ReadEvents reads a stream to its end.
func ReadEvents(r io.Reader) (all []Event, err error) {
	for in := newEvents(r); ; {
		e, err := in.next()
		if err != nil {
			return all, err
		}
		all = append(all, Event{e.name, e.id, string(e.data)})
	}
}

// Hurry has the client wait for nothing, and tells f for how long it would have.
func (c *Client) Hurry(f func(time.Duration)) {
	c.pause = func(ctx context.Context, d time.Duration) error {
		f(d)
		return ctx.Err()
	}
}
