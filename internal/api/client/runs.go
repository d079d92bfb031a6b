package client

import (
	"context"
	"encoding/json"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/control"
	"github.com/graflow/graflow-wasm/internal/ops"
)

// runs are those of the server.
type runs struct{ c *Client }

var _ ops.Runs = runs{}

// begun is the answer of what begins a run.
type begun struct {
	Run string `json:"run"`
}

// List implements ops.Runs.
func (r runs) List(ctx context.Context, q ops.RunsQuery) (ops.RunsPage, error) {
	query := url.Values{}
	for _, s := range q.Statuses {
		query.Add("status", string(s))
	}
	for _, name := range q.Flows {
		query.Add("flow", name)
	}
	if !q.Since.IsZero() {
		query.Set("since", q.Since.UTC().Format(time.RFC3339Nano))
	}
	if q.Before != "" {
		query.Set("before", q.Before)
	}
	if q.Limit != 0 {
		query.Set("limit", strconv.Itoa(q.Limit))
	}
	return do[ops.RunsPage](ctx, r.c, ask{method: http.MethodGet, path: "runs", query: query})
}

// Show implements ops.Runs.
func (r runs) Show(ctx context.Context, run string) (control.Story, error) {
	return read[control.Story](ctx, r.c, "runs", run)
}

// Graph implements ops.Runs.
func (r runs) Graph(ctx context.Context, run string) (*engine.Graph, error) {
	spec, err := read[engine.Spec](ctx, r.c, "runs", run, "graph")
	if err != nil {
		return nil, err
	}
	return spec.Build()
}

// page is a part of a journal or of a log.
type page struct {
	Events []*engine.Event `json:"events"`
	Lines  []engine.Notice `json:"lines"`
	Next   uint64          `json:"next"`
}

func (r runs) page(ctx context.Context, run, what string, after uint64, limit int) (page, error) {
	query := url.Values{"after": {strconv.FormatUint(after, 10)}}
	if limit > 0 {
		query.Set("limit", strconv.Itoa(limit))
	}
	return do[page](ctx, r.c, ask{method: http.MethodGet, path: at("runs", run, what), query: query})
}

// Events implements ops.Runs.
func (r runs) Events(ctx context.Context, run string, after uint64, limit int) ([]*engine.Event, error) {
	var all []*engine.Event
	for {
		most := 0
		if limit > 0 {
			most = limit - len(all)
		}
		p, err := r.page(ctx, run, "events", after, most)
		if err != nil {
			return nil, err
		}
		all = append(all, p.Events...)
		if len(p.Events) == 0 || p.Next <= after || limit > 0 && len(all) >= limit {
			return all, nil
		}
		after = p.Next
	}
}

// Logs implements ops.Runs.
func (r runs) Logs(ctx context.Context, run string, after uint64) iter.Seq2[engine.Notice, error] {
	return func(yield func(engine.Notice, error) bool) {
		for {
			p, err := r.page(ctx, run, "logs", after, 0)
			if err != nil {
				yield(engine.Notice{}, err)
				return
			}
			for _, n := range p.Lines {
				if !yield(n, nil) {
					return
				}
			}
			if len(p.Lines) == 0 || p.Next <= after {
				return
			}
			after = p.Next
		}
	}
}

// Submit implements ops.Runs.
func (r runs) Submit(ctx context.Context, s ops.Submission) (ops.Submitted, error) {
	return sent[ops.Submitted](ctx, r.c, http.MethodPost, s, "runs")
}

// why is what is said of a deed.
type why struct {
	Message string `json:"message,omitempty"`
}

// Cancel implements ops.Runs.
func (r runs) Cancel(ctx context.Context, run, message string) error {
	return r.c.tell(ctx, http.MethodPost, why{message}, "runs", run, "cancel")
}

// Hold implements ops.Runs.
func (r runs) Hold(ctx context.Context, run, message string) error {
	return r.c.tell(ctx, http.MethodPost, why{message}, "runs", run, "pause")
}

// Resume implements ops.Runs.
func (r runs) Resume(ctx context.Context, run string) error {
	return r.c.tell(ctx, http.MethodPost, nil, "runs", run, "resume")
}

// Answer implements ops.Runs.
func (r runs) Answer(ctx context.Context, run, pause string, answer json.RawMessage) error {
	if len(answer) == 0 {
		answer = json.RawMessage("null")
	}
	return r.c.tell(ctx, http.MethodPost, answer, "runs", run, "answers", pause)
}

// Retry implements ops.Runs.
func (r runs) Retry(ctx context.Context, run string, from engine.RetryFrom) error {
	body := struct {
		Task  string          `json:"task,omitempty"`
		Input json.RawMessage `json:"input,omitempty"`
	}{from.Task, from.Input}
	return r.c.tell(ctx, http.MethodPost, body, "runs", run, "retry")
}

// Delete implements ops.Runs.
func (r runs) Delete(ctx context.Context, run string, force bool) error {
	a := ask{method: http.MethodDelete, path: at("runs", run)}
	if force {
		a.query = url.Values{"force": {"true"}}
	}
	_, err := do[json.RawMessage](ctx, r.c, a)
	return err
}

// Fork implements ops.Runs.
func (r runs) Fork(ctx context.Context, run, checkpoint, id string) (string, error) {
	body := struct {
		Checkpoint string `json:"checkpoint,omitempty"`
		ID         string `json:"id,omitempty"`
	}{checkpoint, id}
	b, err := sent[begun](ctx, r.c, http.MethodPost, body, "runs", run, "fork")
	return b.Run, err
}

// Export implements ops.Runs.
func (r runs) Export(ctx context.Context, run, checkpoint string) ([]byte, error) {
	a := ask{method: http.MethodGet, path: at("runs", run, "checkpoint"), slow: true}
	if checkpoint != "" {
		a.query = url.Values{"name": {checkpoint}}
	}
	return do[json.RawMessage](ctx, r.c, a) // as it was sent: byte for byte
}

// Restore implements ops.Runs.
func (r runs) Restore(ctx context.Context, document []byte, id string) (string, error) {
	a := ask{method: http.MethodPost, path: "restore", body: document, slow: true}
	if id != "" {
		a.query = url.Values{"id": {id}}
	}
	b, err := do[begun](ctx, r.c, a)
	return b.Run, err
}

// OpenFile implements ops.Runs. Reading it ends with an error where what came is not
// what has the digest.
func (r runs) OpenFile(ctx context.Context, run, digest string) (io.ReadCloser, error) {
	return r.c.open(ctx, digest, "runs", run, "files", digest)
}
