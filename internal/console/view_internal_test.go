package console

import (
	"encoding/json"
	"errors"
	"html"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/control"
	"github.com/graflow/graflow-wasm/internal/ops"
)

var began = time.Date(2026, 1, 31, 8, 0, 0, 0, time.UTC)

// at is a time of a run.
func at(d time.Duration) time.Time { return began.Add(d) }

// notice is one of task t.
func notice(kind engine.NoticeType, d time.Duration, change func(*engine.Notice)) engine.Notice {
	n := engine.Notice{Type: kind, Time: at(d), Task: "t", Activation: "t", Attempt: 1}
	if change != nil {
		change(&n)
	}
	return n
}

// TestActivations folds the life of a task: it waits, fails, is tried again, pauses,
// goes on and ends. The start of an attempt is told twice.
func TestActivations(t *testing.T) {
	t.Parallel()
	second := func(n *engine.Notice) { n.Attempt = 2 }
	s := control.Story{
		Summary: control.Summary{Status: engine.StatusSucceeded, Started: began, Ended: at(time.Hour)},
		Timeline: []engine.Notice{
			{Type: engine.NoticeRunStarted, Time: began},
			notice(engine.NoticeTaskReady, 0, func(n *engine.Notice) { n.Why = "start" }),
			notice(engine.NoticeTaskStarted, time.Second, func(n *engine.Notice) { n.Worker = "w" }),
			notice(engine.NoticeTaskStarted, time.Second, func(n *engine.Notice) { n.Worker = "w" }),
			notice(engine.NoticeTaskRetrying, 2*time.Second, func(n *engine.Notice) {
				n.Delay, n.Error, n.Ledger = engine.Duration(3*time.Second), &engine.TaskError{Message: "no"}, json.RawMessage(`{"fuel": 12, "host_calls": {"b": 2, "a": 1}}`)
			}),
			notice(engine.NoticeTaskStarted, 6*time.Second, second),
			notice(engine.NoticeTaskPaused, 7*time.Second, func(n *engine.Notice) { n.Attempt, n.Message = 2, "ok" }),
			notice(engine.NoticeTaskResumed, 30*time.Minute, second),
			notice(engine.NoticeTaskStarted, 30*time.Minute+time.Second, second),
			notice(engine.NoticeTaskSucceeded, 30*time.Minute+3*time.Second, second),
		},
	}
	all := activationsOf(s)
	if len(all) != 1 {
		t.Fatalf("got %d activations, want 1", len(all))
	}
	a := all[0]
	if a.Status != engine.StatusSucceeded || a.Why != "start" || a.Tried() != 2 || a.Took() != 4*time.Second || !a.Due.IsZero() {
		t.Errorf("got %s, %q, %d attempts, %s, due %s", a.Status, a.Why, a.Tried(), a.Took(), a.Due)
	}
	var kinds []string
	for _, seg := range a.Segments {
		kinds = append(kinds, seg.Kind+" "+seg.To.Sub(seg.From).String())
	}
	if got, want := strings.Join(kinds, ", "), "wait 1s, run 1s, retry 3s, wait 1s, run 1s, pause 29m53s, wait 1s, run 2s"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if l := a.Attempts[0].Ledger; l.Fuel != 12 || l.Total != 3 || l.Calls[0].Name != "a" {
		t.Errorf("got the ledger %+v", l)
	}
	g := newGantt(s, all, at(2*time.Hour))
	if len(g.Rows) != 1 || len(g.Rows[0].Bars) != 8 || len(g.Cuts) != 2 {
		t.Errorf("got %d rows and the cuts %v", len(g.Rows), g.Cuts)
	}
}

// TestRunning wants the attempt of a run that goes on to last until now.
func TestRunning(t *testing.T) {
	t.Parallel()
	s := control.Story{
		Summary: control.Summary{Status: engine.StatusRunning, Started: began},
		Timeline: []engine.Notice{
			notice(engine.NoticeTaskReady, 0, nil), notice(engine.NoticeTaskStarted, time.Second, nil),
		},
	}
	all := activationsOf(s)
	if a := all[0]; a.Status != engine.StatusRunning || !a.Since().Equal(at(time.Second)) {
		t.Errorf("got %s since %s", a.Status, a.Since())
	}
	bars := newGantt(s, all, at(4*time.Second)).Rows[0].Bars
	if last := bars[len(bars)-1]; last.X != "25.000%" || last.W != "75.000%" || last.Class != "b-run is-running" {
		t.Errorf("got the bar %+v", last)
	}
}

