package client

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/control"
	"github.com/graflow/graflow-wasm/internal/ops"
)

// Errors beside those of the server.
var (
	// ErrUntrusted says that nobody vouches for the certificate of the server.
	ErrUntrusted = errors.New("the certificate of the server is not trusted")
	// ErrPlain refuses to send a token to another machine as plain text.
	ErrPlain = errors.New("a token would be seen on the way: use https://")

	errSlow = errors.New("it takes too long")
)

// problem is an error as the server tells it, as in RFC 9457.
type problem struct {
	Title  string `json:"title"`
	Detail string `json:"detail"`
	Errors []struct {
		Message  string `json:"message"`
		Location string `json:"location"`
	} `json:"errors"`
}

// fault is an error of the server.
type fault struct{ told *control.Error }

// Error implements error.
func (f *fault) Error() string { return f.told.Message }

// Unwrap is for errors.As.
func (f *fault) Unwrap() error { return f.told }

// Is implements what errors.Is asks for: an error of the server is one of those that
// have its status, and whose text it has. Missing things have one error but for pauses.
func (f *fault) Is(target error) bool {
	switch status := f.told.Status; target {
	case ops.ErrDenied:
		return status == http.StatusUnauthorized || status == http.StatusForbidden
	case ops.ErrLimited:
		return status == http.StatusTooManyRequests
	case ops.ErrUnavailable:
		return status == http.StatusBadGateway || status == http.StatusServiceUnavailable || status == http.StatusGatewayTimeout
	case engine.ErrNotFound:
		return status == http.StatusNotFound && !strings.Contains(f.told.Message, engine.ErrNoPause.Error())
	default:
		return status < http.StatusInternalServerError && ops.Status(target) == status && strings.Contains(f.told.Message, target.Error())
	}
}

// maxProblem bounds what is read of an error, in bytes.
const maxProblem = 4 << 20

// faultOf is the error that an answer is, whose body it closes.
func (c *Client) faultOf(resp *http.Response) error {
	defer func() { _ = resp.Body.Close() }() // it was read
	status := resp.StatusCode
	if status < http.StatusBadRequest {
		return &control.Error{Status: http.StatusBadRequest, Message: fmt.Sprintf("%s sends on to %q: give the address of the server itself", c.base, hostOf(resp))}
	}
	p, ok := problemOf(resp)
	if !ok {
		return &fault{&control.Error{Status: status, Message: fmt.Sprintf("%s answers %d %s: is a graflow-wasm server there?", c.base, status, http.StatusText(status))}}
	}
	return p.error(status)
}

// error is the error that a problem of a status is.
func (p problem) error(status int) error {
	text := cmp.Or(p.Detail, p.Title, http.StatusText(status))
	if status == http.StatusUnprocessableEntity && len(p.Errors) > 0 {
		return invalid(text, p)
	}
	for _, e := range p.Errors {
		text += "\n" + strings.TrimPrefix(e.Location+": "+e.Message, ": ")
	}
	return &fault{&control.Error{Status: status, Message: text}}
}

func problemOf(resp *http.Response) (p problem, ok bool) {
	kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil || kind != "application/problem+json" {
		return p, false
	}
	return p, json.NewDecoder(io.LimitReader(resp.Body, maxProblem)).Decode(&p) == nil
}

// hostOf is where an answer sends on to, without what a query may hold.
func hostOf(resp *http.Response) string {
	u, err := url.Parse(resp.Header.Get("Location"))
	if err != nil {
		return ""
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

func invalid(text string, p problem) error {
	first, _, _ := strings.Cut(text, "\n")
	what, named := strings.CutSuffix(first, " is not valid")
	if !named {
		what = "what was sent"
	}
	e := &ops.Invalid{What: what}
	for _, one := range p.Errors {
		e.Faults = append(e.Faults, ops.Fault{Message: one.Message, Where: one.Location})
	}
	return e
}

// unanswered is an error of the way to the server.
type unanswered struct {
	base *url.URL
	err  error
}

// Error implements error.
func (e *unanswered) Error() string { return fmt.Sprintf("%s does not answer: %v", e.base, e.err) }

// Unwrap is for errors.Is.
func (e *unanswered) Unwrap() []error { return []error{ops.ErrUnavailable, e.err} }

// unreachable is why there was no answer.
func (c *Client) unreachable(ctx context.Context, err error) error {
	if told, ok := errors.AsType[*url.Error](err); ok {
		err = told.Err
	}
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errSlow):
		return &unanswered{c.base, fmt.Errorf("%w: no answer in %s", context.DeadlineExceeded, c.cfg.Timeout)}
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, ops.ErrUnavailable):
		return err
	}
	if certificate(err) {
		return fmt.Errorf("%s: %w: %w", c.base, ErrUntrusted, err)
	}
	return &unanswered{c.base, err}
}

// certificate tells errors of the server's certificate.
func certificate(err error) bool {
	_, unverified := errors.AsType[*tls.CertificateVerificationError](err)
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	_, other := errors.AsType[x509.HostnameError](err)
	return unverified || unknown || other
}
