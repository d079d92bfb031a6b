package receipt

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// reference is what stands in a journal for a value that is kept apart.
type reference struct {
	Digest string `json:"$blob"`
	Size   int64  `json:"size"`
}

func asReference(value json.RawMessage) (digest string, ok bool) {
	var ref reference
	d := json.NewDecoder(bytes.NewReader(value))
	d.DisallowUnknownFields()
	err := d.Decode(&ref)
	return ref.Digest, err == nil && ref.Digest != ""
}

// whole is a value with the references to the run's blobs replaced by what they stand
// for. Others that look like one are what a task returned.
func (r *recorder) whole(value json.RawMessage) (json.RawMessage, error) {
	if len(r.blobs) == 0 || !bytes.Contains(value, []byte(`"$blob"`)) {
		return value, nil
	}
	if digest, ok := asReference(value); ok && slices.Contains(r.blobs, digest) {
		data, ok := r.journal.Blobs[digest]
		if !ok || hashOf(data) != digest {
			return nil, fmt.Errorf("the journal has not the value %s that it refers to", digest)
		}
		return data, nil
	}
	var list []json.RawMessage
	if json.Unmarshal(value, &list) == nil && list != nil {
		return r.wholeList(list)
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(value, &object) != nil {
		return value, nil //nolint:nilerr // it is a text with the word in it
	}
	for name, part := range object {
		whole, err := r.whole(part)
		if err != nil {
			return nil, err
		}
		object[name] = whole
	}
	return json.Marshal(object)
}

func (r *recorder) wholeList(list []json.RawMessage) (json.RawMessage, error) {
	for i, part := range list {
		whole, err := r.whole(part)
		if err != nil {
			return nil, err
		}
		list[i] = whole
	}
	return json.Marshal(list)
}
