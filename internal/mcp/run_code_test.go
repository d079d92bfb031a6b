package mcp_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/internal/mcp"
	"github.com/graflow/graflow-wasm/wasmhost"
	protocol "github.com/modelcontextprotocol/go-sdk/mcp"
)

func TestInitialize(t *testing.T) {
	t.Parallel()
	session := connect(t, newServer(t, mcp.Config{Version: "9.8.7", HTTP: []string{"api.example.com"}}), nil)
	told := session.InitializeResult()
	if told.ServerInfo.Name != "graflow-wasm" || told.ServerInfo.Version != "9.8.7" {
		t.Errorf("got %+v", told.ServerInfo)
	}
	for _, want := range []string{"CPython 3.13", "QuickJS", "numpy", `"result"`, "10 seconds", "256 MiB", "api.example.com"} {
		if !strings.Contains(told.Instructions, want) {
			t.Errorf("the instructions lack %q:\n%s", want, told.Instructions)
		}
	}
	tools, err := session.ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(tools.Tools) != 1 || tools.Tools[0].Name != "run_code" || tools.Tools[0].OutputSchema == nil {
		t.Errorf("got %+v, want run_code alone", tools.Tools)
	}
}

func TestLanguages(t *testing.T) {
	t.Parallel()
	session := connect(t, newServer(t, mcp.Config{}), nil)
	for _, test := range []struct{ language, code, stdout, stderr string }{
		{"python", "import sys\nprint('out')\nprint('err', file=sys.stderr)\nresult = {'sum': sum(input['n']), 'f': 1.0}", "out\n", "err\n"},
		{"javascript", "console.log('out'); console.error('err'); ({sum: input.n.reduce((a, b) => a + b), f: 1})", "out\n", "err\n"},
		{"typescript", "console.log('out'); const f = async (n: number[]): Promise<object> => ({sum: n.reduce((a, b) => a + b), f: 1}); await f(input.n)", "out\n", ""},
		{"py", "{'sum': sum(input['n']), 'f': 1}", "", ""},
	} {
		t.Run(test.language, func(t *testing.T) {
			t.Parallel()
			o, _ := run(t, session, args{"language": test.language, "code": test.code, "input": args{"n": []int{1, 2, 3}}})
			var value struct{ Sum, F float64 }
			if err := json.Unmarshal(o.Value, &value); err != nil || o.Error != nil {
				t.Fatalf("got %s, %+v", o.Value, o.Error)
			}
			if value.Sum != 6 || value.F != 1 || o.Stdout != test.stdout || o.Stderr != test.stderr {
				t.Errorf("got %+v, stdout %q, stderr %q", value, o.Stdout, o.Stderr)
			}
			if o.Usage.Seconds <= 0 || o.Usage.Instructions <= 0 || o.Usage.PeakMemory <= 0 {
				t.Errorf("got usage %+v", o.Usage)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	session := connect(t, newServer(t, mcp.Config{Limits: wasmhost.Limits{Memory: 96 << 20}}), nil)
	for _, test := range []struct {
		name, language, code, kind, class string
		line                              int
		stdout                            string
	}{
		{"exception", "python", "print('before')\n\nraise ValueError('bad')", "exception", "ValueError", 3, "before\n"},
		{"exception", "typescript", "const a: number = 1;\nconsole.log('before');\nthrow new RangeError('bad')", "exception", "RangeError", 3, "before\n"},
		{"syntax", "python", "x = 1\ny = (", "syntax", "SyntaxError", 2, ""},
		{"result", "javascript", "(() => 1)", "invalid_result", "", 0, ""},
		{"memory", "python", "print('before')\n'x' * (1 << 30)", "memory", "", 0, "before\n"},
		{"network", "python", "import urllib.request\nurllib.request.urlopen('http://example.com')", "exception", "", 2, ""},
		{"machine", "python", "open('/etc/passwd').read()", "exception", "FileNotFoundError", 1, ""},
		{"environment", "python", "import os\nos.environ['PATH']", "exception", "KeyError", 2, ""},
	} {
		t.Run(test.name+"/"+test.language, func(t *testing.T) {
			t.Parallel()
			o, _ := run(t, session, args{"language": test.language, "code": test.code})
			if o.kind() != test.kind {
				t.Fatalf("got %+v, want kind %s", o.Error, test.kind)
			}
			if test.class != "" && o.Error.Type != test.class || test.line != 0 && o.Error.Line != test.line {
				t.Errorf("got %s in line %d, want %s in line %d", o.Error.Type, o.Error.Line, test.class, test.line)
			}
			if string(o.Value) != "null" || o.Stdout != test.stdout {
				t.Errorf("got value %s and stdout %q, want null and %q", o.Value, o.Stdout, test.stdout)
			}
		})
	}
}

// TestHostile runs what does not end by itself. What it printed is kept.
func TestHostile(t *testing.T) {
	t.Parallel()
	session := connect(t, newServer(t, mcp.Config{Limits: wasmhost.Limits{Timeout: 300 * time.Millisecond, LogBytes: 10_000}}), nil)
	for _, test := range []struct{ name, language, code, kind string }{
		{"loop", "python", "print('before')\nwhile True:\n  try:\n    while True: pass\n  except BaseException: pass", "timeout"},
		{"loop", "javascript", "console.log('before'); while (true) { try { while (true); } catch {} }", "timeout"},
		{"number", "python", "print('before')\n10**10**8", "timeout"},
		{"sleep", "python", "import time\nprint('before')\ntime.sleep(100)", "timeout"},
		{"shout", "javascript", "console.log('before'); while (true) console.log('x'.repeat(1000))", "timeout"},
	} {
		t.Run(test.name+"/"+test.language, func(t *testing.T) {
			t.Parallel()
			o, _ := run(t, session, args{"language": test.language, "code": test.code, "timeout": 1000})
			if o.kind() != test.kind || !strings.HasPrefix(o.Stdout, "before\n") {
				t.Errorf("got error %+v and stdout %.100q, want %s and what it printed", o.Error, o.Stdout, test.kind)
			}
			if n := len(o.Stdout) + len(o.Stderr); n > 11_000 {
				t.Errorf("got %d bytes of text, want no more than the limit and a notice", n)
			}
		})
	}
	if o, _ := run(t, session, args{"language": "python", "code": "while True: pass", "timeout": 0.05}); o.kind() != "timeout" || !strings.Contains(o.Error.Message, "50ms") {
		t.Errorf("got %+v, want a timeout after 50ms", o.Error)
	}
}

func TestArguments(t *testing.T) {
	t.Parallel()
	session := connect(t, newServer(t, mcp.Config{}), nil)
	for _, test := range []struct {
		args any
		want string // in the message
	}{
		{args{"language": "cobol", "code": "1"}, "want one of python, javascript, typescript"},
		{args{"code": "1"}, `language ""`},
		{args{"language": "python"}, "code is missing"},
		{args{"language": "python", "code": 7}, "code: want a string, not number"},
		{args{"language": "python", "code": "1", "speed": 1}, `unknown field "speed"`},
		{args{"language": "python", "code": "1", "timeout": -1}, "timeout -1"},
		{args{"language": "python", "code": "1", "timeout": "5"}, "timeout: want a number"},
		{args{"language": "python", "code": "1", "session": "a/b"}, `session "a/b"`},
		{args{"language": "python", "code": "1", "files": args{"a": 1}}, "files: want each as a string"},
		{args{"language": "python", "code": "1", "files": args{"a": args{"base64": "%"}}}, "files: want each as a string"},
		{args{"language": "python", "code": "1", "files": args{"../a": "x"}}, "../a"},
		{args{"language": "python", "code": strings.Repeat(" ", 1<<20+1)}, "at most 1048576"},
		{[]int{1}, "arguments: want an object"},
		{nil, `language ""`},
	} {
		result, err := session.CallTool(t.Context(), &protocol.CallToolParams{Name: "run_code", Arguments: test.args})
		if err != nil {
			t.Errorf("%.80v: %v", test.args, err)
			continue
		}
		if o := read(t, result); o.kind() != "invalid_args" || !strings.Contains(o.Error.Message, test.want) {
			t.Errorf("%.80v: got %+v, want %q", test.args, o.Error, test.want)
		}
	}
	if _, err := session.CallTool(t.Context(), &protocol.CallToolParams{Name: "run_cod"}); err == nil {
		t.Error("a tool that is not there was called")
	}
}

func TestFiles(t *testing.T) {
	t.Parallel()
	session := connect(t, newServer(t, mcp.Config{}), nil)
	o, result := run(t, session, args{
		"language": "python",
		"files":    args{"a.txt": "one", "dir/b.bin": args{"base64": "AP8="}},
		"code": `
import base64
open("/out/plot.png", "wb").write(base64.b64decode("iVBORw0KGgoAAAANSUhEUg=="))
open("/out/empty.txt", "w")
open("/out/fake.png", "w").write("no image")
open("/out/plot.svg", "w").write("<svg/>")
open("/out/raw", "wb").write(bytes([0, 255, 0]))
open("/out/zhuge.bin", "wb").write(bytes(5 << 20))
[open("/in/a.txt").read(), list(open("/in/dir/b.bin", "rb").read())]`,
	})
	if string(o.Value) != `["one",[0,255]]` {
		t.Errorf("got %s, %+v", o.Value, o.Error)
	}
	var got []string
	for _, f := range o.Files {
		got = append(got, f.Name+" "+f.MIMEType)
		if f.Included != (f.Name != "zhuge.bin") {
			t.Errorf("got included %v for %s", f.Included, f.Name)
		}
	}
	want := "empty.txt text/plain, fake.png text/plain, plot.png image/png, plot.svg image/svg+xml, raw application/octet-stream, zhuge.bin application/octet-stream"
	if strings.Join(got, ", ") != want {
		t.Errorf("got %q, want %s", got, want)
	}
	if image, ok := result.Content[3].(*protocol.ImageContent); len(result.Content) != 6 || !ok || image.MIMEType != "image/png" || len(image.Data) != 16 {
		t.Errorf("got %d contents, %+v fourth", len(result.Content), result.Content[3])
	}
	if svg, ok := result.Content[4].(*protocol.EmbeddedResource); !ok || svg.Resource.URI != "file:///out/plot.svg" || svg.Resource.Text != "<svg/>" {
		t.Errorf("got %+v", result.Content[4])
	}
	if empty, ok := result.Content[1].(*protocol.EmbeddedResource); !ok || empty.Resource.Blob == nil {
		t.Errorf("got %+v for an empty file, want its content", result.Content[1])
	}
}
