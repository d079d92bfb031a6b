package guest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// allOfIt is the field that is all of a value.
const allOfIt = "."

// Fields reads an object of names and fields of the task's input, for [FieldOf].
func (d Document) Fields(key string, into *map[string]string) error {
	if err := d.Pairs(key, into); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(*into)) {
		if field := (*into)[name]; field != allOfIt && slices.Contains(strings.Split(field, "."), "") {
			return fmt.Errorf(`%s.%s[%q]: got %q, want a field of the input as "photo" or "order.photo", or "." for all of it`, d.name, key, name, field)
		}
	}
	return nil
}

// FieldOf is a part of a value: "a.b" is the field b of its field a, "." is all of it.
func FieldOf(value json.RawMessage, path string) (json.RawMessage, error) {
	if path == allOfIt {
		return value, nil
	}
	for _, name := range strings.Split(path, ".") {
		var object map[string]json.RawMessage
		if json.Unmarshal(value, &object) != nil {
			return nil, fmt.Errorf("the input has no %q: what should hold %q is no object", path, name)
		}
		part, ok := object[name]
		if !ok {
			return nil, fmt.Errorf("the input has no %q: there is no field %q", path, name)
		}
		value = part
	}
	return value, nil
}
