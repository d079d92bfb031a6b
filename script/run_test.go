package script_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/script"
	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost"
)

func TestErrors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		language  script.Language
		code      string
		file      string
		want      string // the text
		kind      string
		traceback string // part of it
	}{
		{script.Python, "x = 1\n\nraise ValueError('bad')", "", "main.py:3: ValueError: bad", script.KindException, `File "main.py", line 3`},
		{script.Python, "def f():\n  1/0\nf()", "a b.py", "a b.py:2: ZeroDivisionError: division by zero", script.KindException, "1/0"},
		{script.Python, "x = (\n", "", "main.py:1: SyntaxError: '(' was never closed", script.KindSyntax, ""},
		{script.Python, "class Odd(Exception): pass\nraise Odd", "", "main.py:2: Odd", script.KindException, "Odd"},
		{script.Python, "import sys\nsys.exit(3)", "", "", script.KindExit, ""},
		{script.Python, "import json\njson.loads('{')", "", "", script.KindException, "main.py"},
		{script.Python, "nosuch()", "", "main.py:1: NameError: name 'nosuch' is not defined", script.KindException, "nosuch()"},
		{script.JavaScript, "let x = 1\n\nthrow new TypeError('bad')", "", "main.js:3: TypeError: bad", script.KindException, "main.js:3"},
		{script.JavaScript, "function f() {\n  null.x\n}\nf()", "a b.js", "", script.KindException, "a b.js:2"},
		{script.JavaScript, "let x = (\n", "", "", script.KindSyntax, ""},
		{script.JavaScript, "throw 5", "", "", script.KindException, ""},
		{script.JavaScript, "await Promise.reject(new RangeError('far'))", "", "", script.KindException, ""},
		{script.TypeScript, "interface A {\n  x: number\n}\nconst a: A = null as any\na.x", "", "main.ts:5: TypeError: cannot read property 'x' of null", script.KindException, "main.ts:5"},
		{script.TypeScript, "const x: number = ;", "", "", script.KindSyntax, ""},
	} {
		t.Run(string(test.language)+" "+test.code, func(t *testing.T) {
			t.Parallel()
			_, err := sandbox(t, test.language).Run(t.Context(), test.language, test.code, script.Options{File: test.file})
			var failure *script.Error
			if !errors.As(err, &failure) {
				t.Fatalf("got %v, want an Error", err)
			}
			if failure.Kind != test.kind || test.want != "" && err.Error() != test.want || !strings.Contains(failure.Traceback, test.traceback) {
				t.Errorf("got %v of kind %s, want %s of kind %s, with %q in the traceback:\n%s", err, failure.Kind, test.want, test.kind, test.traceback, failure.Traceback)
			}
			if errors.Unwrap(err) != nil {
				t.Errorf("got %v inside, want nothing of the host", errors.Unwrap(err))
			}
			for _, word := range []string{"graflow", "<string>", "prelude"} {
				if strings.Contains(failure.Traceback, word) {
					t.Errorf("the traceback tells of %q:\n%s", word, failure.Traceback)
				}
			}
		})
	}
}

func TestFail(t *testing.T) {
	t.Parallel()
	for l, code := range map[script.Language]string{
		script.Python:     "import graflow\n\ngraflow.fail('rate_limited', 'slow down', permanent=True, retry_after=1.5)",
		script.JavaScript: "\n\nctx.fail('rate_limited', 'slow down', {permanent: true, retryAfter: 1.5})",
	} {
		_, err := sandbox(t, l).Run(t.Context(), l, code, script.Options{})
		var failure *script.Error
		var trap *wasmhost.TrapError
		if !errors.As(err, &failure) || failure.Kind != "rate_limited" || failure.Message != "slow down" || !failure.Permanent || failure.RetryAfter != 1500*time.Millisecond || !errors.As(err, &trap) {
			t.Errorf("%s: got %+v", l, failure)
		}
		if failure != nil && failure.Line != 3 {
			t.Errorf("%s: got line %d of %+v, want 3", l, failure.Line, failure)
		}
	}
}

// lines collects what is logged.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) add(level slog.Level, line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, level.String()+" "+line)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.all, "\n")
}

func TestStreams(t *testing.T) {
	t.Parallel()
	for l, code := range map[script.Language]string{
		script.Python:     "import sys\nprint('out', end='')\nprint('err', file=sys.stderr)\nctx.warn('logged')",
		script.JavaScript: "console.log('out'); console.error('err'); ctx.warn('logged')",
	} {
		var stdout, stderr bytes.Buffer
		var log lines
		options := script.Options{Stdout: &stdout, Stderr: &stderr, Services: wasmhost.Services{Log: log.add}}
		_, err := sandbox(t, l).Run(t.Context(), l, code, options)
		if err != nil || strings.TrimSpace(stdout.String()) != "out" || stderr.String() != "err\n" || log.String() != "WARN logged" {
			t.Errorf("%s: got %q, %q, %q, %v", l, stdout.String(), stderr.String(), log.String(), err)
		}
	}
}

