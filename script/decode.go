package script

import (
	"encoding"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Decode stores a document, as code's values are one, in what into points to. It is the
// inverse of [Encode], and otherwise lenient as encoding/json is: unknown members are
// ignored, absent ones leave fields as they are, null is the zero value. Bytes and
// times may be plain strings, too (base64, RFC 3339), and a float that is whole
// goes into an integer. Into an any go nil, bool, int64 (or float64), string, []byte,
// time.Time, []any and map[string]any. What does not fit is an error that names the
// place.
func Decode(document json.RawMessage, into any) error {
	target := reflect.ValueOf(into)
	if target.Kind() != reflect.Pointer || target.IsNil() {
		return fmt.Errorf("decode into %T: it has to be a pointer", into)
	}
	tree, err := parse(document)
	if err == nil {
		err = assign(target.Elem(), tree)
	}
	if err != nil {
		return fmt.Errorf("decode into %T: %w", into, err)
	}
	return nil
}

var (
	jsonUnmarshaler = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
)

func assign(v reflect.Value, node any) error {
	switch {
	case v.Type() == timeType:
		t, err := timeOf(node)
		if err == nil {
			v.Set(reflect.ValueOf(t))
		}
		return err
	case v.Type() == rawType || v.CanAddr() && v.Kind() != reflect.Pointer && v.Addr().Type().Implements(jsonUnmarshaler):
		data, err := json.Marshal(node)
		if err == nil {
			err = json.Unmarshal(data, v.Addr().Interface())
		}
		if err != nil {
			return wrong("%v", err)
		}
		return nil
	case node == nil:
		v.SetZero()
		return nil
	case v.Kind() != reflect.Pointer && v.CanAddr() && v.Addr().Type().Implements(textUnmarshaler):
		return assignText(v.Addr().Interface().(encoding.TextUnmarshaler), node)
	}
	return assignKind(v, node)
}

func assignText(into encoding.TextUnmarshaler, node any) error {
	text, ok := node.(string)
	if !ok {
		return misfit(node, "text")
	}
	if err := into.UnmarshalText([]byte(text)); err != nil {
		return wrong("%v", err)
	}
	return nil
}

func assignKind(v reflect.Value, node any) error {
	switch v.Kind() {
	case reflect.Interface:
		return assignAny(v, node)
	case reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		return assign(v.Elem(), node)
	case reflect.Struct:
		return assignStruct(v, node)
	case reflect.Map:
		return assignMap(v, node)
	case reflect.Slice, reflect.Array:
		return assignList(v, node)
	}
	return assignBasic(v, node)
}

func assignBasic(v reflect.Value, node any) error {
	switch v.Kind() {
	case reflect.Bool:
		if b, ok := node.(bool); ok {
			v.SetBool(b)
			return nil
		}
	case reflect.String:
		switch text := node.(type) {
		case json.Number:
			if v.Type() == numberType {
				v.SetString(text.String())
				return nil
			}
		case string:
			v.SetString(text)
			return nil
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		if n, ok := node.(json.Number); ok {
			return assignInteger(v, n)
		}
	case reflect.Float32, reflect.Float64:
		if n, ok := node.(json.Number); ok {
			f, err := n.Float64()
			if err != nil || v.OverflowFloat(f) {
				return wrong("%s does not fit a %s", n, v.Type())
			}
			v.SetFloat(f)
			return nil
		}
	}
	return misfit(node, "a "+v.Type().String())
}

func assignInteger(v reflect.Value, n json.Number) error {
	text := string(n)
	if strings.ContainsAny(text, ".eE") {
		f, err := n.Float64()
		if err != nil || f != math.Trunc(f) || math.Abs(f) >= 1<<63 {
			return wrong("%s is no integer", n)
		}
		text = strconv.FormatFloat(f, 'f', 0, 64)
	}
	if v.CanInt() {
		i, err := strconv.ParseInt(text, 10, 64)
		if err != nil || v.OverflowInt(i) {
			return wrong("%s does not fit a %s", n, v.Type())
		}
		v.SetInt(i)
		return nil
	}
	u, err := strconv.ParseUint(text, 10, 64)
	if err != nil || v.OverflowUint(u) {
		return wrong("%s does not fit a %s", n, v.Type())
	}
	v.SetUint(u)
	return nil
}

func assignAny(v reflect.Value, node any) error {
	value, err := anyOf(node, 0)
	if err != nil {
		return err
	}
	if value == nil {
		v.SetZero()
		return nil
	}
	if !reflect.TypeOf(value).AssignableTo(v.Type()) {
		return misfit(node, "a "+v.Type().String())
	}
	v.Set(reflect.ValueOf(value))
	return nil
}

// anyOf is a node with numbers, bytes and times as Go has them.
func anyOf(node any, depth int) (any, error) {
	if depth > maxDepth {
		return nil, wrong("nested deeper than %d", maxDepth)
	}
	switch node := node.(type) {
	case json.Number:
		return numberOf(node)
	case []any:
		for i := range node {
			var err error
			if node[i], err = anyOf(node[i], depth+1); err != nil {
				return nil, within(fmt.Sprintf("[%d]", i), err)
			}
		}
	case map[string]any:
		if data, ok := stands(node, bytesKey); ok {
			return bytesOf(data)
		}
		if text, ok := stands(node, timeKey); ok {
			return timeOf(text)
		}
		for key := range node {
			var err error
			if node[key], err = anyOf(node[key], depth+1); err != nil {
				return nil, within("."+key, err)
			}
		}
	}
	return node, nil
}

// stands is the text of an object that stands for what JSON lacks.
func stands(object map[string]any, key string) (string, bool) {
	if len(object) != 1 {
		return "", false
	}
	text, ok := object[key].(string)
	return text, ok
}

func numberOf(n json.Number) (any, error) {
	if !strings.ContainsAny(string(n), ".eE") {
		i, err := n.Int64()
		if err != nil {
			return nil, wrong("%s is beyond int64", n)
		}
		return i, nil
	}
	f, err := n.Float64()
	if err != nil {
		return nil, wrong("%s is beyond float64", n)
	}
	return f, nil
}

func bytesOf(text string) ([]byte, error) {
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, wrong("bytes: %v", err)
	}
	return data, nil
}

func timeOf(node any) (time.Time, error) {
	text, ok := node.(string)
	if object, is := node.(map[string]any); is {
		text, ok = stands(object, timeKey)
	}
	if node == nil {
		return time.Time{}, nil
	}
	if !ok {
		return time.Time{}, misfit(node, "a time")
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}, wrong("%.64q is no time as in RFC 3339", text)
	}
	return t, nil
}

func misfit(node any, wanted string) error {
	var what string
	switch node := node.(type) {
	case nil:
		what = "null"
	case bool:
		what = strconv.FormatBool(node)
	case json.Number:
		what = "the number " + node.String()
	case string:
		what = "text"
	case []any:
		what = "a list"
	case map[string]any:
		what = "an object"
	}
	return wrong("%s is not %s", what, wanted)
}
