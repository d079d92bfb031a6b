//go:build !wasip1

package sdk

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/sdk/abi"
)

var _ host = (*Local)(nil)

func (l *Local) input() ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.in, nil
}

func (l *Local) output(data []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.out = append(l.out, data...)
	return nil
}

func (l *Local) fail(kind, message string, flags int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.effects.Failure = &Failure{
		Kind:       kind,
		Message:    message,
		Permanent:  flags&abi.FailPermanent != 0,
		RetryAfter: time.Duration(flags>>abi.FailRetryAfterShift) * time.Millisecond,
	}
}

func (l *Local) log(level int32, line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.effects.Logs = append(l.effects.Logs, LogLine{slog.Level(level), line})
}

func (l *Local) progress(done, total float64, note string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.effects.Progress = append(l.effects.Progress, Progress{done, total, note})
}

func (l *Local) meta() ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return json.Marshal(l.config.Meta)
}

func (l *Local) result(id string) ([]byte, error) { return l.find(l.results, id) }

func (l *Local) channelGet(key string) ([]byte, error) { return l.find(l.channel, key) }

// find looks up one of l's maps.
func (l *Local) find(in map[string]json.RawMessage, key string) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if data, found := in[key]; found {
		return data, nil
	}
	return nil, abi.NotFound
}

func (l *Local) channelSet(key string, value []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.channel[key] = value
	return nil
}

func (l *Local) channelDelete(key string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.channel, key)
	return nil
}

func (l *Local) channelAppend(key string, value []byte) error {
	return change(l, key, func(list []json.RawMessage) []json.RawMessage {
		return append(list, value)
	})
}

func (l *Local) channelPrepend(key string, value []byte) error {
	return change(l, key, func(list []json.RawMessage) []json.RawMessage {
		return slices.Insert(list, 0, json.RawMessage(value))
	})
}

func (l *Local) channelAdd(key string, value []byte) error {
	var n float64
	if json.Unmarshal(value, &n) != nil {
		return abi.Invalid
	}
	return change(l, key, func(sum float64) float64 { return sum + n })
}

// change rewrites the value of key, a missing one being the zero T. A value
// that is no T is abi.Invalid.
func change[T any](l *Local, key string, rewrite func(T) T) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var value T
	if data, found := l.channel[key]; found && (string(data) == "null" || json.Unmarshal(data, &value) != nil) {
		return abi.Invalid
	}
	data, err := json.Marshal(rewrite(value))
	if err != nil {
		return abi.Invalid
	}
	l.channel[key] = data
	return nil
}

func (l *Local) channelKeys(prefix string) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	keys := []string{}
	for _, key := range slices.Sorted(maps.Keys(l.channel)) {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	return json.Marshal(keys)
}

func (l *Local) nextTask(data []byte) error {
	var next abi.NextTask
	if json.Unmarshal(data, &next) != nil || next.ID == "" {
		return abi.Invalid
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.effects.Next = append(l.effects.Next, next)
	return nil
}

func (l *Local) nextIteration(data []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.effects.Iteration, l.effects.Iterates = data, true
	return nil
}

func (l *Local) terminate(message string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.effects.Terminated = &message
	return nil
}

func (l *Local) cancel(message string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.effects.Canceled = &message
	return nil
}

func (l *Local) checkpoint(meta []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.effects.Checkpoints = append(l.effects.Checkpoints, Checkpoint{Meta: meta})
	return nil
}

func (l *Local) checkpointAs(name string, meta []byte) error {
	if name == "" {
		return abi.Invalid
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.effects.Checkpoints = append(l.effects.Checkpoints, Checkpoint{Name: name, Meta: meta})
	return nil
}

// pause answers from the config, or ends the attempt, as every host does.
func (l *Local) pause(data []byte) ([]byte, error) {
	var p abi.Pause
	if json.Unmarshal(data, &p) != nil || p.Check() != nil {
		return nil, abi.Invalid
	}
	if answer, found := l.config.Pauses[p.Name]; found {
		return json.Marshal(answer)
	}
	l.mu.Lock()
	l.effects.Paused = &p
	l.mu.Unlock()
	panic(errPaused)
}

func (l *Local) secret(name string) ([]byte, error) {
	value, found := l.config.Secrets[name]
	if !found {
		return nil, abi.NotFound
	}
	return []byte(value), nil
}

func (l *Local) http(data []byte) ([]byte, error) {
	var req abi.HTTPRequest
	if json.Unmarshal(data, &req) != nil {
		return nil, abi.Invalid
	}
	if l.config.HTTP == nil {
		return nil, abi.Denied
	}
	resp, err := l.config.HTTP(req)
	if err != nil {
		return nil, fmt.Errorf("local http: %w", err)
	}
	return json.Marshal(resp)
}

func (l *Local) tool(name string, args []byte) ([]byte, error) {
	tool, found := l.config.Tools[name]
	if !found {
		return nil, abi.NotFound
	}
	return tool(args)
}

func (l *Local) tools(calls []byte) ([]byte, error) { return toolsInTurn(calls, l.tool) }
