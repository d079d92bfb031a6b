package script

import (
	"bytes"
	"encoding"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// maxDepth is how deep values may be nested, on both sides.
const maxDepth = 1000

// Keys of the objects that stand for what JSON lacks.
const (
	bytesKey = "$bytes"
	timeKey  = "$time"
)

// Encode is a Go value as the document that code finds as a value of its own
// language. It is what encoding/json makes of it, tags included, but for these:
// []byte and arrays of bytes become {"$bytes": "base64"} (bytes, Uint8Array),
// [time.Time] becomes {"$time": "RFC 3339"} (datetime, Date), and a float stays one:
// 1.0 is written "1.0". NaN, infinities, integers beyond int64, text that is not
// UTF-8, functions, channels, and nesting deeper than 1000, as of cycles, are
// errors that name the place.
func Encode(v any) (json.RawMessage, error) {
	switch v := v.(type) {
	case nil:
		return json.RawMessage("null"), nil
	case json.RawMessage:
		return checkedRaw(v)
	}
	var e encoder
	if err := e.value(reflect.ValueOf(v), 0); err != nil {
		return nil, fmt.Errorf("encode %T: %w", v, err)
	}
	return e.out.Bytes(), nil
}

func checkedRaw(raw json.RawMessage) (json.RawMessage, error) {
	switch {
	case len(raw) == 0:
		return json.RawMessage("null"), nil
	case !json.Valid(raw) || !utf8.Valid(raw):
		return nil, fmt.Errorf("encode json.RawMessage: it is not JSON in UTF-8")
	}
	return raw, nil
}

// encoder writes one document.
type encoder struct {
	out bytes.Buffer
}

// placeError says where in a value something is wrong.
type placeError struct {
	path   string // ".a[3]", from the inside out
	reason string
}

func (e *placeError) Error() string { return "value" + e.path + ": " + e.reason }

func wrong(format string, args ...any) error {
	return &placeError{reason: fmt.Sprintf(format, args...)}
}

// within tells an error's place from one level further out.
func within(step string, err error) error {
	if p, ok := err.(*placeError); ok { //nolint:errorlint // it is never wrapped
		p.path = step + p.path
	}
	return err
}

var (
	timeType      = reflect.TypeFor[time.Time]()
	rawType       = reflect.TypeFor[json.RawMessage]()
	numberType    = reflect.TypeFor[json.Number]()
	jsonMarshaler = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
)

func (e *encoder) value(v reflect.Value, depth int) error {
	if depth > maxDepth {
		return wrong("nested deeper than %d", maxDepth)
	}
	if !v.IsValid() {
		e.out.WriteString("null")
		return nil
	}
	switch kind := v.Kind(); {
	case kind == reflect.Pointer && v.Type().Elem() == timeType && !v.IsNil():
		return e.value(v.Elem(), depth)
	case v.Type() == timeType:
		return e.time(v.Interface().(time.Time))
	case v.Type() == numberType:
		return e.number(v.String())
	case kind == reflect.Interface:
		return e.value(v.Elem(), depth)
	case kind == reflect.Pointer && v.IsNil():
		e.out.WriteString("null")
		return nil
	case v.Type().Implements(jsonMarshaler):
		return e.marshaled(v.Interface().(json.Marshaler))
	case v.CanAddr() && reflect.PointerTo(v.Type()).Implements(jsonMarshaler):
		return e.marshaled(v.Addr().Interface().(json.Marshaler))
	case v.Type().Implements(textMarshaler):
		return e.text(v.Interface().(encoding.TextMarshaler))
	case v.CanAddr() && reflect.PointerTo(v.Type()).Implements(textMarshaler):
		return e.text(v.Addr().Interface().(encoding.TextMarshaler))
	}
	return e.kind(v, depth)
}

func (e *encoder) kind(v reflect.Value, depth int) error {
	switch v.Kind() {
	case reflect.Bool:
		e.out.WriteString(strconv.FormatBool(v.Bool()))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		e.out.WriteString(strconv.FormatInt(v.Int(), 10))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		if v.Uint() > math.MaxInt64 {
			return wrong("%d is beyond int64", v.Uint())
		}
		e.out.WriteString(strconv.FormatUint(v.Uint(), 10))
	case reflect.Float32, reflect.Float64:
		return e.float(v.Float(), v.Type().Bits())
	case reflect.String:
		return e.string(v.String())
	case reflect.Pointer:
		return e.value(v.Elem(), depth+1)
	case reflect.Slice, reflect.Array:
		return e.list(v, depth)
	case reflect.Map:
		return e.mapping(v, depth)
	case reflect.Struct:
		return e.object(v, depth)
	default:
		return wrong("a %s is not a value", v.Type())
	}
	return nil
}

func (e *encoder) time(t time.Time) error {
	text, err := t.MarshalText()
	if err != nil {
		return wrong("%v", err)
	}
	e.out.WriteString(`{"` + timeKey + `":"` + string(text) + `"}`)
	return nil
}

// float writes what stays a float in Python.
func (e *encoder) float(f float64, bits int) error {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return wrong("%v is no JSON number", f)
	}
	text := strconv.FormatFloat(f, 'g', -1, bits)
	if !strings.ContainsAny(text, ".e") {
		text += ".0"
	}
	e.out.WriteString(text)
	return nil
}

