package flowfile

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/graflow/graflow-wasm/engine"
)

// reader reads a file and collects what is wrong with it.
type reader struct {
	file     *File
	errs     Errors
	defaults *node
	inline   []engine.Task // declared in the task that is being read
	noBuild  bool          // the graph is too incomplete for the engine to tell more
	wants    string        // of an empty file: what it lacks
}

func (r *reader) fault(at pos, format string, args ...any) {
	r.errs = append(r.errs, r.file.fault(at, fmt.Sprintf(format, args...)))
}

// syntax reads src as YAML; nil if it cannot be.
func (r *reader) syntax(src []byte) (root *node) {
	if line, col, ok := invalidUTF8(src); ok {
		r.fault(pos{line, col}, "the file is not UTF-8 text")
		return nil
	}
	defer func() {
		// The parser is not ours, and reads foreign bytes.
		if v := recover(); v != nil {
			r.fault(pos{1, 1}, "the file cannot be read as YAML")
			root = nil
		}
	}()
	tokens := lexer.Tokenize(string(src))
	if at, deep := tooDeep(tokens); deep {
		r.fault(at, "values are nested more than %d deep", maxDepth)
		return nil
	}
	tree, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		r.syntaxError(err)
		return nil
	}
	var body ast.Node
	for _, doc := range tree.Docs {
		if doc.Body == nil {
			continue
		}
		if body != nil {
			r.fault(tokenPos(doc.Body.GetToken()), "a file is one YAML document; this begins another")
			return nil
		}
		body = doc.Body
	}
	if body == nil {
		r.fault(pos{1, 1}, "the file is empty%s", r.wants)
		return nil
	}
	c := &converter{anchors: map[string]*node{}, fault: r.fault}
	return c.node(body)
}

func (r *reader) syntaxError(err error) {
	if e, ok := errors.AsType[yaml.Error](err); ok {
		r.fault(tokenPos(e.GetToken()), "YAML: %s", e.GetMessage())
		return
	}
	r.fault(pos{1, 1}, "YAML: %v", err)
}

func invalidUTF8(src []byte) (line, col int, found bool) {
	if utf8.Valid(src) {
		return 0, 0, false
	}
	valid := 0
	for valid < len(src) {
		c, size := utf8.DecodeRune(src[valid:])
		if c == utf8.RuneError && size == 1 {
			break
		}
		valid += size
	}
	start := bytes.LastIndexByte(src[:valid], '\n') + 1
	return bytes.Count(src[:valid], []byte("\n")) + 1, utf8.RuneCount(src[start:valid]) + 1, true
}

// tooDeep bounds the parser's recursion, before it runs. In blocks, columns
// tell the depth.
func tooDeep(tokens token.Tokens) (pos, bool) {
	flow := 0
	var columns []int
	for _, t := range tokens {
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			flow++
		case token.SequenceEndType, token.MappingEndType:
			flow = max(0, flow-1)
		case token.SequenceEntryType, token.MappingKeyType, token.MappingValueType, token.AnchorType, token.TagType:
			if flow > 0 {
				continue
			}
			for len(columns) > 0 && columns[len(columns)-1] >= t.Position.Column {
				columns = columns[:len(columns)-1]
			}
			columns = append(columns, t.Position.Column)
		}
		if flow > maxDepth || len(columns) > maxDepth {
			return tokenPos(t), true
		}
	}
	return pos{}, false
}

// build lets the engine say what else is wrong. A place that has a fault
// already gets no second one: it would be a consequence.
func (r *reader) build() {
	if r.noBuild {
		return
	}
	g, err := r.file.Spec.Build()
	if err == nil {
		r.file.graph = g
		return
	}
	located, ok := errors.AsType[Errors](r.file.Locate(err))
	if !ok {
		r.fault(pos{1, 1}, "%v", err)
		return
	}
	type place struct {
		file      string
		line, col int
	}
	known := map[place]bool{}
	for _, e := range r.errs {
		known[place{e.File, e.Line, e.Column}] = true
	}
	for _, e := range located {
		if !known[place{e.File, e.Line, e.Column}] {
			r.errs = append(r.errs, e)
		}
	}
}

