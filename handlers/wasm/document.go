package wasm

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

// document is a JSON object whose keys are known. Its name is for messages.
type document struct {
	name   string
	fields map[string]json.RawMessage
}

// object decodes an object and refuses keys beside the known ones. Nothing at
// all and null are an empty object.
func object(name string, data json.RawMessage, known ...string) (document, error) {
	d := document{name: name}
	if len(bytes.TrimSpace(data)) == 0 {
		return d, nil
	}
	if err := json.Unmarshal(data, &d.fields); err != nil {
		return d, fmt.Errorf("%s: want an object with %s: %w", name, quoted(known), err)
	}
	var errs []error
	for _, key := range slices.Sorted(maps.Keys(d.fields)) {
		if !slices.Contains(known, key) {
			errs = append(errs, fmt.Errorf("%s: unknown key %q%s: known are %s", name, key, didYouMean(key, known), quoted(known)))
		}
	}
	return d, errors.Join(errs...)
}

// field is the value of a key, or nil if it is absent or null.
func (d document) field(key string) json.RawMessage {
	if raw := d.fields[key]; !bytes.Equal(raw, []byte("null")) {
		return raw
	}
	return nil
}

func (d document) wrong(key, want string) error {
	return fmt.Errorf("%s.%s: got %s, want %s", d.name, key, d.fields[key], want)
}

// text reads a string, or leaves into as it is.
func (d document) text(key string, into *string) error {
	raw := d.field(key)
	if raw != nil && json.Unmarshal(raw, into) != nil {
		return d.wrong(key, "a string")
	}
	return nil
}

// flag reads a boolean, or leaves into as it is.
func (d document) flag(key string, into **bool) error {
	raw := d.field(key)
	if raw != nil && json.Unmarshal(raw, into) != nil {
		return d.wrong(key, "true or false")
	}
	return nil
}

// list reads a list of strings, none of them empty, or leaves into as it is.
func (d document) list(key string, into *[]string) error {
	raw := d.field(key)
	if raw == nil {
		return nil
	}
	var items []string
	if json.Unmarshal(raw, &items) != nil || slices.Contains(items, "") {
		return d.wrong(key, "a list of strings")
	}
	*into = items
	return nil
}

// pairs reads an object of strings, or leaves into as it is.
func (d document) pairs(key string, into *map[string]string) error {
	raw := d.field(key)
	if raw == nil {
		return nil
	}
	var items map[string]*string // a null is none
	if json.Unmarshal(raw, &items) != nil || slices.Contains(slices.Collect(maps.Values(items)), nil) {
		return d.wrong(key, "an object of strings")
	}
	*into = map[string]string{}
	for name, value := range items {
		(*into)[name] = *value
	}
	return nil
}

// seed reads a whole number of 64 bits, or leaves into as it is.
func (d document) seed(key string, into *uint64) error {
	raw := d.field(key)
	if raw == nil {
		return nil
	}
	n, err := strconv.ParseUint(string(raw), 10, 64)
	if err != nil {
		return d.wrong(key, "a whole number from 0 to 18446744073709551615")
	}
	*into = n
	return nil
}

// duration reads a duration as text, or leaves into as it is.
func (d document) duration(key string, into *time.Duration) error {
	raw := d.field(key)
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
	return d.wrong(key, `a number above 0 with a unit, as "300ms", "10s" or "1h"`)
}

// sizeUnits are the suffixes of a size. "B" ends them all and comes last.
var sizeUnits = []struct {
	suffix string
	bytes  float64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"B", 1}}

// size reads a number of bytes, or a size as text, or leaves into as it is.
func (d document) size(key string, into *int64) error {
	text, unit := d.numeral(key), 1.0
	for _, u := range sizeUnits {
		if number, ok := strings.CutSuffix(text, u.suffix); ok {
			text, unit = strings.TrimSpace(number), u.bytes
			break
		}
	}
	return d.whole(key, text, unit, into, `a number of bytes, or a size as "64KiB", "16MiB" or "1GiB"`)
}

// count reads a whole number, also one as 1e9, or leaves into as it is.
func (d document) count(key string, into *int64) error {
	return d.whole(key, d.numeral(key), 1, into, `a whole number, as 1000 or 1e9`)
}

// numeral is the text of a number, which may be written as a string.
func (d document) numeral(key string) string {
	var text string
	if raw := d.field(key); json.Unmarshal(raw, &text) != nil {
		text = string(raw)
	}
	return text
}

func (d document) whole(key, text string, unit float64, into *int64, want string) error {
	if d.field(key) == nil {
		return nil
	}
	n, err := strconv.ParseFloat(text, 64)
	n *= unit
	// Whole numbers up to 2^53 are exact.
	if err != nil || n < 0 || n > 1<<53 || n != math.Trunc(n) {
		return d.wrong(key, want)
	}
	if n == 0 {
		return fmt.Errorf("%s.%s: 0 is no limit that a task could keep; leave it out for the default", d.name, key)
	}
	*into = int64(n)
	return nil
}
