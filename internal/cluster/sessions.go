package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/control"
	"github.com/graflow/graflow-wasm/internal/ops"
	"github.com/graflow/graflow-wasm/script"
)

// SessionLimits bound sessions. Zero is the default.
type SessionLimits struct {
	// Count is how many an owner may have; 0 is 64. Servers that begin some at the same
	// moment may exceed it.
	Count int
	// Bytes is how large one may be; 0 is 32 MiB.
	Bytes int64
	// Age is how long one is kept that is not used; 0 is 30 days.
	Age time.Duration
}

func (l SessionLimits) withDefaults() SessionLimits {
	l.Count = cmp.Or(l.Count, 64)
	l.Bytes = cmp.Or(l.Bytes, 32<<20)
	l.Age = cmp.Or(l.Age, 30*24*time.Hour)
	return l
}

// sessions are those of the cluster: any server may go on with one.
type sessions Cluster

var _ ops.Sessions = (*sessions)(nil)

var sessionNames = regexp.MustCompile(`^[a-zA-Z0-9_-][a-zA-Z0-9_.-]{0,63}$`)

func checkSessionName(name string) error {
	if !sessionNames.MatchString(name) {
		return invalid("the session", "name", fmt.Sprintf("%q: want 1 to 64 letters, digits, and _ . -, the first of them no dot", name))
	}
	return nil
}

// conflict refuses what can't be done as things stand.
func conflict(format string, args ...any) error {
	return &control.Error{Status: http.StatusConflict, Message: fmt.Errorf(format, args...).Error()}
}

// Run implements ops.Sessions. It counts among the runs of code.
func (s *sessions) Run(ctx context.Context, owner, name string, r ops.CodeRequest, anew bool) (ops.CodeResult, error) {
	options, language, err := codeOptions(r)
	if err = cmp.Or(err, checkSessionName(name)); err != nil {
		return ops.CodeResult{}, err
	}
	leave, err := (*code)(s).enter()
	if err != nil {
		return ops.CodeResult{}, err
	}
	defer leave()
	h, err := s.hold(ctx, owner, name)
	if err != nil {
		return ops.CodeResult{}, err
	}
	defer h.release()
	if err := s.room(ctx, h); err != nil {
		return ops.CodeResult{}, err
	}
	if options.Session, err = h.open(ctx, language, anew); err != nil {
		return ops.CodeResult{}, err
	}
	told, err := (*code)(s).execute(ctx, language, r.Source, options)
	if err != nil {
		return ops.CodeResult{}, err
	}
	return told, s.keep(ctx, h, options.Session, &told)
}

// keepWithin is how long what code has left may take to be stored. It is, though the
// caller has left: the code is done.
const keepWithin = 30 * time.Second

// keep stores what code has left, and tells of it in the result.
func (s *sessions) keep(ctx context.Context, h *heldSession, left *script.Session, told *ops.CodeResult) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepWithin)
	defer cancel()
	data, err := left.MarshalBinary()
	switch {
	case err != nil:
		return err
	case left.Language() == "": // the sandbox has ended the first code of it
	case int64(len(data)) > s.config.Sessions.Bytes:
		notKept(told, fmt.Sprintf("what the code left has %d bytes, and at most %d are kept: the session is as it was before", len(data), s.config.Sessions.Bytes))
	default:
		err = h.commit(ctx, string(left.Language()), data)
	}
	if err == nil && !h.doc.Gone {
		now := h.doc.told(s.config.Sessions.Age)
		told.Session = &now
	}
	return err
}

// notKept has a result say that the session is as it was before.
func notKept(told *ops.CodeResult, why string) {
	told.Status, told.Result = "failed", nil
	if told.Error == nil {
		told.Error = &ops.CodeError{}
	} else {
		why += "; the code itself has failed: " + told.Error.Message
	}
	told.Error.Kind, told.Error.Message = ops.KindSession, why
}

