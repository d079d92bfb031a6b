package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// ask is a request.
type ask struct {
	method string
	path   string // below /v1/, escaped; see at
	query  url.Values
	body   []byte // nil is none
	kind   string // of the body; "" is JSON
	accept string // "" is JSON
	last   string // Last-Event-ID; "" is none
	slow   bool   // takes as long as it takes
}

const (
	kindJSON = "application/json"
	// maxAnswer bounds what is read of an answer that is decoded as one, in bytes.
	maxAnswer = 512 << 20
	// tries is how often a question is asked of a server that is too busy, and
	// longestWait the most that it is waited between two.
	tries       = 4
	longestWait = 30 * time.Second
)

// at is a path of these parts. An id may hold slashes, and be as short as two dots.
func at(parts ...string) string {
	escaped := make([]string, len(parts))
	for i, p := range parts {
		if escaped[i] = url.PathEscape(p); p == "." || p == ".." {
			escaped[i] = strings.ReplaceAll(p, ".", "%2E")
		}
	}
	return strings.Join(escaped, "/")
}

// read asks for what a path of these parts has.
func read[T any](ctx context.Context, c *Client, parts ...string) (T, error) {
	return do[T](ctx, c, ask{method: http.MethodGet, path: at(parts...)})
}

// tell has something done at a path of these parts.
func (c *Client) tell(ctx context.Context, method string, body any, parts ...string) error {
	_, err := sent[json.RawMessage](ctx, c, method, body, parts...)
	return err
}

// sent is tell with an answer.
func sent[T any](ctx context.Context, c *Client, method string, body any, parts ...string) (T, error) {
	a := ask{method: method, path: at(parts...)}
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			var none T
			return none, fmt.Errorf("encode the request: %w", err)
		}
		a.body = data
	}
	return do[T](ctx, c, a)
}

// do asks, and decodes the answer. One without content is the zero value.
func do[T any](ctx context.Context, c *Client, a ask) (T, error) {
	var got T
	if !a.slow {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, c.cfg.Timeout, errSlow)
		defer cancel()
	}
	resp, err := c.send(ctx, a)
	if err != nil {
		return got, err
	}
	defer func() { _ = resp.Body.Close() }() // it was read
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return got, c.unreachable(ctx, err)
	case len(data) > maxAnswer:
		return got, fmt.Errorf("the answer of %s has more than %d bytes", c.base, maxAnswer)
	case len(bytes.TrimSpace(data)) == 0:
		return got, nil
	}
	if err := json.Unmarshal(data, &got); err != nil {
		return got, fmt.Errorf("decode the answer of %s: %w: is it a graflow-wasm server?", c.base, err)
	}
	return got, nil
}

// send sends a request and returns the answer of one that was done, whose body the
// caller closes. What the server is too busy for is asked again.
func (c *Client) send(ctx context.Context, a ask) (*http.Response, error) {
	for n := 1; ; n++ {
		resp, err := c.once(ctx, a)
		if err != nil {
			return nil, c.unreachable(ctx, err)
		}
		if resp.StatusCode < http.StatusMultipleChoices {
			return resp, nil
		}
		wait := retryAfter(resp.Header, time.Now())
		err = c.faultOf(resp)
		if resp.StatusCode != http.StatusTooManyRequests || n == tries || wait > longestWait {
			return nil, err
		}
		if c.pause(ctx, wait) != nil {
			return nil, err // which says more
		}
	}
}

func (c *Client) once(ctx context.Context, a ask) (*http.Response, error) {
	u := *c.base
	u.RawQuery = a.query.Encode()
	var body io.Reader
	if a.body != nil {
		body = bytes.NewReader(a.body)
	}
	r, err := http.NewRequestWithContext(ctx, a.method, u.String(), body)
	if err != nil {
		return nil, err
	}
	escaped := u.Path + "/v1/" + a.path
	if r.URL.Path, err = url.PathUnescape(escaped); err != nil {
		return nil, err
	}
	r.URL.RawPath = escaped
	r.Header.Set("Accept", orJSON(a.accept)+", application/problem+json")
	if a.body != nil {
		r.Header.Set("Content-Type", orJSON(a.kind))
	}
	if a.last != "" {
		r.Header.Set("Last-Event-ID", a.last)
	}
	if c.cfg.Agent != "" {
		r.Header.Set("User-Agent", c.cfg.Agent)
	}
	if c.cfg.Token != "" {
		r.Header.Set("Authorization", "Bearer "+c.cfg.Token)
	}
	return c.http.Do(r)
}

func orJSON(kind string) string {
	if kind == "" {
		return kindJSON
	}
	return kind
}

// retryAfter is how long the server wants to be left alone: seconds or a time, as in
// RFC 9110, section 10.2.3; a second if it does not say.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	if n, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now))
	}
	return time.Second
}