func TestStreamsToLog(t *testing.T) {
	t.Parallel()
	var log lines
	_, err := sandbox(t, script.Python).Run(t.Context(), script.Python, "print('a')\nprint('b')", script.Options{Services: wasmhost.Services{Log: log.add}})
	if want := "INFO a\nINFO b"; err != nil || log.String() != want {
		t.Errorf("got %q, %v, want %q", log.String(), err, want)
	}
}

func TestTimeoutKeepsOutput(t *testing.T) {
	t.Parallel()
	for l, code := range map[script.Language]string{
		script.Python:     "print('before')\nwhile True: pass",
		script.JavaScript: "console.log('before'); for (;;) {}",
	} {
		var stdout bytes.Buffer
		result, err := sandbox(t, l).Run(t.Context(), l, code, script.Options{Stdout: &stdout, Limits: wasmhost.Limits{Timeout: 200 * time.Millisecond}})
		wantKind(t, err, wasmhost.KindTimeout)
		if !errors.Is(err, wasmhost.ErrTimeout) || stdout.String() != "before\n" || result.Ledger.Wall < 200*time.Millisecond {
			t.Errorf("%s: got %v, %q, %+v", l, err, stdout.String(), result.Ledger)
		}
	}
}

// wantKind wants an Error of one of some kinds.
func wantKind(t *testing.T, err error, kinds ...string) {
	t.Helper()
	_ = failureOf(t, err, kinds...)
}

// failureOf is the Error of one of some kinds, and never nil.
func failureOf(t *testing.T, err error, kinds ...string) *script.Error {
	t.Helper()
	var failure *script.Error
	if errors.As(err, &failure) {
		for _, kind := range kinds {
			if failure.Kind == kind {
				return failure
			}
		}
	}
	t.Errorf("got %v, want an Error of kind %q", err, kinds)
	return &script.Error{}
}

func TestCanceled(t *testing.T) {
	t.Parallel()
	for l, code := range map[script.Language]string{
		script.Python:     "print('on')\nwhile True: pass",
		script.JavaScript: "console.log('on'); for (;;) {}",
	} {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := sandbox(t, l).Run(ctx, l, code, script.Options{Stdout: cancels{cancel}})
		wantKind(t, err, wasmhost.KindCanceled)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v", l, err)
		}
	}
}

// cancels is a writer that cancels.
type cancels struct{ cancel context.CancelFunc }

func (c cancels) Write(b []byte) (int, error) {
	c.cancel()
	return len(b), nil
}

func TestArguments(t *testing.T) {
	t.Parallel()
	options := script.Options{Args: []string{"-v", "x"}, File: "tool.py"}
	result, err := sandbox(t, script.Python).Run(t.Context(), script.Python, "import sys\nsys.argv", options)
	if err != nil || string(result.Value) != `["tool.py","-v","x"]` && string(result.Value) != `["tool.py", "-v", "x"]` {
		t.Errorf("got %s, %v", result.Value, err)
	}
}

func TestMeta(t *testing.T) {
	t.Parallel()
	meta := &abi.Meta{Run: "r1", Task: "t", Activation: "t#2", Attempt: 2, MaxAttempts: 3, Cycle: 1}
	for l, code := range map[script.Language]string{
		script.Python:     "[ctx.run, ctx.task, ctx.attempt, ctx.max_attempts]",
		script.JavaScript: "[ctx.run, ctx.task, ctx.attempt, ctx.maxAttempts]",
	} {
		result, err := sandbox(t, l).Run(t.Context(), l, code, script.Options{Services: wasmhost.Services{Meta: meta}})
		if got := strings.ReplaceAll(string(result.Value), " ", ""); err != nil || got != `["r1","t",2,3]` {
			t.Errorf("%s: got %s, %v", l, result.Value, err)
		}
	}
}

