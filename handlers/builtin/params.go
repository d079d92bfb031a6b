package builtin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// inputError is a failure that the task's input is the cause of.
type inputError struct{ message string }

func (e *inputError) Error() string { return e.message }

func badInput(format string, args ...any) error {
	return &inputError{message: fmt.Sprintf(format, args...)}
}

// params are the members of an input object. A member that is nil, and not null,
// is not known yet: an expression that is to be evaluated.
type params map[string]json.RawMessage

// literals are the values that a task binds, expressions as not known.
func literals(with map[string]json.RawMessage) params {
	p := params{}
	for name, raw := range with {
		if bytes.Contains(raw, []byte("${")) {
			raw = nil
		}
		p[name] = raw
	}
	return p
}

// has tells whether there is a value, known and not null.
func (p params) has(name string) bool {
	raw := bytes.TrimSpace(p[name])
	return len(raw) > 0 && string(raw) != "null"
}

// may tells whether there is or will be a value.
func (p params) may(name string) bool {
	raw, given := p[name]
	return given && raw == nil || p.has(name)
}

// param is a name that a function's input may have.
type param struct {
	name     string
	optional bool
}

// decode reads an input object with the parameters of f.
func (f function) decode(input json.RawMessage, recovers bool) (params, error) {
	if len(bytes.TrimSpace(input)) == 0 {
		input = json.RawMessage("{}")
	}
	var p params
	if err := json.Unmarshal(input, &p); err != nil || p == nil {
		return nil, badInput("input is %s, want an object with %s", kindOf(input), f.names())
	}
	if recovers { // it has its task's input and error too
		return p, nil
	}
	return p, f.checkNames(p)
}

// checkNames reports a name that f does not know, or lacks.
func (f function) checkNames(given map[string]json.RawMessage) error {
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !slices.ContainsFunc(f.params, func(p param) bool { return p.name == name }) {
			return badInput("unknown parameter %q: there are %s", name, f.names())
		}
	}
	for _, p := range f.params {
		if _, ok := given[p.name]; !ok && !p.optional {
			return badInput("parameter %q is missing: there are %s", p.name, f.names())
		}
	}
	return nil
}

// names lists the parameters of f.
func (f function) names() string {
	all := make([]string, len(f.params))
	for i, p := range f.params {
		all[i] = fmt.Sprintf("%q", p.name)
		if p.optional {
			all[i] += " (optional)"
		}
	}
	return strings.Join(all, ", ")
}

// integer is a parameter that is a 64-bit integer, or otherwise when absent.
func (p params) integer(name string, otherwise int64) (int64, error) {
	raw, ok := p[name]
	if !ok {
		return otherwise, nil
	}
	n := new(int64)
	if err := json.Unmarshal(raw, &n); err != nil || n == nil {
		return 0, badInput("parameter %q is %s, want a 64-bit integer", name, shown(raw))
	}
	return *n, nil
}

// text is an optional parameter that is a string; "" if it is null or unknown.
func (p params) text(name string) (string, error) {
	var text string
	if p.has(name) && json.Unmarshal(p[name], &text) != nil {
		return "", badInput("parameter %q is %s, want text", name, shown(p[name]))
	}
	return text, nil
}

// duration is a parameter that is a duration as text, or a number of seconds.
func (p params) duration(name string) (time.Duration, error) {
	raw := p[name]
	var text string
	var seconds *float64
	d := time.Duration(-1)
	if json.Unmarshal(raw, &text) == nil && text != "" {
		parsed, err := time.ParseDuration(text)
		if err != nil {
			return 0, badInput("parameter %q is %s, want a number with a unit, as 300ms, 10s or 1h", name, shown(raw))
		}
		d = parsed
	} else if json.Unmarshal(raw, &seconds) == nil && seconds != nil && *seconds*1e9 < math.MaxInt64 {
		d = time.Duration(*seconds * 1e9)
	} else {
		return 0, badInput(`parameter %q is %s, want a duration as "10s", or a number of seconds`, name, shown(raw))
	}
	if d < 0 {
		return 0, badInput("parameter %q is %s, want 0 or more", name, shown(raw))
	}
	return d, nil
}

// kindOf names the JSON type of a value.
func kindOf(value json.RawMessage) string {
	value = bytes.TrimSpace(value)
	switch {
	case len(value) == 0:
		return "nothing"
	case !json.Valid(value):
		return "not JSON"
	}
	switch value[0] {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return "a string"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	}
	return "a number"
}

// shown is a value as it may appear in a message: short ones as they are.
func shown(value json.RawMessage) string {
	const most = 40
	if len(value) > most {
		return kindOf(value)
	}
	return string(value)
}
