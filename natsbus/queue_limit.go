package natsbus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/graflow/graflow-wasm/engine"
)

// limitRequest is what an operator asks of a process that drives runs: who may change
// consumers may have what they deliver published anywhere, so operators may not.
type limitRequest struct {
	Queue string `json:"queue"`
	Limit int    `json:"limit"`
}

func (b *Bus) limitSubject() string { return "gf.adm." + token(b.cfg.Namespace) + ".limit" }

// SetQueueLimit bounds how many tickets of a queue workers hold at a time, in all of
// the cluster; 0 is no bound. It holds for each class of them by itself: a queue
// that is used with two priorities may have twice as many in flight. It survives
// restarts, and applies to classes that come later.
//
// A process that drives runs is asked to do it, which needs the rights of an operator.
// If there is none, that of an owner is needed, else the error is ErrNoOwner.
func (b *Bus) SetQueueLimit(ctx context.Context, queue string, n int) error {
	if queue == "" {
		queue = defaultQueue
	}
	if n < 0 {
		return fmt.Errorf("limit queue %q: %d is less than 0", queue, n)
	}
	data, err := json.Marshal(limitRequest{queue, n})
	if err == nil {
		err = b.askLimit(ctx, data)
	}
	if errors.Is(err, nats.ErrNoResponders) {
		if err = b.setLimit(ctx, queue, n); errors.Is(err, ErrDenied) {
			err = ErrNoOwner
		}
	}
	if err != nil {
		return fmt.Errorf("limit queue %q: %w", queue, translate(err))
	}
	return nil
}

// askLimit waits for the answer of who drives runs.
func (b *Bus) askLimit(ctx context.Context, data []byte) error {
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	reply, err := b.request(ctx, &nats.Msg{Subject: b.limitSubject(), Data: data})
	if err != nil {
		return err
	}
	return answered(reply)
}

// answerLimits does what operators ask, until the subscription ends.
func (a *answers) answerLimits() (*nats.Subscription, error) {
	return a.bus.nc.QueueSubscribe(a.bus.limitSubject(), "owner", func(m *nats.Msg) {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.ctx.Err() != nil {
			return
		}
		a.running.Go(func() {
			if err := m.RespondMsg(a.bus.replyOf(nil, a.limit(m.Data))); err != nil && a.ctx.Err() == nil {
				a.bus.log.Warn("an answer was not sent", "method", "limit", "err", err)
			}
		})
	})
}

func (a *answers) limit(data []byte) error {
	var r limitRequest
	if err := json.Unmarshal(data, &r); err != nil || r.Queue == "" || r.Limit < 0 {
		return fmt.Errorf("limit a queue: %w", engine.ErrConflict)
	}
	ctx, cancel := context.WithTimeout(a.ctx, askFor-time.Second)
	defer cancel()
	return a.bus.setLimit(ctx, r.Queue, r.Limit)
}
