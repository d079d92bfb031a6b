package guest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Document is a JSON object whose keys are known, as a task's spec, its limits or
// its grants. Its methods read one key each into a variable, and leave the variable
// as it is if the key is absent or null. Their errors name the document and the
// key, and say what is wanted.
type Document struct {
	name   string // for messages
	fields map[string]json.RawMessage
}

// Object decodes an object and refuses keys beside the known ones, all of them
// joined. Nothing at all and null are an empty object. What it returns can be read
// in any case, so that a caller can join what else is wrong.
func Object(name string, data json.RawMessage, known ...string) (Document, error) {
	d := Document{name: name}
	if len(bytes.TrimSpace(data)) == 0 {
		return d, nil
	}
	if err := json.Unmarshal(data, &d.fields); err != nil {
		return d, fmt.Errorf("%s: want an object with %s: %w", name, Quoted(known), err)
	}
	var errs []error
	for _, key := range slices.Sorted(maps.Keys(d.fields)) {
		if !slices.Contains(known, key) {
			errs = append(errs, fmt.Errorf("%s: unknown key %q%s: known are %s", name, key, DidYouMean(key, known), Quoted(known)))
		}
	}
	return d, errors.Join(errs...)
}

// Field is the value of a key, or nil if it is absent or null.
func (d Document) Field(key string) json.RawMessage {
	if raw := d.fields[key]; !bytes.Equal(raw, []byte("null")) {
		return raw
	}
	return nil
}

// Wrong is the error of a key whose value is none of what is wanted.
func (d Document) Wrong(key, want string) error {
	return fmt.Errorf("%s.%s: got %s, want %s", d.name, key, d.fields[key], want)
}

// Text reads a string.
func (d Document) Text(key string, into *string) error {
	raw := d.Field(key)
	if raw != nil && json.Unmarshal(raw, into) != nil {
		return d.Wrong(key, "a string")
	}
	return nil
}

// Flag reads a boolean.
func (d Document) Flag(key string, into **bool) error {
	raw := d.Field(key)
	if raw != nil && json.Unmarshal(raw, into) != nil {
		return d.Wrong(key, "true or false")
	}
	return nil
}

// List reads a list of strings, none of them empty.
func (d Document) List(key string, into *[]string) error {
	raw := d.Field(key)
	if raw == nil {
		return nil
	}
	var items []string
	if json.Unmarshal(raw, &items) != nil || slices.Contains(items, "") {
		return d.Wrong(key, "a list of strings")
	}
	*into = items
	return nil
}

// Pairs reads an object of strings.
func (d Document) Pairs(key string, into *map[string]string) error {
	raw := d.Field(key)
	if raw == nil {
		return nil
	}
	var items map[string]*string // a null is none
	if json.Unmarshal(raw, &items) != nil || slices.Contains(slices.Collect(maps.Values(items)), nil) {
		return d.Wrong(key, "an object of strings")
	}
	*into = map[string]string{}
	for name, value := range items {
		(*into)[name] = *value
	}
	return nil
}

// Seed reads a whole number of 64 bits.
func (d Document) Seed(key string, into *uint64) error {
	raw := d.Field(key)
	if raw == nil {
		return nil
	}
	n, err := strconv.ParseUint(string(raw), 10, 64)
	if err != nil {
		return d.Wrong(key, "a whole number from 0 to 18446744073709551615")
	}
	*into = n
	return nil
}

// Duration reads a duration above 0 as text: "300ms", "10s".
func (d Document) Duration(key string, into *time.Duration) error {
	raw := d.Field(key)
	if raw == nil {
		return nil
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		if v, err := time.ParseDuration(text); err == nil && v > 0 {
			*into = v
			return nil
		}
	}
	return d.Wrong(key, `a number above 0 with a unit, as "300ms", "10s" or "1h"`)
}

// sizeUnits are the suffixes of a size. "B" ends them all and comes last.
var sizeUnits = []struct {
	suffix string
	bytes  float64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"B", 1}}

// Size reads a number of bytes above 0, or a size as text: "64KiB", "16 MiB".
func (d Document) Size(key string, into *int64) error {
	text, unit := d.numeral(key), 1.0
	for _, u := range sizeUnits {
		if number, ok := strings.CutSuffix(text, u.suffix); ok {
			text, unit = strings.TrimSpace(number), u.bytes
			break
		}
	}
	return d.whole(key, text, unit, into, `a number of bytes, or a size as "64KiB", "16MiB" or "1GiB"`)
}

// Count reads a whole number above 0, also one as 1e9.
func (d Document) Count(key string, into *int64) error {
	return d.whole(key, d.numeral(key), 1, into, `a whole number, as 1000 or 1e9`)
}

// numeral is the text of a number, which may be written as a string.
func (d Document) numeral(key string) string {
	raw := d.Field(key)
	if len(raw) == 0 || raw[0] != '"' { // as for most keys of most tasks, at each attempt
		return string(raw)
	}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		text = string(raw)
	}
	return text
}

func (d Document) whole(key, text string, unit float64, into *int64, want string) error {
	if d.Field(key) == nil {
		return nil
	}
	n, err := strconv.ParseFloat(text, 64)
	n *= unit
	// Whole numbers up to 2^53 are exact.
	if err != nil || n < 0 || n > 1<<53 || n != math.Trunc(n) {
		return d.Wrong(key, want)
	}
	if n == 0 {
		return fmt.Errorf("%s.%s: 0 is no limit that a task could keep; leave it out for the default", d.name, key)
	}
	*into = int64(n)
	return nil
}