// TestWhy wants a run to say what it waits for, and why it ended.
func TestWhy(t *testing.T) {
	t.Parallel()
	g, err := engine.Spec{Name: "g", Tasks: []engine.Task{{ID: "t", Handler: "x", Queue: "gpu", Requires: map[string]string{"zone": "b", "arch": "arm64"}}}}.Build()
	if err != nil {
		t.Fatal(err)
	}
	running := control.Summary{Status: engine.StatusRunning, Started: began}
	ready := notice(engine.NoticeTaskReady, 0, nil)
	retrying := notice(engine.NoticeTaskRetrying, time.Second, func(n *engine.Notice) { n.Delay = engine.Duration(time.Minute) })
	for want, s := range map[string]control.Story{
		"t waits for a worker of queue gpu with arch=arm64 and zone=b since 20.0 s. The page of queues and workers shows who takes what.": {Summary: running, Timeline: []engine.Notice{ready}},
		"t failed, and is tried again in 41.0 s.": {Summary: running, Timeline: []engine.Notice{ready, retrying}},
		"Deadline.":                  {Summary: control.Summary{Status: engine.StatusFailed, Reason: engine.ReasonDeadline}},
		"Terminated by t: “enough”.": {Summary: control.Summary{Status: engine.StatusSucceeded, Reason: engine.ReasonTerminated, Message: "enough"}, Task: "t"},
		"No process is at work on it: the one that was has ended. Resume it to go on from where it was.": {Summary: control.Summary{Status: control.StatusInterrupted}},
		"It was paused by hand: what runs may end, nothing new begins until somebody resumes it.":        {Summary: control.Summary{Status: engine.StatusPaused, Held: true}},
	} {
		if got := strings.Join(whyOf(s, g, activationsOf(s), at(20*time.Second)), "|"); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// TestForked leaves out what was done by the run that another goes on from.
func TestForked(t *testing.T) {
	t.Parallel()
	s := control.Story{
		Summary: control.Summary{Status: engine.StatusSucceeded, Started: at(time.Hour), Ended: at(time.Hour + time.Second), Origin: &engine.Origin{Run: "r"}},
		Timeline: []engine.Notice{
			notice(engine.NoticeTaskReady, 0, nil), notice(engine.NoticeTaskStarted, 0, nil), notice(engine.NoticeTaskSucceeded, time.Second, nil),
		},
	}
	if g := newGantt(s, activationsOf(s), at(2*time.Hour)); len(g.Rows) != 0 || g.Took != time.Second {
		t.Errorf("got %d rows over %s", len(g.Rows), g.Took)
	}
}

// TestScale wants places that only grow, within the width, whatever is cut.
func TestScale(t *testing.T) {
	t.Parallel()
	busy := func(from, to time.Duration) *activation {
		return &activation{Segments: []segment{{Kind: "run", From: at(from), To: at(to)}}}
	}
	for name, c := range map[string]struct {
		end  time.Duration
		all  []*activation
		cuts int
	}{
		"nothing ran":    {time.Hour, nil, 0},
		"all the time":   {time.Minute, []*activation{busy(0, time.Minute)}, 0},
		"a night in it":  {8 * time.Hour, []*activation{busy(0, time.Second), busy(8*time.Hour-time.Second, 8*time.Hour)}, 1},
		"short pauses":   {time.Minute, []*activation{busy(0, 20*time.Second), busy(30*time.Second, time.Minute)}, 0},
		"no time at all": {0, []*activation{busy(0, 0)}, 0},
	} {
		s := newScale(began, at(c.end), c.all)
		if got := len(s.cuts()); got != c.cuts {
			t.Errorf("%s: got %d cuts, want %d", name, got, c.cuts)
		}
		last := 0.0
		for i := range 101 {
			x := s.at(at(c.end * time.Duration(i) / 100))
			if x < last-1e-9 || x > 100+1e-9 || math.IsNaN(x) {
				t.Errorf("%s: %d%% of the time is at %f, after %f", name, i, x, last)
			}
			last = x
		}
		if c.end > 0 && math.Abs(last-100) > 1e-6 {
			t.Errorf("%s: the end is at %f", name, last)
		}
		if n := len(s.ticks()); n > 12 {
			t.Errorf("%s: %d ticks", name, n)
		}
	}
}

var spans = regexp.MustCompile(`<span class="[ksnw]">|</span>`)

// FuzzMarked wants JSON as HTML to be the same text, and to have no tag but its own.
func FuzzMarked(f *testing.F) {
	for _, seed := range []string{`{"a": [1, -2.5e3, true, null, "x\"y"]}`, `"</span><script>"`, "\"\\", `{"<b>": "&amp;"}`, "not json at all <", "é\x00\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if text == "" {
			return
		}
		got := string(marked(text))
		bare := spans.ReplaceAllString(got, "")
		if strings.ContainsAny(bare, `<>"'`) {
			t.Errorf("%q has a tag, or a quote: %q", text, got)
		}
		if back := html.UnescapeString(bare); back != strings.ReplaceAll(text, "\x00", "\ufffd") {
			t.Errorf("got %q back, want %q", back, text)
		}
	})
}

