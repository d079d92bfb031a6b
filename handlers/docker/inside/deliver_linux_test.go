package inside_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/handlers/docker/inside"
	"github.com/graflow/graflow-wasm/handlers/docker/internal/lines"
)

const resultFile = inside.EnvResultFile + "=/out/result"

func TestResultFile(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, script  string
		output        string // if it is delivered
		kind, message string // if not
		code          int
	}{
		{name: "JSON", script: `echo '{"a": 1}' >/out/result`, output: `{"a":1}`},
		{name: "text", script: `printf 'a "word"' >/out/result`, output: `"a \"word\""`},
		{name: "empty", script: `: >/out/result`, output: `null`},
		{name: "not UTF-8", script: `printf '\377' >/out/result`, kind: "invalid_output", message: "neither JSON nor UTF-8"},
		{name: "missing", script: `:`, kind: "invalid_output", message: "result file /out/result: it does not exist"},
		{name: "link", script: `ln -s /etc/passwd /out/result`, kind: "invalid_output", message: "symbolic link"},
		{name: "dangling link", script: `ln -s /nowhere /out/result`, kind: "invalid_output", message: "symbolic link"},
		{name: "device", script: `:`, kind: "invalid_output", message: "a device"},
		{name: "FIFO", script: `mkfifo /out/result`, kind: "invalid_output", message: "a named pipe"},
		{name: "directory", script: `mkdir /out/result`, kind: "invalid_output", message: "a directory"},
		{name: "unreadable", script: `: >/out/result; chmod 0 /out/result`, kind: "invalid_output", message: "permission denied"},
		{name: "too large", script: `head -c 1000001 /dev/zero >/out/result`, kind: "output_too_large", message: "1000001 bytes, more than the 1000000"},
		{name: "large hole", script: `truncate -s 1T /out/result || truncate -s 60M /out/result`, kind: "output_too_large", message: "more than the 1000000"},
		{name: "failed", script: `echo 1 >/out/result; exit 3`, code: 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := begin(t, lines.Config{Limits: lines.Limits{OutputBytes: 1_000_000}})
			env := []string{resultFile, inside.EnvOutputBytes + "=1000000"}
			if tt.name == "device" { // which no command can make
				env[0] = inside.EnvResultFile + "=/dev/zero"
			}
			got, o := a.shell(env, tt.script), a.server.Close()
			want := tt.code
			if tt.kind != "" {
				want = inside.ExitFailed
			}
			if got.code != want || string(o.Output) != tt.output {
				t.Errorf("got code %d, output %.80q, want %d, %q: %s", got.code, o.Output, want, tt.output, got.stderr)
			}
			switch {
			case tt.kind == "" && o.Failure != nil:
				t.Errorf("got %+v", o.Failure)
			case tt.kind != "" && (o.Failure == nil || o.Failure.Kind != tt.kind || !strings.Contains(o.Failure.Message, tt.message) || !o.Failure.Permanent):
				t.Errorf("got %+v, want %s, %q", o.Failure, tt.kind, tt.message)
			case tt.kind != "" && !strings.Contains(got.stderr, tt.message):
				t.Errorf("got stderr %q, want %q", got.stderr, tt.message)
			}
		})
	}
}

// TestResultIsFinal has processes of the command write on after its end.
func TestResultIsFinal(t *testing.T) {
	t.Parallel()
	a := begin(t, lines.Config{})
	got := a.shell([]string{resultFile}, `echo 1 >/out/result; (while :; do echo 2 >/out/new; ln -sf /etc/passwd /out/link; done) & while ! test -e /out/new; do :; done; rm /out/new; echo '"done"' >/out/result`)
	o := a.server.Close()
	if got.code != 0 || string(o.Output) != `"done"` {
		t.Errorf("got code %d, output %q: %s", got.code, o.Output, got.stderr)
	}
}

func TestResultWithoutHost(t *testing.T) {
	t.Parallel()
	a := begin(t, lines.Config{})
	a.server.Close()
	got := a.shell([]string{resultFile}, `echo 1 >/out/result`)
	if got.code != inside.ExitFailed || !strings.Contains(got.stderr, "connect to the host") {
		t.Errorf("got %d, %q", got.code, got.stderr)
	}
}

