package lines

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/graflow/graflow-wasm/sdk/abi"
)

// maxMembers is how many members a request may have; no op takes as many.
const maxMembers = 16

// A request is a line taken apart. Its members are parts of the line, which is
// overwritten by the next one.
type request struct {
	line    []byte
	op      string
	members []member
	err     error // the first one of text and the like
}

// A member is one of a JSON object, its value as it was written.
type member struct {
	name  string
	value []byte
}

// A refusal is a code with words of its own.
type refusal struct {
	code abi.Code
	error
}

func (r *refusal) Unwrap() []error { return []error{r.code, r.error} }

func refuse(code abi.Code, format string, args ...any) error {
	return &refusal{code, fmt.Errorf(format, args...)}
}

func invalid(format string, args ...any) error { return refuse(abi.Invalid, format, args...) }

// parse takes a line apart: a JSON object whose members have names of their own,
// one of them "op". Room is for its members.
func parse(line []byte, room []member) (request, error) {
	r := request{line: line, members: room[:0]}
	switch {
	case !utf8.Valid(line):
		return r, invalid("a request is not UTF-8")
	case !json.Valid(line):
		return r, invalid("a request is not JSON, on a line of its own")
	}
	if err := r.split(line); err != nil {
		return r, err
	}
	r.op = r.text("op")
	if r.err == nil && r.op == "" {
		r.err = invalid(`a request has no "op"`)
	}
	return r, r.err
}

// split finds the members of a line that is known to be valid JSON.
func (r *request) split(line []byte) error {
	rest := bytes.Trim(line, " \t\r\n")
	if rest[0] != '{' {
		return invalid("a request is no JSON object")
	}
	rest = skip(rest[1:])
	for rest[0] != '}' {
		key := extent(rest)
		name, err := unquote(rest[:key])
		if err != nil {
			return err
		}
		rest = skip(skip(rest[key:])[1:]) // the colon
		end := extent(rest)
		switch {
		case len(r.members) == maxMembers:
			return invalid("a request has more than %d members", maxMembers)
		case r.member(name) != nil:
			return invalid("a request has two members %.40q", name)
		}
		r.members = append(r.members, member{name, rest[:end:end]})
		if rest = skip(rest[end:]); rest[0] == ',' {
			rest = skip(rest[1:])
		}
	}
	return nil
}

func skip(b []byte) []byte { return bytes.TrimLeft(b, " \t\r\n") }

// extent is the length of the JSON value that b, valid JSON, starts with.
func extent(b []byte) int {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			for i++; b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
			if depth == 0 {
				return i + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth < 0 {
				return i // the end of what holds a number or a word
			} else if depth == 0 {
				return i + 1
			}
		case ',', ' ', '\t', '\r', '\n', ':':
			if depth == 0 {
				return i
			}
		}
	}
	return len(b)
}

// unquote decodes a JSON string.
func unquote(b []byte) (string, error) {
	if len(b) < 2 || b[0] != '"' {
		return "", invalid("want a string, got %.40q", b)
	}
	if inner := b[1 : len(b)-1]; bytes.IndexByte(inner, '\\') < 0 {
		return string(inner), nil
	}
	var s string
	err := json.Unmarshal(b, &s)
	return s, err
}

// known refuses members that the op does not take.
func (r *request) known(names []string) error {
	for _, m := range r.members {
		switch m.name {
		case "op", "run", "task", "activation":
		default:
			if !slices.Contains(names, m.name) {
				return invalid("op %q takes no %.40q, but %q", r.op, m.name, names)
			}
		}
	}
	return nil
}

// member is the value of a member, nil if there is none.
func (r *request) member(name string) []byte {
	for _, m := range r.members {
		if m.name == name {
			return m.value
		}
	}
	return nil
}

// fail notes the first thing that is wrong.
func (r *request) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// text is a string that may be absent.
func (r *request) text(name string) string {
	value := r.member(name)
	if value == nil || string(value) == "null" {
		return ""
	}
	s, err := unquote(value)
	if err != nil {
		r.fail(invalid("%q of op %.40q is no string", name, r.op))
	}
	return s
}

// named is a string that must be there, and may be empty.
func (r *request) named(name string) string {
	if r.member(name) == nil {
		r.fail(invalid("op %q wants %q, a string", r.op, name))
	}
	return r.text(name)
}

// json is a copy of any JSON, nil if it is absent.
func (r *request) json(name string) json.RawMessage { return bytes.Clone(r.member(name)) }

// must is a copy of any JSON that must be there.
func (r *request) must(name string) json.RawMessage {
	value := r.json(name)
	if value == nil {
		r.fail(invalid("op %q wants %q, any JSON", r.op, name))
	}
	return value
}

// decode decodes a member into what into points to, if it is there.
func (r *request) decode(name, want string, into any) {
	value := r.member(name)
	if value == nil {
		return
	}
	if err := json.Unmarshal(value, into); err != nil {
		r.fail(invalid("%q of op %q is no %s: %.100s", name, r.op, want, value))
	}
}

// document decodes the whole request. Member names are known to be exact.
func (r *request) document(into any) {
	if err := json.Unmarshal(r.line, into); err != nil {
		r.fail(invalid("op %q: %w", r.op, err))
	}
}