// Create implements ops.Sessions.
func (s *sessions) Create(ctx context.Context, owner, name, language string) (ops.Session, error) {
	l, ok := languageOf(language)
	if !ok {
		return ops.Session{}, invalid("the session", "language", fmt.Sprintf("%q: want one of %q", language, script.Languages()))
	}
	if err := checkSessionName(name); err != nil {
		return ops.Session{}, err
	}
	h, err := s.hold(ctx, owner, name)
	if err != nil {
		return ops.Session{}, err
	}
	defer h.release()
	existed := !h.doc.Gone
	if err := cmp.Or(s.room(ctx, h), h.fits(l)); err != nil {
		return ops.Session{}, err
	}
	if !existed {
		err = h.commit(ctx, language, nil)
	}
	made := h.doc.told(s.config.Sessions.Age)
	made.Existed = existed
	return made, err
}

// room refuses a session that would be one too many of its owner.
func (s *sessions) room(ctx context.Context, h *heldSession) error {
	if !h.doc.Gone {
		return nil
	}
	all, err := s.List(ctx, h.doc.Owner)
	if err == nil && len(all) >= s.config.Sessions.Count {
		err = conflict("%s has %d sessions, as many as may be: delete one", h.doc.Owner, len(all))
	}
	return err
}

// List implements ops.Sessions. What another server has stored just now may be missing.
func (s *sessions) List(ctx context.Context, owner string) ([]ops.Session, error) {
	var all []ops.Session
	err := s.each(ctx, func(d sessionDoc) {
		if d.Owner == owner && !d.Gone && !s.isOld(d) {
			all = append(all, d.told(s.config.Sessions.Age))
		}
	})
	slices.SortFunc(all, func(a, b ops.Session) int { return strings.Compare(a.Name, b.Name) })
	return all, err
}

// Show implements ops.Sessions.
func (s *sessions) Show(ctx context.Context, owner, name string) (ops.Session, error) {
	if err := checkSessionName(name); err != nil {
		return ops.Session{}, err
	}
	d, _, err := s.read(ctx, owner, name)
	if err == nil && d.Gone {
		err = fmt.Errorf("session %q: %w", name, engine.ErrNotFound)
	}
	return d.told(s.config.Sessions.Age), err
}

// Remove implements ops.Sessions.
func (s *sessions) Remove(ctx context.Context, owner, name string) error {
	if err := checkSessionName(name); err != nil {
		return err
	}
	h, err := s.hold(ctx, owner, name)
	if err != nil {
		return err
	}
	defer h.release()
	return h.remove(ctx)
}

// KeepSessions forgets sessions that were not used for too long, and what was left
// behind by servers that were killed, until ctx is done, whose error it returns. Any
// number of processes may.
func (c *Cluster) KeepSessions(ctx context.Context) error {
	s := (*sessions)(c)
	tick := time.NewTicker(sweepSessions)
	defer tick.Stop()
	for {
		if err := s.sweep(ctx); err != nil && ctx.Err() == nil {
			c.log.Warn("sessions that nobody uses were not all forgotten", "err", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// sweepSessions is how long after one sweep the next begins.
const sweepSessions = 15 * time.Minute

func (s *sessions) sweep(ctx context.Context) error {
	var old []sessionDoc
	err := s.each(ctx, func(d sessionDoc) {
		if d.Gone || s.isOld(d) {
			old = append(old, d)
		}
	})
	for _, d := range old {
		err = errors.Join(err, s.drop(ctx, d))
	}
	return err
}

// drop forgets a session, unless it has been used meanwhile.
func (s *sessions) drop(ctx context.Context, d sessionDoc) error {
	h, err := s.hold(ctx, d.Owner, d.Name)
	if errors.Is(err, ops.ErrInUse) {
		return nil
	}
	if err != nil {
		return err
	}
	defer h.release()
	if !h.doc.Gone {
		return nil
	}
	return h.remove(ctx)
}
