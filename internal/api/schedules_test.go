package api_test

import (
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/internal/api"
	"github.com/graflow/graflow-wasm/internal/ops"
)

func TestSchedules(t *testing.T) {
	t.Parallel()
	f := start(t, api.Config{})
	at := "/v1/schedules/nightly"
	spec := map[string]any{"target": map[string]any{"source": hello}, "input": map[string]string{"name": "Ada"}, "cron": "0 6 * * 1-5", "time_zone": "Europe/Berlin"}
	var s ops.Schedule
	f.want(f.ask("PUT", at, spec), 200, &s)
	if s.Name != "nightly" || s.Next.IsZero() || s.Zone != "Europe/Berlin" {
		t.Errorf("got %+v", s)
	}
	f.want(f.ask("PUT", at, s), 200, &s) // as it was told
	var all struct{ Schedules []ops.Schedule }
	f.want(f.askAs(ops.RoleViewer, "GET", "/v1/schedules", nil), 200, &all)
	if len(all.Schedules) != 1 || all.Schedules[0].Name != "nightly" {
		t.Errorf("got %+v", all)
	}
	f.want(f.ask("POST", at+"/pause", nil), 200, &s)
	if !s.Paused {
		t.Errorf("got %+v, want it paused", s)
	}
	s = ops.Schedule{}
	f.want(f.ask("POST", at+"/resume", nil), 200, &s)
	if s.Paused || s.Next.Before(time.Now()) {
		t.Errorf("got %+v, want it to go on", s)
	}
	var begun struct{ Run string }
	f.want(f.ask("POST", at+"/trigger", nil), 200, &begun)
	if o := f.ended(begun.Run); string(o.Output) != `"hello Ada"` {
		t.Errorf("it came to %+v", o)
	}
	for _, bad := range []map[string]any{
		{"cron": "@daily"},
		{"target": map[string]any{"flow": "hello"}},
		{"target": map[string]any{"source": hello}, "cron": "every day"},
		{"target": map[string]any{"source": hello}, "cron": "@daily", "every": "1h"},
		{"target": map[string]any{"source": hello}, "cron": "@daily", "overlap": "dance"},
		{"name": "other", "target": map[string]any{"source": hello}, "cron": "@daily"},
	} {
		f.want(f.ask("PUT", at, bad), 422, nil)
	}
	f.want(f.ask("DELETE", at, nil), 204, nil)
	for method, path := range map[string]string{"GET": at, "DELETE": at, "POST": at + "/trigger"} {
		f.want(f.ask(method, path, nil), 404, nil)
	}
}
