package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/ops"
)

// ScheduleList lists schedules.
type ScheduleList struct {
	Schedules []ops.Schedule `json:"schedules" doc:"By name."`
}

// ScheduleSpec is what is set of a schedule. What an [ops.Schedule] tells besides may
// be sent as well, and says nothing.
type ScheduleSpec struct {
	Target  ops.Target      `json:"target" doc:"What to run."`
	Input   json.RawMessage `json:"input,omitempty" doc:"Of each run."`
	Cron    string          `json:"cron,omitempty" doc:"Five fields, or @daily and the like." example:"0 6 * * 1-5"`
	Zone    string          `json:"time_zone,omitempty" doc:"Of cron; without one UTC." example:"Europe/Berlin"`
	Every   engine.Duration `json:"every,omitempty" doc:"Instead of cron: at this interval." example:"15m"`
	At      time.Time       `json:"at,omitzero" doc:"Instead of cron: once, then."`
	Overlap ops.Overlap     `json:"overlap,omitempty" enum:"skip,allow,replace,wait" doc:"What becomes of a time at which the run before still goes on; without one skip."`
	Missed  ops.Missed      `json:"missed,omitempty" enum:"skip,once,all" doc:"What becomes of times at which no server was there; without one once."`
	Paused  bool            `json:"paused,omitempty" doc:"It begins nothing until it is resumed."`

	Name    string    `json:"name,omitempty" readOnly:"true" doc:"That of the path."`
	Created time.Time `json:"created,omitzero" readOnly:"true"`
	Next    time.Time `json:"next,omitzero" readOnly:"true"`
	Last    time.Time `json:"last,omitzero" readOnly:"true"`
	LastRun string    `json:"last_run,omitempty" readOnly:"true"`
	Fault   string    `json:"fault,omitempty" readOnly:"true"`
	Begun   int       `json:"begun,omitempty" readOnly:"true"`
	Skipped int       `json:"skipped,omitempty" readOnly:"true"`
}

// ScheduleRef names a schedule in a path.
type ScheduleRef struct {
	Name string `path:"name" maxLength:"200" doc:"The name of a schedule." example:"nightly"`
}

type (
	putScheduleInput struct {
		ScheduleRef

		Body ScheduleSpec
	}
	scheduleOutput  struct{ Body ops.Schedule }
	schedulesOutput struct{ Body ScheduleList }
)

func (s *Server) addSchedules() {
	one := func(o operation) operation {
		o.tag, o.missing = "schedules", s.service.Schedules == nil
		o.path = "/v1/schedules/{name}" + o.path
		o.faults = []int{404, 409}
		return o
	}
	add(s, operation{
		id: "list-schedules", method: http.MethodGet, path: "/v1/schedules", tag: "schedules", missing: s.service.Schedules == nil,
		summary: "List schedules", about: "With the times at which they are due next.", example: ScheduleList{[]ops.Schedule{exampleSchedule}},
	}, func(ctx context.Context, _ *struct{}) (*schedulesOutput, error) {
		all, err := s.service.Schedules.List(ctx)
		return &schedulesOutput{ScheduleList{list(all)}}, err
	})
	add(s, one(operation{
		id: "show-schedule", method: http.MethodGet, summary: "Show a schedule", about: "With what became of it so far.", example: exampleSchedule,
	}), func(ctx context.Context, in *ScheduleRef) (*scheduleOutput, error) {
		return schedule(s.service.Schedules.Show(ctx, in.Name))
	})
	add(s, one(operation{
		id: "put-schedule", method: http.MethodPut, summary: "Set a schedule", about: "In place of the one of that name, if there is one. One of `cron`, `every` and `at` is given.",
		body:    &body{media: mediaJSON, limit: s.cfg.MaxJSON, what: "the schedule", example: exampleScheduleSpec},
		example: exampleSchedule,
	}), s.putSchedule)
	for _, pause := range []bool{true, false} {
		o := operation{
			id: "resume-schedule", path: "/resume", method: http.MethodPost, summary: "Resume a schedule",
			about: "Times at which it was paused are not missed.", example: exampleSchedule,
		}
		if pause {
			o.id, o.path, o.summary, o.about = "pause-schedule", "/pause", "Pause a schedule", "It begins nothing until it is resumed. What it has begun goes on."
		}
		add(s, one(o), func(ctx context.Context, in *ScheduleRef) (*scheduleOutput, error) {
			return schedule(s.service.Schedules.Pause(ctx, in.Name, pause))
		})
	}
	add(s, one(operation{
		id: "trigger-schedule", path: "/trigger", method: http.MethodPost, summary: "Begin a run of a schedule now", about: "Besides those that are due.", example: exampleBegun,
	}), func(ctx context.Context, in *ScheduleRef) (*begunOutput, error) {
		return begun(s.service.Schedules.Trigger(ctx, in.Name))
	})
	add(s, one(operation{
		id: "delete-schedule", method: http.MethodDelete, status: 204, summary: "Delete a schedule", about: "Runs that it has begun stay.",
	}), func(ctx context.Context, in *ScheduleRef) (*noContent, error) {
		return nil, s.service.Schedules.Remove(ctx, in.Name)
	})
}

func schedule(one ops.Schedule, err error) (*scheduleOutput, error) { return &scheduleOutput{one}, err }

func (s *Server) putSchedule(ctx context.Context, in *putScheduleInput) (*scheduleOutput, error) {
	b := &in.Body
	if b.Name != "" && b.Name != in.Name {
		return nil, problem(http.StatusUnprocessableEntity, "the body names another schedule than the path")
	}
	return schedule(s.service.Schedules.Put(ctx, ops.Schedule{
		Name: in.Name, Target: b.Target, Input: b.Input, Cron: b.Cron, Zone: b.Zone, Every: b.Every, At: b.At,
		Overlap: b.Overlap, Missed: b.Missed, Paused: b.Paused,
	}))
}
