package main

import (
	"io"
	"os"
	"sync"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/mattn/go-isatty"
)

// progress shows a run while it goes on. Calls come one at a time.
type progress interface {
	Observe(engine.Notice)
	// Past takes what has happened before this process.
	Past([]engine.Notice)
	// Suspend leaves the terminal to others until the next notice.
	Suspend()
	// Close shows the last state. It is called once.
	Close()
}

// watch sees all notices of a run: it records the tasks and passes the notices
// on to the progress, and to stdout for `-o events`. It is safe for concurrent
// use.
type watch struct {
	recorder *engine.Recorder

	mu       sync.Mutex // guards the fields below
	progress progress   // nil after Close
	events   io.Writer  // nil: none
	fault    error      // of writing to events
}

func newWatch(std streams, g *engine.Graph, o driveFlags) *watch {
	w := &watch{recorder: engine.NewRecorder(), progress: newProgress(std, g, o)}
	if o.format.value == "events" {
		w.events = std.out
	}
	return w
}

// newProgress picks what fits the stream and the flags.
func newProgress(std streams, g *engine.Graph, o driveFlags) progress {
	if o.quiet {
		return silent{}
	}
	if out := std.errors(); out.Moves() && g != nil {
		return newLive(out, newTree(g))
	}
	return &plain{w: std.err}
}

// Observe takes a notice.
func (w *watch) Observe(n engine.Notice) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.recorder.Observe(n)
	if w.events != nil {
		if err := writeJSON(w.events, n); err != nil && w.fault == nil {
			w.fault = err
		}
	}
	if w.progress != nil {
		w.progress.Observe(n)
	}
}

// Past takes what has happened before this process.
func (w *watch) Past(notices []engine.Notice) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, n := range notices {
		w.recorder.Observe(n)
	}
	w.progress.Past(notices)
}

// Suspend leaves the terminal to others until the next notice.
func (w *watch) Suspend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.progress != nil {
		w.progress.Suspend()
	}
}

// Tasks are the reports of the tasks so far.
func (w *watch) Tasks() []engine.TaskReport { return w.recorder.Tasks() }

// Err tells why not all events were written.
func (w *watch) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.fault
}

// Close ends the progress. It may be called again.
func (w *watch) Close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.progress != nil {
		w.progress.Close()
		w.progress = nil
	}
}

// silent shows nothing.
type silent struct{}

func (silent) Observe(engine.Notice) {}
func (silent) Past([]engine.Notice)  {}
func (silent) Suspend()              {}
func (silent) Close()                {}

// isTerminal tells whether a stream is a terminal.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}
