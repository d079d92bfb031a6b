package flowfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/graflow/graflow-wasm/engine"
)

// maxScript is the largest source text of a task, in bytes.
const maxScript = 1 << 20

var (
	scriptKeys      = []string{"language", "code", "file", "args", "with", "files_in", "files_out"}
	scriptLanguages = []string{"python", "javascript", "typescript"}
)

// languageOf is the language of a file by the end of its name, "" if it tells none.
func languageOf(file string) string {
	switch filepath.Ext(file) {
	case ".py":
		return "python"
	case ".js", ".mjs", ".cjs":
		return "javascript"
	case ".ts", ".mts", ".cts":
		return "typescript"
	}
	return ""
}

// script reads the spec of a task that is source code. The text of a file becomes part
// of it: then the flow is whole, wherever it is executed.
func (r *reader) script(at string, n *node) json.RawMessage {
	if n.kind == kindString {
		n = &node{kind: kindMapping, at: n.at, entries: []*entry{{key: "file", at: n.at, value: n}}}
	}
	var language, file, code *node
	spec := r.passed(at, n, "a file, as stats.py, or a mapping, as {language: python, code: \"1 + 1\"}", func(e *entry) *node {
		switch e.key {
		case "language":
			language = e.value
			r.oneOf(e.value, scriptLanguages)
		case "code":
			code = e.value
			r.text(new(string))(at+".code", e.value)
		case "file":
			file = e.value
			r.text(new(string))(at+".file", e.value)
		case "with":
			return r.bundles(at+".with", e.value)
		case "args", "files_out":
			r.names(new([]string))(at+"."+e.key, e.value)
		case "files_in":
			r.pairs(e)
		default:
			r.fault(e.at, "script: unknown key %q%s", e.key, suggest(e.key, scriptKeys))
		}
		return e.value
	})
	if n.kind != kindMapping || spec == nil {
		return spec
	}
	return r.completeScript(n, spec, language, file, code)
}

// completeScript adds the text of the file, and the language that its name tells.
func (r *reader) completeScript(n *node, spec json.RawMessage, language, file, code *node) json.RawMessage {
	if file == nil && code == nil {
		r.fault(n.at, "script: it has no code; want code: TEXT, or file: stats.py")
		return spec
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(spec, &fields) != nil {
		return spec
	}
	if language == nil {
		told := ""
		if file != nil {
			told = languageOf(file.text)
		}
		if told == "" {
			r.fault(n.at, "script: the key %q is missing: one of python, javascript, typescript", "language")
			return spec
		}
		fields["language"] = quote(told)
	}
	if code == nil && file.kind == kindString {
		fields["code"], fields["file"] = quote(r.source(file)), quote(filepath.Base(file.text))
	} else if code != nil && len(code.text) > maxScript {
		r.fault(code.at, "script: the code is larger than %d KiB; put what it imports into a bundle: with: [DIR]", maxScript>>10)
	}
	whole, err := json.Marshal(fields)
	if err != nil {
		return spec
	}
	return whole
}

// source is the text of a file that a task is.
func (r *reader) source(n *node) string {
	if r.file.from.readers == nil {
		r.fault(n.at, "a script in another file wants a flow that is in a file as well; write it in place, as code: TEXT")
		return ""
	}
	path := filepath.Clean(relative(filepath.Dir(r.file.Name), n.text))
	text, err := readText(path)
	switch {
	case err != nil:
		r.subFault(n, path, err)
	case len(text) > maxScript:
		r.fault(n.at, "%s is larger than %d KiB; put what it imports into a bundle: with: [DIR]", path, maxScript>>10)
	case !utf8.Valid(text):
		r.fault(n.at, "%s is not text in UTF-8", path)
	default:
		return string(text)
	}
	return ""
}

// readText reads a little more than a script may have.
func readText(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = &os.PathError{Op: "read", Path: path, Err: errors.New("it is no regular file")}
	}
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	return io.ReadAll(io.LimitReader(f, maxScript+1))
}

// bundles resolves directories and archives of this machine to import from.
func (r *reader) bundles(at string, n *node) *node {
	r.names(new([]string))(at, n)
	if n.kind != kindList {
		return n
	}
	same := &node{kind: kindList, at: n.at}
	for i, item := range n.items {
		if item.kind == kindString {
			place := fmt.Sprintf("%s[%d]", at, i)
			r.file.places[place] = item.at
			if !filepath.IsAbs(item.text) && !strings.HasPrefix(item.text, "/") {
				r.file.relative = append(r.file.relative, herePath{place, relativeBundle})
			}
			item = &node{kind: kindString, at: item.at, text: r.file.path(item.text)}
		}
		same.items = append(same.items, item)
	}
	return same
}

// tools reads the tasks that a task may call.
func (r *reader) tools(t *engine.Task) func(string, *node) {
	return func(at string, n *node) {
		r.names(&t.Tools)(at, n)
		r.once(n)
	}
}

// schema reads what a task takes, for those who call it.
func (r *reader) schema(t *engine.Task) func(string, *node) {
	return func(_ string, n *node) {
		if n.kind != kindMapping {
			r.want(n, "a JSON Schema of the task's input, as {type: object, properties: {q: {type: string}}}")
			return
		}
		t.Schema = n.json()
	}
}
