package docker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/docker/docker/api/types/image"

	"github.com/graflow/graflow-wasm/handlers/docker/internal/lines"
)

// Bounds of what is kept for reuse.
const (
	mostIdle = 16          // containers, in all pools together
	mostJobs = 1000        // of one container
	idleFor  = time.Minute // then a container goes
)

// pools are the containers that are kept for reuse. Each takes the attempts of one
// task of one flow, as it is written: that is the trust level.
type pools struct {
	handler *Handler

	mu       sync.Mutex // guards what follows
	closed   bool
	idle     []*warm        // the one used last is last
	removals sync.WaitGroup // of those whose time is over
}

// key is the same for attempts that may have the same container.
func (a *attempt) key(img image.InspectResponse) string {
	t := a.call.Task
	text, err := json.Marshal([]any{a.call.Flow, t.ID, t.Queue, img.ID, t.Spec, t.Limits, t.Grants, t.Secrets})
	if err != nil {
		panic(err) // they are JSON
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:12])
}

// run runs the command of an attempt in a container that may have run others before,
// and is clean.
func (p *pools) run(ctx context.Context, a *attempt, img image.InspectResponse, stop context.CancelCauseFunc) (ended, lines.Outcome, error) {
	w := p.take(a.key(img))
	if w == nil {
		var err error
		if w, err = p.handler.warmUp(ctx, a, img); err != nil {
			return ended{}, lines.Outcome{}, err
		}
	}
	a.ledger.Reused = w.jobs > 0
	end, outcome, err := w.attempt(ctx, a, stop)
	if w.spent {
		return end, outcome, errors.Join(err, w.remove(ctx))
	}
	return end, outcome, errors.Join(err, p.give(ctx, w))
}

// take takes the idle container of a key that was used last.
func (p *pools) take(key string) *warm {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, w := range slices.Backward(p.idle) {
		if w.key == key && w.eviction.Stop() {
			p.idle = slices.Delete(p.idle, i, i+1)
			return w
		}
	}
	return nil
}

// give keeps a container for the next attempt, and removes the one that was idle
// longest if there are too many.
func (p *pools) give(ctx context.Context, w *warm) error {
	p.mu.Lock()
	if p.closed || w.jobs >= mostJobs {
		p.mu.Unlock()
		return w.remove(ctx)
	}
	w.eviction = time.AfterFunc(idleFor, func() { p.evict(w) }) //nolint:contextcheck // that is after the attempt
	p.idle = append(p.idle, w)
	var over *warm
	if len(p.idle) > mostIdle && p.idle[0].eviction.Stop() {
		over, p.idle = p.idle[0], slices.Delete(p.idle, 0, 1)
	}
	p.mu.Unlock()
	if over != nil {
		return over.remove(ctx)
	}
	return nil
}

// evict removes a container whose time is over.
func (p *pools) evict(w *warm) {
	p.mu.Lock()
	i := slices.Index(p.idle, w)
	if i < 0 || p.closed { // then close removes it
		p.mu.Unlock()
		return
	}
	p.idle = slices.Delete(p.idle, i, i+1)
	p.removals.Add(1)
	p.mu.Unlock()
	defer p.removals.Done()
	if err := w.remove(context.Background()); err != nil {
		p.handler.config.Logger.Error("remove an idle container", "container", w.container.id, "err", err)
	}
}

// close removes all containers. No attempt is on its way.
func (p *pools) close() error {
	p.mu.Lock()
	p.closed = true
	idle := p.idle
	p.idle = nil
	p.mu.Unlock()
	var errs []error
	for _, w := range idle {
		w.eviction.Stop()
		errs = append(errs, w.remove(context.Background()))
	}
	p.removals.Wait()
	return errors.Join(errs...)
}
