package flowtest

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// equal tells whether two values are the same JSON: whatever the order of keys, and
// however numbers are written. No value is null.
func equal(a, b json.RawMessage) bool { return match(decode(a), decode(b), false) }

// contains tells whether a value has all of a part: objects may have more keys, at any
// depth; all else is the same.
func contains(value, part json.RawMessage) bool { return match(decode(value), decode(part), true) }

func decode(raw json.RawMessage) any {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil
	}
	return v
}

func match(value, part any, partly bool) bool {
	switch want := part.(type) {
	case map[string]any:
		got, ok := value.(map[string]any)
		if !ok || len(got) < len(want) || !partly && len(got) != len(want) {
			return false
		}
		for key, w := range want {
			if g, ok := got[key]; !ok || !match(g, w, partly) {
				return false
			}
		}
		return true
	case []any:
		got, ok := value.([]any)
		if !ok || len(got) != len(want) {
			return false
		}
		for i := range want {
			if !match(got[i], want[i], partly) {
				return false
			}
		}
		return true
	case json.Number:
		got, ok := value.(json.Number)
		return ok && sameNumber(got.String(), want.String())
	}
	return value == part
}

// sameNumber compares whole numbers by their digits, others as floats.
func sameNumber(a, b string) bool {
	if a == b {
		return true
	}
	if isWhole(a) && isWhole(b) {
		return strings.TrimPrefix(a, "-") == "0" && strings.TrimPrefix(b, "-") == "0"
	}
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	return errX == nil && errY == nil && x == y
}

func isWhole(number string) bool { return !strings.ContainsAny(number, ".eE") }
