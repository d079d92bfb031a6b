package sdk

import (
	"encoding"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"time"
)

// maxSchemaDepth bounds nesting; what lies deeper is described as anything.
const maxSchemaDepth = 16

// schema is a JSON Schema (2020-12) in the making.
type schema = map[string]any

var (
	timeType        = reflect.TypeFor[time.Time]()
	numberType      = reflect.TypeFor[json.Number]()
	jsonMarshaler   = reflect.TypeFor[json.Marshaler]()
	jsonUnmarshaler = reflect.TypeFor[json.Unmarshaler]()
	textMarshaler   = reflect.TypeFor[encoding.TextMarshaler]()
)

// schemaOf is the JSON Schema of what encoding/json makes of t. Fields are
// required unless they are pointers or have omitempty or omitzero; a field's
// doc tag is its description. Types with their own JSON form, and types inside
// themselves, are described as anything.
func schemaOf(t reflect.Type) json.RawMessage {
	// Maps of strings, slices and such always encode.
	data, _ := json.Marshal(schemaBuilder{}.build(t))
	return data
}

// schemaBuilder is the types on the way to the one being described.
type schemaBuilder []reflect.Type

func (b schemaBuilder) build(t reflect.Type) schema {
	switch {
	case t == timeType:
		return schema{"type": "string", "format": "date-time"}
	case t == numberType:
		return schema{"type": "number"}
	case len(b) >= maxSchemaDepth, slices.Contains(b, t), has(t, jsonMarshaler), has(t, jsonUnmarshaler):
		return schema{}
	case t.Kind() != reflect.Pointer && has(t, textMarshaler):
		return schema{"type": "string"}
	}
	b = append(slices.Clip(b), t)
	switch t.Kind() {
	case reflect.Pointer:
		return nullable(b.build(t.Elem()))
	case reflect.Struct:
		return b.object(t)
	case reflect.Map:
		return schema{"type": []string{"object", "null"}, "additionalProperties": b.build(t.Elem())}
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return schema{"type": []string{"string", "null"}, "contentEncoding": "base64"}
		}
		return schema{"type": []string{"array", "null"}, "items": b.build(t.Elem())}
	case reflect.Array:
		return schema{"type": "array", "items": b.build(t.Elem()), "minItems": t.Len(), "maxItems": t.Len()}
	}
	return basic(t.Kind())
}

// has says whether t or a pointer to it implements the interface.
func has(t, iface reflect.Type) bool {
	if t.Kind() == reflect.Interface {
		return false
	}
	return t.Implements(iface) || reflect.PointerTo(t).Implements(iface)
}

func basic(k reflect.Kind) schema {
	switch k {
	case reflect.Bool:
		return schema{"type": "boolean"}
	case reflect.String:
		return schema{"type": "string"}
	case reflect.Float32, reflect.Float64:
		return schema{"type": "number"}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return schema{"type": "integer", "minimum": 0}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return schema{"type": "integer"}
	}
	return schema{}
}

// nullable allows null besides what s allows.
func nullable(s schema) schema {
	switch kind := s["type"].(type) {
	case string:
		s["type"] = []string{kind, "null"}
	case []string:
		if !slices.Contains(kind, "null") {
			s["type"] = append(kind, "null")
		}
	}
	return s
}

func (b schemaBuilder) object(t reflect.Type) schema {
	properties, required := schema{}, []string{}
	b.fields(t, properties, &required)
	s := schema{"type": "object", "properties": properties}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}

// fields adds the fields of struct t, those of embedded structs among them,
// which are optional if embedded by pointer.
func (b schemaBuilder) fields(t reflect.Type, properties schema, required *[]string) {
	for f := range t.Fields() {
		tag := f.Tag.Get("json")
		name, options, _ := strings.Cut(tag, ",")
		if embedded := indirect(f.Type); f.Anonymous && name == "" && embedded.Kind() == reflect.Struct {
			if !slices.Contains(b, embedded) {
				into := required
				if f.Type != embedded {
					into = new([]string)
				}
				append(slices.Clip(b), embedded).fields(embedded, properties, into)
			}
			continue
		}
		if !f.IsExported() || tag == "-" {
			continue
		}
		if name == "" {
			name = f.Name
		}
		properties[name] = b.field(f, options)
		if !strings.Contains(options, "omit") && f.Type.Kind() != reflect.Pointer {
			*required = append(*required, name)
		}
	}
}

func (b schemaBuilder) field(f reflect.StructField, options string) schema {
	s := b.build(f.Type)
	if slices.Contains(strings.Split(options, ","), "string") {
		s = schema{"type": "string"}
	}
	if doc := f.Tag.Get("doc"); doc != "" {
		s["description"] = doc
	}
	return s
}

func indirect(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}
