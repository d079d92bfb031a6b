package api

import (
	"bytes"
	"context"
	"io"
	"net/http"
)

// ForkFrom says from where another run begins.
type ForkFrom struct {
	Checkpoint string `json:"checkpoint,omitempty" doc:"A checkpoint of the run; without one its latest." example:"checkpoint-1"`
	ID         string `json:"id,omitempty" maxLength:"200" doc:"Of the new run; without one it is drawn."`
}

type (
	forkInput struct {
		RunRef

		Body *ForkFrom
	}
	exportInput struct {
		RunRef

		Name string `query:"name" maxLength:"600" doc:"A checkpoint of the run; without one its latest."`
	}
	restoreInput struct {
		ID       string `query:"id" maxLength:"200" doc:"Of the new run; without one it is drawn."`
		Document payload
	}
)

func (s *Server) addCheckpoints() {
	missing := s.service.Runs == nil
	add(s, operation{
		id: "fork-run", method: http.MethodPost, path: "/v1/runs/{run}/fork", tag: "runs", missing: missing, status: 201,
		summary: "Begin another run as of a checkpoint", about: "The run itself stays as it is.",
		body:   &body{media: mediaJSON, limit: s.cfg.MaxJSON, what: "from where", optional: true, example: ForkFrom{Checkpoint: "checkpoint-1"}},
		faults: []int{404, 409}, example: exampleBegun,
	}, func(ctx context.Context, in *forkInput) (*begunOutput, error) {
		var from ForkFrom
		if in.Body != nil {
			from = *in.Body
		}
		return begun(s.service.Runs.Fork(ctx, in.Run, from.Checkpoint, from.ID))
	})
	add(s, operation{
		id: "export-checkpoint", method: http.MethodGet, path: "/v1/runs/{run}/checkpoint", tag: "runs", missing: missing, media: mediaJSON,
		summary: "Export a checkpoint of a run", about: "A document that has all to begin a run from, here or elsewhere, but the code of its tasks.",
		faults: []int{404, 409},
	}, s.exportCheckpoint)
	add(s, operation{
		id: "restore-run", method: http.MethodPost, path: "/v1/restore", tag: "runs", missing: missing, status: 201,
		summary: "Begin a run from a checkpoint", about: "The body is a document as export writes it.",
		body:   &body{media: mediaJSON, limit: s.cfg.MaxModule, what: "the document of a checkpoint"},
		faults: []int{404, 409}, example: exampleBegun,
	}, func(ctx context.Context, in *restoreInput) (*begunOutput, error) {
		return begun(s.service.Runs.Restore(ctx, in.Document.bytes, in.ID))
	})
}

func (s *Server) exportCheckpoint(ctx context.Context, in *exportInput) (*streamed, error) {
	document, err := s.service.Runs.Export(ctx, in.Run, in.Name)
	if err != nil {
		return nil, err
	}
	return download(mediaJSON, io.NopCloser(bytes.NewReader(document))), nil //nolint:contextcheck // it is copied in the context of its request
}
