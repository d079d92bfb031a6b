package console

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"

	"github.com/graflow/graflow-wasm/engine"
)

// pauseForm is a form for the answer that a pause waits for, made of its schema.
type pauseForm struct {
	engine.Waiting

	Kind   string // whole: one field; object: several; json: a text
	Fields []field
	Schema jsonView
}

// field asks for one value.
type field struct {
	Name, Label, About string
	Kind               string   // boolean, choice, integer, number or text
	Choices            []string // of a choice, as JSON
	Required           bool
	Long               bool // a text that may have lines
}

// schema is as much of a JSON Schema as a form can show.
type schema struct {
	Type        any                        `json:"type"`
	Title       string                     `json:"title"`
	Description string                     `json:"description"`
	Enum        []json.RawMessage          `json:"enum"`
	Required    []string                   `json:"required"`
	Properties  map[string]json.RawMessage `json:"properties"`
	MaxLength   int                        `json:"maxLength"`
	order       []string
}

func newPauseForm(p engine.Waiting) pauseForm {
	f := pauseForm{Waiting: p, Kind: "json", Schema: newJSON(p.Schema, "")}
	s, ok := schemaOf(p.Schema)
	if !ok {
		return f
	}
	if one, ok := fieldOf("v", s); ok {
		one.Label, one.Required = "Answer", true
		f.Kind, f.Fields = "whole", []field{one}
		return f
	}
	if s.Type != "object" || len(s.Properties) == 0 {
		return f
	}
	var fields []field
	for _, name := range s.order {
		part, ok := schemaOf(s.Properties[name])
		if !ok {
			return f
		}
		one, ok := fieldOf("f."+name, part)
		if !ok {
			return f
		}
		if one.Label == "" {
			one.Label = name
		}
		for _, r := range s.Required {
			one.Required = one.Required || r == name
		}
		fields = append(fields, one)
	}
	f.Kind, f.Fields = "object", fields
	return f
}

func schemaOf(raw json.RawMessage) (s schema, ok bool) {
	if json.Unmarshal(raw, &s) != nil {
		return s, false
	}
	s.order = keysOf(raw, "properties")
	return s, true
}

// keysOf are the keys of an object within an object, in their order.
func keysOf(raw json.RawMessage, within string) (keys []string) {
	var outer map[string]json.RawMessage
	if json.Unmarshal(raw, &outer) != nil || outer[within] == nil {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(outer[within]))
	if _, err := d.Token(); err != nil {
		return nil
	}
	for d.More() {
		key, err := d.Token()
		name, isText := key.(string)
		var skipped json.RawMessage
		if err != nil || !isText || d.Decode(&skipped) != nil {
			return nil
		}
		keys = append(keys, name)
	}
	return keys
}

// fieldOf is the field for a schema of a single plain value.
func fieldOf(name string, s schema) (field, bool) {
	f := field{Name: name, Label: s.Title, About: s.Description}
	if len(s.Enum) > 0 && len(s.Enum) <= 50 {
		f.Kind = "choice"
		for _, e := range s.Enum {
			f.Choices = append(f.Choices, string(e))
		}
		return f, true
	}
	switch s.Type {
	case "boolean", "integer", "number":
		f.Kind, _ = s.Type.(string)
	case "string":
		f.Kind, f.Long = "text", s.MaxLength == 0 || s.MaxLength > 100
	default:
		return f, false
	}
	return f, true
}

// answer is what a form says, as JSON.
func (f pauseForm) answer(form url.Values) (json.RawMessage, error) {
	if f.Kind == "json" || form.Get("as") == "json" {
		text := strings.TrimSpace(form.Get("json"))
		if text == "" {
			return nil, missing("The answer is empty. For no value write null.")
		}
		if !json.Valid([]byte(text)) {
			return nil, missing("The answer is not JSON. Text needs quotes.")
		}
		return json.RawMessage(text), nil
	}
	object := map[string]json.RawMessage{}
	for _, one := range f.Fields {
		value, err := one.value(form.Get(one.Name))
		if err != nil {
			return nil, err
		}
		if f.Kind == "whole" {
			if value == nil {
				return nil, missing("The answer is empty.")
			}
			return value, nil
		}
		if value != nil {
			object[strings.TrimPrefix(one.Name, "f.")] = value
		}
	}
	return json.Marshal(object)
}

// value is what a field says as JSON; nil: nothing was said.
func (f field) value(text string) (json.RawMessage, error) {
	if f.Kind == "text" {
		if text == "" && !f.Required {
			return nil, nil
		}
		return json.Marshal(strings.ReplaceAll(text, "\r\n", "\n"))
	}
	if text = strings.TrimSpace(text); text == "" {
		return nil, nil
	}
	ok := true
	switch f.Kind {
	case "boolean":
		ok = text == "true" || text == "false"
	case "integer":
		_, err := strconv.ParseInt(text, 10, 64)
		ok = err == nil
	default:
		ok = json.Valid([]byte(text))
	}
	if !ok {
		return nil, missing("%s: %q is no %s.", f.Label, shortText(40, text), f.Kind)
	}
	return json.RawMessage(text), nil
}
