package docker

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/internal/guest"
)

// settings parses what a task asks for.
func (h *Handler) settings(_ context.Context, task *engine.Task) (*settings, error) {
	return parseSettings(&h.config, task)
}

// freeKeys are those of a spec that a container may choose for a next task: what
// runs in the same walls. All else is its own, or needs a grant.
var freeKeys = []string{
	"image", "command", "entrypoint", "environment", "workdir", "result", "files_in", "files_out", "stop_timeout",
}

// complete lays what a container asks for over its own spec, so that the next task
// has its image, mounts and network unless the flow grants it others: a container
// never has more than its flow's author gave it, whatever the operator allows.
func (a *attempt) complete(next *engine.NextTask) error {
	fields, err := fieldsOf("docker", next.Task.Spec)
	if err != nil {
		return lasting(engine.KindInvalidInput, "next task %q: %w", next.Task.ID, err)
	}
	task, spawn := a.call.Task, a.settings.spawn
	if !spawn.Handler(task.Handler) {
		for _, key := range sorted(fields) {
			if !slices.Contains(freeKeys, key) {
				return guest.Denied("next task %q: docker.%s is not granted: list %q in grants.spawn of task %q, now %s", next.Task.ID, key, task.Handler+":*", task.ID, spawn)
			}
		}
	}
	for key := range fields { // lists of the caller's own are not the next task's
		if key == "command" || key == "image" {
			fields["entrypoint"] = append(json.RawMessage(nil), orNull(fields["entrypoint"])...)
		}
	}
	over, err := json.Marshal(fields)
	if err == nil {
		next.Task.Spec, err = withDefaults(task.Spec, over)
	}
	if err != nil {
		return fmt.Errorf("next task %q: %w", next.Task.ID, err)
	}
	s, err := a.handler.settings(context.Background(), &next.Task)
	if err != nil {
		return lasting(engine.KindInvalidInput, "next task %q: %w", next.Task.ID, err)
	}
	if image := s.image; image.String() != a.settings.image.String() && !spawn.Image(task.Handler, image.text, image.String(), image.familiar()) {
		return guest.Denied("next task %q: image %q is not granted: list %q in grants.spawn of task %q, now %s", next.Task.ID, image.text, "image:"+image.text, task.ID, spawn)
	}
	return nil
}

// orNull is a value that takes a default away if there is none.
func orNull(value json.RawMessage) json.RawMessage {
	if value == nil {
		return json.RawMessage("null")
	}
	return value
}

// Put keeps a file that a command leaves.
func (f artifacts) Put(ctx context.Context, name string, _ int64, r io.Reader) (string, error) {
	if f.call.Files == nil {
		return "", fmt.Errorf("keep file %q: there is no run to keep it", name)
	}
	kept, err := f.call.Files.Put(ctx, name, r)
	return kept.Digest, err
}
