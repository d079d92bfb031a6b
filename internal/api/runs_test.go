package api_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/api"
	"github.com/graflow/graflow-wasm/internal/control"
	"github.com/graflow/graflow-wasm/internal/ops"
)

func TestSubmitAndShow(t *testing.T) {
	t.Parallel()
	f := start(t, api.Config{})
	submission := map[string]any{"source": hello, "input": map[string]string{"name": "Ada"}, "idempotency_key": "one"}
	var first, second ops.Submitted
	r := f.ask("POST", "/v1/runs", submission)
	f.want(r, 201, &first)
	if at := r.header.Get("Location"); at != "/v1/runs/"+first.Run || first.Flow != "hello" || first.Existed {
		t.Errorf("got %+v at %q", first, at)
	}
	if o := f.ended(first.Run); o.Status != engine.StatusSucceeded || string(o.Output) != `"hello Ada"` {
		t.Errorf("it came to %s %s", o.Status, o.Output)
	}
	f.want(f.ask("POST", "/v1/runs", submission), 200, &second)
	if second.Run != first.Run || !second.Existed || second.Status != engine.StatusSucceeded {
		t.Errorf("the same key again: %+v, want the run of %+v", second, first)
	}
	submission["input"] = map[string]string{"name": "Bob"}
	f.want(f.ask("POST", "/v1/runs", submission), 409, nil)

	at := "/v1/runs/" + first.Run
	var story control.Story
	f.want(f.ask("GET", at, nil), 200, &story)
	if story.Run != first.Run || string(story.Output) != `"hello Ada"` || len(story.Tasks) != 1 || story.Tasks[0].Task != "greet" {
		t.Errorf("the run is %+v", story)
	}
	var g engine.Spec
	f.want(f.ask("GET", at+"/graph", nil), 200, &g)
	if g.Name != "hello" || len(g.Tasks) != 1 {
		t.Errorf("its graph is %+v", g)
	}
	f.want(f.ask("DELETE", at, nil), 204, nil)
	f.want(f.ask("GET", at, nil), 404, nil)
}

func TestListRuns(t *testing.T) {
	t.Parallel()
	f := start(t, api.Config{})
	for range 3 {
		f.ended(f.submit(hello, map[string]string{"name": "Ada"}))
	}
	failed := f.submit(fails, nil)
	f.ended(failed)
	var all ops.RunsPage
	for end := time.Now().Add(until); len(all.Runs) < 4 && time.Now().Before(end); { // lists may know a moment later
		f.want(f.ask("GET", "/v1/runs?status=succeeded,failed", nil), 200, &all)
	}
	seen, before := map[string]bool{}, ""
	for range 20 {
		var page ops.RunsPage
		f.want(f.ask("GET", "/v1/runs?limit=1&before="+before, nil), 200, &page)
		if len(page.Runs) > 1 {
			t.Fatalf("got %d runs, want 1 at most", len(page.Runs))
		}
		for _, r := range page.Runs {
			if seen[r.Run] {
				t.Errorf("%s is on two pages", r.Run)
			}
			seen[r.Run] = true
		}
		if before = page.Next; before == "" {
			break
		}
	}
	if len(seen) != 4 {
		t.Errorf("the pages have %d runs, want 4", len(seen))
	}
	for query, want := range map[string]int{
		"status=failed": 1, "status=failed,succeeded": 4, "flow=hello": 3, "flow=hello,fails": 4, "flow=none": 0,
		"since=2200-01-01T00:00:00Z": 0, "since=2001-01-01T00:00:00Z": 4,
	} {
		var page ops.RunsPage
		f.want(f.ask("GET", "/v1/runs?"+query, nil), 200, &page)
		if len(page.Runs) != want || page.Runs == nil {
			t.Errorf("%s: %d runs, want %d", query, len(page.Runs), want)
		}
	}
}

