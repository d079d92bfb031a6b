package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/ops"
	"github.com/graflow/graflow-wasm/natsbus"
	"github.com/graflow/graflow-wasm/script"
)

const (
	// sessionKind is the kind of the documents of sessions.
	sessionKind = "session"
	// sessionRun is the id of the channel of their locks, and begins those of their blobs:
	// each version of a session is a blob of an id of its own. No run's id begins so.
	sessionRun = "\tsessions"
)

// sessionLease is how long a session stays in use by a server that was killed.
const sessionLease = 10 * time.Second

// sessionDoc is the document of a session. A write replaces the one that was read, or is
// refused: who has lost the lock without knowing can't undo what another has done.
type sessionDoc struct {
	Owner    string    `json:"owner"`
	Name     string    `json:"name"`
	Language string    `json:"language,omitempty"`
	Size     int64     `json:"size,omitempty"`
	Created  time.Time `json:"created"`
	Used     time.Time `json:"used"`
	Of       string    `json:"of,omitempty"` // whose blob it is; "": nothing was run
	Digest   string    `json:"digest,omitempty"`
	Gone     bool      `json:"gone,omitempty"` // there is no session, but what to drop
	Drop     []string  `json:"drop,omitempty"` // ids of blobs that no session needs
}

func (d *sessionDoc) told(age time.Duration) ops.Session {
	return ops.Session{Name: d.Name, Language: d.Language, Size: d.Size, Created: d.Created, Used: d.Used, Expires: d.Used.Add(age)}
}

// gone is the document of no session, in place of d.
func (d *sessionDoc) gone() sessionDoc {
	none := sessionDoc{Owner: d.Owner, Name: d.Name, Gone: true, Drop: d.Drop}
	if d.Of != "" {
		none.Drop = append(none.Drop[:len(none.Drop):len(none.Drop)], d.Of)
	}
	return none
}

func (s *sessions) isOld(d sessionDoc) bool {
	return time.Since(d.Used) > s.config.Sessions.Age
}

// sessionKey names the document of a session, and its lock. No name has a slash.
func sessionKey(owner, name string) string { return owner + "/" + name }

// read is the document of a session as it is now. That of one which is not there, or
// has expired, is Gone.
func (s *sessions) read(ctx context.Context, owner, name string) (d sessionDoc, rev uint64, err error) {
	stored, err := s.bus.Document(ctx, sessionKind, sessionKey(owner, name))
	if errors.Is(err, engine.ErrNotFound) {
		return sessionDoc{Owner: owner, Name: name, Gone: true}, 0, nil
	}
	if err != nil {
		return d, 0, fault(err)
	}
	if err := json.Unmarshal(stored.Data, &d); err != nil {
		return d, 0, fmt.Errorf("read session %q of %s: %w", name, owner, err)
	}
	if !d.Gone && s.isOld(d) {
		d = d.gone()
	}
	return d, stored.Rev, nil
}

// each tells f of all documents of sessions, of all owners.
func (s *sessions) each(ctx context.Context, f func(sessionDoc)) error {
	all, err := s.bus.Documents(ctx, sessionKind)
	for _, stored := range all {
		var d sessionDoc
		if bad := json.Unmarshal(stored.Data, &d); bad != nil {
			err = errors.Join(err, fmt.Errorf("read session %q: %w", stored.Name, bad))
			continue
		}
		f(d)
	}
	return fault(err)
}

// heldSession is one that nobody else may use until release is called.
type heldSession struct {
	*sessions

	doc     sessionDoc
	rev     uint64 // of the document; 0: there is none
	data    []byte // what open has read
	anew    bool   // it begins with the next commit
	release func()
}

// hold takes a session for the caller, there or not. It does not wait: ops.ErrInUse.
func (s *sessions) hold(ctx context.Context, owner, name string) (*heldSession, error) {
	release, err := s.lock(ctx, sessionKey(owner, name))
	if err != nil {
		return nil, err
	}
	h := &heldSession{sessions: s, release: release}
	if h.doc, h.rev, err = s.read(ctx, owner, name); err != nil {
		release()
		return nil, err
	}
	return h, nil
}

