package natsbus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Keys implements engine.Channel. They are those of one moment.
func (c *Channel) Keys(ctx context.Context, run, prefix string) ([]string, error) {
	for begin := time.Now(); ; {
		keys, err := c.keys(ctx, run, prefix)
		switch {
		case err == nil:
			return keys, nil
		case errors.Is(err, errGap) && time.Since(begin) > patience:
			err = fmt.Errorf("%w for %s: %w", ErrUnreachable, patience, err)
		case errors.Is(err, errGap):
			continue
		}
		return nil, fmt.Errorf("channel of run %q: list the keys: %w", run, err)
	}
}

func (c *Channel) keys(ctx context.Context, run, prefix string) ([]string, error) {
	all := c.prefix(run) + leafKey + "*"
	if last, err := c.lastSeq(ctx, all); err != nil || last == 0 {
		return []string{}, err // a consumer costs more than a look
	}
	r, err := c.replay(ctx, true, all)
	if err != nil {
		return nil, err
	}
	defer r.close(ctx)
	held, expire := map[string]cell{}, false
	err = r.catchUp(ctx, all, func(m *replayed) error {
		key, err := nameOf(m.subject)
		if strings.HasPrefix(key, prefix) {
			held[key] = m.cell
			expire = expire || m.until != 0
		}
		return err
	})
	now := int64(0)
	if err == nil && expire {
		now, err = c.now(ctx)
	}
	keys := make([]string, 0, len(held))
	for key, held := range held {
		if held.at(now) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys, err
}

// Forget implements engine.Channel. What there is goes at one moment; then those who
// watch, or wait for a lock, are told. Should the process end in between, they are
// not, until Forget is called again.
func (c *Channel) Forget(ctx context.Context, run string) error {
	err := tries(ctx, func(ctx context.Context) error {
		s, err := c.handle(ctx)
		if err == nil {
			err = s.Purge(ctx, jetstream.WithPurgeSubject(c.prefix(run)+".>"))
		}
		return err
	})
	if err == nil {
		m := nats.NewMsg(c.prefix(run) + leafLock + allLocks)
		m.Header[headerGone] = []string{"1"}
		m.Header[jetstream.MsgTTLHeader] = []string{strconv.Itoa(int(2 * linger.Seconds()))}
		err = tries(ctx, func(ctx context.Context) error {
			_, err := c.bus.publishOnce(ctx, m)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("forget the channel of run %q: %w", run, err)
	}
	return nil
}
