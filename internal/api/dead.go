package api

import (
	"context"
	"net/http"

	"github.com/graflow/graflow-wasm/internal/ops"
)

// DeadLetterList lists dead letters.
type DeadLetterList struct {
	DeadLetters []ops.DeadLetter `json:"dead_letters" doc:"The newest first."`
}

type (
	deadInput struct {
		Before uint64 `query:"before" maximum:"9223372036854775807" doc:"Only those of lower numbers; 0 is all."`
		Limit  int    `query:"limit" minimum:"0" maximum:"1000" doc:"How many; 0 is 100."`
	}
	ofDead struct {
		Number uint64 `path:"number" minimum:"1" maximum:"9223372036854775807" doc:"Of a dead letter." example:"7"`
	}
	deadListOutput struct{ Body DeadLetterList }
	deadOutput     struct{ Body ops.DeadLetter }
)

func (s *Server) addDeadLetters() {
	missing := s.service.DeadLetters == nil
	add(s, operation{
		id: "list-dead-letters", method: http.MethodGet, path: "/v1/dead", tag: "dead letters", missing: missing,
		summary: "List dead letters", about: "Tasks that were given up: mostly because they took several workers with them.",
		example: DeadLetterList{[]ops.DeadLetter{exampleDead}},
	}, s.listDead)
	add(s, operation{
		id: "show-dead-letter", method: http.MethodGet, path: "/v1/dead/{number}", tag: "dead letters", missing: missing,
		summary: "Show a dead letter", about: "With the delivery that could not be read, if it could not.", faults: []int{404}, example: exampleDead,
	}, func(ctx context.Context, in *ofDead) (*deadOutput, error) {
		letter, err := s.service.DeadLetters.Show(ctx, in.Number)
		return &deadOutput{letter}, err
	})
	add(s, operation{
		id: "retry-dead-letter", method: http.MethodPost, path: "/v1/dead/{number}/retry", tag: "dead letters", missing: missing,
		summary: "Go on with the run of a dead letter", about: "From its task, once the cause is mended; the letter is removed.", faults: []int{404, 409}, example: exampleBegun,
	}, func(ctx context.Context, in *ofDead) (*begunOutput, error) {
		return begun(s.service.DeadLetters.Retry(ctx, in.Number))
	})
	add(s, operation{
		id: "delete-dead-letter", method: http.MethodDelete, path: "/v1/dead/{number}", tag: "dead letters", missing: missing, status: 204,
		summary: "Delete a dead letter", about: "It is settled; the run stays as it is.", faults: []int{404},
	}, func(ctx context.Context, in *ofDead) (*noContent, error) {
		return nil, s.service.DeadLetters.Remove(ctx, in.Number)
	})
}

func (s *Server) listDead(ctx context.Context, in *deadInput) (*deadListOutput, error) {
	if in.Limit == 0 {
		in.Limit = 100
	}
	all, err := s.service.DeadLetters.List(ctx, in.Before, in.Limit)
	return &deadListOutput{DeadLetterList{list(all)}}, err
}
