package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"

	"github.com/graflow/graflow-wasm/engine"
)

// Client is the Desk of another process. Its methods are those of [Desk], with the
// id of a run in place of the run; their errors are a [*Error] with the text that the other process gives, or ErrGone, also as ErrUnanswered.
// It is safe for concurrent use.
type Client struct {
	*Steerer

	http *http.Client
}

// Dial reaches the process that listens in a directory. ErrGone if there is none,
// ErrSilent if it does not answer within the time that ctx has.
func Dial(ctx context.Context, dir string) (*Client, error) {
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx, dir) }}
	c := &Client{http: &http.Client{Transport: transport}}
	c.Steerer = &Steerer{ask: func(ctx context.Context, method string, r request) error {
		_, err := do[json.RawMessage](ctx, c, method, r)
		return err
	}}
	conn, err := dial(ctx, dir)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrGone, err)
	}
	_ = conn.Close() // it has told that somebody is there
	if _, err := do[bool](ctx, c, "ping", request{}); err != nil {
		c.Close()
		if errors.Is(err, context.DeadlineExceeded) {
			return nil, ErrSilent
		}
		return nil, err
	}
	return c, nil
}

// Close lets go of the connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

func (c *Client) post(ctx context.Context, method string, r request) (*http.Response, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", method, err)
	}
	post, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://control/"+method, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(post)
	if err != nil {
		return nil, goneAs(ctx, ErrUnanswered, err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer resp.Body.Close()
	var e Error
	if err := json.NewDecoder(resp.Body).Decode(&e); err != nil {
		return nil, gone(ctx, err)
	}
	return nil, &e
}

func gone(ctx context.Context, err error) error { return goneAs(ctx, ErrGone, err) }

func goneAs(ctx context.Context, as, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("%w: %w", as, err)
}

// do calls a method and decodes its answer, if one is wanted.
func do[T any](ctx context.Context, c *Client, method string, r request) (T, error) {
	var got T
	resp, err := c.post(ctx, method, r)
	if err != nil {
		return got, err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil {
		return got, gone(ctx, err)
	}
	return got, nil
}

// List is [Desk.List].
func (c *Client) List(ctx context.Context) ([]Summary, error) {
	return do[[]Summary](ctx, c, "list", request{})
}

// Show is [Desk.Show].
func (c *Client) Show(ctx context.Context, run string) (Story, error) {
	return do[Story](ctx, c, "show", request{Run: run})
}

// Events is [Desk.Events].
func (c *Client) Events(ctx context.Context, run string) ([]*engine.Event, error) {
	return do[[]*engine.Event](ctx, c, "events", request{Run: run})
}

// Export is [Desk.Export].
func (c *Client) Export(ctx context.Context, run, checkpoint string) ([]byte, error) {
	return do[[]byte](ctx, c, "export", request{Run: run, Checkpoint: checkpoint})
}

// Fork is [Desk.Fork].
func (c *Client) Fork(ctx context.Context, run, checkpoint, id string) (string, error) {
	return do[string](ctx, c, "fork", request{Run: run, Checkpoint: checkpoint, ID: id})
}

// Restore is [Desk.Restore].
func (c *Client) Restore(ctx context.Context, doc []byte, id string) (string, error) {
	return do[string](ctx, c, "restore", request{Document: doc, ID: id})
}

// Follow is [Desk.Follow]. ErrGone if the process ends before the run does.
func (c *Client) Follow(ctx context.Context, run string, f func(engine.Notice)) (engine.Outcome, error) {
	resp, err := c.post(ctx, "follow", request{Run: run})
	if err != nil {
		return engine.Outcome{}, err
	}
	defer resp.Body.Close()
	for in := json.NewDecoder(resp.Body); ; {
		var l line
		if err := in.Decode(&l); err != nil {
			return engine.Outcome{}, gone(ctx, err)
		}
		switch {
		case l.Notice != nil:
			f(*l.Notice)
		case l.Error != nil:
			return engine.Outcome{}, l.Error
		case l.Outcome != nil:
			return *l.Outcome, nil
		default:
			return engine.Outcome{}, gone(ctx, errors.New("it sent a line of another version"))
		}
	}
}