// TestCaller wants what is the caller's mistake to be no Error of the code.
func TestCaller(t *testing.T) {
	t.Parallel()
	s := sandbox(t, script.JavaScript)
	for _, test := range []struct {
		language script.Language
		options  script.Options
		want     string
	}{
		{"cobol", script.Options{}, `there is no language "cobol"`},
		{script.JavaScript, script.Options{Input: func() {}}, "run main.js: the input: encode func()"},
		{script.JavaScript, script.Options{Tools: []script.Tool{{}}}, "tool 1 has no name"},
		{script.JavaScript, script.Options{Tools: []script.Tool{{Name: "a"}}}, `tool "a" has no Call`},
		{script.JavaScript, script.Options{With: []string{"testdata/absent.whl"}}, `bundle "testdata/absent.whl"`},
		{script.JavaScript, script.Options{FilesOut: []string{"../x"}}, `files out "../x"`},
		{script.JavaScript, script.Options{Grants: wasmhost.Grants{Mounts: []wasmhost.Mount{{Guest: "/in/x", Memory: true}}}}, "/in is taken"},
	} {
		_, err := s.Run(t.Context(), test.language, "1", test.options)
		var failure *script.Error
		if err == nil || errors.As(err, &failure) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("got %v, want %q", err, test.want)
		}
	}
	_, err := s.Run(t.Context(), script.JavaScript, "'\xff'", script.Options{})
	wantKind(t, err, script.KindSyntax)
}

// TestMost wants a run to get no more than the sandbox allows.
func TestMost(t *testing.T) {
	t.Parallel()
	sandbox(t, script.JavaScript)
	s := newSandbox(t, script.Config{Most: wasmhost.Limits{Timeout: 100 * time.Millisecond}})
	if err := s.Prepare(t.Context(), script.JavaScript); err != nil {
		t.Fatal(err)
	}
	for _, asked := range []time.Duration{0, time.Hour} {
		_, err := s.Run(t.Context(), script.JavaScript, "for (;;) {}", script.Options{Limits: wasmhost.Limits{Timeout: asked}})
		wantKind(t, err, wasmhost.KindTimeout)
	}
}

// TestDefaults wants a run to get what it asks for, else the default.
func TestDefaults(t *testing.T) {
	t.Parallel()
	sandbox(t, script.JavaScript)
	s := newSandbox(t, script.Config{Defaults: wasmhost.Limits{Fuel: 5_000_000}})
	code := "let n = 0; for (let i = 0; i < 1000000; i++) n += i; n"
	_, err := s.Run(t.Context(), script.JavaScript, code, script.Options{})
	wantKind(t, err, wasmhost.KindFuel)
	result, err := s.Run(t.Context(), script.JavaScript, code, script.Options{Limits: wasmhost.Limits{Fuel: 5_000_000_000}})
	if err != nil || string(result.Value) != "499999500000" {
		t.Errorf("got %s, %v", result.Value, err)
	}
}

func TestClosed(t *testing.T) {
	t.Parallel()
	sandbox(t, script.JavaScript)
	s := newSandbox(t, script.Config{})
	if _, err := s.Run(t.Context(), script.JavaScript, "1", script.Options{}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, l := range []script.Language{script.JavaScript, script.Python} {
		if _, err := s.Run(t.Context(), l, "1", script.Options{}); !errors.Is(err, wasmhost.ErrClosed) {
			t.Errorf("%s: got %v, want it closed", l, err)
		}
	}
}

func TestHostOfOthers(t *testing.T) {
	t.Parallel()
	sandbox(t, script.JavaScript)
	host, err := wasmhost.New(t.Context(), wasmhost.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close(context.WithoutCancel(t.Context()))
	for range 2 { // the second finds the host open, and the module compiled
		s := newSandbox(t, script.Config{Host: host})
		result, err := s.Run(t.Context(), script.JavaScript, "6 * 7", script.Options{})
		if err != nil || string(result.Value) != "42" {
			t.Errorf("got %s, %v", result.Value, err)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func TestRuntime(t *testing.T) {
	t.Parallel()
	info, err := sandbox(t, script.TypeScript).Runtime(t.Context(), script.TypeScript)
	if err != nil || info.Name != "javascript" || !strings.HasPrefix(info.Digest, "sha256:") || info.Size < 1000 {
		t.Errorf("got %+v, %v", info, err)
	}
}

func TestMissing(t *testing.T) {
	t.Parallel()
	missing := errors.New("get it")
	s, err := script.New(script.Config{Open: func(string) (script.Runtime, error) { return script.Runtime{}, missing }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(context.WithoutCancel(t.Context()))
	_, runErr := s.Run(t.Context(), script.Python, "1", script.Options{})
	if prepareErr := s.Prepare(t.Context(), script.Python); !errors.Is(runErr, missing) || !errors.Is(prepareErr, missing) {
		t.Errorf("got %v and %v, want both to say how to get it", runErr, prepareErr)
	}
}

func TestLanguageOf(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]script.Language{
		"x.py": script.Python, "/a/b.JS": script.JavaScript, "m.mjs": script.JavaScript, "t.ts": script.TypeScript, "t.mts": script.TypeScript, "x.rb": "", "py": "",
	} {
		if got, err := script.LanguageOf(file); got != want || (err == nil) != (want != "") {
			t.Errorf("%s: got %q, %v, want %q", file, got, err, want)
		}
	}
}
