package engine

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// checkpointDoc is a checkpoint as one JSON document, without code. State is the
// events up to the checkpoint, since a run's state is their fold; the channel is
// told besides, for who reads it.
type checkpointDoc struct {
	Format     string                     `json:"format"`
	Version    int                        `json:"version"`
	Run        string                     `json:"run"`
	Flow       string                     `json:"flow"`
	Checkpoint CheckpointInfo             `json:"checkpoint"`
	Graph      json.RawMessage            `json:"graph"`
	Modules    map[string]string          `json:"modules,omitempty"` // digests of the code of tasks, by name
	Channel    map[string]json.RawMessage `json:"channel,omitempty"`
	State      []*Event                   `json:"state"`
	Blobs      map[string][]byte          `json:"blobs,omitempty"`  // that the state refers to, by digest
	Digest     string                     `json:"digest,omitempty"` // sha256 of the document without it, as MarshalJSON writes it
}

func (doc *checkpointDoc) digest() (string, error) {
	c := *doc
	c.Digest = ""
	raw, err := json.Marshal(&c)
	if err != nil {
		return "", fmt.Errorf("encode the checkpoint: %w", err)
	}
	sum := sha256.Sum256(raw)
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}

// decode reads a document of this version, of which a field may be newer.
func (doc *checkpointDoc) decode(raw []byte) error {
	err := DecodeKnown(raw, doc)
	for _, e := range doc.State {
		if err == nil {
			err = e.known()
		}
	}
	switch {
	case errors.Is(err, ErrNewer):
		return fmt.Errorf("%w: %w", ErrVersion, err)
	case err != nil:
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return nil
}

// parseCheckpoint reads a document, and finds which of the four things is wrong
// with it.
func parseCheckpoint(raw []byte) (*checkpointDoc, error) {
	var doc checkpointDoc
	d := json.NewDecoder(bytes.NewReader(raw))
	var head struct {
		Format  string
		Version int
	}
	if !json.Valid(raw) {
		var value json.RawMessage
		if err := d.Decode(&value); errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
			return nil, ErrTruncated
		}
		return nil, fmt.Errorf("%w: it is not JSON", ErrCorrupt)
	}
	if err := json.Unmarshal(raw, &head); err != nil || head.Format != checkpointFormat {
		return nil, fmt.Errorf("%w: its format is %q, want %q", ErrCorrupt, head.Format, checkpointFormat)
	}
	switch {
	case head.Version > checkpointVersion:
		return nil, fmt.Errorf("%w: %d, this program reads %d: %w", ErrVersion, head.Version, checkpointVersion, ErrNewer)
	case head.Version != checkpointVersion:
		return nil, fmt.Errorf("%w: %d, this program reads %d", ErrVersion, head.Version, checkpointVersion)
	}
	if err := doc.decode(raw); err != nil {
		return nil, err
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, doc.Graph); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if digest, err := doc.digest(); err != nil || digest != doc.Digest {
		return nil, fmt.Errorf("%w: its digest is not that of what it holds", ErrCorrupt)
	}
	return &doc, nil
}
