package api

import (
	"context"
	"io"
	"net/http"

	"github.com/graflow/graflow-wasm/engine"
)

// pageOf is the default of limits of a page of a journal or a log.
const pageOf = 1000

type pageInput struct {
	RunRef

	After uint64 `query:"after" maximum:"9223372036854775807" doc:"Only what comes after this sequence: next of the page before."`
	Limit int    `query:"limit" minimum:"0" maximum:"10000" doc:"Entries of a page; 0 is 1000."`
}

func (in *pageInput) limit() int {
	if in.Limit == 0 {
		return pageOf
	}
	return in.Limit
}

// EventsPage is a part of a run's journal.
type EventsPage struct {
	Events []*engine.Event `json:"events" doc:"In order."`
	Next   uint64          `json:"next" doc:"What after is to be for the next page. An empty page is the end."`
}

// LogsPage is a part of what a run's tasks have logged.
type LogsPage struct {
	Lines []engine.Notice `json:"lines" doc:"In order: task_log, task_progress and warning."`
	Next  uint64          `json:"next" doc:"What after is to be for the next page. An empty page is the end."`
}

type (
	eventsOutput struct{ Body EventsPage }
	logsOutput   struct{ Body LogsPage }
)

func (s *Server) addJournal(missing bool) {
	add(s, operation{
		id: "list-events", method: http.MethodGet, path: "/v1/runs/{run}/events", tag: "runs", missing: missing,
		summary: "Read the journal of a run", about: "Page by page. A run is the fold of its events, and of nothing else.",
		faults: []int{404},
	}, s.listEvents)
	add(s, operation{
		id: "list-logs", method: http.MethodGet, path: "/v1/runs/{run}/logs", tag: "runs", missing: missing,
		summary: "Read what the tasks of a run have logged", about: "Page by page. Logs are kept for days, not as long as the run.",
		faults: []int{404},
	}, s.listLogs)
	add(s, operation{
		id: "read-file", method: http.MethodGet, path: "/v1/runs/{run}/files/{digest}", tag: "runs", missing: missing, media: mediaBytes, long: true,
		summary: "Read a file that a task of a run has left", about: "The run names its files with their digests. Compare the digest: a connection that breaks ends the file early.",
		faults: []int{404},
	}, s.readFile)
}

func (s *Server) listEvents(ctx context.Context, in *pageInput) (*eventsOutput, error) {
	events, err := s.service.Runs.Events(ctx, in.Run, in.After, in.limit())
	out := EventsPage{Events: list(events), Next: in.After}
	if n := len(events); n > 0 {
		out.Next = events[n-1].Seq
	}
	return &eventsOutput{out}, err
}

func (s *Server) listLogs(ctx context.Context, in *pageInput) (*logsOutput, error) {
	out := LogsPage{Lines: []engine.Notice{}, Next: in.After}
	for line, err := range s.service.Runs.Logs(ctx, in.Run, in.After) {
		if err != nil {
			return nil, err
		}
		out.Lines, out.Next = append(out.Lines, line), line.Seq
		if len(out.Lines) == in.limit() {
			break
		}
	}
	if len(out.Lines) == 0 { // a run without logs, or none
		if _, err := s.service.Runs.Events(ctx, in.Run, 0, 1); err != nil {
			return nil, err
		}
	}
	return &logsOutput{out}, nil
}

type fileInput struct {
	RunRef

	Digest string `path:"digest" maxLength:"200" doc:"Of the file, as the run names it." example:"sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"`
}

func (s *Server) readFile(ctx context.Context, in *fileInput) (*streamed, error) {
	var file io.ReadCloser
	file, err := s.service.Runs.OpenFile(ctx, in.Run, in.Digest)
	if err != nil {
		return nil, err
	}
	return download(mediaBytes, file), nil //nolint:contextcheck // it is copied in the context of its request
}
