package engine

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
)

// Buffer collects the effects of one attempt, and lets the attempt read its own
// writes. It is safe for concurrent use.
type Buffer struct {
	call *Call

	mu      sync.Mutex // guards what follows
	effects Effects
	own     map[string]json.RawMessage // nil value: deleted
	called  int                        // how much of the record of calls is used
}

// NewBuffer makes an empty buffer for an attempt.
func NewBuffer(call *Call) *Buffer { return &Buffer{call: call} }

// Get returns a channel value, with the attempt's own writes.
func (b *Buffer) Get(key string) (json.RawMessage, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.get(key)
}

func (b *Buffer) get(key string) (json.RawMessage, bool) {
	if v, ok := b.own[key]; ok {
		return v, v != nil
	}
	return b.call.View.Get(key)
}

// Keys returns the keys with the prefix, sorted, with the attempt's own writes.
func (b *Buffer) Keys(prefix string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	keys := slices.DeleteFunc(b.call.View.Keys(prefix), func(k string) bool {
		_, own := b.own[k]
		return own
	})
	for k, v := range b.own {
		if v != nil && strings.HasPrefix(k, prefix) {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return keys
}

// ErrReservedKey refuses writes to keys that hold results.
var ErrReservedKey = errors.New("channel keys that end in " + resultSuffix + " belong to the engine")

// Apply buffers a write. It fails when the value does not fit what the attempt
// sees: a non-number to add, a non-list to append to.
func (b *Buffer) Apply(op ChannelOp) error {
	if strings.HasSuffix(op.Key, resultSuffix) {
		return ErrReservedKey
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	old, _ := b.get(op.Key)
	v, err := ApplyOp(old, op)
	if err != nil {
		return err
	}
	if b.own == nil {
		b.own = map[string]json.RawMessage{}
	}
	b.own[op.Key] = v
	b.effects.Channel = append(b.effects.Channel, op)
	return nil
}

// Next asks for a task after this one.
func (b *Buffer) Next(n NextTask) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.effects.Next = append(b.effects.Next, n)
}

// Iterate asks for the same task again with data.
func (b *Buffer) Iterate(data json.RawMessage) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.effects.Iterate = &Iteration{Data: data}
}

// Terminate ends the run with success.
func (b *Buffer) Terminate(message string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.effects.Terminate = &message
}

// Cancel ends the run as canceled.
func (b *Buffer) Cancel(message string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.effects.Cancel = &message
}

// Checkpoint asks for a checkpoint after the task.
func (b *Buffer) Checkpoint(c Checkpoint) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.effects.Checkpoints = append(b.effects.Checkpoints, c)
}

// Pause returns the answer that a pause has had. Without one it asks for it: the
// attempt is to end now, and what it returns is dropped.
func (b *Buffer) Pause(p Pause) (answer json.RawMessage, answered bool) {
	if answer, answered = b.call.Answers[p.Name]; answered {
		return answer, true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.effects.Pause == nil {
		b.effects.Pause = &p
	}
	return nil, false
}

// Effects returns what was collected.
func (b *Buffer) Effects() Effects {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.effects
}
