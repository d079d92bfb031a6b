package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"time"

	"github.com/graflow/graflow-wasm/script"
)

var (
	sessionNames = regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,64}$`)

	// errNoSession is the error of a session that is not there.
	errNoSession = errors.New("there is no session of that name")
	// errSessionInUse is the error of one that another process goes on with.
	errSessionInUse = errors.New("the session is in use")
)

// sessionInfo is what is known of a session without opening it.
type sessionInfo struct {
	Name     string          `json:"session"`
	Language script.Language `json:"language"`
	Size     int64           `json:"size"` // in bytes
	Used     time.Time       `json:"used"`
}

// sessionShelf is where sessions are, be it with a server.
type sessionShelf interface {
	// List returns all sessions by name.
	List(ctx context.Context) ([]sessionInfo, error)
	// Forget forgets a session, or returns errNoSession or errSessionInUse.
	Forget(ctx context.Context, name string) error
	// Close lets go of the shelf.
	Close()
}

// openShelf opens the shelf of a place.
func openShelf(ctx context.Context, place *placeFlags) (sessionShelf, error) {
	if err := place.check(); err != nil {
		return nil, err
	}
	if place.onServer() {
		return openServerSessions(&place.cluster)
	}
	store, err := openSessions(ctx, place)
	if err != nil {
		return nil, err
	}
	return ownShelf{store}, nil
}

// ownShelf is one whose sessions this process goes on with.
type ownShelf struct{ sessionStore }

// Forget implements sessionShelf.
func (s ownShelf) Forget(ctx context.Context, name string) error {
	release, err := s.Lock(ctx, name)
	if err != nil {
		return err
	}
	defer release()
	return s.Remove(ctx, name)
}

// sessionStore keeps sessions: in a directory, or on a cluster.
type sessionStore interface {
	// Lock takes a session for one process, there or not. It does not wait:
	// errSessionInUse. release gives it back.
	Lock(ctx context.Context, name string) (release func(), err error)
	// Read returns what was written, or errNoSession.
	Read(ctx context.Context, name string) ([]byte, error)
	// Write keeps data: after a crash there is what was before, or all of it. The caller
	// has the lock.
	Write(ctx context.Context, info sessionInfo, data []byte) error
	// Remove forgets a session, or returns errNoSession. The caller has the lock.
	Remove(ctx context.Context, name string) error
	// List returns all sessions by name.
	List(ctx context.Context) ([]sessionInfo, error)
	// Close lets go of the store.
	Close()
}

// openSessions opens the store of a place that is no server.
func openSessions(ctx context.Context, place *placeFlags) (sessionStore, error) {
	if err := place.check(); err != nil {
		return nil, err
	}
	if place.onCluster() {
		return openClusterSessions(ctx, &place.cluster)
	}
	if place.path() != "" {
		return openDirSessions(ctx, &place.state)
	}
	cache, err := cacheDirectory("")
	if err != nil {
		return nil, usagef("find the cache directory: %w; name a place for sessions with --state", err)
	}
	return dirSessions{filepath.Join(cache, "sessions")}, nil
}

// checkSessionName refuses what can't be the name of a session.
func checkSessionName(name string) error {
	if !sessionNames.MatchString(name) {
		return usagef("session %q: want 1 to 64 letters, digits, and _ . -", name)
	}
	return nil
}

// sessionFault is what was asked wrongly of a session, or a fault of the store.
func sessionFault(deed string, err error) error {
	if err == nil {
		return nil
	}
	err = fmt.Errorf("%s: %w", deed, err)
	for _, one := range []error{errNoSession, errSessionInUse, script.ErrSession} {
		if errors.Is(err, one) {
			return usage(err)
		}
	}
	return err
}

// execSession are the flags of `exec` that are about sessions.
type execSession struct {
	name  string
	reset bool
	place placeFlags
}

func (s *execSession) check() error {
	switch {
	case s.name != "":
		return checkSessionName(s.name)
	case s.reset:
		return usagef("exec: --reset is of a session; give its name with --session")
	case s.place.state.given(), s.place.cluster.given():
		return usagef("exec: --state and --nats are where sessions are; give the name of one with --session")
	}
	return nil
}

// openedSession is a session that code goes on with. The methods of a nil one do
// nothing: the code has none.
type openedSession struct {
	name    string
	session *script.Session
	store   sessionStore
	release func()
}

// open takes the session for this process, if there is to be one. The caller closes it.
func (s *execSession) open(ctx context.Context) (*openedSession, error) {
	if s.name == "" {
		return nil, nil
	}
	deed := "open session " + s.name
	store, err := openSessions(ctx, &s.place)
	if err != nil {
		return nil, failed(deed, err)
	}
	o := &openedSession{name: s.name, session: script.NewSession(), store: store, release: func() {}}
	if err := o.begin(ctx, s.reset); err != nil {
		o.Close()
		if errors.Is(err, script.ErrSession) {
			err = fmt.Errorf("%w\nBegin it anew with --reset", err)
		}
		return nil, sessionFault(deed, err)
	}
	return o, nil
}

func (o *openedSession) begin(ctx context.Context, reset bool) error {
	release, err := o.store.Lock(ctx, o.name)
	if err != nil {
		return err
	}
	o.release = release
	if reset {
		return ignoreNoSession(o.store.Remove(ctx, o.name))
	}
	data, err := o.store.Read(ctx, o.name)
	if err != nil {
		return ignoreNoSession(err)
	}
	return o.session.UnmarshalBinary(data)
}

func ignoreNoSession(err error) error {
	if errors.Is(err, errNoSession) {
		return nil
	}
	return err
}

// language is that of the session, "" if it has none yet.
func (o *openedSession) language() script.Language {
	if o == nil {
		return ""
	}
	return o.session.Language()
}

// state is what the code goes on with, nil without a session.
func (o *openedSession) state() *script.Session {
	if o == nil {
		return nil
	}
	return o.session
}

// keep stores what the code has left.
func (o *openedSession) keep(ctx context.Context) error {
	if o == nil || o.session.Language() == "" { // nothing has come of it
		return nil
	}
	data, err := o.session.MarshalBinary()
	if err == nil {
		err = o.store.Write(ctx, sessionInfo{Name: o.name, Language: o.session.Language(), Size: int64(len(data)), Used: time.Now()}, data)
	}
	return failed("keep session "+o.name, err)
}

// Close gives the session back.
func (o *openedSession) Close() {
	if o != nil {
		o.release()
		o.store.Close()
	}
}

// forget begins a session anew by forgetting it.
func (s *execSession) forget(ctx context.Context, std streams, quiet bool) error {
	shelf, err := openShelf(ctx, &s.place)
	if err != nil {
		return failed("forget session "+s.name, err)
	}
	defer shelf.Close()
	err = shelf.Forget(ctx, s.name)
	if !quiet && err == nil {
		fmt.Fprintf(std.err, "graflow-wasm: session %s is forgotten\n", s.name)
	}
	return sessionFault("forget session "+s.name, ignoreNoSession(err))
}