// fields reads the mapping n: each key by the function of that name. path is
// its path in the spec.
func (r *reader) fields(what, path string, n *node, known map[string]func(at string, n *node)) {
	if n.kind != kindMapping {
		r.fault(n.at, "%s: want a mapping, not %s", what, n.kind)
		return
	}
	for _, e := range n.entries {
		at := join(path, e.key)
		r.file.places[at] = e.place()
		read, ok := known[e.key]
		if !ok {
			names := slices.Sorted(maps.Keys(known))
			r.fault(e.at, "%s: unknown key %q%s", what, e.key, suggest(e.key, names))
			continue
		}
		if read != nil {
			read(at, e.value)
		}
	}
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func (r *reader) want(n *node, wanted string) { r.fault(n.at, "want %s, not %s", wanted, n.shown()) }

// The readers of single values report what is wrong and leave their target.

func (r *reader) text(to *string) func(string, *node) {
	return func(_ string, n *node) {
		if n.kind != kindString {
			r.want(n, "a string")
			return
		}
		*to = n.text
	}
}

func (r *reader) integer(to *int) func(string, *node) {
	return func(_ string, n *node) {
		v, err := strconv.Atoi(n.text)
		if n.kind != kindNumber || err != nil {
			r.want(n, "a whole number")
			return
		}
		*to = v
	}
}

func (r *reader) optionalInteger(to **int) func(string, *node) {
	return func(at string, n *node) {
		v := 0
		before := len(r.errs)
		if r.integer(&v)(at, n); len(r.errs) == before {
			*to = &v
		}
	}
}

func (r *reader) duration(to *engine.Duration) func(string, *node) {
	return func(_ string, n *node) {
		if n.kind != kindString || to.UnmarshalText([]byte(n.text)) != nil {
			r.want(n, "a duration with a unit, as 300ms, 10s, 5m or 1h")
		}
	}
}

func (r *reader) boolean(to *bool) func(string, *node) {
	return func(_ string, n *node) {
		if n.kind != kindBool {
			r.want(n, "true or false")
			return
		}
		*to = n.text == "true"
	}
}

// names reads a list of strings.
func (r *reader) names(to *[]string) func(string, *node) {
	return func(at string, n *node) {
		if n.kind != kindList {
			r.want(n, "a list of strings")
			return
		}
		*to = []string{}
		for i, item := range n.items {
			r.file.places[fmt.Sprintf("%s[%d]", at, i)] = item.at
			var s string
			r.text(&s)("", item)
			*to = append(*to, s)
		}
	}
}

// once wants the strings of a list to differ.
func (r *reader) once(n *node) {
	seen := map[string]bool{}
	for _, item := range n.items {
		if item.kind == kindString && seen[item.text] {
			r.fault(item.at, "%q is here twice", item.text)
		}
		seen[item.text] = true
	}
}

// root reads the whole file.
func (r *reader) root(n *node) {
	s := &r.file.Spec
	s.Tasks = []engine.Task{}
	if n.kind != kindMapping {
		r.want(n, "a mapping with name and tasks")
		r.noBuild = true
		return
	}
	r.file.places[""] = n.at
	// These are needed by what follows, wherever they are in the file.
	if m := n.get("modules"); m != nil {
		r.modules(m)
	}
	if d := n.get("defaults"); d != nil {
		r.readDefaults(d)
	}
	r.fields("flow file", "", n, map[string]func(string, *node){
		"name": r.text(&s.Name), "description": r.text(&s.Description), "input": r.input,
		"defaults": nil, "modules": nil, "tasks": r.tasks, "groups": nil, "flow": nil, "edges": nil,
		"start": r.ends(&s.Start), "end": r.ends(&s.End),
		"limits": func(at string, n *node) {
			r.fields("limits", at, n, map[string]func(string, *node){
				"max_steps": r.integer(&s.Limits.MaxSteps), "max_cycles": r.optionalInteger(&s.Limits.MaxCycles),
				"timeout": r.duration(&s.Limits.Timeout),
			})
		},
	})
	for _, key := range []string{"name", "tasks"} {
		// A sub-flow in place has the name of its task.
		if n.get(key) == nil && (key != "name" || s.Name == "") {
			r.fault(n.at, "the key %q is missing", key)
		}
	}
	r.connect(n.get("flow"), n.get("groups"), n.get("edges"))
}

// ends reads start and end: a list, or one name.
func (r *reader) ends(to *[]string) func(string, *node) {
	return func(at string, n *node) {
		if n.kind == kindString {
			r.file.places[at+"[0]"] = n.at
			*to = []string{n.text}
			return
		}
		r.names(to)(at, n)
		r.once(n)
		if len(*to) == 0 {
			*to = nil
		}
	}
}

func (r *reader) input(_ string, n *node) {
	raw := n.json()
	r.file.Spec.Input = raw
	schema, err := compileSchema(raw)
	if err == nil {
		r.file.input = schema
		return
	}
	bad, ok := errors.AsType[*jsonschema.SchemaValidationError](err)
	if ok {
		if v, ok := errors.AsType[*jsonschema.ValidationError](bad.Err); ok {
			for _, l := range leaves(v) {
				r.fault(inside(n, l.InstanceLocation), "input is no JSON Schema: %s", leafMessage(l))
			}
			return
		}
	}
	r.fault(n.at, "input is no JSON Schema: %s", strings.ReplaceAll(err.Error(), "\n", " "))
}

// inside is the place of what is at location in n.
func inside(n *node, location []string) pos {
	for _, part := range location {
		next := n.get(part)
		if i, err := strconv.Atoi(part); err == nil && i >= 0 && i < len(n.items) {
			next = n.items[i]
		}
		if next == nil {
			break
		}
		n = next
	}
	return n.at
}
