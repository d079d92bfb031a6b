package script_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/script"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// Kinds in which hostile code may end: what the interpreter notices itself it tells as an
// exception or as memory, the rest the host ends.
var (
	timesOut  = []string{wasmhost.KindTimeout}
	fillsUp   = []string{wasmhost.KindMemory}
	raises    = []string{script.KindException}
	recurses  = []string{script.KindException, wasmhost.KindStack, wasmhost.KindMemory, wasmhost.KindTimeout}
	anyLimit  = []string{wasmhost.KindTimeout, wasmhost.KindMemory, script.KindException}
	exceeds   = []string{wasmhost.KindOutputTooLarge}
	breaksOff = []string{script.KindException, script.KindInvalidResult, wasmhost.KindInvalidOutput, wasmhost.KindError, wasmhost.KindTrap, "runtime", ""}
)

var hostile = []struct {
	language script.Language
	name     string
	code     string
	kinds    []string // "" is no error
	says     string   // part of the message
}{
	{script.Python, "endless loop that catches all", "while True:\n  try:\n    while True: pass\n  except BaseException: pass", timesOut, ""},
	{script.Python, "recursion without limit", "import sys\nsys.setrecursionlimit(10**9)\ndef f(): return f()\nf()", recurses, ""},
	{script.Python, "recursion in C", "import sys\nsys.setrecursionlimit(10**9)\nx = []\nfor i in range(10**6): x = [x]\nrepr(x)", recurses, ""},
	{script.Python, "power tower", "10**10**8", timesOut, ""},
	{script.Python, "long sum", "sum(range(10**12))", timesOut, ""},
	{script.Python, "backtracking", "import re\nre.match('(a+)+$', 'a'*40 + 'b')", timesOut, ""},
	{script.Python, "huge text", "'x'*10**10", []string{wasmhost.KindMemory, script.KindException}, ""},
	{script.Python, "memory bit by bit", "x = []\nwhile True: x.append(bytearray(1 << 20))", fillsUp, ""},
	{script.Python, "memory, caught", "x = []\nwhile True:\n  try: x.append(bytearray(1 << 20))\n  except MemoryError: pass", []string{wasmhost.KindTimeout, wasmhost.KindMemory}, ""},
	{script.Python, "fork", "import os\nos.fork()", raises, ""},
	{script.Python, "exec bomb", "s = 'exec(s);exec(s)'\nexec(s)", recurses, ""},
	{script.Python, "thread", "import threading\nthreading.Thread(target=print).start()", raises, "sandbox"},
	{script.Python, "subprocess", "import subprocess\nsubprocess.run(['ls'])", raises, "sandbox"},
	{script.Python, "passwd", "open('/etc/passwd').read()", raises, ""},
	{script.Python, "way out of /tmp", "open('/tmp/../../../etc/passwd').read()", raises, ""},
	{script.Python, "socket", "import socket\nsocket.create_connection(('127.0.0.1', 22))", raises, "sandbox"},
	{script.Python, "http", "import urllib.request\nurllib.request.urlopen('http://127.0.0.1:1/')", []string{script.KindException, wasmhost.KindDenied}, ""},
	{script.Python, "link", "import os\nos.symlink('/etc/passwd', '/tmp/l')\nopen('/tmp/l').read()", raises, ""},
	{script.Python, "ctypes", "import ctypes", raises, ""},
	{script.Python, "big result", "'x' * (20 << 20)", exceeds, ""},
	{script.Python, "endless iterator", "def g():\n  while True: yield 1\nlist(g())", []string{wasmhost.KindMemory, wasmhost.KindTimeout}, ""},
	{script.Python, "endless sleep", "import time\ntime.sleep(1e6)", timesOut, ""},
	{script.Python, "no builtins", "import builtins\nbuiltins.__dict__.clear()", breaksOff, ""},
	{script.Python, "no modules", "import sys\nsys.modules.clear()\n1", breaksOff, ""},
	{script.Python, "broken stdout", "import sys\nclass W:\n  def write(self, s): raise SystemExit(9)\n  flush = write\nsys.stdout = sys.stderr = W()\nsys.excepthook = None\n1/0", []string{script.KindException, script.KindExit, "runtime"}, ""},
	{script.Python, "error with an endless text", "class E(Exception):\n  def __str__(self):\n    while True: pass\nraise E", timesOut, ""},
	{script.Python, "exit at once", "import os\nos._exit(0)", []string{script.KindExit, wasmhost.KindExit, script.KindException}, ""},
	{script.Python, "abort", "import os\nos.abort()", []string{wasmhost.KindTrap, script.KindException, wasmhost.KindExit}, ""},
	{script.Python, "deep source", "(" + strings.Repeat("(", 100_000), []string{script.KindSyntax, wasmhost.KindMemory, wasmhost.KindStack}, ""},
	{script.Python, "deep expression", "x = " + strings.Repeat("-", 100_000) + "1", []string{script.KindSyntax, script.KindException, wasmhost.KindMemory, wasmhost.KindStack}, ""},

	{script.JavaScript, "sorting a huge array", "new Array(4e9).sort()", anyLimit, ""},
	{script.JavaScript, "joining a huge array", "Array.prototype.join.call({length: 2**32})", anyLimit, ""},
	{script.JavaScript, "searching often", "const s = 'a'.repeat(1 << 20); for (let i = 0; i < 1e4; i++) s.indexOf('b' + i); 1", timesOut, ""},
	{script.JavaScript, "deep JSON", "let o = {}; for (let i = 0; i < 1e5; i++) o = {o}; JSON.stringify(o)", recurses, ""},
	{script.JavaScript, "power tower", "10n**(10n**7n)", []string{wasmhost.KindTimeout, wasmhost.KindMemory, script.KindException, script.KindInvalidResult}, ""},
	{script.JavaScript, "backtracking", "/(a+)+$/.test('a'.repeat(40) + 'b')", timesOut, ""},
	{script.JavaScript, "endless loop that catches all", "while (true) { try { while (true) {} } catch {} }", timesOut, ""},
	{script.JavaScript, "recursion", "function f() { return f() + 1 }\nf()", recurses, ""},
	{script.JavaScript, "recursion that catches", "function f() { try { return f() + 1 } catch { return f() } }\nf()", recurses, ""},
	{script.JavaScript, "huge text", "'x'.repeat(2**30)", []string{script.KindException, wasmhost.KindMemory}, ""},
	{script.JavaScript, "memory bit by bit", "const x = []; while (true) x.push(new Uint8Array(1 << 20).fill(1))", fillsUp, ""},
	{script.JavaScript, "promises without end", "function f() { return Promise.resolve().then(f) }\nawait f()", []string{wasmhost.KindTimeout, wasmhost.KindMemory}, ""},
	{script.JavaScript, "timers without end", "await new Promise(() => { (function f() { setTimeout(f, 0) })() })", []string{wasmhost.KindTimeout, wasmhost.KindMemory}, ""},
	{script.JavaScript, "big result", "'x'.repeat(20 << 20)", exceeds, ""},
	{script.JavaScript, "no globals", "for (const k of Object.getOwnPropertyNames(globalThis)) { try { delete globalThis[k] } catch {} }\n1", breaksOff, ""},
	{script.JavaScript, "broken conversion", "Object.prototype.toJSON = () => { throw 1 }; Array.prototype.map = null; JSON.stringify = () => '{'; Symbol.iterator; ({a: [1]})", breaksOff, ""},
	{script.JavaScript, "thenable without end", "({then(f) { f(this) }})", append(slices.Clone(timesOut), breaksOff...), ""},
	{script.JavaScript, "result with an endless getter", "({get a() { while (true) {} }})", timesOut, ""},
	{script.JavaScript, "deep source", strings.Repeat("(", 100_000), []string{script.KindSyntax, script.KindException, wasmhost.KindMemory, wasmhost.KindStack}, ""},
	{script.TypeScript, "deep source", "const x: " + strings.Repeat("(", 100_000), []string{script.KindSyntax, script.KindException, wasmhost.KindMemory, wasmhost.KindStack, wasmhost.KindTimeout}, ""},
	{script.TypeScript, "deep types", "let x: " + strings.Repeat("A<", 100_000), []string{script.KindSyntax, script.KindException, wasmhost.KindMemory, wasmhost.KindStack, wasmhost.KindTimeout}, ""},
}