func TestJSON(t *testing.T) {
	t.Parallel()
	small := newJSON(json.RawMessage(`{"a":1}`), "/raw")
	if small.Fold || small.Cut || small.What != "1 key, 7 B" {
		t.Errorf("got %+v", small)
	}
	large := newJSON(json.RawMessage(`["`+strings.Repeat("é", 100_000)+`"]`), "/raw")
	if !large.Fold || !large.Cut || len(large.Text) > cutBytes+1000 {
		t.Errorf("got %d bytes, folded %v, cut %v", len(large.Text), large.Fold, large.Cut)
	}
	if v := newJSON(json.RawMessage("broken {"), ""); v.None || !strings.Contains(string(v.Text), "{") {
		t.Errorf("what is no JSON is lost: %+v", v)
	}
	if !newJSON(nil, "").None {
		t.Error("no value is one")
	}
}

func TestSourceFaults(t *testing.T) {
	t.Parallel()
	v := sourceView{Text: "name: x\ntasks:\n  a: {}\n"}
	v.mark([]ops.Fault{{Where: "3:6", Message: "no handler"}, {Where: "flow.yaml:2:1", Message: "else"}, {Where: "tasks.a", Message: "whole"}, {Where: "99:1", Message: "beyond"}})
	if len(v.Lines) != 3 || len(v.Others) != 2 || v.Lines[2].Faults[0] != "no handler" || v.Lines[1].Faults[0] != "else" || v.Lines[0].Faults != nil {
		t.Errorf("got %+v", v)
	}
}

func TestForms(t *testing.T) {
	t.Parallel()
	for schema, want := range map[string]string{
		`{"type": "boolean"}`: "whole boolean",
		`{"enum": ["a", 1]}`:  "whole choice",
		`{"type": "object", "properties": {"z": {"type": "string"}, "a": {"type": "integer"}}}`: "object text integer",
		`{"type": "object", "properties": {"z": {"type": "array"}}}`:                            "json",
		`{"type": ["string", "null"]}`:                                                          "json",
		`true`:                                                                                  "json", ``: "json", `{}`: "json", `[`: "json",
	} {
		f := newPauseForm(engine.Waiting{Schema: json.RawMessage(schema)})
		got := f.Kind
		for _, one := range f.Fields {
			got += " " + one.Kind
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", schema, got, want)
		}
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		-1: "0 s", 12 * time.Microsecond: "12 µs", 340 * time.Millisecond: "340 ms", 1234 * time.Millisecond: "1.23 s", 12300 * time.Millisecond: "12.3 s",
		125 * time.Second: "2 min 05 s", 90 * time.Minute: "1 h 30 min", 100 * time.Hour: "4 days",
	} {
		if got := durationText(d); got != want {
			t.Errorf("%d: got %q, want %q", d, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1536: "1.5 KiB", 300 << 20: "300 MiB", 5 << 40: "5.0 TiB"} {
		if got := bytesText(n); got != want {
			t.Errorf("%d: got %q, want %q", n, got, want)
		}
	}
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1\u202f000", -12345: "-12\u202f345"} {
		if got := countText(n); got != want {
			t.Errorf("%d: got %q, want %q", n, got, want)
		}
	}
	if got := shortText(5, "one\ntwo three"); got != "one …" {
		t.Errorf("got %q", got)
	}
	if got := pathTo("runs", "a/b ?#"); got != "/runs/a%2Fb%20%3F%23" {
		t.Errorf("got %q", got)
	}
}

// TestProblems wants every error of the service to say what to do, or to be a fault.
func TestProblems(t *testing.T) {
	t.Parallel()
	for _, a := range advices {
		p := problemOf(&control.Error{Status: ops.Status(a.err), Message: "run \"r\": " + a.err.Error()})
		if p.Status < 500 && p.Advice != a.text {
			t.Errorf("%v of another process: got the advice %q, want %q", a.err, p.Advice, a.text)
		}
	}
	p := problemOf(errors.New("disk on fire"))
	if p.Status != 500 || p.Advice == "" || p.Title == "" {
		t.Errorf("got %+v", p)
	}
}
