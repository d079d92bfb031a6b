package flowfile_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/flowfile"
)

// everyScriptKey has each key of a script's spec.
const everyScriptKey = `{language: python, code: "1 + 1", file: sum.py, args: [-v, x], with: [./lib, ../six.whl, /abs/lib],
      files_in: {photo.png: order.photo, all.json: .}, files_out: ["*.png"]}`

func TestScript(t *testing.T) {
	t.Parallel()
	text := `name: x
defaults: {limits: {fuel: 1e9, pids: 9, memory: 1GiB}, grants: {clock: virtual}}
tasks:
  a:
    script: ` + everyScriptKey + `
    tools: [b, c]
    limits: {timeout: 1m, memory: 64MiB}
    grants: {mounts: [{host: data, guest: /data}], http: [a.com]}
  b:
    script: {language: typescript, code: "export default (x: number) => x"}
    doc: "Finds what is sought: all of it"
    schema: {type: object, required: [q], properties: {q: {type: string}, a: {type: integer}}}
  c: {handler: script, handler_kwargs: {language: javascript, code: "1"}, doc: says one, secrets: [s]}
`
	f, err := flowfile.Parse(filepath.FromSlash("flows/x.flow.yaml"), []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][3]string{
		"a": {
			`{"args":["-v","x"],"code":"1 + 1","file":"sum.py","files_in":{"photo.png":"order.photo","all.json":"."},"files_out":["*.png"],"language":"python","with":["./flows/lib","./six.whl","/abs/lib"]}`,
			`{"timeout":"1m","memory":67108864}`,
			`{"mounts":[{"host":"./flows/data","guest":"/data"}],"http":["a.com"]}`,
		},
		"b": {`{"code":"export default (x: number) =\u003e x","language":"typescript"}`, `{"fuel":1000000000,"memory":1073741824}`, `{"clock":"virtual"}`},
		"c": {`{"code":"1","language":"javascript"}`, `{"fuel":1000000000,"memory":1073741824}`, `{"clock":"virtual"}`},
	}
	for _, task := range f.Spec.Tasks {
		if got := [3]string{string(task.Spec), string(task.Limits), string(task.Grants)}; got != want[task.ID] {
			t.Errorf("task %s: got\n%s\nwant\n%s", task.ID, got, want[task.ID])
		}
		if task.Handler != "script" {
			t.Errorf("task %s: got handler %q", task.ID, task.Handler)
		}
	}
	a, b := f.Spec.Tasks[0], f.Spec.Tasks[1]
	if strings.Join(a.Tools, " ") != "b c" || b.Doc != "Finds what is sought: all of it" {
		t.Errorf("got tools %q, doc %q", a.Tools, b.Doc)
	}
	if got, want := string(b.Schema), `{"type":"object","required":["q"],"properties":{"q":{"type":"string"},"a":{"type":"integer"}}}`; got != want {
		t.Errorf("got schema %s, want %s", got, want)
	}
	checkRoundTrip(t, f.Spec)
	if err := validate(t, compiledSchema(t), text); err != nil {
		t.Errorf("the schema says %v", err)
	}
}

// spec reads the spec of a script.
func spec(t *testing.T, task engine.Task) (s struct{ Language, Code, File string }) {
	t.Helper()
	if err := json.Unmarshal(task.Spec, &s); err != nil || task.Handler != "script" {
		t.Fatalf("task %s: handler %q, spec %s: %v", task.ID, task.Handler, task.Spec, err)
	}
	return s
}

