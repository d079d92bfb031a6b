package ops

import (
	"context"
	"errors"
	"time"
)

// ErrInUse refuses a session in which code runs just now.
var ErrInUse = errors.New("the session is in use: ask again when its code has ended")

// KindSession is the kind of a CodeError of code whose session could not be kept.
const KindSession = "session"

// Session is what code has defined, for the code that comes next. Its owner is the name
// of a caller; nobody else sees it.
type Session struct {
	Name     string    `json:"name"`
	Language string    `json:"language"`
	Size     int64     `json:"size"` // in bytes
	Created  time.Time `json:"created"`
	Used     time.Time `json:"used"`
	Expires  time.Time `json:"expires"` // unless it is used before
	// Existed says that it was there before it was to be created.
	Existed bool `json:"existed,omitempty"`
}

// Sessions keep what code has defined between runs, each for its owner. A session that
// is not there, or that belongs to another, is engine.ErrNotFound. A service that is a
// server's knows the owner itself.
type Sessions interface {
	// Run is as Code's with what the code before has defined, in the session of that
	// name, which is begun if it is not there, or anew. One run at a time has it: others
	// get ErrInUse. When Run fails the session is as it was, and so it is where the
	// sandbox ended the code, or the process was killed. Without a session afterwards
	// that of the result is nil.
	Run(ctx context.Context, owner, name string, r CodeRequest, anew bool) (CodeResult, error)
	// Create makes a session in which nothing was run. One of the same language that is
	// there stays as it is.
	Create(ctx context.Context, owner, name, language string) (Session, error)
	// List lists the sessions of an owner by name.
	List(ctx context.Context, owner string) ([]Session, error)
	// Show tells of a session.
	Show(ctx context.Context, owner, name string) (Session, error)
	// Remove forgets a session, if it is there; ErrInUse.
	Remove(ctx context.Context, owner, name string) error
}
