package natsbus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/graflow/graflow-wasm/engine"
)

// lockLook is how long who waits for a lock relies on being told that it is free:
// notices may be lost.
const lockLook = 3 * time.Second

// lockHolder is what the message of a lock that is held says.
type lockHolder struct {
	Owner string `json:"owner"`
	Depth int    `json:"depth"` // times it is to be given back
}

// heldError is a lock that another has, for a time yet.
type heldError struct{ left time.Duration }

func (*heldError) Error() string { return engine.ErrLocked.Error() }
func (*heldError) Unwrap() error { return engine.ErrLocked }

// Lock implements engine.Channel. The ttl runs from when the lock was stored, by the
// clock of the stream's leader.
func (c *Channel) Lock(ctx context.Context, run, name, owner string, ttl, wait time.Duration) error {
	if ttl <= 0 {
		return fmt.Errorf("lock %q: it would end after %s; give a time of more than 0", name, ttl)
	}
	subject, err := c.subject(run, leafLock, name)
	if err != nil {
		return err
	}
	deadline := time.Now().Add(wait)
	take := func() error { return c.write(ctx, taking(subject, owner, ttl)) }
	if err = take(); wait > 0 && errors.Is(err, engine.ErrLocked) {
		err = c.waitLock(ctx, run, token(name), deadline, take)
	}
	if err != nil {
		return fmt.Errorf("lock %q of run %q: %w", name, run, err)
	}
	return nil
}

// taking takes a lock if it is free or the owner's. If nobody waits for it by then,
// it is given back.
func taking(subject, owner string, ttl time.Duration) *channelWrite {
	return &channelWrite{
		subject: subject,
		apply: func(d *draft) error {
			h, err := readHolder(d)
			switch {
			case err != nil:
				return err
			case d.there && h.Owner != owner:
				return &heldError{d.left()}
			}
			return hold(d, owner, h.Depth+1, ttl)
		},
		undo: func(d *draft) error { return giveBack(d, owner) },
	}
}

func readHolder(d *draft) (h lockHolder, err error) {
	if d.there {
		err = json.Unmarshal(d.value, &h)
	}
	return h, err
}

// hold says who holds a lock. It begins the ttl anew; 0 leaves it as it is.
func hold(d *draft, owner string, depth int, ttl time.Duration) error {
	value, err := json.Marshal(lockHolder{owner, depth})
	if err != nil {
		return err
	}
	d.put(value)
	if ttl > 0 {
		d.expire(ttl)
	}
	return nil
}

func giveBack(d *draft, owner string) error {
	h, err := readHolder(d)
	switch {
	case err != nil:
		return err
	case !d.there || h.Owner != owner:
		return engine.ErrLeaseLost
	case h.Depth > 1:
		return hold(d, owner, h.Depth-1, 0)
	}
	d.drop()
	return nil
}

// waitLock tries to take a lock whenever it may be free.
func (c *Channel) waitLock(ctx context.Context, run, lock string, deadline time.Time, take func() error) error {
	told, err := c.bus.nc.SubscribeSync(noticeRoot + strings.TrimPrefix(c.prefix(run), channelRoot) + ".*")
	if err != nil {
		return translate(err)
	}
	defer func() { _ = told.Unsubscribe() }() // of a connection that is closed
	for {
		var held *heldError
		if err := take(); !errors.As(err, &held) {
			return err
		}
		left := time.Until(deadline)
		if left <= 0 {
			return engine.ErrLocked
		}
		if err := awaitFree(ctx, told, lock, min(left, held.left, lockLook)); err != nil {
			return err
		}
	}
}

// awaitFree returns when a lock is free, or some time has passed.
func awaitFree(ctx context.Context, told *nats.Subscription, lock string, most time.Duration) error {
	limited, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	for {
		m, err := told.NextMsgWithContext(limited)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, context.DeadlineExceeded), errors.Is(err, nats.ErrSlowConsumer):
			return nil
		case err != nil:
			return translate(err)
		case m.Header.Get(headerGone) == "": // taken, or kept
		case strings.HasSuffix(m.Subject, "."+lock), strings.HasSuffix(m.Subject, "."+allLocks):
			return nil
		}
	}
}

// Unlock implements engine.Channel.
func (c *Channel) Unlock(ctx context.Context, run, name, owner string) error {
	subject, err := c.subject(run, leafLock, name)
	if err == nil {
		err = c.write(ctx, &channelWrite{subject: subject, apply: func(d *draft) error { return giveBack(d, owner) }})
	}
	if err != nil {
		return fmt.Errorf("unlock %q of run %q: %w", name, run, err)
	}
	return nil
}
