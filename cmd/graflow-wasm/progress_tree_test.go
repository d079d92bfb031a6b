package main

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/term"
)

// bigTree is the tree of a graph of n tasks, some of which are in motion.
func bigTree(t *testing.T, n int, known bool) *tree {
	t.Helper()
	var tasks []engine.Task
	for i := range n {
		tasks = append(tasks, engine.Task{ID: fmt.Sprintf("task-with-a-name-of-some-length-%04d", i), Handler: "wasm"})
	}
	var g *engine.Graph
	if known {
		spec := engine.Spec{Name: "big", Tasks: tasks}
		var err error
		if g, err = spec.Build(); err != nil {
			t.Fatal(err)
		}
	}
	shown, began := newTree(g), time.Now()
	for i, task := range tasks {
		n := engine.Notice{Type: engine.NoticeTaskStarted, Task: task.ID, Activation: task.ID, Attempt: 1, Time: began}
		if known && i%3 == 1 {
			continue // it has not begun
		}
		shown.Observe(n)
		n.Started, n.Time = n.Time, n.Time.Add(time.Second)
		switch n.Type = engine.NoticeTaskSucceeded; {
		case i%100 == 99:
			n.Type = engine.NoticeTaskProgress
			n.Done, n.Total, n.Message = 1, 2, "half, 日本語 and e\u0301\x1b[2J\nmore of it"
		case i == 500:
			n.Type, n.Error = engine.NoticeTaskFailed, &engine.TaskError{Message: strings.Repeat("a long error\n", 50)}
		}
		shown.Observe(n)
	}
	return shown
}

func TestTreeFits(t *testing.T) {
	t.Parallel()
	for _, known := range []bool{true, false} {
		shown := bigTree(t, 1000, known)
		for width := 40; width <= 200; width++ {
			for _, height := range []int{2, 5, 23, 60} {
				for _, color := range []bool{false, true} {
					out := term.New(io.Discard, term.Config{NoColor: !color, Env: func(string) string { return "" }, Size: func() (int, int) { return width, height }})
					lines := shown.lines(time.Now(), width, height, out)
					if len(lines) != height {
						t.Fatalf("%dx%d: got %d lines", width, height, len(lines))
					}
					for _, line := range lines {
						if w := term.Width(line); w > width {
							t.Errorf("%dx%d: a line of %d columns: %q", width, height, w, line)
						}
						if strings.Contains(line, "\x1b[2J") || strings.Contains(line, "\n") {
							t.Errorf("%dx%d: what a task says moves the cursor: %q", width, height, line)
						}
						if painted := strings.Contains(line, "\x1b["); painted != (color && !strings.HasPrefix(line, "…")) {
							t.Errorf("%dx%d: color %t, but got %q", width, height, color, line)
						}
					}
				}
			}
		}
		text := strings.Join(shown.lines(time.Now(), 120, 23, term.New(io.Discard, term.Config{})), "\n")
		for _, want := range []string{"● task-with-a-name-of-some-length-0099", "50% half, 日本語", "✗ task-with-a-name-of-some-length-0500", "… and 978 more"} {
			if !strings.Contains(text, want) {
				t.Errorf("graph known: %t: no %q in\n%s", known, want, text)
			}
		}
	}
}
