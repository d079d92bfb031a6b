package policy

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Signers tells who signed the module with a digest, "sha256:…": the keys whose
// signatures of it are good. It is called concurrently. An error says nothing of the
// module: then it counts as unsigned, for that once.
type Signers func(ctx context.Context, digest string) ([]Key, error)

// Bounds of asking who signed a module.
const (
	askFor    = 5 * time.Second
	askAgain  = 10 * time.Second // an unsigned module may have been signed since
	mostKnown = 4096             // decisions that are kept
)

// Wall decides by a policy behind which wall modules run. It is safe for concurrent
// use.
type Wall struct {
	policy  *Policy
	signers Signers
	log     *slog.Logger

	mu    sync.Mutex // guards what follows
	ours  map[string]bool
	known map[string]verdict
}

// verdict is who signed a module of those that are trusted; nil: nobody.
type verdict struct {
	signer Key
	asked  time.Time
}

// NewWall is the wall of a policy. Without signers no module counts as signed. A nil
// logger is slog.Default.
func NewWall(p *Policy, signers Signers, log *slog.Logger) *Wall {
	if log == nil {
		log = slog.Default()
	}
	return &Wall{policy: p, signers: signers, log: log, ours: map[string]bool{}, known: map[string]verdict{}}
}

// Own notes a module that came with the program, as an interpreter: it counts as
// signed.
func (w *Wall) Own(digest string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ours[digest] = true
}

// IsOwn tells whether a module came with the program.
func (w *Wall) IsOwn(digest string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ours[digest]
}

// Isolate tells whether a module runs in cells. It may ask for signatures, for 5
// seconds at most.
func (w *Wall) Isolate(digest string) bool {
	switch w.policy.Isolation {
	case Inproc:
		return false
	case Process:
		return true
	}
	return !w.IsOwn(digest) && w.signer(digest) == nil
}

// Tenant is whose cells a module uses, "" for its own.
func (w *Wall) Tenant(digest string) string {
	if w.policy.Tenants != ByPublisher {
		return ""
	}
	if key := w.signer(digest); key != nil {
		return key.String()
	}
	return ""
}

// signer is the trusted key that signed a module; nil: none did.
func (w *Wall) signer(digest string) Key {
	if w.signers == nil || len(w.policy.Keys) == 0 {
		return nil
	}
	w.mu.Lock()
	v, known := w.known[digest]
	w.mu.Unlock()
	if known && (v.signer != nil || time.Since(v.asked) < askAgain) {
		return v.signer
	}
	ctx, cancel := context.WithTimeout(context.Background(), askFor)
	defer cancel()
	keys, err := w.signers(ctx, digest)
	if err != nil {
		w.log.Warn("who signed a module is not known: it runs in a cell", "module", digest, "err", err)
		return nil
	}
	v = verdict{asked: time.Now()}
	for _, key := range keys {
		if w.policy.Trusts(key) {
			v.signer = key
			break
		}
	}
	w.keep(digest, v)
	return v.signer
}

func (w *Wall) keep(digest string, v verdict) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.known) >= mostKnown {
		clear(w.known) // they are asked for again
	}
	w.known[digest] = v
}
