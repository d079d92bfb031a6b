package script

import (
	"reflect"
	"slices"
	"strings"
	"sync"
)

// field is a member of the object that a struct becomes.
type field struct {
	name      string
	index     []int // as of reflect.Value.FieldByIndex
	typ       reflect.Type
	doc       string // of the tag
	optional  bool   // a pointer, omitempty or omitzero
	omitEmpty bool
	omitZero  bool
	quoted    bool // a number or bool that is written as a string
}

// of is the field's value, if the structs on the way to it are there.
func (f *field) of(v reflect.Value) (reflect.Value, bool) {
	for _, i := range f.index {
		if v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return reflect.Value{}, false
			}
			v = v.Elem()
		}
		v = v.Field(i)
	}
	return v, true
}

// in is the field to be set; structs on the way to it are made, if reflection can.
func (f *field) in(v reflect.Value) (reflect.Value, error) {
	for _, i := range f.index {
		if v.Kind() == reflect.Pointer {
			if v.IsNil() && !v.CanSet() {
				return v, wrong("it is in a %s, which is embedded by pointer, nil and not exported", v.Type().Elem())
			}
			if v.IsNil() {
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		v = v.Field(i)
	}
	return v, nil
}

// skips tells that the value is left out.
func (f *field) skips(v reflect.Value) bool {
	if f.omitZero {
		if z, ok := v.Interface().(interface{ IsZero() bool }); ok && (v.Kind() != reflect.Pointer || !v.IsNil()) {
			return z.IsZero()
		}
		return v.IsZero()
	}
	if !f.omitEmpty {
		return false
	}
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}

// known keeps the fields of types.
var known sync.Map // reflect.Type to []field

// fieldsOf are the members of a struct, by the rules of encoding/json: of several with
// one name the least embedded one is meant, and none if there are several such.
func fieldsOf(t reflect.Type) []field {
	if fields, ok := known.Load(t); ok {
		return fields.([]field)
	}
	var all []field
	collect(t, nil, false, nil, &all)
	fields := slices.DeleteFunc(slices.Clone(all), func(f field) bool { return shadowed(f, all) })
	known.Store(t, fields)
	return fields
}

// collect adds the fields of struct t, which is at index, and of those embedded in it.
func collect(t reflect.Type, index []int, optional bool, parents []reflect.Type, all *[]field) {
	if slices.Contains(parents, t) {
		return
	}
	parents = append(slices.Clip(parents), t)
	for f := range t.Fields() {
		tag := f.Tag.Get("json")
		name, words, _ := strings.Cut(tag, ",")
		place := append(slices.Clip(index), f.Index...)
		if embedded := indirect(f.Type); f.Anonymous && name == "" && embedded.Kind() == reflect.Struct && embedded != timeType {
			pointer := f.Type != embedded
			collect(embedded, place, optional || pointer, parents, all)
			continue
		}
		if !f.IsExported() || tag == "-" {
			continue
		}
		options := strings.Split(words, ",")
		made := field{
			name: name, index: place, typ: f.Type, doc: f.Tag.Get("doc"),
			omitEmpty: slices.Contains(options, "omitempty"), omitZero: slices.Contains(options, "omitzero"),
			quoted: slices.Contains(options, "string"),
		}
		if name == "" {
			made.name = f.Name
		}
		made.optional = optional || made.omitEmpty || made.omitZero || f.Type.Kind() == reflect.Pointer
		*all = append(*all, made)
	}
}

// shadowed tells that another field has the name of f.
func shadowed(f field, all []field) bool {
	return slices.ContainsFunc(all, func(other field) bool {
		return other.name == f.name && !slices.Equal(other.index, f.index) && len(other.index) <= len(f.index)
	})
}

func indirect(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}
