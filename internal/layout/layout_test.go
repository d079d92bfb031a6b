package layout_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/layout"
	"github.com/graflow/graflow-wasm/runtimes"
	"github.com/graflow/graflow-wasm/script"
)

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	for _, c := range []layout.Config{{Keep: -1}, {Timeout: -1}, {MaxUnits: -1}} {
		if _, err := layout.New(c); err == nil {
			t.Errorf("%+v: got no error", c)
		}
	}
}

// TestByDagre tells which graphs dagre is used for: those in which there is an order to
// be found, and that are not too large.
func TestByDagre(t *testing.T) {
	t.Parallel()
	library, err := layout.Dagre()
	s := sandbox(t)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		config layout.Config
		spec   engine.Spec
		want   string
		log    string
	}{
		"a graph":     {layout.Config{Sandbox: s}, pipeline(20, 1), "dagre " + library.Version, ""},
		"a chain":     {layout.Config{Sandbox: s}, fan(1), "graflow", ""},
		"no sandbox":  {layout.Config{}, pipeline(20, 1), "graflow", ""},
		"too large":   {layout.Config{Sandbox: s, MaxUnits: 15}, pipeline(20, 1), "graflow", "more nodes and bends than"},
		"out of time": {layout.Config{Sandbox: s, Timeout: time.Microsecond}, pipeline(20, 1), "graflow", "timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var logged bytes.Buffer
			test.config.Logger = slog.New(slog.NewTextHandler(&logged, nil))
			d := draw(t, newLayout(t, test.config), test.spec)
			if d.By != test.want {
				t.Errorf("drawn by %s, want %s", d.By, test.want)
			}
			if !strings.Contains(logged.String(), test.log) || test.log == "" && logged.Len() > 0 {
				t.Errorf("logged %q, want %q in it", logged.String(), test.log)
			}
			for _, fault := range faults(d, test.spec) {
				t.Error(fault)
			}
		})
	}
}

// TestWithoutJavaScript draws where the program lacks the interpreter.
func TestWithoutJavaScript(t *testing.T) {
	t.Parallel()
	var logged bytes.Buffer
	s, err := script.New(script.Config{CacheDir: t.TempDir(), Open: func(name string) (script.Runtime, error) {
		return script.Runtime{}, &runtimes.MissingError{Name: name}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(context.WithoutCancel(t.Context()))
	l := newLayout(t, layout.Config{Sandbox: s, Logger: slog.New(slog.NewTextHandler(&logged, nil))})
	d := draw(t, l, pipeline(20, 1))
	if d.By != "graflow" || !strings.Contains(logged.String(), "`make ") {
		t.Errorf("drawn by %s, logged %s", d.By, logged.String())
	}
}

// TestNothingHangs draws graphs that are as unpleasant as can be.
func TestNothingHangs(t *testing.T) {
	t.Parallel()
	deep := engine.Spec{Name: "deep", Tasks: []engine.Task{{ID: "task"}}}
	inner := "task"
	for i := range 500 {
		id := fmt.Sprintf("g%d", i)
		deep.Groups = append(deep.Groups, engine.Group{ID: id, Members: []engine.Member{{ID: inner, Nodes: []string{inner}}}})
		inner = id
	}
	chain := engine.Spec{Name: "chain"}
	for i := range 5000 {
		chain.Tasks = append(chain.Tasks, engine.Task{ID: fmt.Sprintf("t%d", i)})
		if i > 0 {
			chain.Edges = append(chain.Edges, engine.Edge{From: fmt.Sprintf("t%d", i-1), To: fmt.Sprintf("t%d", i)})
		}
		if i > 1 {
			chain.Edges = append(chain.Edges, engine.Edge{From: "t0", To: fmt.Sprintf("t%d", i)})
		}
	}
	dense := engine.Spec{Name: "dense"}
	for i := range 150 {
		dense.Tasks = append(dense.Tasks, engine.Task{ID: fmt.Sprintf("t%d", i)})
		for j := range i {
			dense.Edges = append(dense.Edges, engine.Edge{From: fmt.Sprintf("t%d", j), To: fmt.Sprintf("t%d", i)})
		}
	}
	for name, s := range map[string]engine.Spec{"deep": deep, "chain": chain, "dense": dense, "wide": fan(4000)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLayout(t, layout.Config{Sandbox: sandbox(t), Logger: slog.New(slog.DiscardHandler)})
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			d, err := l.Graph(ctx, build(t, s))
			if err != nil {
				t.Fatal(err)
			}
			if len(d.Nodes) != len(s.Tasks) || len(d.Edges) != len(s.Edges) {
				t.Errorf("%d nodes, %d edges, want %d, %d", len(d.Nodes), len(d.Edges), len(s.Tasks), len(s.Edges))
			}
		})
	}
}

func TestTooLarge(t *testing.T) {
	t.Parallel()
	if _, err := newLayout(t, layout.Config{}).Graph(t.Context(), build(t, fan(10_000))); !errors.Is(err, layout.ErrTooLarge) {
		t.Errorf("got %v, want %v", err, layout.ErrTooLarge)
	}
}

// TestDrawingsAreShared draws many graphs many times at once, with a cache that is too
// small for all.
func TestDrawingsAreShared(t *testing.T) {
	t.Parallel()
	l := newLayout(t, layout.Config{Keep: 4})
	graphs := make([]*engine.Graph, 8)
	for i := range graphs {
		graphs[i] = build(t, fan(i+1))
	}
	var all sync.WaitGroup
	for i := range 32 {
		all.Go(func() {
			for j := range 64 {
				n := (i + j) % len(graphs)
				d, err := l.Graph(t.Context(), graphs[n])
				if err != nil || len(d.Nodes) != n+3 {
					t.Errorf("graph %d: got %d nodes, %v", n, len(d.Nodes), err)
				}
			}
		})
	}
	all.Wait()
	first := draw(t, l, fan(1))
	if draw(t, l, fan(1)) != first {
		t.Error("a drawing was not kept")
	}
	for i := range 4 {
		draw(t, l, fan(i+2))
	}
	if draw(t, l, fan(1)) == first {
		t.Error("more drawings are kept than may be")
	}
}

// TestCanceled has one that draws give up, of which others that wait do not hear.
func TestCanceled(t *testing.T) {
	t.Parallel()
	l := newLayout(t, layout.Config{Sandbox: sandbox(t)})
	g := build(t, pipeline(100, 3))
	gone, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("gone"))
	var all sync.WaitGroup
	for i := range 8 {
		ctx := t.Context()
		if i%2 == 0 {
			ctx = gone
		}
		all.Go(func() {
			d, err := l.Graph(ctx, g)
			if ctx != gone && (err != nil || len(d.Nodes) != 100) {
				t.Errorf("got %v", err)
			}
		})
	}
	all.Wait()
	if _, err := newLayout(t, layout.Config{}).Graph(gone, g); err == nil || !strings.Contains(err.Error(), "gone") {
		t.Errorf("got %v, want that it was given up", err)
	}
}
