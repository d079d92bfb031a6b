package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/graflow/graflow-wasm/engine"
)

// Reason says why a run is canceled or paused.
type Reason struct {
	Message string `json:"message,omitempty" maxLength:"10000" doc:"Why: the run's journal keeps it." example:"wrong input"`
}

// RetryFrom says from where a run that has ended goes on.
type RetryFrom struct {
	Task  string          `json:"task,omitempty" doc:"The task to do again, with all that follows; without one, those that failed." example:"fetch"`
	Input json.RawMessage `json:"input,omitempty" doc:"What the task gets instead of the input that it had."`
}

type (
	reasonInput struct {
		RunRef

		Body *Reason
	}
	retryInput struct {
		RunRef

		Body *RetryFrom
	}
	answerInput struct {
		RunRef

		Pause string `path:"pause" maxLength:"600" doc:"The name of a pause that waits, or its activation." example:"approve"`
		Body  json.RawMessage
	}
	deleteRunInput struct {
		RunRef

		Force bool `query:"force" doc:"Also a run that has not ended, which is canceled, or that can't be read."`
	}
)

func (s *Server) addSteering() {
	missing := s.service.Runs == nil
	why := func() *body {
		return &body{media: mediaJSON, limit: s.cfg.MaxJSON, what: "why", optional: true, example: Reason{Message: "wrong input"}}
	}
	steer := func(o operation) operation {
		o.method, o.tag, o.missing, o.faults = http.MethodPost, "runs", missing, []int{404, 409}
		return o
	}
	add(s, steer(operation{
		id: "cancel-run", path: "/v1/runs/{run}/cancel", summary: "Cancel a run", body: why(),
		about: "What runs is stopped, and rollbacks are run; then the run has ended as canceled.",
	}), func(ctx context.Context, in *reasonInput) (*noContent, error) {
		return nil, s.service.Runs.Cancel(ctx, in.Run, in.message())
	})
	add(s, steer(operation{
		id: "pause-run", path: "/v1/runs/{run}/pause", summary: "Pause a run", body: why(),
		about: "Attempts that run may end; nothing new begins until the run is resumed.",
	}), func(ctx context.Context, in *reasonInput) (*noContent, error) {
		return nil, s.service.Runs.Hold(ctx, in.Run, in.message())
	})
	add(s, steer(operation{
		id: "resume-run", path: "/v1/runs/{run}/resume", summary: "Resume a run that was paused",
		about: "One that was paused by hand. A run that waits for an answer goes on with the answer.",
	}), func(ctx context.Context, in *RunRef) (*noContent, error) {
		return nil, s.service.Runs.Resume(ctx, in.Run)
	})
	add(s, steer(operation{
		id: "answer-pause", path: "/v1/runs/{run}/answers/{pause}", summary: "Answer a pause",
		about: "The body is the answer, any JSON that fits the schema of the pause.",
		body:  &body{media: mediaJSON, limit: s.cfg.MaxJSON, what: "the answer", example: map[string]any{"approved": true}},
	}), func(ctx context.Context, in *answerInput) (*noContent, error) {
		return nil, s.service.Runs.Answer(ctx, in.Run, in.Pause, in.Body)
	})
	add(s, steer(operation{
		id: "retry-run", path: "/v1/runs/{run}/retry", summary: "Go on with a run that has ended",
		about: "From the tasks that failed, or from one that is named. What had succeeded is not done again.",
		body:  &body{media: mediaJSON, limit: s.cfg.MaxJSON, what: "from where", optional: true, example: RetryFrom{Task: "fetch"}},
	}), s.retryRun)
	add(s, operation{
		id: "delete-run", method: http.MethodDelete, path: "/v1/runs/{run}", tag: "runs", missing: missing, status: 204,
		summary: "Delete a run", about: "With all that is kept of it.", faults: []int{404, 409},
	}, func(ctx context.Context, in *deleteRunInput) (*noContent, error) {
		return nil, s.service.Runs.Delete(ctx, in.Run, in.Force)
	})
}

func (in *reasonInput) message() string {
	if in.Body == nil {
		return ""
	}
	return in.Body.Message
}

func (s *Server) retryRun(ctx context.Context, in *retryInput) (*noContent, error) {
	var from engine.RetryFrom
	if in.Body != nil {
		from = engine.RetryFrom{Task: in.Body.Task, Input: in.Body.Input}
	}
	return nil, s.service.Runs.Retry(ctx, in.Run, from)
}

// Begun names a run that was begun.
type Begun struct {
	Run string `json:"run" doc:"The id of the run." example:"01JD2V0E6W3MZ0A8Q9T4S5B7CN"`
}

type begunOutput struct {
	Location string `header:"Location" doc:"Where the run is."`
	Body     Begun
}

// begun is the answer to what begins a run.
func begun(run string, err error) (*begunOutput, error) {
	if err != nil {
		return nil, err
	}
	return &begunOutput{"/v1/runs/" + url.PathEscape(run), Begun{run}}, nil
}
