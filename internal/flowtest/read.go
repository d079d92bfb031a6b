package flowtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/graflow/graflow-wasm/engine"
)

// readOutput has the output of the run whole, without references to its blobs.
func (t *trial) readOutput(ctx context.Context, e *engine.Engine) (err error) {
	t.outcome.Output, err = e.Whole(ctx, runID, t.outcome.Output)
	return err
}

// readChannel reads the channel as the run has left it.
func (t *trial) readChannel(ctx context.Context, e *engine.Engine) error {
	if t.c.expect.channel == nil {
		return nil
	}
	h, err := e.History(ctx, runID)
	if err != nil {
		return err
	}
	last := h.Events[len(h.Events)-1].Seq
	raw, err := e.Export(ctx, runID, "#"+strconv.FormatUint(last, 10))
	if err != nil {
		return err
	}
	var doc struct{ Channel map[string]json.RawMessage }
	if err := json.Unmarshal(raw, &doc); err != nil {
		return fmt.Errorf("read the channel: %w", err)
	}
	t.channel = doc.Channel
	return nil
}

// maxFile bounds a file that is compared, in bytes.
const maxFile = 1 << 20

// readFiles reads the files whose content is expected, by TASK/NAME.
func (t *trial) readFiles(ctx context.Context, e *engine.Engine) error {
	t.files = map[string]string{}
	for _, f := range t.outcome.Files {
		text, err := readFile(ctx, e, f)
		if err != nil {
			return fmt.Errorf("read file %s of %s: %w", f.Name, f.Task, err)
		}
		t.files[t.file.tree.pathOf(f.Activation, f.Task)+"/"+f.Name] = text
	}
	return nil
}

func readFile(ctx context.Context, e *engine.Engine, f engine.TaskFile) (text string, err error) {
	r, err := e.OpenFile(ctx, runID, f.Digest)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	data, err := io.ReadAll(io.LimitReader(r, maxFile))
	return string(data), err
}
