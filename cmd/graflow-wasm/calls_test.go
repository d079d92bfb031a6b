package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
	"github.com/graflow/graflow-wasm/internal/control"
	"github.com/graflow/graflow-wasm/internal/term"
)

// calling is a flow whose agent calls tools: two at once, then one.
func calling(t *testing.T, h *direct.Handler) *engine.Graph {
	t.Helper()
	agent := direct.Func(h, "agent", func(c *direct.Context, _ json.RawMessage) (any, error) {
		answers, err := c.CallTasks(
			engine.TaskCall{ID: "search", Input: json.RawMessage("1")}, engine.TaskCall{ID: "search", Input: json.RawMessage("2")})
		if err != nil {
			return nil, err
		}
		if err := c.CallTask("broken", nil, nil); errors.Is(err, direct.ErrCalled) {
			return nil, err
		}
		return len(answers), nil
	})
	agent.Tools = []string{"search", "broken"}
	s := engine.Spec{Name: "calling"}
	s.Connect(engine.Seq(agent, direct.Func(h, "after", func(_ *direct.Context, in json.RawMessage) (any, error) { return in, nil })))
	s.Tasks = append(s.Tasks,
		direct.Func(h, "search", func(_ *direct.Context, in json.RawMessage) (any, error) { return in, nil }),
		direct.Func(h, "broken", func(*direct.Context, json.RawMessage) (any, error) { return nil, errors.New("out of order") }))
	g, err := s.Build()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// called is what a run of it tells.
func called(t *testing.T) (*engine.Graph, []engine.Notice, control.Story) {
	t.Helper()
	h := direct.New()
	g := calling(t, h)
	var mu sync.Mutex
	var all []engine.Notice
	e, err := engine.New(engine.Config{
		Handlers: map[string]engine.Handler{"direct": h}, Backend: engine.InMemory(), Concurrency: 1, Retain: true,
		Observe: func(n engine.Notice) {
			mu.Lock()
			defer mu.Unlock()
			all = append(all, n)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	out, err := e.Run(t.Context(), g, nil)
	if err != nil || out.Status != engine.StatusSucceeded {
		t.Fatalf("%+v, %v", out, err)
	}
	history, err := e.History(t.Context(), out.Run)
	if err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	return g, all, control.Story{Summary: control.Summary{Run: out.Run, Started: history.Started}, Timeline: control.WithStarts(history)}
}

var timeText = regexp.MustCompile(`\d+(\.\d+)?(ms|µs|s)\b`)

// TestCallsAreTold: each way to watch a run says what its tasks call, and what becomes
// of it.
func TestCallsAreTold(t *testing.T) {
	t.Parallel()
	g, notices, story := called(t)
	var lines []string
	shown := newTree(g)
	for _, n := range notices {
		shown.Observe(n)
		if text := plainLine(n); text != "" && n.Activation != "" {
			lines = append(lines, timeText.ReplaceAllString(text, "T"))
		}
	}
	want := `agent: started
agent: calls search, 2 at once
agent/1/search: started
agent/1/search: succeeded in T
agent/1/search-2: started
agent/1/search-2: succeeded in T
agent: goes on after its calls
agent: calls broken
agent/2/broken: started
agent/2/broken: failed: out of order in T
agent: goes on after its calls
agent: succeeded in T
after: started
after: succeeded in T`
	if got := strings.Join(lines, "\n"); got != want {
		t.Errorf("lines\n%s\nwant\n%s", got, want)
	}
	plain := term.New(io.Discard, term.Config{NoColor: true})
	tree := timeText.ReplaceAllString(strings.Join(shown.lines(notices[len(notices)-1].Time, 80, 20, plain), "\n"), "T")
	if want := "✓ agent T\n✓ after T\n✓ search 2/2 T\n✗ broken (1 failed) T out of order"; tree != want {
		t.Errorf("tree\n%s\nwant\n%s", tree, want)
	}
	var b bytes.Buffer
	writeTimeline(term.New(&b, term.Config{NoColor: true}), story)
	text := regexp.MustCompile(` +`).ReplaceAllString(timeText.ReplaceAllString(b.String(), "T"), " ")
	for _, want := range []string{
		"agent calls search, 2 at once\n", "agent/1/search ready: called by agent\n", "agent/1/search-2 (search) begins",
		"agent goes on after its calls after T\n", "agent calls broken\n", "agent/2/broken failed in T: out of order\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("timeline\n%s\ndoes not tell %q", text, want)
		}
	}
	if strings.Contains(text, "group") {
		t.Errorf("timeline\n%s\ntells of a group that nobody has written", text)
	}
}

func TestCallsAreDrawn(t *testing.T) {
	t.Parallel()
	g := calling(t, direct.New())
	for format, want := range map[string][]string{
		"ascii":   {"* agent --> after\n", "tool of agent: search\n", "tool of agent: broken\n"},
		"dot":     {`"agent" -> "search" [label=tool, style=dashed]`},
		"mermaid": {"n_agent -.->|tool| n_search\n"},
	} {
		var b bytes.Buffer
		if err := draw(&b, g, format); err != nil {
			t.Fatal(err)
		}
		for _, line := range want {
			if !strings.Contains(b.String(), line) {
				t.Errorf("%s\n%s\nhas no %q", format, b.String(), line)
			}
		}
	}
}
