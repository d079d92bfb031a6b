package script

import (
	"context"
	"fmt"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/script"
)

// build is an interpreter, as a run is pinned to it.
type build script.RuntimeInfo

func (b build) name() string { return "runtime:" + b.Name }

func (b build) pins() map[string]string { return map[string]string{b.name(): b.Digest} }

// build is what runs the program. It refuses answers that code has had which another
// build ran: with this one it might not come to the same calls.
func (h *Handler) build(ctx context.Context, call *engine.Call, p program) (build, error) {
	info, err := h.config.Sandbox.Runtime(ctx, p.language)
	b := build(info)
	if err != nil {
		return b, err
	}
	if pinned := call.Pins[b.name()]; len(call.Called) > 0 && pinned != "" && pinned != b.Digest {
		return b, &engine.TaskError{
			Kind:    engine.KindDiverged,
			Message: fmt.Sprintf("the run was begun with another build of %s (%.19s) than this worker has (%.19s): let a worker of that build go on with it", b.Name, pinned, b.Digest),
		}
	}
	return b, nil
}

// Pinned implements engine.PinFinder. Any build can begin a task of a run, whatever it
// was pinned to; it is answers of another one that are refused, when the task runs.
func (h *Handler) Pinned(context.Context, *engine.Task, string) bool { return true }
