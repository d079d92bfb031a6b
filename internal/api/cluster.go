package api

import (
	"context"
	"net/http"

	"github.com/graflow/graflow-wasm/internal/ops"
)

// WorkerList lists workers.
type WorkerList struct {
	Workers []ops.Worker `json:"workers"`
}

// QueueList lists queues.
type QueueList struct {
	Queues []ops.Queue `json:"queues" doc:"Each class of waiting tasks: queue, labels and priority."`
}

// QueueLimit bounds a queue.
type QueueLimit struct {
	Limit int `json:"limit" minimum:"0" maximum:"1000000000" doc:"How many tasks of the queue workers hold at once, at most; 0 is no bound." example:"4"`
}

type (
	workersOutput struct{ Body WorkerList }
	queuesOutput  struct{ Body QueueList }
	limitInput    struct {
		Queue string `path:"queue" maxLength:"600" doc:"The name of a queue." example:"default"`
		Body  QueueLimit
	}
)

func (s *Server) addCluster() {
	add(s, operation{
		id: "list-workers", method: http.MethodGet, path: "/v1/workers", tag: "workers", missing: s.service.Workers == nil,
		summary: "List the processes of the cluster", about: "With what they take, and what they do. One that was killed is in the list for some seconds more.",
	}, func(ctx context.Context, _ *struct{}) (*workersOutput, error) {
		all, err := s.service.Workers.List(ctx)
		return &workersOutput{WorkerList{list(all)}}, err
	})
	missing := s.service.Queues == nil
	add(s, operation{
		id: "list-queues", method: http.MethodGet, path: "/v1/queues", tag: "queues", missing: missing,
		summary: "List queues", about: "How many tasks wait in each, how many workers hold, and since when the oldest has waited.",
	}, func(ctx context.Context, _ *struct{}) (*queuesOutput, error) {
		all, err := s.service.Queues.List(ctx)
		return &queuesOutput{QueueList{list(all)}}, err
	})
	add(s, operation{
		id: "limit-queue", method: http.MethodPut, path: "/v1/queues/{queue}/limit", tag: "queues", missing: missing, status: 204,
		summary: "Bound a queue", about: "In all of the cluster, from now on. Tasks that run go on.",
		body: &body{media: mediaJSON, limit: s.cfg.MaxJSON, what: "the limit", example: QueueLimit{4}}, faults: []int{404},
	}, func(ctx context.Context, in *limitInput) (*noContent, error) {
		return nil, s.service.Queues.Limit(ctx, in.Queue, in.Body.Limit)
	})
}
