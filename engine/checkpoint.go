package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/oklog/ulid/v2"
)

// Errors of checkpoint documents, beside ErrModule. Nothing has run then.
var (
	// ErrTruncated refuses a document whose end is missing.
	ErrTruncated = errors.New("the checkpoint is cut short")
	// ErrCorrupt refuses a document that is not what was written.
	ErrCorrupt = errors.New("the checkpoint is corrupt")
	// ErrVersion refuses a document of a version that this engine can't read.
	ErrVersion = errors.New("the checkpoint has another version")
)

const (
	checkpointFormat  = "graflow-wasm checkpoint"
	checkpointVersion = 1
)

// Export writes a checkpoint of a run as one JSON document: the graph, the digests
// of modules, the state and the channel, no code. checkpoint is a name (the last
// one of it), "" for the run's last, or "#N" for the point after event N. Needs
// Config.Retain. ErrNotFound if there is no such run or checkpoint.
func (e *Engine) Export(ctx context.Context, run, checkpoint string) ([]byte, error) {
	doc, err := e.checkpointOf(ctx, run, checkpoint)
	if err != nil {
		return nil, fmt.Errorf("export a checkpoint of run %q: %w", run, err)
	}
	if doc.Digest, err = doc.digest(); err != nil {
		return nil, err
	}
	raw, err := json.MarshalIndent(doc, "", " ")
	return append(raw, '\n'), err
}

func (e *Engine) checkpointOf(ctx context.Context, run, name string) (*checkpointDoc, error) {
	g, first, err := e.opening(ctx, run, 0)
	if err != nil {
		return nil, err
	}
	whole := NewRun(run, g, e.cfg.Policies)
	var events []*Event
	points := map[string]CheckpointInfo{} // of the run's own events
	err = e.each(ctx, run, first, whole, func(ev *Event) {
		if events = append(events, ev); ev.events() != "" {
			clear(points) // those before are of another run
		}
		at := "#" + strconv.FormatUint(ev.Seq, 10)
		points[at] = CheckpointInfo{Name: at, Seq: ev.Seq, Time: ev.Time, Activation: ev.Activation, events: len(events)}
	})
	if err != nil {
		return nil, err
	}
	info, err := whole.findCheckpoint(name, points)
	if err != nil {
		return nil, err
	}
	doc := &checkpointDoc{
		Format: checkpointFormat, Version: checkpointVersion, Run: run, Flow: g.Name(),
		Checkpoint: info, State: events[:info.events], Channel: map[string]json.RawMessage{},
	}
	if doc.Graph, err = g.MarshalJSON(); err != nil {
		return nil, err
	}
	then := NewRun(run, g, e.cfg.Policies)
	for _, ev := range doc.State {
		then.Apply(ev)
	}
	doc.Modules = then.pins
	then.root.channel.root.each(func(k string, v json.RawMessage) { doc.Channel[k] = v })
	return doc, e.addBlobs(ctx, doc)
}

func (r *Run) findCheckpoint(name string, points map[string]CheckpointInfo) (CheckpointInfo, error) {
	if strings.HasPrefix(name, "#") {
		info, ok := points[name]
		if !ok {
			return info, fmt.Errorf("event %s: %w", name, ErrNotFound)
		}
		return info, nil
	}
	for _, c := range slices.Backward(r.checkpoints) {
		if name == "" || c.Name == name {
			return c, nil
		}
	}
	if len(r.checkpoints) == 0 {
		return CheckpointInfo{}, fmt.Errorf("checkpoint %q: %w: the run has made none; a task makes one by asking for it", name, ErrNotFound)
	}
	var names []string
	for _, c := range r.checkpoints {
		names = append(names, c.Name)
	}
	return CheckpointInfo{}, fmt.Errorf("checkpoint %q: %w: there are %s", name, ErrNotFound, strings.Join(names, ", "))
}

// addBlobs adds the blobs that the state refers to, and the files that tasks left.
func (e *Engine) addBlobs(ctx context.Context, doc *checkpointDoc) error {
	for _, ev := range doc.State {
		digests := make([]string, 0, 1+len(ev.Files))
		if ref, ok := asBlobRef(ev.Value); ok && ev.Blob {
			digests = append(digests, ref.Digest)
		}
		for _, f := range ev.Files {
			digests = append(digests, f.Digest)
		}
		for _, digest := range digests {
			if err := e.addBlob(ctx, doc, digest); err != nil {
				return err
			}
		}
	}
	return nil
}

