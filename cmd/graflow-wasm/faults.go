package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
)

// faults is a [slog.Handler] that writes what no caller can be told like all other
// messages of the command: "graflow-wasm: warning: keep the log of a task: no space
// left (run r1)".
type faults struct {
	mu    *sync.Mutex // held while it writes
	w     io.Writer
	attrs []slog.Attr
}

var _ slog.Handler = faults{}

func newFaults(w io.Writer) faults { return faults{mu: &sync.Mutex{}, w: w} }

// Enabled implements slog.Handler.
func (faults) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }

// WithAttrs implements slog.Handler.
func (f faults) WithAttrs(attrs []slog.Attr) slog.Handler {
	f.attrs = append(f.attrs[:len(f.attrs):len(f.attrs)], attrs...)
	return f
}

// WithGroup implements slog.Handler. Keys are told without their groups.
func (f faults) WithGroup(string) slog.Handler { return f }

// Handle implements slog.Handler.
func (f faults) Handle(_ context.Context, r slog.Record) error {
	text, about := r.Message, []string{}
	add := func(a slog.Attr) bool {
		if a.Key == "err" {
			text += ": " + a.Value.String()
		} else {
			about = append(about, a.Key+" "+a.Value.String())
		}
		return true
	}
	for _, a := range f.attrs {
		add(a)
	}
	r.Attrs(add)
	if len(about) > 0 {
		text += " (" + strings.Join(about, ", ") + ")"
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	_, err := fmt.Fprintf(f.w, "graflow-wasm: %s: %s\n", strings.ToLower(levelText(r.Level)), oneLine(text))
	return err
}

func levelText(l slog.Level) string {
	if l == slog.LevelWarn {
		return "warning"
	}
	return l.String()
}