func TestFilesOut(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, patterns, script string
		files                  string // names and contents
		message                string
	}{
		{
			name: "globs", patterns: `["*.txt","a/**","x.bin"]`,
			script: `echo -n 1 >b.txt; echo -n 2 >c.log; mkdir -p a/b d; echo -n 3 >a/b/c; echo -n 4 >a/d; echo -n 5 >d/e.txt; printf '\0\377' >x.bin`,
			files:  `map["a/b/c":"3" "a/d":"4" "b.txt":"1" "x.bin":"\x00\xff"]`,
		},
		{name: "none", patterns: `["*.txt","**"]`, script: `mkdir a`, files: `map[]`},
		{name: "empty file", patterns: `["a"]`, script: `: >a`, files: `map["a":""]`},
		{name: "missing", patterns: `["a.txt"]`, script: `:`, message: `file to leave "a.txt": there is no such file in /out`},
		{name: "a directory by name", patterns: `["a"]`, script: `mkdir a`, message: `"a": there is no such file`},
		{name: "link out", patterns: `["**"]`, script: `ln -s /etc/passwd a`, message: `"a": it is a symbolic link`},
		{name: "link in", patterns: `["**"]`, script: `: >a; ln -s a b`, message: `"b": it is a symbolic link`},
		{name: "link unasked", patterns: `["a"]`, script: `echo -n 1 >a; ln -s /etc b`, files: `map["a":"1"]`},
		{name: "link to a directory", patterns: `["b/*"]`, script: `ln -s /etc b`, files: `map[]`},
		{name: "FIFO", patterns: `["*"]`, script: `mkfifo a`, message: `"a": it is a named pipe`},
		{name: "newline", patterns: `["*"]`, script: "touch 'a\nb'", message: `"a\nb": its name has a control character`},
		{name: "not UTF-8", patterns: `["*"]`, script: `touch "$(printf 'a\377')"`, message: `"a\xff": its name is not UTF-8`},
		{name: "unreadable", patterns: `["**"]`, script: `mkdir a; : >a/b; chmod 0 a`, message: `permission denied`},
		{name: "bad pattern", patterns: `["/etc/passwd"]`, script: `:`, message: `without the slash`},
		{name: "parent", patterns: `["../etc/passwd"]`, script: `:`, message: `".." is not allowed`},
		{name: "too much", patterns: `["*"]`, script: `truncate -s 3000000 a`, message: `"a", 3000000 bytes: the host refused it`},
		{name: "many", patterns: `["**"]`, script: mounted + " files 10000", files: "10000"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := begin(t, lines.Config{Limits: lines.Limits{DiskBytes: 2_000_000}})
			got := a.shell([]string{inside.EnvFilesOut + "=" + tt.patterns}, "cd /out; "+tt.script)
			o := a.server.Close()
			if tt.message != "" {
				if got.code != inside.ExitFailed || !strings.Contains(got.stderr, tt.message) {
					t.Errorf("got code %d, %q, want %q", got.code, got.stderr, tt.message)
				}
				if told := strings.Contains(got.stderr, inside.EnvFilesOut); !told && (o.Failure == nil || !strings.Contains(o.Failure.Message, tt.message)) {
					t.Errorf("the host was told %+v", o.Failure)
				}
				return
			}
			files := fmt.Sprintf("%q", a.embedder.files)
			if tt.files == "10000" {
				files = fmt.Sprint(len(a.embedder.files))
			}
			if got.code != 0 || files != tt.files {
				t.Errorf("got code %d, %s, want %s: %s", got.code, files, tt.files, got.stderr)
			}
			var names []string
			for _, f := range o.Files {
				names = append(names, f.Name)
			}
			if want := slices.Sorted(maps.Keys(a.embedder.files)); !slices.Equal(names, want) {
				t.Errorf("the outcome has %.100q", names)
			}
		})
	}
}
