package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/control"
	"github.com/graflow/graflow-wasm/internal/ops"
)

// RunRef names a run in a path.
type RunRef struct {
	Run string `path:"run" maxLength:"600" doc:"The id of a run." example:"01JD2V0E6W3MZ0A8Q9T4S5B7CN"`
}

type runsInput struct {
	Status []engine.Status `query:"status" enum:"pending,running,paused,succeeded,failed,canceled,interrupted,unreadable" doc:"Only runs of these statuses." example:"running,paused"`
	Flow   []string        `query:"flow" doc:"Only runs of these flows." example:"etl"`
	Since  time.Time       `query:"since" doc:"Only runs that began since then." example:"2026-01-02T15:04:05Z"`
	Before string          `query:"before" maxLength:"2000" doc:"Where another page ended: its next."`
	Limit  int             `query:"limit" minimum:"0" maximum:"1000" doc:"Runs of a page; 0 is 100."`
}

type (
	runsOutput   struct{ Body ops.RunsPage }
	storyOutput  struct{ Body control.Story }
	graphOutput  struct{ Body engine.Spec }
	submitInput  struct{ Body ops.Submission }
	submitOutput struct {
		Status   int
		Location string `header:"Location" doc:"Where the run is."`
		Body     ops.Submitted
	}
)

func (s *Server) addRuns() {
	missing := s.service.Runs == nil
	add(s, operation{
		id: "list-runs", method: http.MethodGet, path: "/v1/runs", tag: "runs", missing: missing,
		summary: "List runs", about: "Those that changed last come first. A page may be short, even empty, and not be the last: `next` tells, which is there as long as there is more. What has changed just now may be listed a moment later.",
		example: exampleRuns,
	}, s.listRuns)
	add(s, operation{
		id: "submit-run", method: http.MethodPost, path: "/v1/runs", tag: "runs", missing: missing, status: 201, also: 200,
		summary: "Begin a run",
		about:   "Of a flow that is stored, of the text of a flow file, of a graph or of a module: one of `flow`, `source`, `graph` and `module` is given. With an `idempotency_key` it can be asked again at will: one key is one run, and 200 tells that it was there.",
		body:    &body{media: mediaJSON, limit: s.cfg.MaxJSON, what: "what to run, and with which input", example: exampleSubmission},
		faults:  []int{404, 409}, example: exampleSubmitted,
	}, s.submitRun)
	add(s, operation{
		id: "show-run", method: http.MethodGet, path: "/v1/runs/{run}", tag: "runs", missing: missing,
		summary: "Show a run", about: "All that its journal tells: input and output, its tasks with their ledgers, what waits, and the timeline.",
		faults: []int{404},
	}, func(ctx context.Context, in *RunRef) (*storyOutput, error) {
		story, err := s.service.Runs.Show(ctx, in.Run)
		return &storyOutput{told(story)}, err
	})
	add(s, operation{
		id: "show-graph", method: http.MethodGet, path: "/v1/runs/{run}/graph", tag: "runs", missing: missing,
		summary: "Show the graph of a run", about: "As it began; tasks that the run added are in its events.",
		faults: []int{404},
	}, s.showGraph)
	s.addJournal(missing)
}

func (s *Server) listRuns(ctx context.Context, in *runsInput) (*runsOutput, error) {
	page, err := s.service.Runs.List(ctx, ops.RunsQuery{Statuses: in.Status, Flows: in.Flow, Since: in.Since, Before: in.Before, Limit: in.Limit})
	page.Runs = list(page.Runs)
	return &runsOutput{page}, err
}

func (s *Server) showGraph(ctx context.Context, in *RunRef) (*graphOutput, error) {
	g, err := s.service.Runs.Graph(ctx, in.Run)
	if err != nil {
		return nil, err
	}
	return &graphOutput{g.Spec()}, nil
}

func (s *Server) submitRun(ctx context.Context, in *submitInput) (*submitOutput, error) {
	run, err := s.service.Runs.Submit(ctx, in.Body)
	if err != nil {
		return nil, err
	}
	out := &submitOutput{Status: http.StatusCreated, Location: "/v1/runs/" + url.PathEscape(run.Run), Body: run}
	if run.Existed {
		out.Status = http.StatusOK
	}
	return out, nil
}

// told is a story without null where a list or a value is to be.
func told(s control.Story) control.Story {
	s.Tasks, s.Pauses, s.Checkpoints = list(s.Tasks), list(s.Pauses), list(s.Checkpoints)
	s.Warnings, s.Timeline = list(s.Warnings), list(s.Timeline)
	if s.Input == nil {
		s.Input = json.RawMessage("null")
	}
	return s
}
