package engine_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
)

// drain reads what a watcher is to tell now.
func drain(t *testing.T, w *engine.Watcher) []string {
	t.Helper()
	all := []string{}
	for {
		c, ok, err := w.Next()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return all
		}
		all = append(all, map[engine.ChangeKind]string{
			engine.ChangeSet: "+", engine.ChangeDeleted: "-", engine.ChangeExpired: "~", engine.ChangeReady: "ready",
		}[c.Kind]+c.Key)
	}
}

func wantTold(t *testing.T, w *engine.Watcher, want ...string) {
	t.Helper()
	if got := drain(t, w); !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
}

func TestWatchers(t *testing.T) {
	t.Parallel()
	var ws engine.Watchers
	w := ws.Begin("k", []string{"k1", "k2", "k3"})
	ws.Changed("k1") // before it was told that it is there
	ws.Dropped("k3", engine.ChangeDeleted)
	ws.Changed("l")
	wantTold(t, w, "+k2", "ready", "+k1")
	for range 3 {
		ws.Changed("k1")
		ws.Changed("k2")
		ws.Changed("k4")
	}
	ws.Changed("k1")
	wantTold(t, w, "+k2", "+k4", "+k1")
	ws.Dropped("k1", engine.ChangeDeleted)
	ws.Dropped("k2", engine.ChangeExpired)
	ws.Dropped("k3", engine.ChangeDeleted) // it does not know of it
	ws.Dropped("k4", engine.ChangeDeleted)
	ws.Changed("k4")
	wantTold(t, w, "-k1", "~k2", "+k4")
	if ws.None() {
		t.Error("nobody watches, want one")
	}
	ws.Leave(w)
	ws.Changed("k1")
	wantTold(t, w)
	if !ws.None() {
		t.Error("somebody watches who has left")
	}
}

// What a reader that does not read takes is bounded by the keys that there are.
func TestWatchersSlow(t *testing.T) {
	t.Parallel()
	var ws engine.Watchers
	w := ws.Begin("", []string{"kept", "dropped"})
	drain(t, w)
	ws.Dropped("dropped", engine.ChangeDeleted)
	for n := range 1000 {
		ws.Changed("kept")
		ws.Changed(fmt.Sprint(n))
		ws.Changed(fmt.Sprint(n))
		ws.Dropped(fmt.Sprint(n), engine.ChangeExpired)
	}
	wantTold(t, w, "-dropped", "+kept")
}

func TestWatchersEnd(t *testing.T) {
	t.Parallel()
	var ws engine.Watchers
	over := errors.New("over")
	w := ws.Begin("", []string{"k"})
	<-w.Wake()
	ws.End(over)
	<-w.Wake()
	for range 2 {
		if c, ok, err := w.Next(); ok || !errors.Is(err, over) {
			t.Errorf("told %v, %t, %v after the end", c, ok, err)
		}
	}
	if !ws.None() {
		t.Error("somebody watches after the end")
	}
}