func (e *Engine) addBlob(ctx context.Context, doc *checkpointDoc, digest string) error {
	if doc.Blobs[digest] != nil {
		return nil
	}
	r, err := e.backend.Blobs.Open(ctx, doc.Run, digest)
	if err != nil {
		return err
	}
	data, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		return err
	}
	if doc.Blobs == nil {
		doc.Blobs = map[string][]byte{}
	}
	doc.Blobs[digest] = data
	return nil
}

// Restore goes on from a checkpoint document. The run has the id given; with ""
// that of the run which made the checkpoint, if no run of that id is kept here,
// else a new one: a run never has two tails. It returns ErrTruncated, ErrCorrupt,
// ErrVersion or ErrModule, and then nothing has run; ErrRunExists for an id that
// is taken. Needs Config.Retain.
func (e *Engine) Restore(ctx context.Context, doc []byte, id string) (*Running, error) {
	c, err := parseCheckpoint(doc)
	if err != nil {
		return nil, fmt.Errorf("restore a checkpoint: %w", err)
	}
	if id == "" {
		id = c.Run
		if taken, err := e.backend.Journal.Read(ctx, id, 0); err != nil || len(taken) > 0 {
			id = ulid.Make().String()
		}
	}
	o, err := e.restore(ctx, c, id)
	if err != nil {
		return nil, fmt.Errorf("restore checkpoint %q of run %q: %w", c.Checkpoint.Name, c.Run, err)
	}
	return o, nil
}

// Fork begins another run from a checkpoint of a run, named as in Export. id ""
// draws one. The first run stays as it is.
func (e *Engine) Fork(ctx context.Context, run, checkpoint, id string) (*Running, error) {
	c, err := e.checkpointOf(ctx, run, checkpoint)
	if err != nil {
		return nil, fmt.Errorf("fork run %q: %w", run, err)
	}
	if id == "" {
		id = ulid.Make().String()
	}
	o, err := e.restore(ctx, c, id)
	if err != nil {
		return nil, fmt.Errorf("fork run %q: %w", run, err)
	}
	return o, nil
}

// restore begins a run whose journal is one event, based on those of a checkpoint.
func (e *Engine) restore(ctx context.Context, c *checkpointDoc, id string) (*Running, error) {
	g, err := parseGraph(c.Graph)
	switch {
	case errors.Is(err, ErrNewer):
		return nil, fmt.Errorf("%w: %w", ErrVersion, err)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if err := e.Check(ctx, g); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrModule, err)
	}
	then := NewRun(id, g, e.cfg.Policies)
	for _, ev := range c.State {
		then.Apply(ev)
	}
	if err := e.checkPins(ctx, then); err != nil {
		return nil, err
	}
	start, err := e.keepState(ctx, c, g, id)
	if err != nil {
		return nil, err
	}
	return e.launch(ctx, g, id, start)
}

// keepState stores all that a run based on a checkpoint needs.
func (e *Engine) keepState(ctx context.Context, c *checkpointDoc, g *Graph, id string) (*Event, error) {
	if !e.cfg.Retain {
		return nil, errors.New("this engine keeps no journals: set Config.Retain")
	}
	start, err := e.keepGraph(ctx, g, id)
	if err != nil {
		return nil, err
	}
	for _, data := range c.Blobs {
		if _, _, err := e.backend.Blobs.Put(ctx, id, bytes.NewReader(data)); err != nil {
			return nil, err
		}
	}
	var events bytes.Buffer
	enc := json.NewEncoder(&events)
	for _, ev := range c.State {
		if err := enc.Encode(ev); err != nil {
			return nil, err
		}
	}
	if start.Basis.Events, _, err = e.backend.Blobs.Put(ctx, id, &events); err != nil {
		return nil, err
	}
	start.Basis.Origin = &Origin{Run: c.Run, Seq: c.Checkpoint.Seq, Checkpoint: c.Checkpoint.Name}
	start.Time = e.now()
	return start, nil
}
