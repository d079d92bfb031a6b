package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
)

// autoBlob is the size of a value in bytes from which on OutputAuto makes it a
// blob.
const autoBlob = 64 << 10

// blobKey is the key of a reference to a blob.
const blobKey = "$blob"

// blobRef is what stands for a value that is kept as a blob.
type blobRef struct {
	Digest string `json:"$blob"`
	Size   int64  `json:"size"`
}

// keep stores the value of a result where its task says.
func (a *attempt) keep(result *Result, e *Event) error {
	out := a.delivery.owner().Output
	if out != OutputBlob && (out != OutputAuto || len(result.Value) < autoBlob) {
		return nil
	}
	digest, size, err := a.engine.backend.Blobs.Put(a.engine.ctx, a.delivery.Run, bytes.NewReader(result.Value))
	if err != nil {
		return fmt.Errorf("task %q: keep its output: %w", a.delivery.Task.ID, ofStorage(err))
	}
	e.Blob = true
	result.Value, err = json.Marshal(blobRef{digest, size})
	return err
}

// storageError is that of a storage that did not answer: it tells nothing of the task.
type storageError struct{ error }

func (e storageError) Unwrap() error { return e.error }

func ofStorage(err error) error {
	if errors.Is(err, ErrUnreachable) {
		return storageError{err}
	}
	return err
}

// kept remembers that a value is a reference. Others that look like one are what
// a task returned, and stay so.
func (r *Run) kept(e *Event) {
	if !e.Blob {
		return
	}
	if ref, ok := asBlobRef(e.Value); ok {
		if r.blobs == nil {
			r.blobs = map[string]bool{}
		}
		r.blobs[ref.Digest] = true
	}
}

// blobsIn lists the blobs of the run to which a value refers.
func (r *Run) blobsIn(value json.RawMessage) []string {
	if len(r.blobs) == 0 || !hasRef(value) { // the usual case
		return nil
	}
	var all []string
	for _, digest := range slices.Sorted(maps.Keys(r.blobs)) {
		if bytes.Contains(value, []byte(digest)) {
			all = append(all, digest)
		}
	}
	return all
}

func hasRef(value json.RawMessage) bool { return bytes.Contains(value, []byte(`"`+blobKey+`"`)) }

// Whole returns a value of a run, as its outcome and its history tell it, with all
// references to its blobs replaced by what they stand for. Needs Config.Retain
// once the run has ended. Errors are those of the storage.
func (e *Engine) Whole(ctx context.Context, run string, value json.RawMessage) (json.RawMessage, error) {
	if !hasRef(value) {
		return value, nil
	}
	r := &Run{whole: &whole{}}
	err := e.eachEvent(ctx, run, nil, func(ev *Event) error {
		r.kept(ev)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the blobs of run %q: %w", run, err)
	}
	return e.whole(ctx, run, value, r.blobsIn(value))
}

// maxWhole bounds a value whose references are replaced: a few bytes may name a
// large blob many times.
const maxWhole = 256 << 20

// whole replaces the references to the blobs given.
func (e *Engine) whole(ctx context.Context, run string, value json.RawMessage, blobs []string) (json.RawMessage, error) {
	if len(blobs) == 0 || !hasRef(value) {
		return value, nil
	}
	w := wholeness{engine: e, run: run, blobs: blobs, left: maxWhole}
	return w.of(ctx, value)
}

// wholeness replaces references in one value.
type wholeness struct {
	engine *Engine
	run    string
	blobs  []string
	left   int64 // bytes that blobs may still have
}

func (w *wholeness) of(ctx context.Context, value json.RawMessage) (json.RawMessage, error) {
	if !hasRef(value) {
		return value, nil
	}
	if ref, ok := asBlobRef(value); ok && slices.Contains(w.blobs, ref.Digest) {
		return w.blob(ctx, ref)
	}
	return w.parts(ctx, value)
}

func (w *wholeness) blob(ctx context.Context, ref blobRef) (json.RawMessage, error) {
	r, err := w.engine.backend.Blobs.Open(ctx, w.run, ref.Digest)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, w.left+1))
	if err != nil {
		return nil, err
	}
	if w.left -= int64(len(data)); w.left < 0 {
		return nil, &TaskError{Kind: KindInvalidInput, Permanent: true, Message: fmt.Sprintf("the value has over %d bytes with its blobs in place; pass on what is needed of it", maxWhole)}
	}
	return data, nil
}

// parts looks for references in the parts of a list or an object.
func (w *wholeness) parts(ctx context.Context, value json.RawMessage) (json.RawMessage, error) {
	var list []json.RawMessage
	if json.Unmarshal(value, &list) == nil {
		for i := range list {
			v, err := w.of(ctx, list[i])
			if err != nil {
				return nil, err
			}
			list[i] = v
		}
		return json.Marshal(list)
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(value, &object) != nil {
		return value, nil // a string with the word in it
	}
	for k := range object {
		v, err := w.of(ctx, object[k])
		if err != nil {
			return nil, err
		}
		object[k] = v
	}
	return json.Marshal(object)
}

// asBlobRef reads an object that is a reference and nothing else.
func asBlobRef(value json.RawMessage) (blobRef, bool) {
	var ref blobRef
	d := json.NewDecoder(bytes.NewReader(value))
	d.DisallowUnknownFields()
	err := d.Decode(&ref)
	return ref, err == nil && ref.Digest != ""
}