func TestJournalAndLogs(t *testing.T) {
	t.Parallel()
	f := start(t, api.Config{})
	run := f.submit(hello, map[string]string{"name": "Ada"})
	f.ended(run)
	var types []engine.EventType
	for after := "0"; ; {
		var page struct {
			Events []engine.Event
			Next   json.Number
		}
		f.want(f.ask("GET", "/v1/runs/"+run+"/events?limit=1&after="+after, nil), 200, &page)
		if len(page.Events) == 0 {
			break
		}
		types, after = append(types, page.Events[0].Type), page.Next.String()
	}
	if types[0] != engine.EventStarted || !slices.Contains(types, engine.EventCompleted) {
		t.Errorf("the journal has %v", types)
	}
	var logs struct{ Lines []engine.Notice }
	for end := time.Now().Add(until); len(logs.Lines) == 0 && time.Now().Before(end); { // a line may come a moment later
		f.want(f.ask("GET", "/v1/runs/"+run+"/logs", nil), 200, &logs)
	}
	if !slices.ContainsFunc(logs.Lines, func(n engine.Notice) bool { return n.Message == "greeting Ada" && n.Task == "greet" }) {
		t.Errorf("the log has %+v", logs.Lines)
	}
}

func TestSteer(t *testing.T) {
	t.Parallel()
	f := start(t, api.Config{})
	run := f.submit(asks, nil)
	at := "/v1/runs/" + run
	if o := f.ended(run); o.Status != engine.StatusPaused || o.Pauses[0].Name != "approve" {
		t.Fatalf("it is %+v, want it to wait for approve", o)
	}
	f.want(f.askAs(ops.RoleSubmitter, "POST", at+"/pause", map[string]string{"message": "lunch"}), 204, nil)
	f.want(f.ask("POST", at+"/resume", nil), 204, nil)
	f.want(f.ask("POST", at+"/resume", nil), 409, nil)
	f.want(f.ask("POST", at+"/answers/other", true), 404, nil)
	f.want(f.ask("POST", at+"/answers/approve", "maybe", "Content-Type", "application/json"), 400, nil)
	f.want(f.ask("POST", at+"/answers/approve", 17), 422, nil)
	f.want(f.ask("POST", at+"/answers/approve", true), 204, nil)
	if o := f.ended(run); o.Status != engine.StatusSucceeded || string(o.Output) != "true" {
		t.Errorf("it came to %s %s", o.Status, o.Output)
	}
	f.want(f.ask("POST", at+"/cancel", nil), 409, nil)
	f.want(f.ask("POST", at+"/retry", map[string]string{"task": "none"}), 409, nil)

	run = f.submit(asks, nil)
	f.ended(run)
	f.want(f.ask("DELETE", "/v1/runs/"+run, nil), 409, nil)
	f.want(f.ask("POST", "/v1/runs/"+run+"/cancel", map[string]string{"message": "never mind"}), 204, nil)
	if o := f.ended(run); o.Status != engine.StatusCanceled || o.Message != "never mind" {
		t.Errorf("it is %s %q, want it canceled", o.Status, o.Message)
	}
	f.want(f.ask("DELETE", "/v1/runs/"+run, nil), 204, nil)

	run = f.submit(fails, nil)
	f.ended(run)
	f.want(f.ask("POST", "/v1/runs/"+run+"/retry", nil), 204, nil)
	if o := f.ended(run); o.Status != engine.StatusFailed {
		t.Errorf("it is %s, want it to fail again", o.Status)
	}
}

