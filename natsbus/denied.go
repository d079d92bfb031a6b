package natsbus

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// ErrDenied is something that the credentials do not permit. The error says what, and
// which roles may.
var ErrDenied = errors.New("not permitted")

// denials are told to those whose requests they are about: to the request itself a
// server that does not permit it says nothing. It is safe for concurrent use.
type denials struct {
	mu   sync.Mutex // guards open
	open map[*guarded]struct{}
}

// guarded is a request that waits for its answer.
type guarded struct {
	prefix string
	cancel context.CancelCauseFunc
}

// guard returns a context that ends when the server does not permit to publish on a
// subject that begins with prefix, and what is to be called with the error of what was
// done with it, which then is ErrDenied.
func (b *Bus) guard(ctx context.Context, prefix string) (context.Context, func(error) error) {
	ctx, cancel := context.WithCancelCause(ctx)
	g := &guarded{prefix: prefix, cancel: cancel}
	b.denials.mu.Lock()
	defer b.denials.mu.Unlock()
	if b.denials.open == nil {
		b.denials.open = map[*guarded]struct{}{}
	}
	b.denials.open[g] = struct{}{}
	return ctx, func(err error) error {
		b.denials.mu.Lock()
		delete(b.denials.open, g)
		b.denials.mu.Unlock()
		if cause := context.Cause(ctx); err != nil && errors.Is(cause, ErrDenied) {
			err = cause
		}
		cancel(nil)
		return err
	}
}

// request is [nats.Conn.RequestMsgWithContext], which ends at once if it is not
// permitted.
func (b *Bus) request(ctx context.Context, m *nats.Msg) (*nats.Msg, error) {
	ctx, end := b.guard(ctx, m.Subject)
	answer, err := b.nc.RequestMsgWithContext(ctx, m)
	return answer, end(err)
}

// openStream looks for a stream.
func (b *Bus) openStream(ctx context.Context, name string) (jetstream.Stream, error) {
	ctx, end := b.guard(ctx, apiPrefix+"STREAM.INFO."+name)
	s, err := b.js.Stream(ctx, name)
	return s, end(err)
}

// hearErrors tells requests that they are not permitted. What is about none of them
// goes to whom errors went before.
func (b *Bus) hearErrors() {
	rest := b.nc.Opts.AsyncErrorCB
	b.nc.SetErrorHandler(func(nc *nats.Conn, sub *nats.Subscription, err error) {
		if errors.Is(err, nats.ErrPermissionViolation) && b.deny(err) || rest == nil {
			return
		}
		rest(nc, sub, err)
	})
}

// violation finds the subject in what a server says.
var violation = regexp.MustCompile(`(?i)Publish to "([^"]+)"`)

// deny ends the requests that a violation is about; false: there is none.
func (b *Bus) deny(err error) bool {
	found := violation.FindStringSubmatch(err.Error())
	if found == nil {
		return false
	}
	denied := fmt.Errorf("%w: these credentials may not publish on %q: use those of the role %s", ErrDenied, found[1], b.whoMay(found[1]))
	b.denials.mu.Lock()
	defer b.denials.mu.Unlock()
	told := false
	for g := range b.denials.open {
		if strings.HasPrefix(found[1], g.prefix) {
			g.cancel(denied)
			told = true
		}
	}
	return told
}

// whoMay names the roles that may publish on a subject.
func (b *Bus) whoMay(subject string) string {
	var may []string
	for _, role := range Roles() {
		p, err := Permissions(role, b.cfg.Namespace)
		if err == nil && (p.All || anyMatches(p.Publish, subject)) {
			may = append(may, string(role))
		}
	}
	return strings.Join(may, " or ")
}

// anyMatches tells whether one of the patterns is about a subject.
func anyMatches(patterns []string, subject string) bool {
	tokens := strings.Split(subject, ".")
	for _, p := range patterns {
		if matches(strings.Split(p, "."), tokens) {
			return true
		}
	}
	return false
}

func matches(pattern, subject []string) bool {
	for i, p := range pattern {
		switch {
		case p == ">":
			return len(subject) > i
		case i == len(subject), p != "*" && p != subject[i]:
			return false
		}
	}
	return len(pattern) == len(subject)
}