// lock takes a lock, and renews it until it is given back.
func (s *sessions) lock(ctx context.Context, key string) (release func(), err error) {
	owner := ulid.Make().String()
	take := func(ctx context.Context) error {
		return s.backend.Channel.Lock(ctx, sessionRun, key, owner, sessionLease, 0)
	}
	if err := take(ctx); errors.Is(err, engine.ErrLocked) {
		return nil, ops.ErrInUse
	} else if err != nil {
		return nil, fault(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	held, wait := 1, sync.WaitGroup{}
	wait.Go(func() {
		tick := time.NewTicker(sessionLease / 4)
		defer tick.Stop()
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
	})
	return func() {
		stop()
		wait.Wait()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sessionLease)
		defer cancel()
		for range held { // it is given back as often as it was taken
			_ = s.backend.Channel.Unlock(ctx, sessionRun, key, owner) // its lease ends
		}
	}, nil
}

// fits refuses a language that is not the session's. JavaScript and TypeScript are one.
func (h *heldSession) fits(l script.Language) error {
	if h.doc.Gone || (h.doc.Language == string(script.Python)) == (l == script.Python) {
		return nil
	}
	return conflict("the session is of %s, not of %s; delete it, or give another name", h.doc.Language, l)
}

// open is what code goes on with.
func (h *heldSession) open(ctx context.Context, l script.Language, anew bool) (*script.Session, error) {
	opened := script.NewSession()
	if h.anew = anew || h.doc.Gone; h.anew {
		return opened, nil
	}
	if err := h.fits(l); err != nil || h.doc.Of == "" {
		return opened, err
	}
	r, err := h.backend.Blobs.Open(ctx, h.doc.Of, h.doc.Digest)
	if err == nil {
		h.data, err = io.ReadAll(r)
		err = errors.Join(err, r.Close())
	}
	if errors.Is(err, engine.ErrNotFound) { // which is not to say that there is no session
		return nil, fmt.Errorf("read what session %q of %s holds: %s", h.doc.Name, h.doc.Owner, err.Error())
	}
	if err != nil {
		return nil, fault(err)
	}
	if err := opened.UnmarshalBinary(h.data); err != nil {
		return nil, codeFault(err)
	}
	return opened, nil
}

// commit stores what code has left; nil is nothing. Before and after it the session is
// whole: what is stored first counts only with the document that names it.
func (h *heldSession) commit(ctx context.Context, language string, data []byte) error {
	next := h.doc
	next.Gone, next.Language, next.Size, next.Used = false, language, int64(len(data)), time.Now().UTC()
	if h.doc.Gone || h.anew {
		next.Created = next.Used
	}
	if data == nil || h.data != nil && bytes.Equal(data, h.data) {
		return h.put(ctx, next)
	}
	var err error
	if next.Of, next.Digest, err = h.store(ctx, data); err != nil {
		return err
	}
	next.Drop = nil
	if h.doc.Of != "" {
		next.Drop = []string{h.doc.Of}
	}
	if err := h.put(ctx, next); err != nil {
		return err
	}
	_ = h.forget(ctx) // the next one does it
	return nil
}

// store stores data as a blob of an id of its own. The document tells of it first, so
// that it is found if nothing comes of it.
func (h *heldSession) store(ctx context.Context, data []byte) (of, digest string, err error) {
	if err := h.forget(ctx); err != nil {
		return "", "", err
	}
	of = sessionRun + " " + ulid.Make().String()
	begun := h.doc
	begun.Drop = []string{of}
	if err := h.put(ctx, begun); err != nil {
		return "", "", err
	}
	digest, _, err = h.backend.Blobs.Put(ctx, of, bytes.NewReader(data))
	return of, digest, fault(err)
}

// put writes the document in place of the one that was read.
func (h *heldSession) put(ctx context.Context, d sessionDoc) error {
	data, err := json.Marshal(d)
	if err != nil {
		return err
	}
	rev, err := h.bus.PutDocument(ctx, sessionKind, sessionKey(d.Owner, d.Name), data, h.rev)
	if errors.Is(err, natsbus.ErrStale) {
		return conflict("other code has gone on with the session meanwhile, and nothing of this code is kept; ask again")
	}
	if err != nil {
		return fault(err)
	}
	h.doc, h.rev = d, rev
	return nil
}

// forget drops the blobs that no session needs.
func (h *heldSession) forget(ctx context.Context) error {
	for _, of := range h.doc.Drop {
		if err := h.backend.Blobs.Forget(ctx, of); err != nil {
			return fault(err)
		}
	}
	return nil
}

// remove leaves nothing of the session. What a server that was killed has left to do of
// it, another one does.
func (h *heldSession) remove(ctx context.Context) error {
	if h.rev == 0 {
		return nil
	}
	if err := h.put(ctx, h.doc.gone()); err != nil {
		return err
	}
	if err := h.forget(ctx); err != nil {
		return err
	}
	err := h.bus.RemoveDocument(ctx, sessionKind, sessionKey(h.doc.Owner, h.doc.Name), h.rev)
	if errors.Is(err, engine.ErrNotFound) {
		return nil
	}
	return fault(err)
}