// TestHostile wants hostile code to end at its limit, to be told as what it is, and the next
// run not to know of it.
func TestHostile(t *testing.T) {
	t.Parallel()
	limits := wasmhost.Limits{Timeout: 400 * time.Millisecond, Memory: 96 << 20}
	for _, test := range hostile { //nolint:paralleltest // one by one, for the time they take
		t.Run(string(test.language)+" "+test.name, func(t *testing.T) {
			s, limits := sandbox(t, test.language), limits
			if !slices.Contains(test.kinds, wasmhost.KindTimeout) {
				limits.Timeout = time.Minute // the machine may be busy
			}
			if slices.Equal(test.kinds, exceeds) {
				limits.Memory = 256 << 20 // enough for the value
			}
			start := time.Now()
			result, err := s.Run(t.Context(), test.language, test.code, script.Options{Limits: limits})
			took := time.Since(start)
			var failure *script.Error
			switch {
			case err == nil && !slices.Contains(test.kinds, ""):
				t.Errorf("got %.200s, want one of %q", result.Value, test.kinds)
			case err == nil:
			case !errors.As(err, &failure) || !slices.Contains(test.kinds, failure.Kind) || !strings.Contains(failure.Message, test.says):
				t.Errorf("got %.500v, want one of %q with %q", err, test.kinds, test.says)
			}
			if late := took - limits.Timeout; late > 10*time.Second { // the machine may be busy
				t.Errorf("ended %s after the limit", late)
			} else {
				t.Logf("took %s of %s: %.200v", took.Round(time.Millisecond), limits.Timeout, err)
			}
			after, err := s.Run(t.Context(), test.language, "6 * 7", script.Options{})
			if err != nil || string(after.Value) != "42" {
				t.Errorf("got %s, %v of the next run", after.Value, err)
			}
		})
	}
}

