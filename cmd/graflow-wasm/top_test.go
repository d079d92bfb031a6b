package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/control"
	"github.com/graflow/graflow-wasm/internal/ops"
	"github.com/graflow/graflow-wasm/internal/term"
)

var topNow = time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)

// busy is a cluster with a lot to do, whose names are foreign.
func busy() standing {
	s := standing{Time: topNow, Place: "nats://host:4222\x1b[2J", cluster: true, Dead: 3}
	for i := range 150 {
		one := control.Summary{Run: fmt.Sprintf("run-%03d", i), Flow: "flow日本\x1b[31m", Status: engine.StatusRunning, Steps: i, Started: topNow.Add(-time.Duration(i) * time.Minute)}
		if i%2 == 1 {
			one.Status, one.Ended = engine.StatusFailed, one.Started.Add(time.Second)
		}
		s.Runs = append(s.Runs, one)
	}
	for i := range 40 {
		s.Queues = append(s.Queues, ops.Queue{Queue: fmt.Sprintf("queue-%02d\n", i), Priority: "normal", Ready: uint64(i % 7), InFlight: i % 3, Oldest: float64(i)})
		s.Workers = append(s.Workers, ops.Worker{Node: fmt.Sprintf("node-%02d", i), Role: "worker", Concurrency: 8, Running: i % 9, Queues: []string{"default"}, Started: topNow.Add(-time.Hour)})
	}
	return s
}

func screenOf(width, height int, color bool) *term.Output {
	return term.New(&bytes.Buffer{}, term.Config{NoColor: !color, Env: func(string) string { return "" }, Size: func() (int, int) { return width, height }})
}

func TestTopFits(t *testing.T) {
	t.Parallel()
	s := busy()
	for width := 40; width <= 200; width += 20 {
		for height := 2; height <= 70; height += 3 {
			for _, v := range []*topView{{every: time.Second}, {every: time.Second, section: 2, help: height%2 == 0}} {
				lines, _ := v.lines(s, nil, topNow, screenOf(width, height, height%3 > 0))
				if len(lines) != height {
					t.Fatalf("%dx%d: got %d lines", width, height, len(lines))
				}
				for _, line := range lines {
					if w := term.Width(line); w > width || strings.Contains(line, "\x1b[2J") || strings.Contains(line, "\n") {
						t.Errorf("%dx%d: a line of %d columns: %q", width, height, w, line)
					}
				}
			}
		}
	}
	for _, height := range []int{16, 24, 60} {
		lines, rows := (&topView{every: time.Second}).lines(s, nil, topNow, screenOf(100, height, false))
		text := strings.Join(lines, "\n")
		for _, want := range []string{"▸ RUNS by open ↓", "QUEUES by ready", "WORKERS by node", "● running", "40 workers, ", "; 3 dead letters", "75 failed, 75 running", "q quit"} {
			if !strings.Contains(text, want) {
				t.Errorf("height %d: no %q in\n%s", height, want, text)
			}
		}
		if rows < 1 {
			t.Errorf("height %d: no run is shown:\n%s", height, text)
		}
	}
}

func TestTopKeys(t *testing.T) {
	t.Parallel()
	s, v := busy(), &topView{every: time.Second}
	show := func() string {
		lines, _ := v.lines(s, nil, topNow, screenOf(100, 40, false))
		return strings.Join(lines, "\n")
	}
	press := func(keys ...term.Key) {
		for _, key := range keys {
			if what := v.press(key, s, 10); what != deedNone {
				t.Errorf("key %q: got the deed %d, want none", key, what)
			}
		}
	}
	sees := func(wants ...string) {
		t.Helper()
		text := show()
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("no %q in\n%s", want, text)
			}
		}
	}
	press(term.KeyPageDown, "j")
	sees("run-022", " 12-")
	press(term.KeyEnd)
	sees("run-149", "of 150")
	press("g", "s", "s", "s", "s", "s") // by run
	sees("▸ RUNS by run ↓", "run-000")
	press("r")
	sees("▸ RUNS by run ↑", "run-149")
	press(term.KeyTab, "s", "s")
	sees("▸ QUEUES by oldest ↓", "queue-39")
	press(term.KeyBackTab, term.KeyBackTab)
	sees("▸ WORKERS by node ↓")
	press("+", "+", "+", "+", "+")
	sees("every 200ms")
	press("-", "p")
	sees("every 400ms, paused")
	press("?")
	sees("the next section")
	press(term.KeyEscape)
	sees("▸ WORKERS")
	for key, want := range map[term.Key]deed{
		"q": deedQuit, term.KeyCtrlC: deedQuit, term.KeyEscape: deedQuit, " ": deedRefresh, term.KeyCtrlL: deedRedraw, term.KeyCtrlZ: deedStop, "x": deedNone,
	} {
		if got := v.press(key, s, 10); got != want {
			t.Errorf("key %q: got the deed %d, want %d", key, got, want)
		}
	}
	// A state directory has runs alone.
	s.cluster, v.section = false, 0
	press(term.KeyTab)
	sees("▸ RUNS")
}

func TestTopFault(t *testing.T) {
	t.Parallel()
	v := &topView{every: time.Second}
	lines, _ := v.lines(busy(), errors.New("list queues: no answer\x1b[2J"), topNow.Add(time.Minute), screenOf(100, 24, false))
	text := strings.Join(lines, "\n")
	for _, want := range []string{"of 60s ago", "✗ list queues: no answer\\x1b[2J", "run-000"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestTellStanding(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"text", "json"} {
		ctx, cancel := context.WithCancel(t.Context())
		var b bytes.Buffer
		looks := 0
		o := topOptions{every: time.Millisecond, format: &choice{value: format}}
		err := tellStanding(ctx, term.New(&b, term.Config{NoColor: true}), o, &topView{}, func(context.Context) (standing, error) {
			if looks++; looks == 2 {
				cancel()
			}
			return busy(), nil
		})
		if err != nil || looks != 2 {
			t.Fatalf("%s: looked %d times, want 2: %v", format, looks, err)
		}
		if strings.Contains(b.String(), "\x1b") {
			t.Errorf("%s: it prints an escape", format)
		}
		if format == "text" {
			if n := strings.Count(b.String(), "NODE"); n != 2 || !strings.Contains(b.String(), "75 failed, 75 running") {
				t.Errorf("it prints %d tables of workers, want 2:\n%s", n, b.String())
			}
			continue
		}
		for line := range strings.Lines(b.String()) {
			var s struct {
				Runs    []control.Summary
				Queues  []ops.Queue
				Workers []ops.Worker
				Dead    int `json:"dead_letters"`
			}
			if err := json.Unmarshal([]byte(line), &s); err != nil || len(s.Runs) != 150 || len(s.Queues) != 40 || len(s.Workers) != 40 || s.Dead != 3 {
				t.Errorf("%v: it prints %s", err, line)
			}
		}
	}
}

func TestTopRefuses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"--interval", "1ms"}, "want 200ms or more"},
		{[]string{"--sort", "cows=ready"}, "want SECTION=KEY: runs by open"},
		{[]string{"--sort", "queues=color"}, "queues are sorted by ready, running, oldest, queue"},
		{nil, "which runs? Give --state DIR"},
		{[]string{"--state", "none"}, "no runs are kept there"},
	} {
		if said := command(t, exitUsage, append([]string{"top"}, test.args...)...); !strings.Contains(said, test.want) {
			t.Errorf("top %q: got %q, want %q", test.args, said, test.want)
		}
	}
}
