package statedir

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/graflow/graflow-wasm/engine"
)

// opExpire is a change that no task can make: it sets when a key expires.
const opExpire engine.Op = "expire"

// change is one record of a channel's file: what was asked for, and when.
// Folding the changes gives the values, so each is decided by its own time.
type change struct {
	at      int64 // Unix time, ns
	expires int64 // of opExpire and OpSet: Unix time, ns; 0 is never
	op      engine.ChannelOp
}

// value is what a key holds.
type value struct {
	json    json.RawMessage
	expires int64 // Unix time, ns; 0 is never
}

func (v value) expired(at int64) bool { return v.expires != 0 && at >= v.expires }

// values are a channel's keys.
type values map[string]value

func (s values) get(key string, at int64) (json.RawMessage, bool) {
	v, ok := s[key]
	if !ok || v.expired(at) {
		return nil, false
	}
	return v.json, true
}

// keys returns those with a prefix, sorted.
func (s values) keys(prefix string, at int64) []string {
	keys := []string{}
	for k, v := range s {
		if strings.HasPrefix(k, prefix) && !v.expired(at) {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return keys
}

// check tells what a key will hold, or why the change can't be.
func (s values) check(c change) (json.RawMessage, error) {
	old, ok := s.get(c.op.Key, c.at)
	if c.op.Op != opExpire {
		return engine.ApplyOp(old, c.op)
	}
	if !ok {
		return nil, engine.ErrNotFound
	}
	return old, nil
}

// apply makes a change; next is what check has said.
func (s values) apply(c change, next json.RawMessage) {
	if next == nil {
		delete(s, c.op.Key)
		return
	}
	old := s[c.op.Key]
	expires := old.expires
	switch {
	case c.op.Op == opExpire || c.op.Op == engine.OpSet:
		expires = c.expires
	case old.expired(c.at):
		expires = 0
	}
	s[c.op.Key] = value{next, expires}
}

// The payload of a change is its time and expiry as varints, the operation and
// the key, each as a varint of its length and its bytes, and then the value; none
// is empty.
func (c change) encode() []byte {
	buf := binary.AppendVarint(nil, c.at)
	buf = binary.AppendVarint(buf, c.expires)
	buf = appendString(buf, c.op.Op)
	buf = appendString(buf, c.op.Key)
	return append(buf, c.op.Value...)
}

func parseChange(payload []byte) (c change, err error) {
	bad := errors.New("it is no change of a channel")
	var n int
	for _, field := range []*int64{&c.at, &c.expires} {
		if *field, n = binary.Varint(payload); n <= 0 {
			return change{}, bad
		}
		payload = payload[n:]
	}
	op, rest, ok := cutString(payload)
	if !ok {
		return change{}, bad
	}
	key, rest, ok := cutString(rest)
	if !ok {
		return change{}, bad
	}
	c.op.Op, c.op.Key = engine.Op(op), string(key)
	if len(rest) > 0 {
		c.op.Value = append(json.RawMessage(nil), rest...) // not to hold the whole file
	}
	return c, nil
}
