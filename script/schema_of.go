package script

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
)

// maxSchemaDepth bounds nesting; what lies deeper is described as anything.
const maxSchemaDepth = 16

// schemaOf is the JSON Schema of what Encode makes of t, or of what Decode takes for
// it, which is more. Members stand in the order of the fields, so that code can give
// them by position. Types with their own JSON form, and types inside themselves, are
// described as anything.
func schemaOf(t reflect.Type, taken bool) json.RawMessage {
	return schemaBuilder{taken: taken}.build(t).json()
}

// schema is a JSON Schema in the making: keywords in order.
type schema []keyword

type keyword struct {
	name  string
	value any // string, bool, int, []string, schema, []schema
}

func (s schema) json() json.RawMessage {
	var out bytes.Buffer
	out.WriteByte('{')
	for i, k := range s {
		if i > 0 {
			out.WriteByte(',')
		}
		quote(&out, k.name)
		out.WriteByte(':')
		out.Write(k.json())
	}
	out.WriteByte('}')
	return out.Bytes()
}

func (k keyword) json() []byte {
	switch v := k.value.(type) {
	case schema:
		return v.json()
	case []schema:
		parts := make([][]byte, len(v))
		for i := range v {
			parts[i] = v[i].json()
		}
		return slices.Concat([]byte("["), bytes.Join(parts, []byte(",")), []byte("]"))
	case int:
		return strconv.AppendInt(nil, int64(v), 10)
	}
	data, _ := json.Marshal(k.value) // a string or several
	return data
}

// schemaBuilder knows the types on the way to the one being described.
type schemaBuilder struct {
	taken bool // by Decode
	way   []reflect.Type
}

func (b schemaBuilder) build(t reflect.Type) schema {
	of := func(iface reflect.Type) bool {
		return t.Kind() != reflect.Interface && (t.Implements(iface) || reflect.PointerTo(t).Implements(iface))
	}
	switch {
	case t == timeType:
		return b.stand(timeKey, "date-time")
	case t == numberType:
		return schema{{"type", "number"}}
	case len(b.way) >= maxSchemaDepth, slices.Contains(b.way, t), t.Kind() != reflect.Pointer && (of(jsonMarshaler) || of(jsonUnmarshaler)):
		return nil
	case t.Kind() != reflect.Pointer && of(textMarshaler):
		return schema{{"type", "string"}}
	}
	b.way = append(slices.Clip(b.way), t)
	switch t.Kind() {
	case reflect.Pointer:
		return nullable(b.build(t.Elem()))
	case reflect.Struct:
		return b.object(t)
	case reflect.Map:
		return nullable(schema{{"type", "object"}, {"additionalProperties", b.build(t.Elem())}})
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return nullable(b.stand(bytesKey, ""))
		}
		return nullable(schema{{"type", "array"}, {"items", b.build(t.Elem())}})
	case reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return b.stand(bytesKey, "")
		}
		return schema{{"type", "array"}, {"items", b.build(t.Elem())}, {"minItems", t.Len()}, {"maxItems", t.Len()}}
	}
	return basic(t.Kind())
}

// stand describes what stands for bytes or a time; Decode takes plain text, too.
func (b schemaBuilder) stand(key, format string) schema {
	text := schema{{"type", "string"}}
	if format != "" {
		text = append(text, keyword{"format", format})
	} else {
		text = append(text, keyword{"contentEncoding", "base64"})
	}
	object := schema{{"type", "object"}, {"properties", schema{{key, text}}}, {"required", []string{key}}}
	if !b.taken {
		return object
	}
	return schema{{"anyOf", []schema{object, text}}}
}

func basic(k reflect.Kind) schema {
	switch k {
	case reflect.Bool:
		return schema{{"type", "boolean"}}
	case reflect.String:
		return schema{{"type", "string"}}
	case reflect.Float32, reflect.Float64:
		return schema{{"type", "number"}}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return schema{{"type", "integer"}, {"minimum", 0}}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return schema{{"type", "integer"}}
	}
	return nil
}

// nullable allows null besides what s allows.
func nullable(s schema) schema {
	for i, k := range s {
		switch value := k.value.(type) {
		case string:
			if k.name == "type" {
				s[i].value = []string{value, "null"}
			}
		case []schema:
			if k.name == "anyOf" {
				s[i].value = append(slices.Clip(value), schema{{"type", "null"}})
			}
		}
	}
	return s
}

func (b schemaBuilder) object(t reflect.Type) schema {
	properties, required := schema{}, []string{}
	for _, f := range fieldsOf(t) {
		properties = append(properties, keyword{f.name, b.member(f)})
		if !f.optional {
			required = append(required, f.name)
		}
	}
	s := schema{{"type", "object"}, {"properties", properties}}
	if len(required) > 0 {
		s = append(s, keyword{"required", required})
	}
	return s
}

func (b schemaBuilder) member(f field) schema {
	s := b.build(f.typ)
	if f.quoted {
		s = schema{{"type", "string"}}
	}
	if f.doc != "" {
		s = append(slices.Clip(s), keyword{"description", f.doc})
	}
	return s
}
