package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/control"
	"github.com/graflow/graflow-wasm/internal/ops"
)

// Problem is an error as RFC 9457 has it, application/problem+json.
type Problem struct {
	Type      string        `json:"type" doc:"Always about:blank: the status says what kind of problem it is." example:"about:blank"`
	Title     string        `json:"title" doc:"The status in words." example:"Not Found"`
	Status    int           `json:"status" doc:"The HTTP status." example:"404"`
	Detail    string        `json:"detail" doc:"What is wrong, and what to do about it." example:"run \"x\": not found"`
	Errors    []ProblemPart `json:"errors,omitempty" doc:"Each thing that is wrong with what was sent."`
	RequestID string        `json:"request_id,omitempty" doc:"Names the request in the log of the server." example:"5f3a9c0d2b7e4816"`

	retryAfter string // in seconds; "" says nothing
}

// ProblemPart is one thing that is wrong with what was sent.
type ProblemPart struct {
	Message  string `json:"message" doc:"What is wrong." example:"unexpected property"`
	Location string `json:"location,omitempty" doc:"Where: body.limit or query.after of a request, tasks.fetch.retry or 3:7 of a flow." example:"body.flw"`
}

const problemType = "application/problem+json"

// Error implements error.
func (p *Problem) Error() string { return p.Detail }

// GetStatus has huma answer with the status.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders has huma tell when to ask again.
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{}
	if p.retryAfter != "" {
		h.Set("Retry-After", p.retryAfter)
	}
	return h
}

// ContentType has huma tell what it is.
func (*Problem) ContentType(string) string { return problemType }

func problem(status int, detail string) *Problem {
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail}
}

// again is a problem that passes.
func again(status int, seconds, detail string) *Problem {
	p := problem(status, detail)
	p.retryAfter = seconds
	return p
}

// write answers with the problem. Headers that were set before stay.
func (p *Problem) write(w http.ResponseWriter, r *http.Request) {
	p.RequestID = exchangeOf(r.Context()).id
	h := w.Header()
	for name, values := range p.GetHeaders() {
		h[name] = values
	}
	h.Set("Content-Type", problemType)
	h.Del("Content-Length")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the client may be gone
}

// hidden is what is told of a fault of the server: its log has the rest.
const hidden = "a fault of the server; its log tells more of it under this request_id"

// asProblem is what is told of an error of an operation. A fault is told to nobody but
// the log.
func asProblem(ctx context.Context, err error) *Problem {
	x := exchangeOf(ctx)
	if p, ok := errors.AsType[*Problem](err); ok {
		p.RequestID = x.id
		return p
	}
	var p *Problem
	switch status := statusOf(ctx, err); status {
	case http.StatusInternalServerError:
		x.fault = err
		p = problem(status, hidden)
	case http.StatusGatewayTimeout:
		x.fault = err
		p = again(status, "1", "it took too long, and may have been done all the same: look before you ask again")
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		p = again(status, "1", err.Error())
	default:
		p = problem(status, err.Error())
	}
	if invalid, ok := errors.AsType[*ops.Invalid](err); ok {
		p.Detail = invalid.What + " is not valid"
		for _, f := range invalid.Faults {
			p.Errors = append(p.Errors, ProblemPart{Message: f.Message, Location: f.Where})
		}
	}
	p.RequestID = x.id
	return p
}

// statusOf is the status of an error of an operation.
func statusOf(ctx context.Context, err error) int {
	status := ops.Status(err)
	var told *control.Error // has a status of its own, whatever it wraps
	switch {
	case status != http.StatusInternalServerError || errors.As(err, &told):
		return status
	case errors.Is(err, engine.ErrUnreachable), errors.Is(err, engine.ErrBusy), errors.Is(err, engine.ErrClosed), errors.Is(err, engine.ErrElsewhere):
		return http.StatusServiceUnavailable
	case errors.Is(err, context.DeadlineExceeded), ctx.Err() != nil:
		return http.StatusGatewayTimeout
	}
	return status
}