// TestScriptInAFile has code in files, which becomes part of the flow: those of a sub-flow
// relative to its own file.
func TestScriptInAFile(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{
		"x.flow.yaml": `name: x
tasks:
  short: {script: code/a.py}
  long: {script: {file: ./code/b.mjs, args: [x]}}
  told: {script: {file: code/noname, language: typescript}}
  sub: {flow: code/sub.flow.yaml}
  place: {flow: {tasks: {s: {script: code/a.py}}}}
  linked: {script: code/link.py}
`,
		"code/a.py": "# ü\nprint(1)\n", "code/b.mjs": "1", "code/noname": "2",
		"code/sub.flow.yaml": "name: sub\ntasks: {s: {script: a.py}}\n",
	})
	outside := filepath.Join(write(t, map[string]string{"out.py": "'outside'"}), "out.py")
	if err := os.Symlink(outside, filepath.Join(dir, "code", "link.py")); err != nil {
		t.Fatal(err)
	}
	f, err := flowfile.Load(filepath.Join(dir, "x.flow.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	tasks := map[string]engine.Task{}
	for _, task := range f.Spec.Tasks {
		tasks[task.ID] = task
	}
	tasks["sub"], tasks["place"] = inner(t, tasks["sub"]).Tasks[0], inner(t, tasks["place"]).Tasks[0]
	type text = struct{ Language, Code, File string }
	for id, want := range map[string]text{
		"short": {"python", "# ü\nprint(1)\n", "a.py"}, "sub": {"python", "# ü\nprint(1)\n", "a.py"}, "place": {"python", "# ü\nprint(1)\n", "a.py"},
		"long": {"javascript", "1", "b.mjs"}, "told": {"typescript", "2", "noname"}, "linked": {"python", "'outside'", "link.py"},
	} {
		if got := spec(t, tasks[id]); got != want {
			t.Errorf("%s: got %+v, want %+v", id, got, want)
		}
	}
	checkRoundTrip(t, f.Spec)
	g, err := f.Build()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "code", "a.py"), []byte("print(2)"), 0o600); err != nil {
		t.Fatal(err)
	}
	if f, err = flowfile.Load(filepath.Join(dir, "x.flow.yaml")); err != nil {
		t.Fatal(err)
	}
	other, err := f.Build()
	if err != nil {
		t.Fatal(err)
	}
	if other.Digest() == g.Digest() {
		t.Error("other code has the same digest")
	}
}

// TestScriptFileFaults has files that can't be code.
func TestScriptFileFaults(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{
		"a.py": "1", "latin.py": "x = '\xe9'", "large.py": strings.Repeat("#", 1<<20+1), "most.py": strings.Repeat("#", 1<<20), "dir.py/x": "",
	})
	load := func(task string) error {
		name := filepath.Join(dir, "x.flow.yaml")
		if err := os.WriteFile(name, []byte("name: x\ntasks:\n  a: {script: "+task+"}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := flowfile.Load(name)
		return err
	}
	for task, want := range map[string]string{
		"b.py":                               `:3:15: no such file: ` + filepath.Join(dir, "b.py") + ` (did you mean "a.py"?)`,
		"{file: none/a.py}":                  `:3:22: no such file: `,
		"latin.py":                           `:3:15: ` + filepath.Join(dir, "latin.py") + ` is not text in UTF-8`,
		"large.py":                           `:3:15: ` + filepath.Join(dir, "large.py") + ` is larger than 1024 KiB`,
		"dir.py":                             `:3:15: read ` + filepath.Join(dir, "dir.py") + `: it is no regular file`,
		"a":                                  `:3:15: script: the key "language" is missing: one of python, javascript, typescript`,
		"{file: a.py, with: [lib], arsg: 1}": `:3:41: script: unknown key "arsg" (did you mean "args"?)`,
	} {
		if err := load(task); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", task, err, want)
		}
	}
	for _, task := range []string{"a.py", "most.py"} {
		if err := load(task); err != nil {
			t.Errorf("%s: %v", task, err)
		}
	}
	_, err := flowfile.Parse("x", []byte("name: x\ntasks:\n  a: {script: a.py}\n"))
	if want := "x:3:15: a script in another file wants a flow that is in a file as well; write it in place, as code: TEXT"; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("without files: got %v, want %s", err, want)
	}
}

