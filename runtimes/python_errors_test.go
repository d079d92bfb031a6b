package runtimes_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost"
)

func TestPythonErrors(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		code, kind, class, message string
		line, column               int
	}{
		"syntax":        {"x = 1\ndef f(:\n    pass", "syntax", "SyntaxError", "invalid syntax", 2, 7},
		"indentation":   {"if True:\nx = 1", "syntax", "IndentationError", "expected an indented block after 'if' statement on line 1", 2, 1},
		"unclosed":      {"x = (1,\n", "syntax", "SyntaxError", "'(' was never closed", 1, 5},
		"null byte":     {"x = 1\x00", "syntax", "SyntaxError", "source code string cannot contain null bytes", 0, 0},
		"lone return":   {"x = 1\nreturn x", "syntax", "SyntaxError", "'return' outside function", 2, 1},
		"exception":     {"x = 1\nx / 0", "exception", "ZeroDivisionError", "division by zero", 2, 1},
		"in a function": {"def f(x):\n    return x['ü'] + 1\n\nf({})", "exception", "KeyError", "'ü'", 2, 12},
		"of one's own":  {"class Bad(Exception): pass\nraise Bad('no', 1)", "exception", "Bad", "('no', 1)", 2, 1},
		"in main":       {"def main():\n    raise ValueError('x')", "exception", "ValueError", "x", 2, 5},
		"in a library":  {"import json\n\njson.loads('nope')", "exception", "JSONDecodeError", "Expecting value: line 1 column 1 (char 0)", 3, 1},
		"assert":        {"assert 1 == 2, 'sums'", "exception", "AssertionError", "sums", 1, 8},
		"awaited":       {"import asyncio\nasync def f():\n    await asyncio.sleep(0)\n    raise ValueError(1)\nawait f()", "exception", "ValueError", "1", 4, 5},
		"deadlock":      {"import asyncio\nf = asyncio.get_running_loop().create_future() if 0 else None\nasync def main():\n    await asyncio.Event().wait()", "exception", "Deadlock", "the code awaits something that can't happen any more", 4, 5},
		"no str":        {"class E(Exception):\n    def __str__(self): raise ValueError\nraise E", "exception", "E", "<ValueError in its __str__>", 3, 1},
		"surrogate":     {"raise ValueError('\\ud800')", "exception", "ValueError", `\ud800`, 1, 1},
		"exit code":     {"import sys\nsys.exit(3)", "exit", "SystemExit", "exit code 3", 2, 1},
		"exit text":     {"raise SystemExit('bye')", "exit", "SystemExit", "exit code 1: bye", 1, 1},
		"generator":     {"raise GeneratorExit", "exception", "GeneratorExit", "", 1, 1},
		"interrupt":     {"raise KeyboardInterrupt", "exception", "KeyboardInterrupt", "", 1, 1},
		"memory":        {"x = []\nwhile True:\n    x.append(bytearray(1 << 20))", "memory", "MemoryError", "out of memory", 3, 14},
		"small objects": {"x = []\nwhile True: x.append(len(x) + 300)", "memory", "MemoryError", "out of memory", 2, 13},
		"main absent":   {"import nothing_like_this", "exception", "ModuleNotFoundError", "No module named 'nothing_like_this'", 1, 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := run(t, test.code).Error
			if got == nil {
				t.Fatal("no error")
			}
			if got.Kind != test.kind || got.Type != test.class || got.Message != test.message {
				t.Errorf("got %s %s %q, want %s %s %q", got.Kind, got.Type, got.Message, test.kind, test.class, test.message)
			}
			if got.File != "main.py" || got.Line != test.line || got.Column != test.column {
				t.Errorf("got %s:%d:%d, want main.py:%d:%d\n%s", got.File, got.Line, got.Column, test.line, test.column, got.Traceback)
			}
			if strings.Contains(got.Traceback, "graflow/") || strings.Contains(got.Traceback, "<frozen graflow") {
				t.Errorf("the traceback shows our frames:\n%s", got.Traceback)
			}
		})
	}
}

func TestPythonTraceback(t *testing.T) {
	t.Parallel()
	doc := document{File: "job.py", Code: code(
		"import json",
		"def parse(text):",
		"    try:",
		"        return json.loads(text)",
		"    except ValueError as e:",
		"        raise RuntimeError('bad input') from e",
		"",
		"async def main(value):",
		"    return parse('{')",
	)}
	got, _, err := call(t, doc, wasmhost.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := strings.TrimLeft(`
Traceback (most recent call last):
  File "job.py", line 4, in parse
    return json.loads(text)
           ~~~~~~~~~~^^^^^^
  File "<frozen json>", line 346, in loads
  File "<frozen json.decoder>", line 345, in decode
  File "<frozen json.decoder>", line 361, in raw_decode
json.decoder.JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "job.py", line 9, in main
    return parse('{')
  File "job.py", line 6, in parse
    raise RuntimeError('bad input') from e
RuntimeError: bad input`, "\n")
	if got.Error == nil || got.Error.Traceback != want {
		t.Errorf("got  %+v\nwant %s", got.Error, want)
	}
}

func TestPythonFails(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		code, kind, message string
		permanent           bool
		after               time.Duration
	}{
		"plain":          {"ctx.fail('quota', 'too much')", "quota", "too much", false, 0},
		"permanent":      {"import graflow\ntry:\n    graflow.fail('bad', permanent=True)\nexcept Exception: pass", "bad", "", true, 0},
		"later":          {"from datetime import timedelta\nctx.fail('busy', 'x', retry_after=timedelta(seconds=1.5))", "busy", "x", false, 1500 * time.Millisecond},
		"in a coroutine": {"async def main(): ctx.fail('busy', 'x', retry_after=2)", "busy", "x", false, 2 * time.Second},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := call(t, document{Code: test.code}, wasmhost.Options{})
			var got *wasmhost.TrapError
			if !errors.As(err, &got) {
				t.Fatalf("got error %v, want a *wasmhost.TrapError", err)
			}
			if got.Kind != test.kind || got.Message != test.message || got.Permanent != test.permanent || got.RetryAfter != test.after {
				t.Errorf("got %+v, want %+v", got, test)
			}
		})
	}
}

func TestPythonRefusesDocuments(t *testing.T) {
	t.Parallel()
	for _, input := range []string{"null", "[]", "{}", `{"code": 1}`, `{"code": null}`, strings.Repeat("[", 9000) + strings.Repeat("]", 9000)} {
		_, err := python(t).Call(t.Context(), "run", []byte(input), wasmhost.Options{})
		var got *wasmhost.TrapError
		if !errors.As(err, &got) || got.Kind != "invalid_input" || !got.Permanent {
			t.Errorf("%.20s: got %v, want a permanent invalid_input", input, err)
		}
	}
}

func TestPythonPrints(t *testing.T) {
	t.Parallel()
	got := run(t, code(
		"import sys, logging",
		"print('a', 'ü')",
		"ctx.warn('between')",
		"print('\\ud800', file=sys.stderr)",
		"logging.warning('w')",
		"sys.stdout.write('end')",
		"1 / 0",
	))
	want := "INFO a ü|WARN between|INFO \\ud800|INFO WARNING:root:w|INFO end"
	if lines := strings.Join(got.Lines, "|"); lines != want {
		t.Errorf("got  %s\nwant %s", lines, want)
	}
}
