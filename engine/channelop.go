package engine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
)

// ApplyOp returns what a channel key holds after a write: old is its value
// before, nil if it is missing. A delete returns nil. The write is checked: a
// number is added to a number, an element appended to a list.
func ApplyOp(old json.RawMessage, op ChannelOp) (json.RawMessage, error) {
	switch op.Op {
	case OpSet:
		if len(op.Value) == 0 {
			return json.RawMessage("null"), nil
		}
		return op.Value, nil
	case OpDelete:
		return nil, nil
	case OpAdd:
		return addNumbers(old, op)
	case OpAppend, OpPrepend:
		return extendList(old, op)
	}
	return nil, fmt.Errorf("channel key %q: unknown operation %q", op.Key, op.Op)
}

func addNumbers(old json.RawMessage, op ChannelOp) (json.RawMessage, error) {
	if old == nil {
		old = json.RawMessage("0")
	}
	if a, err := strconv.ParseInt(string(old), 10, 64); err == nil {
		if b, err := strconv.ParseInt(string(op.Value), 10, 64); err == nil {
			return sumInts(a, b), nil
		}
	}
	a, okA := number(old)
	b, okB := number(op.Value)
	if !okA {
		return nil, fmt.Errorf("channel key %q: add to %s, which is no number", op.Key, short(old))
	}
	if !okB {
		return nil, fmt.Errorf("channel key %q: add %s, which is no number", op.Key, short(op.Value))
	}
	out, err := json.Marshal(a + b)
	if err != nil {
		return nil, fmt.Errorf("channel key %q: add: %w", op.Key, err)
	}
	return out, nil
}

// sumInts is exact beyond 64 bits too.
func sumInts(a, b int64) json.RawMessage {
	if c := a + b; (c > a) == (b > 0) {
		return strconv.AppendInt(nil, c, 10)
	}
	return json.RawMessage(new(big.Int).Add(big.NewInt(a), big.NewInt(b)).String())
}

func number(raw json.RawMessage) (float64, bool) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || raw[0] != '-' && (raw[0] < '0' || raw[0] > '9') {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	return f, err == nil
}

func extendList(old json.RawMessage, op ChannelOp) (json.RawMessage, error) {
	value := op.Value
	if len(value) == 0 {
		value = json.RawMessage("null")
	}
	list := bytes.TrimSpace(old)
	if old == nil {
		list = []byte("[]")
	}
	if len(list) < 2 || list[0] != '[' {
		return nil, fmt.Errorf("channel key %q: %s to %s, which is no list", op.Key, op.Op, short(old))
	}
	inner := bytes.TrimSpace(list[1 : len(list)-1])
	out := make([]byte, 0, len(list)+len(value)+1)
	out = append(out, '[')
	if op.Op == OpPrepend {
		out = append(out, value...)
	} else {
		out = append(out, inner...)
	}
	if len(inner) > 0 {
		out = append(out, ',')
	}
	if op.Op == OpPrepend {
		out = append(out, inner...)
	} else {
		out = append(out, value...)
	}
	return append(out, ']'), nil
}

// short is a value for a message.
func short(raw json.RawMessage) string {
	if len(raw) > 40 {
		return string(raw[:40]) + "…"
	}
	return string(raw)
}
