package script

import (
	"errors"
	"fmt"
	"sync"

	"github.com/graflow/graflow-wasm/wasmhost"
)

// ErrSession is what a run is refused with whose session can't be used for it: it
// is of another language or another build of its interpreter, in use by another run,
// or needs other grants. It is also the error of a session whose bytes are damaged.
var ErrSession = errors.New("the session can't be used")

// Session keeps what code left for the next run: names, modules, objects. It is of
// the language of its first run from then on; JavaScript and TypeScript are one. What
// it holds is memory of the interpreter, as far as code changed it: a few hundred KB
// for code that keeps little.
//
// A run that fails by itself keeps what it did until then, as in a notebook; one
// that the host ended (timeout, memory and so on), or whose code failed by
// graflow.fail, leaves the session as it was. Files are not kept, open ones in
// particular. All runs of a session need the same names and values in Grants.Env, the
// same mount points, and as many of With.
//
// One run at a time may use it. It may be stored by MarshalBinary, and used by
// another process that has the same runtimes.
type Session struct {
	mu       sync.Mutex // held by the run that uses it; guards what follows
	language Language   // "": nothing was run
	image    *wasmhost.Image
}

// NewSession is a session in which nothing was run.
func NewSession() *Session { return &Session{} }

// Language is that of its last run, "" before the first. It waits for a run that uses the
// session.
func (s *Session) Language() Language {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.language
}

// Size is how many bytes it holds: a little less than MarshalBinary makes of it. It
// waits for a run that uses the session.
func (s *Session) Size() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.image == nil {
		return 0
	}
	return s.image.Size()
}

// begin takes the session for a run, which begins where the last one ended. Without an
// error the caller ends it.
func (s *Session) begin(r *run, call *wasmhost.Options) error {
	if !s.mu.TryLock() {
		return fmt.Errorf("%w: another run uses it", ErrSession)
	}
	if s.language != "" && s.language.runtime() != r.language.runtime() {
		defer s.mu.Unlock()
		return fmt.Errorf("%w: it is of %s, not of %s", ErrSession, s.language, r.language)
	}
	if s.image != nil && s.image.Module() != r.module.Digest() {
		defer s.mu.Unlock()
		return fmt.Errorf("%w: it is of another build of %s: begin a new one", ErrSession, r.language)
	}
	call.From, call.Keep = s.image, true
	return nil
}

// end takes what a run left, if it left something, and lets go of the session.
func (s *Session) end(r *run, given wasmhost.Result, err error) error {
	defer s.mu.Unlock()
	switch {
	case errors.Is(err, wasmhost.ErrImageMismatch):
		return fmt.Errorf("%w: %w", ErrSession, err)
	case err != nil:
		return err // and what was there stays
	case given.Image == nil:
		return fmt.Errorf("%w: what the code left can't be kept: %s", ErrSession, given.NoImage)
	}
	s.language, s.image = r.language, given.Image
	return nil
}
