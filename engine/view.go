package engine

import (
	"encoding/json"
	"strings"
)

// resultSuffix is the end of the channel keys under which results are read.
const resultSuffix = ".__result__"

// View is what a task may read of its run: the channel and the results, as of
// when its activation became ready. It never changes, and is safe for
// concurrent use.
type View struct {
	channel  values
	results  results
	vertexOf func(id string) (int32, bool)
}

// Get returns a channel value. The result of task t is the key t.__result__.
func (v *View) Get(key string) (json.RawMessage, bool) {
	if id, ok := strings.CutSuffix(key, resultSuffix); ok {
		return v.Result(id)
	}
	return v.channel.get(key)
}

// Keys returns the channel's keys with the prefix, sorted.
func (v *View) Keys(prefix string) []string { return v.channel.keys(prefix) }

// Result returns the result of a task or group that has succeeded.
func (v *View) Result(id string) (json.RawMessage, bool) {
	if r := v.result(id); r != nil && r.err == nil {
		return r.value, true
	}
	return nil, false
}

func (v *View) result(id string) *result {
	if v.vertexOf == nil {
		return nil
	}
	i, ok := v.vertexOf(id)
	if !ok {
		return nil
	}
	return v.results.get(i)
}

// NewView makes a view of given values, for handlers that are used without an
// engine, as in tests.
func NewView(channel, taskResults map[string]json.RawMessage) *View {
	v := &View{}
	for k, raw := range channel {
		v.channel = v.channel.set(k, raw)
	}
	ids := map[string]int32{}
	for id, raw := range taskResults {
		ids[id] = int32(len(ids))
		v.results = v.results.set(ids[id], &result{value: raw})
	}
	v.vertexOf = func(id string) (int32, bool) { i, ok := ids[id]; return i, ok }
	return v
}