// TestScriptFaults wants the schema to refuse what the parser does.
func TestScriptFaults(t *testing.T) {
	t.Parallel()
	schema := compiledSchema(t)
	for options, want := range map[string]string{
		`script: 3`:                                                 `15: want a file, as stats.py, or a mapping, as {language: python, code: "1 + 1"}, not 3`,
		`script: {}`:                                                `15: script: it has no code; want code: TEXT, or file: stats.py`,
		`script: {language: python}`:                                `15: script: it has no code; want code: TEXT, or file: stats.py`,
		`script: {code: "1"}`:                                       `15: script: the key "language" is missing: one of python, javascript, typescript`,
		`script: {language: pyhton, code: "1"}`:                     `26: want one of python, javascript, typescript, not "pyhton" (did you mean "python"?)`,
		`script: {language: python, code: "1", cod: x}`:             `45: script: unknown key "cod" (did you mean "code"?)`,
		`script: {language: python, code: 1}`:                       `40: want a string, not 1`,
		`script: {language: python, code: "", file: 1}`:             `50: want a string, not 1`,
		`script: {language: python, code: "", args: x}`:             `50: want a list of strings, not "x"`,
		`script: {language: python, code: "", args: [1]}`:           `51: want a string, not 1`,
		`script: {language: python, code: "", with: lib}`:           `50: want a list of strings, not "lib"`,
		`script: {language: python, code: "", with: [2]}`:           `51: want a string, not 2`,
		`script: {language: python, code: "", files_out: "*"}`:      `55: want a list of strings, not "*"`,
		`script: {language: python, code: "", files_in: [a]}`:       `54: want a mapping of names to strings, not a list`,
		`script: {language: python, code: "", files_in: {a: 1}}`:    `58: files_in.a: want a string, not a number; quote it to make it one`,
		`doc: 3, wasm: m`:                                           `12: want a string, not 3`,
		`schema: text, wasm: m`:                                     `15: want a JSON Schema of the task's input, as {type: object, properties: {q: {type: string}}}, not "text"`,
		`tools: b, wasm: m`:                                         `14: want a list of strings, not "b"`,
		`limits: {memroy: 1}, script: {language: python, code: ""}`: `16: limits: unknown key "memroy" (did you mean "memory"?)`,
		`grants: {start: x}, script: {language: python, code: ""}`:  `16: grants: unknown key "start"`,
	} {
		text := "name: x\ntasks:\n  a: {" + options + "}\n"
		_, err := flowfile.Parse("x", []byte(text))
		if err == nil {
			t.Errorf("%s: got no error, want %s", options, want)
			continue
		}
		if got, _, _ := strings.Cut(err.Error(), "\n"); got != "x:3:"+want && !strings.HasPrefix(got, "x:3:"+want+" (did you mean") {
			t.Errorf("%s: got %s, want x:3:%s", options, got, want)
		}
		if validate(t, schema, text) == nil {
			t.Errorf("the schema permits %s", options)
		}
	}
	for _, key := range []string{"doc: x", "tools: [a]", "schema: {}"} {
		_, err := flowfile.Parse("x", []byte("name: x\ndefaults: {"+key+"}\ntasks: {a: {builtin: now}}\n"))
		if err == nil || !strings.Contains(err.Error(), "defaults: unknown key") {
			t.Errorf("defaults: {%s}: got %v", key, err)
		}
	}
	large := "name: x\ntasks:\n  a: {script: {language: python, code: " + strings.Repeat("x", 1<<20+1) + "}}\n"
	if _, err := flowfile.Parse("x", []byte(large)); err == nil || !strings.Contains(err.Error(), "x:3:40: script: the code is larger than 1024 KiB") {
		t.Errorf("large code: got %.200v", err)
	}
}

// TestTools wants tools to be tasks of the flow.
func TestTools(t *testing.T) {
	t.Parallel()
	_, err := flowfile.Parse("x", []byte("name: x\ntasks:\n  agent: {builtin: now, tools: [serach]}\n  search: {builtin: now}\n"))
	if err == nil || !strings.Contains(err.Error(), "x:3:33: ") || !strings.Contains(err.Error(), `"serach"`) {
		t.Errorf("got %v, want the place of a tool that is no task", err)
	}
	twice := "name: x\ntasks:\n  agent: {builtin: now, tools: [search, search]}\n  search: {builtin: now}\n"
	if _, err := flowfile.Parse("x", []byte(twice)); err == nil || !strings.Contains(err.Error(), `x:3:41: "search" is here twice`) {
		t.Errorf("a tool twice: got %v", err)
	}
	if validate(t, compiledSchema(t), twice) == nil {
		t.Error("the schema permits a tool twice")
	}
	f, err := flowfile.Parse("x", []byte("name: x\ntasks:\n  agent: {builtin: now, tools: [search]}\n  search: {builtin: now}\n  last: {builtin: now}\nflow: agent >> last\n"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Build(); err != nil {
		t.Errorf("a tool on no edge: %v", err)
	}
}
