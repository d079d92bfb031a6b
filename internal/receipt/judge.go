package receipt

import (
	"encoding/json"
	"slices"

	"github.com/graflow/graflow-wasm/engine"
)

// Judge tells why the same input may give a task another output, or take another amount
// of fuel; "" if it can't.
func Judge(t *engine.Task) string {
	switch t.Handler {
	case handlerWasm, handlerScript:
		return judgeSandbox(t)
	case handlerBuiltin:
		return judgeBuiltin(t)
	case handlerDocker:
		return "it runs in a container"
	case "", "direct":
		return "it is a function of the program that embeds the engine"
	}
	return "its handler is none that is known to be reproducible: " + t.Handler
}

func judgeSandbox(t *engine.Task) string {
	grants, err := objectOf(t.Grants)
	switch {
	case err != nil:
		return "its grants can't be read"
	case len(t.Secrets) > 0 || lists(grants["secrets"]):
		return "it may read secrets"
	case lists(grants["http"]):
		return "it may send HTTP requests"
	case lists(grants["tools"]):
		return "it may call tools of the program that embeds the engine"
	case mountsHost(grants["mounts"]):
		return "it is granted directories of the machine"
	case t.Handler == handlerScript && imports(t.Spec):
		return "it imports from directories of the machine"
	case len(t.Tools) > 0 && text(grants["random"]) != "seeded": // though its clock and randomness follow from the record
		return "its run was begun without a receipt, and its values are not kept in one form"
	case text(grants["clock"]) != "virtual":
		return "its clock is the machine's"
	case text(grants["random"]) != "seeded":
		return "its randomness is the machine's"
	}
	return ""
}

func imports(spec json.RawMessage) bool {
	fields, err := objectOf(spec)
	return err != nil || lists(fields["with"])
}

// judgeBuiltin knows which of the engine's own tasks draw or read a clock.
func judgeBuiltin(t *engine.Task) string {
	name := text(t.Spec)
	if name == "" {
		name = textIn(t.Spec, "name")
	}
	switch name {
	case "sleep", "pause":
		return ""
	case "now":
		return "it reads the machine's clock"
	default:
		return "it draws at random"
	}
}

func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// lists tells whether a grant has elements. What is no list is one that its handler
// refuses.
func lists(raw json.RawMessage) bool {
	var list []json.RawMessage
	return raw != nil && (json.Unmarshal(raw, &list) != nil || len(list) > 0)
}

func mountsHost(raw json.RawMessage) bool {
	var mounts []struct {
		Memory bool `json:"memory"`
	}
	if raw == nil {
		return false
	}
	if json.Unmarshal(raw, &mounts) != nil {
		return true
	}
	for _, m := range mounts {
		if !m.Memory {
			return true
		}
	}
	return false
}

// outside are the kinds of errors that say what happened around an attempt, not in it.
var outside = []string{
	engine.KindTimeout, engine.KindDeadline, engine.KindQueueTimeout, engine.KindRunTimeout, engine.KindCanceled,
	engine.KindWorkerLost, engine.KindPanic, engine.KindPauseTimeout, "crash", "quarantined",
}

// judgeEnd tells why an attempt of a reproducible task ended as it did for a reason
// outside of it; "" if it did not.
func judgeEnd(e *engine.Event) string {
	switch {
	case e.Type == engine.EventStopped:
		return "it was stopped"
	case e.Error == nil:
		return ""
	case slices.Contains(outside, e.Error.Kind):
		return "it ended with " + e.Error.Kind
	}
	return ""
}