func TestNothingOfTheMachine(t *testing.T) {
	t.Parallel()
	for l, code := range map[script.Language]string{
		script.Python:     "import os, sys\n[dict(os.environ), os.getpid() == 1 or os.getpid() == 42]",
		script.JavaScript: "[typeof process === 'undefined' ? {} : {...process.env}, true]",
	} {
		result, err := sandbox(t, l).Run(t.Context(), l, code, script.Options{})
		if err != nil {
			t.Errorf("%s: %v", l, err)
			continue
		}
		got := tree(t, result.Value).([]any)
		if env := got[0].(map[string]any); len(env) != 0 {
			t.Errorf("%s: got the environment %v", l, env)
		}
	}
}

// TestFloodOfOutput wants printed text to be bounded, and the run to go on.
func TestFloodOfOutput(t *testing.T) {
	t.Parallel()
	for l, code := range map[script.Language]string{
		script.Python:     "for i in range(100000): print('x' * 99)\n'done'",
		script.JavaScript: "for (let i = 0; i < 100000; i++) console.log('x'.repeat(99)); 'done'",
	} {
		var printed counter
		result, err := sandbox(t, l).Run(t.Context(), l, code, script.Options{Stdout: &printed, Limits: wasmhost.Limits{Timeout: time.Minute}})
		if err != nil || string(result.Value) != `"done"` || printed > 1<<20 || printed < 1<<19 {
			t.Errorf("%s: got %s, %v with %d bytes printed", l, result.Value, err, printed)
		}
	}
}

// counter counts bytes.
type counter int

func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}
