package statedir

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/graflow/graflow-wasm/engine"
)

// maxPayload bounds a record: 1 GiB.
const maxPayload = 1 << 30

// The payload of an event's record is
//
//	1 when it is the last of its chain for good, else 0
//	the chain: its length as a varint, its bytes
//	the event as JSON, without its sequence, which the record has
//
// What is before the JSON is what opening a journal needs of it.

// isFinal tells that nothing follows an event on its chain.
func isFinal(chain string, e *engine.Event) bool {
	return chain == e.Activation && (e.Type == engine.EventCompleted || e.Type == engine.EventStopped)
}

func encodeEvent(chain string, e *engine.Event) ([]byte, error) {
	var b bytes.Buffer
	head := []byte{0}
	if isFinal(chain, e) {
		head[0] = 1
	}
	b.Write(appendString(head, chain))
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false) // values stay as they are, but for white space
	if err := encoder.Encode(e); err != nil {
		return nil, fmt.Errorf("encode event: %w", err)
	}
	if b.Len() > maxPayload {
		return nil, fmt.Errorf("the event has %d bytes, more than %d; store large values as blobs", b.Len(), maxPayload)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// parseEntry takes an event's payload apart.
func parseEntry(payload []byte) (chain []byte, final bool, event []byte, err error) {
	if len(payload) == 0 || payload[0] > 1 {
		return nil, false, nil, errors.New("it is no event's")
	}
	chain, event, ok := cutString(payload[1:])
	if !ok {
		return nil, false, nil, errors.New("it is no event's: its chain is cut short")
	}
	return chain, payload[0] == 1, event, nil
}

func decodeEvent(seq uint64, payload []byte) (*engine.Event, error) {
	_, _, data, err := parseEntry(payload)
	if err != nil {
		return nil, err
	}
	e, err := engine.DecodeEvent(data)
	if err != nil {
		return nil, fmt.Errorf("it is no event: %w", err)
	}
	e.Seq = seq
	return e, nil
}

func appendString[T ~string | ~[]byte](buf []byte, s T) []byte {
	return append(binary.AppendUvarint(buf, uint64(len(s))), s...)
}

// cutString reads a string that appendString has written; it is a part of data.
func cutString(data []byte) (s, rest []byte, ok bool) {
	n, width := binary.Uvarint(data)
	if width <= 0 || n > uint64(len(data)-width) {
		return nil, nil, false
	}
	return data[width : width+int(n)], data[width+int(n):], true
}
