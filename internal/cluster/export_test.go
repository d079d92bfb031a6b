package cluster

import "context"

// HeldSession is a session that a server has taken for code.
type HeldSession struct{ *heldSession }

// HoldSession takes a session as for code that runs.
func (c *Cluster) HoldSession(ctx context.Context, owner, name string) (*HeldSession, error) {
	h, err := (*sessions)(c).hold(ctx, owner, name)
	return &HeldSession{h}, err
}

// Commit stores what code has left.
func (h *HeldSession) Commit(ctx context.Context, data []byte) error {
	return h.commit(ctx, "python", data)
}

// Store is a Commit by a server that is killed in its midst. It tells which blob it left.
func (h *HeldSession) Store(ctx context.Context, data []byte) (of, digest string, err error) {
	return h.store(ctx, data)
}

// Release gives the session back.
func (h *HeldSession) Release() { h.release() }

// LoseLock has the leases of all sessions end.
func (h *HeldSession) LoseLock(ctx context.Context) error {
	return h.backend.Channel.Forget(ctx, sessionRun)
}

// SweepSessions forgets what is old.
func (c *Cluster) SweepSessions(ctx context.Context) error { return (*sessions)(c).sweep(ctx) }

// SessionKind is the kind of the documents of sessions.
const SessionKind = sessionKind
