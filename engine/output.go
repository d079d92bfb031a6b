package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
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
func (a *attempt) keep(result *Result) error {
	out := a.delivery.owner().Output
	if out != OutputBlob && (out != OutputAuto || len(result.Value) < autoBlob) {
		return nil
	}
	digest, size, err := a.engine.backend.Blobs.Put(a.engine.ctx, a.delivery.Run, bytes.NewReader(result.Value))
	if err != nil {
		return fmt.Errorf("task %q: keep its output: %w", a.delivery.Task.ID, err)
	}
	result.Value, err = json.Marshal(blobRef{digest, size})
	return err
}

// Whole returns a value of a run with all references to blobs in it replaced by
// what they stand for. Errors are those of the storage; a reference to nothing is
// ErrNotFound.
func (e *Engine) Whole(ctx context.Context, run string, value json.RawMessage) (json.RawMessage, error) {
	return e.whole(ctx, run, value)
}

func (e *Engine) whole(ctx context.Context, run string, value json.RawMessage) (json.RawMessage, error) {
	if !bytes.Contains(value, []byte(`"`+blobKey+`"`)) { // the usual case
		return value, nil
	}
	ref, isRef := asBlobRef(value)
	if isRef {
		r, err := e.backend.Blobs.Open(ctx, run, ref.Digest)
		if err != nil {
			return nil, err
		}
		defer r.Close()
		return io.ReadAll(r)
	}
	return e.wholeParts(ctx, run, value)
}

// wholeParts looks for references in the parts of a list or an object.
func (e *Engine) wholeParts(ctx context.Context, run string, value json.RawMessage) (json.RawMessage, error) {
	var list []json.RawMessage
	if json.Unmarshal(value, &list) == nil {
		for i := range list {
			v, err := e.whole(ctx, run, list[i])
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
		v, err := e.whole(ctx, run, object[k])
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
