package script

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
)

// positional is a schema whose properties are in the order in which code may give them
// without names: the required ones as they are listed, then the others by name. The
// order in which a flow was written is none: a run that is read from its journal does
// not have it any more, and would bind arguments otherwise.
func positional(schema json.RawMessage) json.RawMessage {
	var fields map[string]json.RawMessage
	var properties map[string]json.RawMessage
	var required []string
	if json.Unmarshal(schema, &fields) != nil || json.Unmarshal(fields["properties"], &properties) != nil {
		return schema
	}
	_ = json.Unmarshal(fields["required"], &required) // who compiles the schema tells what is wrong
	var order []string
	for _, name := range append(required, slices.Sorted(maps.Keys(properties))...) {
		if properties[name] != nil && !slices.Contains(order, name) {
			order = append(order, name)
		}
	}
	var b bytes.Buffer
	b.WriteByte('{')
	for i, name := range order {
		if i > 0 {
			b.WriteByte(',')
		}
		key, err := json.Marshal(name)
		if err != nil {
			return schema
		}
		b.Write(key)
		b.WriteByte(':')
		b.Write(properties[name])
	}
	b.WriteByte('}')
	fields["properties"] = b.Bytes()
	ordered, err := json.Marshal(fields)
	if err != nil {
		return schema
	}
	return ordered
}