func TestCheckpoints(t *testing.T) {
	t.Parallel()
	f := start(t, api.Config{})
	run := f.submit(marks, nil)
	f.ended(run)
	r := f.ask("GET", "/v1/runs/"+run+"/checkpoint?name=half", nil)
	f.want(r, 200, &struct{}{})
	if media := r.header.Get("Content-Type"); media != "application/json" {
		t.Errorf("the document is %s", media)
	}
	var begun struct{ Run string }
	f.want(f.askAs(ops.RoleSubmitter, "POST", "/v1/restore?id=restored", r.body, "Content-Type", "application/json"), 201, &begun)
	if o := f.ended(begun.Run); begun.Run != "restored" || o.Status != engine.StatusSucceeded {
		t.Errorf("%+v came to %+v", begun, o)
	}
	f.want(f.ask("POST", "/v1/restore?id=restored", r.body, "Content-Type", "application/json"), 409, nil)
	f.want(f.ask("POST", "/v1/restore", r.body[:len(r.body)/2], "Content-Type", "application/json"), 422, nil)
	f.want(f.ask("POST", "/v1/restore", bytes.Replace(r.body, []byte(`"marks"`), []byte(`"marx"`), 1), "Content-Type", "application/json"), 422, nil)

	r = f.askAs(ops.RoleSubmitter, "POST", "/v1/runs/"+run+"/fork", map[string]string{"checkpoint": "half", "id": "forked"})
	f.want(r, 201, &begun)
	if o := f.ended("forked"); r.header.Get("Location") != "/v1/runs/forked" || o.Status != engine.StatusSucceeded {
		t.Errorf("%+v came to %+v", begun, o)
	}
	f.want(f.ask("POST", "/v1/runs/"+run+"/fork", nil), 201, &begun)
	f.want(f.ask("POST", "/v1/runs/"+run+"/fork", map[string]string{"checkpoint": "none"}), 404, nil)
	f.want(f.ask("GET", "/v1/runs/"+run+"/checkpoint?name=none", nil), 404, nil)
}

// TestFile reads a file that code has left with its run.
func TestFile(t *testing.T) {
	t.Parallel()
	f := start(t, api.Config{})
	run := f.submit("name: leaves\ntasks:\n  write: {script: {language: javascript, files_out: ['*.txt'], code: \"import fs from 'graflow:fs'; fs.writeFile('/out/a.txt', 'left')\"}}\n", nil)
	o := f.ended(run)
	if len(o.Files) != 1 {
		t.Fatalf("it came to %+v, want a file", o)
	}
	r := f.ask("GET", "/v1/runs/"+run+"/files/"+o.Files[0].Digest, nil)
	f.want(r, 200, nil)
	if string(r.body) != "left" || r.header.Get("Content-Type") != "application/octet-stream" || r.header.Get("Content-Disposition") != "attachment" {
		t.Errorf("got %q with %v", r.body, r.header)
	}
}

func TestFaultsOfRuns(t *testing.T) {
	t.Parallel()
	f := start(t, api.Config{})
	for _, path := range []string{"", "/graph", "/events", "/logs", "/stream", "/checkpoint", "/files/sha256:00"} {
		p := f.ask("GET", "/v1/runs/none"+path, nil)
		f.want(p, 404, nil)
	}
	for _, path := range []string{"/cancel", "/pause", "/resume", "/retry", "/fork"} {
		f.want(f.ask("POST", "/v1/runs/none"+path, nil), 404, nil)
	}
	for body, location := range map[string]string{
		`{"flow":"none","flw":1}`:               "body.flw",
		`{"flow":7}`:                            "body.flow",
		`{"source":"name: x\ntasks: {a: 1}\n"}`: "",
		`{"flow":"a","source":"b"}`:             "",
		`{"source":"` + strings.ReplaceAll(hello, "\n", `\n`) + `","input":{"nme":1}}`: "input",
		`{"source":"` + strings.ReplaceAll(hello, "\n", `\n`) + `","timeout":"soon"}`:  "body",
	} {
		r := f.ask("POST", "/v1/runs", []byte(body), "Content-Type", "application/json")
		f.want(r, 422, nil)
		p := f.wantProblem(r)
		if len(p.Errors) == 0 || location != "" && p.Errors[0].Location != location {
			t.Errorf("%s: %+v, want a fault at %q", body, p, location)
		}
		if strings.Contains(string(r.body), `"value"`) {
			t.Errorf("%s is repeated: %s", body, r.body)
		}
	}
	f.want(f.ask("POST", "/v1/runs", map[string]string{"flow": "none"}), 404, nil)
	for _, query := range []string{"limit=-1", "limit=x", "limit=1001", "status=odd", "since=now", "sinc=x"} {
		r := f.ask("GET", "/v1/runs?"+query, nil)
		f.want(r, 422, nil)
		if name, _, _ := strings.Cut(query, "="); !strings.HasPrefix(f.wantProblem(r).Errors[0].Location, "query."+name) {
			t.Errorf("%s: %s", query, r.body)
		}
	}
}
