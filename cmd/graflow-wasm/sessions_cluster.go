package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/natsbus"
	"github.com/oklog/ulid/v2"
)

// clusterSessions keeps sessions on a cluster, in what it stores of runs: the channel of
// one id says which sessions there are, and each version of a session is a blob of an id
// of its own, so that the one before can be dropped. No run has such an id.
type clusterSessions struct {
	bus     *natsbus.Bus
	backend *engine.Backend
	seen    string // the Of of what was read last; "": nothing was
}

var _ sessionStore = (*clusterSessions)(nil)

// sessionsRun is the id of the channel of sessions.
const sessionsRun = "exec sessions"

// sessionLease is how long a session stays locked by a process that has gone.
const sessionLease = 20 * time.Second

// sessionEntry is what the channel has of a session.
type sessionEntry struct {
	sessionInfo

	Of     string `json:"of"` // the id whose blob it is
	Digest string `json:"digest"`
}

func openClusterSessions(ctx context.Context, c *clusterFlags) (sessionStore, error) {
	bus, err := c.open(ctx, natsbus.Config{})
	if err != nil {
		return nil, err
	}
	return &clusterSessions{bus: bus, backend: bus.Backend()}, nil
}

// Lock implements sessionStore. The lease is renewed until the session is given back.
func (c *clusterSessions) Lock(ctx context.Context, name string) (func(), error) {
	owner := ulid.Make().String()
	take := func(ctx context.Context) error {
		return c.backend.Channel.Lock(ctx, sessionsRun, name, owner, sessionLease, 0)
	}
	if err := take(ctx); err != nil {
		if errors.Is(err, engine.ErrLocked) {
			return nil, fmt.Errorf("%w by another process: wait until it has ended", errSessionInUse)
		}
		return nil, err
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan int, 1)
	go func() {
		held, tick := 1, time.NewTicker(sessionLease/4)
		defer tick.Stop()
		defer func() { done <- held }()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if take(ctx) == nil {
					held++
				}
			}
		}
	}()
	return func() {
		stop()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answersWithin)
		defer cancel()
		for range <-done { // it is given back as often as it was taken
			_ = c.backend.Channel.Unlock(ctx, sessionsRun, name, owner) // its lease ends
		}
	}, nil
}

func (c *clusterSessions) entry(ctx context.Context, name string) (sessionEntry, error) {
	var e sessionEntry
	value, err := c.backend.Channel.Get(ctx, sessionsRun, name)
	if errors.Is(err, engine.ErrNotFound) {
		return e, errNoSession
	}
	if err == nil {
		err = json.Unmarshal(value, &e)
	}
	return e, err
}

// Read implements sessionStore.
func (c *clusterSessions) Read(ctx context.Context, name string) ([]byte, error) {
	e, err := c.entry(ctx, name)
	if err != nil {
		return nil, err
	}
	c.seen = e.Of
	r, err := c.backend.Blobs.Open(ctx, e.Of, e.Digest)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(r)
	return data, errors.Join(err, r.Close())
}

// Write implements sessionStore. It refuses what another process has written to, which
// can have the lock once the cluster did not answer for as long as the lease lasts.
func (c *clusterSessions) Write(ctx context.Context, info sessionInfo, data []byte) error {
	before, err := c.entry(ctx, info.Name)
	if err != nil && !errors.Is(err, errNoSession) {
		return err
	}
	if before.Of != c.seen {
		return fmt.Errorf("%w: another process has changed it meanwhile", errSessionInUse)
	}
	e := sessionEntry{sessionInfo: info, Of: sessionsRun + " " + ulid.Make().String()}
	if e.Digest, _, err = c.backend.Blobs.Put(ctx, e.Of, bytes.NewReader(data)); err != nil {
		return err
	}
	value, err := json.Marshal(e)
	if err == nil {
		_, err = c.backend.Channel.Do(ctx, sessionsRun, engine.ChannelOp{Op: engine.OpSet, Key: info.Name, Value: value})
	}
	if err != nil { // whether it took place may not be known: the blob stays
		return err
	}
	return c.drop(ctx, before)
}

func (c *clusterSessions) drop(ctx context.Context, e sessionEntry) error {
	if e.Of == "" {
		return nil
	}
	return c.backend.Blobs.Forget(ctx, e.Of)
}

// Remove implements sessionStore.
func (c *clusterSessions) Remove(ctx context.Context, name string) error {
	e, err := c.entry(ctx, name)
	if err != nil {
		return err
	}
	if _, err := c.backend.Channel.Do(ctx, sessionsRun, engine.ChannelOp{Op: engine.OpDelete, Key: name}); err != nil {
		return err
	}
	c.seen = ""
	return c.drop(ctx, e)
}

// List implements sessionStore.
func (c *clusterSessions) List(ctx context.Context) ([]sessionInfo, error) {
	names, err := c.backend.Channel.Keys(ctx, sessionsRun, "")
	if err != nil {
		return nil, err
	}
	var all []sessionInfo
	for _, name := range names {
		e, err := c.entry(ctx, name)
		switch {
		case errors.Is(err, errNoSession): // it was removed meanwhile
		case err != nil:
			return all, err
		default:
			all = append(all, e.sessionInfo)
		}
	}
	return all, nil
}

// Close implements sessionStore.
func (c *clusterSessions) Close() { c.bus.Close() }
