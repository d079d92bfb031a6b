package script_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/script"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// cells runs code in a session, one cell after the other.
func cells(t *testing.T, s *script.Sandbox, l script.Language, session *script.Session, want string, code ...string) {
	t.Helper()
	for i, cell := range code {
		result, err := s.Run(t.Context(), l, cell, script.Options{Session: session})
		if err != nil {
			t.Fatalf("cell %d, %s: %v", i+1, cell, err)
		}
		if i == len(code)-1 && fmt.Sprint(tree(t, result.Value)) != want {
			t.Errorf("%s: got %s, want %s", cell, result.Value, want)
		}
	}
}

func TestSession(t *testing.T) {
	t.Parallel()
	for l, code := range map[script.Language][]string{
		script.Python: {
			"import json as j\nx = [1]\nclass P:\n  def f(self): return x\np = P()\ndef add(n): x.append(n)",
			"add(2)\nx.append(len(j.dumps(x)))",
			"[p.f(), isinstance(p, P)]",
		},
		script.JavaScript: {
			"const x = [1]; let y = 1; var z = 1; function add(n) { x.push(n) }; class P { f() { return x } }; const p = new P()",
			"add(2); y++; x.push(JSON.stringify(x).length)",
			"[p.f(), p instanceof P]",
		},
		script.TypeScript: {
			"const x: number[] = [1]; function add(n: number): void { x.push(n) }; const p = { f: () => x }; null",
			"add(2); add(JSON.stringify(x).length)",
			"[p.f(), true]",
		},
	} {
		session := script.NewSession()
		want := "[[1 2 5] true]"
		if l == script.Python {
			want = "[[1 2 6] true]"
		}
		cells(t, sandbox(t, l), l, session, want, code...)
		if session.Language() != l || session.Size() == 0 || session.Size() > 4<<20 {
			t.Errorf("%s: got a session of %s with %d bytes", l, session.Language(), session.Size())
		}
	}
}

// TestSessionAfterErrors wants what a cell did until it failed, but of one that the host
// ended nothing.
func TestSessionAfterErrors(t *testing.T) {
	t.Parallel()
	for l, code := range map[script.Language]struct{ set, raise, loop, syntax, read string }{
		script.Python:     {"x = 1", "x = 2\nraise ValueError('bad')", "x = 3\nwhile True: pass", "x = (", "x"},
		script.JavaScript: {"var x = 1", "x = 2; throw new Error('bad')", "x = 3; for (;;) {}", "x = (", "x"},
	} {
		s, session := sandbox(t, l), script.NewSession()
		cells(t, s, l, session, "<nil>", code.set)
		options := script.Options{Session: session, Limits: wasmhost.Limits{Timeout: 200 * time.Millisecond}}
		_, err := s.Run(t.Context(), l, code.raise, options)
		wantKind(t, err, script.KindException)
		cells(t, s, l, session, "2", code.read)
		_, err = s.Run(t.Context(), l, code.loop, options)
		wantKind(t, err, wasmhost.KindTimeout)
		cells(t, s, l, session, "2", code.read)
		_, err = s.Run(t.Context(), l, code.syntax, options)
		wantKind(t, err, script.KindSyntax)
		cells(t, s, l, session, "2", code.read)
	}
}

// TestSessionMoves wants a session to go on in another sandbox, from its bytes.
func TestSessionMoves(t *testing.T) {
	t.Parallel()
	for l, code := range map[script.Language][2]string{
		script.Python:     {"import random, collections\nc = collections.Counter('abca')\nxs = list(range(10000))", "[c['a'], len(xs), sum(xs)]"},
		script.JavaScript: {"const m = new Map([['a', 2]]); const xs = Array.from({length: 10000}, (_, i) => i); null", "[m.get('a'), xs.length, xs.reduce((a, b) => a + b)]"},
	} {
		session := script.NewSession()
		cells(t, sandbox(t, l), l, session, "<nil>", code[0])
		data, err := session.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		moved := script.NewSession()
		if err := moved.UnmarshalBinary(data); err != nil {
			t.Fatal(err)
		}
		other := newSandbox(t, script.Config{})
		cells(t, other, l, moved, "[2 10000 49995000]", code[1])
		cells(t, sandbox(t, l), l, session, "[2 10000 49995000]", code[1]) // the first one is still there
	}
}

func TestSessionEmptyBytes(t *testing.T) {
	t.Parallel()
	data, err := script.NewSession().MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	session := new(script.Session)
	if err := session.UnmarshalBinary(data); err != nil || session.Language() != "" {
		t.Errorf("got %q, %v", session.Language(), err)
	}
	cells(t, sandbox(t, script.JavaScript), script.JavaScript, session, "2", "1 + 1")
}

func TestSessionRefused(t *testing.T) {
	t.Parallel()
	s, session := sandbox(t, script.JavaScript), script.NewSession()
	cells(t, s, script.JavaScript, session, "1", "var x = 1; x")
	cells(t, s, script.TypeScript, session, "2", "const y: number = x + 1; y")
	data, err := session.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	_, err = sandbox(t, script.Python).Run(t.Context(), script.Python, "1", script.Options{Session: session})
	refused(t, err, "it is of typescript, not of python")
	_, err = s.Run(t.Context(), script.JavaScript, "x", script.Options{Session: session, Grants: wasmhost.Grants{Env: map[string]string{"A": "b"}}})
	refused(t, err, "environment")
	again := script.Func("again", "", func(ctx context.Context, _ struct{}) (string, error) {
		_, err := s.Run(ctx, script.JavaScript, "x", script.Options{Session: session})
		return "", err
	})
	_, err = s.Run(t.Context(), script.JavaScript, "await again()", script.Options{Session: session, Tools: []script.Tool{again}})
	if failure := failureOf(t, err, script.KindException); !strings.Contains(failure.Message, "another run uses it") {
		t.Errorf("got %v, want the session in use", err)
	}
	for i := range 40 {
		at := i * len(data) / 40
		broken := append([]byte(nil), data...)
		broken[at] ^= 0x55
		if err := new(script.Session).UnmarshalBinary(broken); !errors.Is(err, script.ErrSession) && at > 30 {
			t.Errorf("byte %d changed: got %v, want it refused", at, err)
		}
		refused(t, new(script.Session).UnmarshalBinary(data[:at]), "")
	}
	cells(t, s, script.JavaScript, session, "1", "x") // none of that has changed it
}

func refused(t *testing.T, err error, want string) {
	t.Helper()
	var failure *script.Error
	if !errors.Is(err, script.ErrSession) || errors.As(err, &failure) || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want the session refused: %s", err, want)
	}
}
