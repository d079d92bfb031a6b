package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// sayPaused tells for what a run waits, and what to do. place is where the run is
// kept; nil is nowhere.
func sayPaused(o engine.Outcome, place *placeFlags) string {
	text := "paused: run " + o.Run
	if o.Reason == engine.ReasonHeld {
		text += " was paused by hand"
		if place != nil {
			text += "\nGo on with it: " + commandFor(place, "resume", o.Run, "")
		}
	}
	for _, w := range o.Pauses {
		text += "\n" + sayWaiting(w)
		if place != nil {
			text += "\n  answer it: " + answerCommand(place, o.Run, o.Pauses, w)
		}
	}
	if place == nil && len(o.Pauses) > 0 {
		text += fmt.Sprintf("\nNothing of the run is kept: keep it with --state DIR, or answer in advance with --answer %s=%s, or run it on a terminal",
			shellQuote(o.Pauses[0].Name), shellQuote(sample(o.Pauses[0].Schema)))
	}
	return text
}

// sayWaiting tells of one pause.
func sayWaiting(w engine.Waiting) string {
	text := fmt.Sprintf("task %s waits for %s", w.Activation, w.Name)
	if w.Message != "" {
		text += ": " + oneLine(w.Message)
	}
	if len(w.Schema) > 0 {
		text += "\n  its schema: " + oneLine(string(w.Schema))
	}
	if !w.Expires.IsZero() {
		text += "\n  it ends by itself at " + w.Expires.Format(time.RFC3339)
	}
	return text
}

// answerCommand is the command line that answers a pause. Where several have its
// name, it names the activation.
func answerCommand(place *placeFlags, run string, all []engine.Waiting, w engine.Waiting) string {
	name := w.Name
	for _, other := range all {
		if other.Name == w.Name && other.Activation != w.Activation {
			name = w.Activation
		}
	}
	return commandFor(place, "resume", run, " "+shellQuote(name)+" "+shellQuote(sample(w.Schema)))
}

// sample is an answer of the type that a schema asks for.
func sample(schema json.RawMessage) string {
	var s struct {
		Type any               `json:"type"`
		Enum []json.RawMessage `json:"enum"`
	}
	if json.Unmarshal(schema, &s) != nil {
		return "JSON"
	}
	if len(s.Enum) > 0 {
		return strings.TrimSpace(string(s.Enum[0]))
	}
	kind, _ := s.Type.(string) // of several types any will do
	samples := map[string]string{"boolean": "true", "string": `"text"`, "integer": "1", "number": "1", "object": "{}", "array": "[]", "null": "null"}
	if text, ok := samples[kind]; ok {
		return text
	}
	return "JSON"
}
