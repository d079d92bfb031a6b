package mcp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// wrapping is a schema as the protocol wants it, of an object: one of anything else
// becomes that of an object with one member.
type wrapping struct {
	schema json.RawMessage
	member string // the one; "": the schema is as it was
}

// wrap makes a schema one of an object.
func wrap(schema json.RawMessage, member string) (wrapping, error) {
	if len(bytes.TrimSpace(schema)) == 0 {
		schema = json.RawMessage("{}")
	}
	var doc any
	d := json.NewDecoder(bytes.NewReader(schema))
	d.UseNumber()
	if err := d.Decode(&doc); err != nil {
		return wrapping{}, fmt.Errorf("it is no JSON: %w", err)
	}
	switch doc := doc.(type) {
	case object:
		if doc["type"] == "object" {
			return wrapping{schema: schema}, nil
		}
	case bool:
	default:
		return wrapping{}, errors.New("it is no JSON Schema: want an object or a boolean")
	}
	if m, ok := doc.(object); !ok || m["$id"] == nil { // else references are relative to it
		moveRefs(doc, "#/properties/"+member)
	}
	outer := mustJSON(object{"type": "object", "required": []string{member}, "additionalProperties": false, "properties": object{member: doc}})
	return wrapping{schema: outer, member: member}, nil
}

// literal are keywords whose values are no schemas.
var literal = map[string]bool{"const": true, "enum": true, "default": true, "examples": true}

// moveRefs corrects references within a schema that has moved to a place of another.
func moveRefs(schema any, place string) {
	switch s := schema.(type) {
	case []any:
		for _, each := range s {
			moveRefs(each, place)
		}
	case object:
		for key, value := range s {
			ref, isText := value.(string)
			switch {
			case literal[key]:
			case isText && key == "$ref" && (ref == "#" || strings.HasPrefix(ref, "#/")):
				s[key] = place + strings.TrimPrefix(ref, "#")
			default:
				moveRefs(value, place)
			}
		}
	}
}

// unwrap is the value in arguments.
func (w wrapping) unwrap(arguments json.RawMessage) (json.RawMessage, error) {
	if len(arguments) == 0 {
		arguments = json.RawMessage("{}")
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(arguments, &members); err != nil {
		return nil, errors.New("arguments: want an object")
	}
	if w.member == "" {
		return arguments, nil
	}
	for name := range members {
		if name != w.member {
			return nil, fmt.Errorf("unknown argument %q: want %q alone", name, w.member)
		}
	}
	value, ok := members[w.member]
	if !ok {
		return nil, fmt.Errorf("argument %q is missing", w.member)
	}
	return value, nil
}

// wrap puts a value where the schema wants it.
func (w wrapping) wrap(value json.RawMessage) json.RawMessage {
	if w.member == "" {
		return value
	}
	return mustJSON(map[string]json.RawMessage{w.member: value})
}
