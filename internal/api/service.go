package api

import (
	"context"
	"net/http"

	"github.com/graflow/graflow-wasm/internal/ops"
)

// ServiceInfo tells what answers, and who asks.
type ServiceInfo struct {
	Version   string   `json:"version" doc:"Of the program that answers."`
	Namespace string   `json:"namespace" doc:"Of the cluster whose runs these are."`
	Role      ops.Role `json:"role" enum:"viewer,submitter,operator" doc:"Of the token that was given."`
	Name      string   `json:"name" doc:"Of the token that was given."`
	Parts     []string `json:"parts" doc:"What the server has: the tags of this document."`
}

type serviceOutput struct{ Body ServiceInfo }

func (s *Server) addService() {
	add(s, operation{
		id: "show-service", method: http.MethodGet, path: "/v1/service", tag: "service",
		summary: "Tell what answers, and who asks", about: "A good way to try a token.",
		example: ServiceInfo{Version: "v1.0.0", Namespace: "default", Role: ops.RoleViewer, Name: "ada", Parts: []string{"runs", "flows"}},
	}, s.showService)
}

func (s *Server) showService(ctx context.Context, _ *struct{}) (*serviceOutput, error) {
	x := exchangeOf(ctx)
	return &serviceOutput{ServiceInfo{s.service.Version, s.service.Namespace, x.role, x.name, s.parts()}}, nil
}

// parts names the parts that the service has.
func (s *Server) parts() []string {
	have, all := s.service, []string{}
	for _, part := range []struct {
		there bool
		name  string
	}{
		{have.Runs != nil, "runs"},
		{have.Flows != nil, "flows"},
		{have.Modules != nil, "modules"},
		{have.Workers != nil, "workers"},
		{have.Queues != nil, "queues"},
		{have.DeadLetters != nil, "dead letters"},
		{have.Schedules != nil, "schedules"},
		{have.Secrets != nil, "secrets"},
		{have.Code != nil, "code"},
		{have.Sessions != nil, "sessions"},
	} {
		if part.there {
			all = append(all, part.name)
		}
	}
	return all
}

// list is a list that is never null in JSON.
func list[T any](all []T) []T {
	if all == nil {
		return []T{}
	}
	return all
}
