package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// ErrNewer refuses what a newer version has written and this one does not understand.
// It stays as it is, for a process of that version.
var ErrNewer = errors.New("made by a newer version of graflow-wasm: use that version, or a newer one")

// DecodeKnown reads one JSON value as json.Unmarshal does, but for fields that v has
// not: who ignores them may do something else than who wrote them, and loses them when
// it writes the value again. They are ErrNewer.
func DecodeKnown(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	if err == nil && len(bytes.TrimSpace(data[d.InputOffset():])) == 0 {
		return nil
	}
	if err := orNewer(err); errors.Is(err, ErrNewer) {
		return err
	}
	return json.Unmarshal(data, v) // which tells what is wrong with the whole
}

// DecodeEvent reads an event that was stored as JSON. With a field, a type or an
// operation that this version does not know it is ErrNewer.
func DecodeEvent(data []byte) (*Event, error) {
	e := &Event{}
	if err := DecodeKnown(data, e); err != nil {
		return nil, err
	}
	return e, e.known()
}

// DecodeEvents reads events that were stored as JSON values one after another, as
// [DecodeEvent] does, and calls each with them until it returns an error.
func DecodeEvents(r io.Reader, each func(*Event) error) error {
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	for n := 1; ; n++ {
		e := &Event{}
		err := d.Decode(e)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			err = orNewer(err)
		default:
			err = e.known()
		}
		if err != nil {
			return fmt.Errorf("read event %d: %w", n, err)
		}
		if err := each(e); err != nil {
			return err
		}
	}
}

// orNewer tells an unknown field, for which encoding/json has no type of error, from
// what is no value.
func orNewer(err error) error {
	if err == nil {
		return nil
	}
	if field, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return fmt.Errorf("its field %s is unknown: %w", field, ErrNewer)
	}
	return err
}

// known refuses an event that this version would fold into something else than meant.
func (e *Event) known() error {
	switch e.Type {
	case EventStarted, EventCanceled, EventTimer, EventHeld, EventReleased, EventRetried,
		EventCompleted, EventFailed, EventStopped, EventPaused, EventCalled, EventAnswered, EventBegun, EventReturned:
	default:
		return fmt.Errorf("its type %q is unknown: %w", e.Type, ErrNewer)
	}
	for _, op := range e.Effects.Channel {
		switch op.Op {
		case OpSet, OpDelete, OpAdd, OpAppend, OpPrepend:
		default:
			return fmt.Errorf("its operation %q on channel key %q is unknown: %w", op.Op, op.Key, ErrNewer)
		}
	}
	return nil
}
