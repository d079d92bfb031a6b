package flowfile

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Document is a YAML file that goes with flow files, as one of tests, in JSON's terms.
// It is read as a flow file is: UTF-8, one document, bounded in depth and in what
// aliases make of it, no key twice. It is immutable.
type Document struct {
	file *File
	Root Value
}

// Value is a value of a document, and knows its place there.
type Value struct {
	document *Document
	node     *node
	at       pos
}

// Entry is one key of a mapping, in the order of the file.
type Entry struct {
	Key   string
	Value Value
	key   pos
}

// Kinds of values, as messages have them.
const (
	Null    = string(kindNull)
	Boolean = string(kindBool)
	Number  = string(kindNumber)
	Text    = string(kindString)
	List    = string(kindList)
	Mapping = string(kindMapping)
)

// ParseDocument reads a document from src. The error is [Errors].
func ParseDocument(name string, src []byte) (*Document, error) {
	if len(src) > MaxSize {
		return nil, tooLarge(name)
	}
	f := &File{Name: name, Source: src, lines: strings.SplitAfter(string(src), "\n"), places: map[string]pos{}}
	r := &reader{file: f}
	root := r.syntax(src)
	if len(r.errs) > 0 {
		return nil, r.errs.sorted(name)
	}
	d := &Document{file: f}
	d.Root = Value{d, root, root.at}
	return d, nil
}

// Lines are those of the source, with their ends.
func (d *Document) Lines() []string { return d.file.lines }

// Kind is one of the kinds. That of a value that is not there is Null.
func (v Value) Kind() string {
	if v.node == nil {
		return Null
	}
	return string(v.node.kind)
}

// Exists tells a value of the file, null included, from none.
func (v Value) Exists() bool { return v.node != nil }

// Shown is the value in a message: of a list or a mapping the kind alone.
func (v Value) Shown() string { return v.node.shown() }

// Text is that of a string; of a number and a boolean as JSON has it.
func (v Value) Text() string { return v.node.text }

// JSON is the value as JSON, with keys in the order of the file.
func (v Value) JSON() json.RawMessage { return v.node.json() }

// Line is where the value begins, from 1.
func (v Value) Line() int { return v.node.at.line }

// Column is where the value begins, from 1, in characters.
func (v Value) Column() int { return v.node.at.col }

// Items are those of a list.
func (v Value) Items() []Value {
	all := make([]Value, len(v.node.items))
	for i, item := range v.node.items {
		all[i] = Value{v.document, item, item.at}
	}
	return all
}

// Entries are those of a mapping.
func (v Value) Entries() []Entry {
	all := make([]Entry, len(v.node.entries))
	for i, e := range v.node.entries {
		all[i] = Entry{Key: e.key, Value: Value{v.document, e.value, e.place()}, key: e.at}
	}
	return all
}

// Fault is an error at the value.
func (v Value) Fault(format string, args ...any) *Error {
	return v.document.file.fault(v.at, fmt.Sprintf(format, args...))
}

// Fault is an error at the key.
func (e Entry) Fault(format string, args ...any) *Error {
	return e.Value.document.file.fault(e.key, fmt.Sprintf(format, args...))
}

// Line is that of the key, from 1.
func (e Entry) Line() int { return e.key.line }

// Column is that of the key, from 1, in characters.
func (e Entry) Column() int { return e.key.col }

// Suggest returns ` (did you mean "x"?)` for the known word that is closest to word,
// or "" if none is near.
func Suggest(word string, known []string) string { return suggest(word, known) }

// Sorted orders errors by position, and keeps one of those that are the same.
func (e Errors) Sorted() Errors {
	if len(e) == 0 {
		return e
	}
	return e.sorted(e[0].File)
}
