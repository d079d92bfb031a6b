package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	apiclient "github.com/graflow/graflow-wasm/internal/api/client"
	"github.com/graflow/graflow-wasm/internal/ops"
	"github.com/graflow/graflow-wasm/script"
	"github.com/spf13/pflag"
)

// serverSessions are those that a server keeps for the token of the caller.
type serverSessions struct{ asking *apiclient.Client }

var _ sessionShelf = serverSessions{}

func openServerSessions(c *clusterFlags) (sessionShelf, error) {
	asking, err := c.ask()
	if err != nil {
		return nil, err
	}
	return serverSessions{asking}, nil
}

// List implements sessionShelf.
func (s serverSessions) List(ctx context.Context) ([]sessionInfo, error) {
	there, err := s.asking.Service().Sessions.List(ctx, "")
	all := make([]sessionInfo, len(there))
	for i, one := range there {
		all[i] = sessionInfo{Name: one.Name, Language: script.Language(one.Language), Size: one.Size, Used: one.Used}
	}
	return all, refused(err)
}

// Forget implements sessionShelf. The server does not mind one that is not there.
func (s serverSessions) Forget(ctx context.Context, name string) error {
	sessions := s.asking.Service().Sessions
	_, err := sessions.Show(ctx, "", name)
	if err == nil {
		err = sessions.Remove(ctx, "", name)
	}
	switch {
	case errors.Is(err, engine.ErrNotFound):
		return errNoSession
	case errors.Is(err, ops.ErrInUse):
		return fmt.Errorf("%w: ask again when its code has ended", errSessionInUse)
	}
	return refused(err)
}

// Close implements sessionShelf.
func (s serverSessions) Close() { s.asking.Close() }

// addSessionsTo adds the flags of a server that bound the sessions of its API.
func (o *serverOptions) addSessionsTo(f *pflag.FlagSet) {
	o.sessionBytes.kind = "size"
	f.IntVar(&o.sessions.Count, "sessions", 64, "how many sessions of code a token may keep by the API")
	f.Var(&o.sessionBytes, "session-bytes", "how large one of them may be, as `SIZE` (default: 32MiB)")
	f.DurationVar(&o.sessions.Age, "session-age", 30*24*time.Hour, "how long one is kept that is not used")
}

func (o *serverOptions) checkSessions() error {
	o.sessions.Bytes = o.sessionBytes.value
	if o.sessions.Count < 1 {
		return usagef("--sessions %d: want 1 or more", o.sessions.Count)
	}
	if o.sessions.Age <= 0 {
		return usagef("--session-age %s: want a duration above 0", o.sessions.Age)
	}
	return nil
}
