package engine_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
)

// files is a handler whose tasks leave a file of their id, and read that which
// their input names.
type files struct{ pins chan map[string]string }

func (h files) Pin(_ context.Context, t *engine.Task) (name, digest string, err error) {
	return "code of " + t.ID, "sha256:" + t.ID, nil
}

func (h files) Handle(ctx context.Context, c *engine.Call) (engine.Result, error) {
	if h.pins != nil {
		h.pins <- c.Pins
	}
	text := c.Task.ID
	if digest := strings.Trim(string(c.Input), `"`); strings.HasPrefix(digest, "sha256:") {
		r, err := c.Files.Open(ctx, digest)
		if err != nil {
			return engine.Result{}, err
		}
		defer func() { _ = r.Close() }()
		before, err := io.ReadAll(r)
		if err != nil {
			return engine.Result{}, err
		}
		text = string(before) + text
	}
	f, err := c.Files.Put(ctx, "out/"+c.Task.ID+".txt", strings.NewReader(text))
	if err != nil {
		return engine.Result{}, err
	}
	return engine.Result{
		Value: []byte(`"` + f.Digest + `"`), Files: []engine.File{f},
		Effects: engine.Effects{Checkpoints: []engine.Checkpoint{{Name: "after-" + c.Task.ID}}},
	}, nil
}

func filesEngine(t *testing.T, h engine.Handler) *engine.Engine {
	t.Helper()
	e, err := engine.New(engine.Config{Handlers: map[string]engine.Handler{"files": h, "direct": direct.New()}, Retain: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

func filesGraph(t *testing.T) *engine.Graph {
	t.Helper()
	g, err := engine.Spec{
		Name:  "files",
		Tasks: []engine.Task{{ID: "a", Handler: "files"}, {ID: "b", Handler: "files"}},
		Edges: []engine.Edge{{From: "a", To: "b"}},
	}.Build()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestFiles has a task read a file that another left, here and in a run that goes on
// from a checkpoint, also in another engine.
func TestFiles(t *testing.T) {
	t.Parallel()
	e := filesEngine(t, files{})
	first, err := e.Run(t.Context(), filesGraph(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	checkFiles(t, e, first)
	forked, err := e.Fork(t.Context(), first.Run, "after-a", "")
	if err != nil {
		t.Fatal(err)
	}
	checkFiles(t, e, ended(t, forked))
	doc, err := e.Export(t.Context(), first.Run, "after-a")
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := filesEngine(t, files{})
	restored, err := elsewhere.Restore(t.Context(), doc, "")
	if err != nil {
		t.Fatal(err)
	}
	checkFiles(t, elsewhere, ended(t, restored))
	if _, err := e.OpenFile(t.Context(), first.Run, "sha256:none"); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("open a file that is not there: %v, want ErrNotFound", err)
	}
}

func checkFiles(t *testing.T, e *engine.Engine, out engine.Outcome) {
	t.Helper()
	want := []struct{ task, name, text string }{{"a", "out/a.txt", "a"}, {"b", "out/b.txt", "ab"}}
	if out.Status != engine.StatusSucceeded || len(out.Files) != len(want) {
		t.Fatalf("run ended as %s (%v) with files %+v, want %d", out.Status, out.Error, out.Files, len(want))
	}
	for i, w := range want {
		f := out.Files[i]
		r, err := e.OpenFile(t.Context(), out.Run, f.Digest)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil || r.Close() != nil {
			t.Fatal(err)
		}
		if f.Task != w.task || f.Name != w.name || string(text) != w.text || f.Size != int64(len(w.text)) {
			t.Errorf("file %d is %+v with %q, want %+v", i, f, text, w)
		}
	}
}

// pinner pins code that it could not tell of when the run began.
type pinner struct{ pins chan map[string]string }

func (h pinner) Handle(_ context.Context, c *engine.Call) (engine.Result, error) {
	h.pins <- c.Pins
	return engine.Result{Pins: map[string]string{"code": "sha256:" + c.Task.ID}}, nil
}

// TestPinsOfResult pins a run to what its first task tells.
func TestPinsOfResult(t *testing.T) {
	t.Parallel()
	h := pinner{make(chan map[string]string, 3)}
	e := filesEngine(t, h)
	g, err := engine.Spec{
		Name:  "late",
		Tasks: []engine.Task{{ID: "a", Handler: "files"}, {ID: "b", Handler: "files"}, {ID: "c", Handler: "files"}},
		Edges: []engine.Edge{{From: "a", To: "b"}, {From: "b", To: "c"}},
	}.Build()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Run(t.Context(), g, nil); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"", "sha256:a", "sha256:a"} {
		if pins := <-h.pins; pins["code"] != want {
			t.Errorf("an attempt was told of %v, want code %q", pins, want)
		}
	}
}

// TestPinsOfCall tells an attempt what its run was pinned to.
func TestPinsOfCall(t *testing.T) {
	t.Parallel()
	h := files{pins: make(chan map[string]string, 2)}
	e := filesEngine(t, h)
	if _, err := e.Run(t.Context(), filesGraph(t), nil); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if pins := <-h.pins; pins["code of a"] != "sha256:a" || pins["code of b"] != "sha256:b" {
			t.Errorf("an attempt was told of %v", pins)
		}
	}
}

func ended(t *testing.T, r *engine.Running) engine.Outcome {
	t.Helper()
	out, err := r.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// finder is a handler whose code has another digest each time that it is asked, and
// which has all of them, or none.
type finder struct {
	files

	asked *atomic.Int64
	has   bool
}

func (h finder) Pin(_ context.Context, t *engine.Task) (name, digest string, err error) {
	return "code of " + t.ID, fmt.Sprintf("sha256:%d", h.asked.Add(1)), nil
}

func (h finder) Pinned(_ context.Context, _ *engine.Task, digest string) bool {
	return h.has && strings.HasPrefix(digest, "sha256:")
}

// TestPinFinder goes on with a run whose code is there, under another name.
func TestPinFinder(t *testing.T) {
	t.Parallel()
	for _, has := range []bool{true, false} {
		e := filesEngine(t, finder{asked: new(atomic.Int64), has: has})
		out, err := e.Run(t.Context(), filesGraph(t), nil)
		if err != nil {
			t.Fatal(err)
		}
		forked, err := e.Fork(t.Context(), out.Run, "after-a", "")
		if got := err == nil; got != has || !has && !errors.Is(err, engine.ErrModule) {
			t.Errorf("has its code %t: %v", has, err)
		}
		if err == nil {
			checkFiles(t, e, ended(t, forked))
		}
	}
}
