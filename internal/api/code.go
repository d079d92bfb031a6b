package api

import (
	"context"
	"net/http"

	"github.com/graflow/graflow-wasm/internal/ops"
)

type (
	codeInput  struct{ Body ops.CodeRequest }
	codeOutput struct{ Body ops.CodeResult }
)

func (s *Server) addCode() {
	add(s, operation{
		id: "run-code", method: http.MethodPost, path: "/v1/code", tag: "code", missing: s.service.Code == nil, long: true,
		summary: "Run code that nobody trusts",
		about:   "Once, in a sandbox that has no grants: no network, no files but its own, no clock that it could wait by. Code that fails is an answer too, with 200 and `error`. It is stopped when the client goes away.",
		body:    &body{media: mediaJSON, limit: s.cfg.MaxCode, what: "the code, with its input and its files", example: exampleCode},
		example: exampleCodeResult,
	}, func(ctx context.Context, in *codeInput) (*codeOutput, error) {
		result, err := s.service.Code.Run(ctx, in.Body)
		return &codeOutput{result}, err
	})
}
