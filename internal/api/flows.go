package api

import (
	"context"
	"net/http"
	"unicode/utf8"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/ops"
)

// ValidFlow is a flow that was checked.
type ValidFlow struct {
	Name  string      `json:"name" doc:"Of the flow."`
	Graph engine.Spec `json:"graph" doc:"What the flow says, as a graph."`
}

// FlowList lists flows.
type FlowList struct {
	Flows []ops.Flow `json:"flows" doc:"By name, the latest version of each."`
}

type (
	sourceInput     struct{ Source payload }
	validFlowOutput struct{ Body ValidFlow }
	flowOutput      struct{ Body ops.Flow }
	flowsOutput     struct{ Body FlowList }
	ofFlow          struct {
		Ref string `path:"ref" maxLength:"600" doc:"NAME, or NAME@VERSION." example:"etl"`
	}
)

func (s *Server) addFlows() {
	missing := s.service.Flows == nil
	source := func() *body {
		return &body{media: mediaYAML, limit: s.cfg.MaxFlow, what: "the text of a flow file", example: exampleFlow}
	}
	add(s, operation{
		id: "validate-flow", method: http.MethodPost, path: "/v1/flows/validate", tag: "flows", missing: missing, body: source(),
		summary: "Check a flow file", about: "Against what there is to run it. All that is wrong is told, each thing with its place.",
	}, s.validateFlow)
	add(s, operation{
		id: "put-flow", method: http.MethodPut, path: "/v1/flows", tag: "flows", missing: missing, body: source(),
		summary: "Store a flow", about: "It is checked first, and stored under the name that it has. Each text is a version; the one that was stored last is meant by the name alone.",
		example: exampleStored,
	}, func(ctx context.Context, in *sourceInput) (*flowOutput, error) {
		source, err := in.text()
		if err != nil {
			return nil, err
		}
		flow, err := s.service.Flows.Put(ctx, source, exchangeOf(ctx).name)
		return &flowOutput{flow}, err
	})
	add(s, operation{
		id: "list-flows", method: http.MethodGet, path: "/v1/flows", tag: "flows", missing: missing,
		summary: "List flows", about: "The latest version of each, without its text.", example: FlowList{[]ops.Flow{exampleStored}},
	}, func(ctx context.Context, _ *struct{}) (*flowsOutput, error) {
		all, err := s.service.Flows.List(ctx)
		return &flowsOutput{FlowList{list(all)}}, err
	})
	add(s, operation{
		id: "show-flow", method: http.MethodGet, path: "/v1/flows/{ref}", tag: "flows", missing: missing,
		summary: "Show a flow", about: "With its text.", faults: []int{404}, example: exampleStored,
	}, func(ctx context.Context, in *ofFlow) (*flowOutput, error) {
		flow, err := s.service.Flows.Show(ctx, in.Ref)
		return &flowOutput{flow}, err
	})
	add(s, operation{
		id: "delete-flow", method: http.MethodDelete, path: "/v1/flows/{ref}", tag: "flows", missing: missing, status: 204,
		summary: "Delete a flow", about: "One version, or by the name alone all. Runs that began stay.", faults: []int{404, 409},
	}, func(ctx context.Context, in *ofFlow) (*noContent, error) {
		return nil, s.service.Flows.Remove(ctx, in.Ref)
	})
}

func (s *Server) validateFlow(ctx context.Context, in *sourceInput) (*validFlowOutput, error) {
	source, err := in.text()
	if err != nil {
		return nil, err
	}
	g, err := s.service.Flows.Validate(ctx, source)
	if err != nil {
		return nil, err
	}
	return &validFlowOutput{ValidFlow{Name: g.Name(), Graph: g.Spec()}}, nil
}

func (in *sourceInput) text() (string, error) {
	if !utf8.Valid(in.Source.bytes) {
		return "", problem(http.StatusUnprocessableEntity, "the flow file is not UTF-8")
	}
	return string(in.Source.bytes), nil
}
