package script

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

func assignStruct(v reflect.Value, node any) error {
	object, ok := node.(map[string]any)
	if !ok {
		return misfit(node, "an object")
	}
	for _, f := range fieldsOf(v.Type()) {
		member, ok := object[f.name]
		if !ok {
			continue
		}
		if text, is := member.(string); is && f.quoted {
			member = unquoted(text)
		}
		target, err := f.in(v)
		if err == nil {
			err = assign(target, member)
		}
		if err != nil {
			return within("."+f.name, err)
		}
	}
	return nil
}

// unquoted is what a string holds for a field with the option "string".
func unquoted(text string) any {
	if tree, err := parse(json.RawMessage(text)); err == nil {
		return tree
	}
	return text
}

func assignMap(v reflect.Value, node any) error {
	object, ok := node.(map[string]any)
	if !ok {
		return misfit(node, "an object")
	}
	t := v.Type()
	made := reflect.MakeMapWithSize(t, len(object))
	for key, member := range object {
		k, err := keyOf(key, t.Key())
		if err != nil {
			return err
		}
		element := reflect.New(t.Elem()).Elem()
		if err := assign(element, member); err != nil {
			return within("."+key, err)
		}
		made.SetMapIndex(k, element)
	}
	v.Set(made)
	return nil
}

// keyOf is the key of a map that a member's name is.
func keyOf(name string, t reflect.Type) (reflect.Value, error) {
	key := reflect.New(t).Elem()
	if t.Kind() == reflect.String {
		key.SetString(name)
		return key, nil
	}
	if into, ok := key.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return key, assignText(into, name)
	}
	if key.CanInt() || key.CanUint() {
		return key, assignInteger(key, json.Number(name))
	}
	return key, wrong("a key of type %s is neither text nor an integer", t)
}

func assignList(v reflect.Value, node any) error {
	if v.Type().Elem().Kind() == reflect.Uint8 {
		return assignBytes(v, node)
	}
	list, ok := node.([]any)
	if !ok {
		return misfit(node, "a list")
	}
	if v.Kind() == reflect.Array && len(list) != v.Len() {
		return wrong("%d elements are not %d", len(list), v.Len())
	}
	if v.Kind() == reflect.Slice {
		v.Set(reflect.MakeSlice(v.Type(), len(list), len(list)))
	}
	for i := range list {
		if err := assign(v.Index(i), list[i]); err != nil {
			return within(fmt.Sprintf("[%d]", i), err)
		}
	}
	return nil
}

// assignBytes takes bytes as they are encoded, as base64, or as numbers.
func assignBytes(v reflect.Value, node any) error {
	text, ok := node.(string)
	if object, is := node.(map[string]any); is {
		text, ok = stands(object, bytesKey)
	}
	if !ok {
		return misfit(node, "bytes")
	}
	data, err := bytesOf(strings.TrimSpace(text))
	if err != nil {
		return err
	}
	if v.Kind() == reflect.Array {
		if len(data) != v.Len() {
			return wrong("%d bytes are not %d", len(data), v.Len())
		}
		for i := range data {
			v.Index(i).SetUint(uint64(data[i]))
		}
		return nil
	}
	made := reflect.MakeSlice(v.Type(), len(data), len(data))
	for i := range data {
		made.Index(i).SetUint(uint64(data[i]))
	}
	v.Set(made)
	return nil
}