func (e *encoder) number(n string) error {
	if n == "" {
		n = "0"
	}
	if strings.Trim(n[:1], "-0123456789") != "" || !json.Valid([]byte(n)) {
		return wrong("%q is no number", n)
	}
	e.out.WriteString(n)
	return nil
}

func (e *encoder) string(s string) error {
	if !utf8.ValidString(s) {
		return wrong("%.32q is not UTF-8", s)
	}
	quote(&e.out, s)
	return nil
}

// quote writes a string that is UTF-8.
func quote(out *bytes.Buffer, s string) {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(s) // a string in memory
	out.Truncate(out.Len() - len("\n"))
}

func (e *encoder) bytes(b []byte) {
	e.out.WriteString(`{"` + bytesKey + `":"`)
	e.out.Write(base64.StdEncoding.AppendEncode(e.out.AvailableBuffer(), b))
	e.out.WriteString(`"}`)
}

func (e *encoder) marshaled(m json.Marshaler) error {
	data, err := m.MarshalJSON()
	switch {
	case err != nil:
		return wrong("%v", err)
	case len(data) == 0:
		data = []byte("null")
	case !json.Valid(data) || !utf8.Valid(data):
		return wrong("%T is not JSON in UTF-8", m)
	}
	e.out.Write(data)
	return nil
}

func (e *encoder) text(m encoding.TextMarshaler) error {
	text, err := m.MarshalText()
	if err != nil {
		return wrong("%v", err)
	}
	return e.string(string(text))
}

func (e *encoder) list(v reflect.Value, depth int) error {
	if v.Kind() == reflect.Slice && v.IsNil() {
		e.out.WriteString("null")
		return nil
	}
	if v.Type().Elem().Kind() == reflect.Uint8 {
		e.bytes(bytesIn(v))
		return nil
	}
	e.out.WriteByte('[')
	for i := range v.Len() {
		if i > 0 {
			e.out.WriteByte(',')
		}
		if err := e.value(v.Index(i), depth+1); err != nil {
			return within(fmt.Sprintf("[%d]", i), err)
		}
	}
	e.out.WriteByte(']')
	return nil
}

// bytesIn are the bytes of a slice or array of them.
func bytesIn(v reflect.Value) []byte {
	if v.Kind() == reflect.Slice || v.CanAddr() {
		return v.Bytes()
	}
	data := make([]byte, v.Len())
	for i := range data {
		data[i] = byte(v.Index(i).Uint())
	}
	return data
}

func (e *encoder) mapping(v reflect.Value, depth int) error {
	if v.IsNil() {
		e.out.WriteString("null")
		return nil
	}
	type entry struct {
		key   string
		value reflect.Value
	}
	entries := make([]entry, 0, v.Len())
	for key, value := range v.Seq2() {
		text, err := keyText(key)
		if err != nil {
			return err
		}
		entries = append(entries, entry{text, value})
	}
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.key, b.key) })
	e.out.WriteByte('{')
	for i, entry := range entries {
		if err := e.member(i == 0, entry.key, entry.value, depth); err != nil {
			return err
		}
	}
	e.out.WriteByte('}')
	return nil
}

// keyText is a map's key as encoding/json writes it.
func keyText(key reflect.Value) (string, error) {
	if key.Kind() == reflect.String {
		return key.String(), nil
	}
	if m, ok := key.Interface().(encoding.TextMarshaler); ok {
		text, err := m.MarshalText()
		if err != nil {
			return "", wrong("a key: %v", err)
		}
		return string(text), nil
	}
	switch key.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.FormatInt(key.Int(), 10), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return strconv.FormatUint(key.Uint(), 10), nil
	}
	return "", wrong("a key of type %s is neither text nor an integer", key.Type())
}

func (e *encoder) member(first bool, key string, v reflect.Value, depth int) error {
	if !first {
		e.out.WriteByte(',')
	}
	if err := e.string(key); err != nil {
		return err
	}
	e.out.WriteByte(':')
	if err := e.value(v, depth+1); err != nil {
		return within("."+key, err)
	}
	return nil
}

func (e *encoder) object(v reflect.Value, depth int) error {
	e.out.WriteByte('{')
	first := true
	for _, f := range fieldsOf(v.Type()) {
		member, ok := f.of(v)
		if !ok || f.skips(member) {
			continue
		}
		if f.quoted {
			text, err := Encode(member.Interface())
			if err != nil {
				return within("."+f.name, err)
			}
			member = reflect.ValueOf(string(text))
		}
		if err := e.member(first, f.name, member, depth); err != nil {
			return err
		}
		first = false
	}
	e.out.WriteByte('}')
	return nil
}
