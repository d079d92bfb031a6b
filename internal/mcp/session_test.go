package mcp_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/internal/mcp"
	"github.com/graflow/graflow-wasm/wasmhost"
)

func TestSessions(t *testing.T) {
	t.Parallel()
	server := newServer(t, mcp.Config{Limits: wasmhost.Limits{Timeout: 2 * time.Second}})
	ada, bob := connect(t, server, nil), connect(t, server, nil)
	cell := func(language, code string) args {
		return args{"language": language, "code": code, "session": "main"}
	}
	o, _ := run(t, ada, cell("python", "import math\nx = 41\ndef f(): return x + 1"))
	if o.Error != nil || o.Session == nil || !o.Session.New || !o.Session.Kept || o.Session.Bytes == 0 {
		t.Fatalf("got %+v, session %+v", o.Error, o.Session)
	}
	if o, _ = run(t, ada, cell("python", "f()")); string(o.Value) != "42" || o.Session.New {
		t.Errorf("got %s, %+v, session %+v", o.Value, o.Error, o.Session)
	}
	if o, _ = run(t, ada, cell("python", "x = 0\nwhile True: pass")); o.kind() != "timeout" {
		t.Errorf("got %+v", o.Error)
	}
	if o, _ = run(t, ada, cell("python", "f()")); string(o.Value) != "42" {
		t.Errorf("got %s, %+v after a cell that was stopped, want 42", o.Value, o.Error)
	}
	// One name has a session for each interpreter.
	if o, _ = run(t, ada, cell("typescript", "globalThis.x = 1")); o.Error != nil || !o.Session.New {
		t.Errorf("got %+v, session %+v", o.Error, o.Session)
	}
	if o, _ = run(t, ada, cell("javascript", "x + 1")); string(o.Value) != "2" {
		t.Errorf("got %s, %+v", o.Value, o.Error)
	}
	if o, _ = run(t, bob, cell("python", "f()")); o.Error == nil || o.Error.Type != "NameError" || !o.Session.New {
		t.Errorf("got %+v, want another client to find nothing", o.Error)
	}
	if o, _ = run(t, ada, args{"language": "python", "code": "f()"}); o.Error == nil || o.Error.Type != "NameError" || o.Session != nil {
		t.Errorf("got %+v, want a run without a session to find nothing", o.Error)
	}
}

// TestSessionTurns has calls of one session at the same time: each waits for its turn.
func TestSessionTurns(t *testing.T) {
	t.Parallel()
	session := connect(t, newServer(t, mcp.Config{}), nil)
	run(t, session, args{"language": "javascript", "code": "globalThis.n = 0", "session": "s"})
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if o, _ := run(t, session, args{"language": "javascript", "code": "n++", "session": "s"}); o.Error != nil {
				t.Errorf("got %+v", o.Error)
			}
		})
	}
	all.Wait()
	if o, _ := run(t, session, args{"language": "javascript", "code": "n", "session": "s"}); string(o.Value) != "20" {
		t.Errorf("got %s, want 20", o.Value)
	}
}

func TestSessionLimits(t *testing.T) {
	t.Parallel()
	server := newServer(t, mcp.Config{Sessions: mcp.SessionLimits{Count: 3, Bytes: 16 << 20}})
	session := connect(t, server, nil)
	set := func(name string) args {
		return args{"language": "javascript", "code": "globalThis.x = 1", "session": name}
	}
	isNew := func(name string) bool {
		o, _ := run(t, session, args{"language": "javascript", "code": "null", "session": name})
		return o.Session.New
	}
	for i := range 3 {
		run(t, session, set(fmt.Sprint(i)))
	}
	run(t, session, set("0")) // 1 is the oldest then
	run(t, session, set("3"))
	if isNew("0") || isNew("2") || isNew("3") {
		t.Error("a session went that was used lately")
	}
	if !isNew("1") {
		t.Error("four sessions are kept, want three")
	}
	o, _ := run(t, session, args{"language": "javascript", "code": "globalThis.big = new Uint8Array(32 << 20).fill(1); 1", "session": "big"})
	if o.Session.Kept || string(o.Value) != "1" {
		t.Errorf("got session %+v with %s, %+v, want it dropped", o.Session, o.Value, o.Error)
	}
	o, _ = run(t, session, args{"language": "javascript", "code": "globalThis.huge = new Uint8Array(80 << 20).fill(1); 1", "session": "huge"})
	if o.kind() != "session" {
		t.Errorf("got %+v for more than a session can ever hold", o.Error)
	}
}

// TestSessionIdle lets a session wait for too long.
func TestSessionIdle(t *testing.T) {
	t.Parallel()
	session := connect(t, newServer(t, mcp.Config{Sessions: mcp.SessionLimits{Idle: time.Nanosecond}}), nil)
	call := args{"language": "javascript", "code": "null", "session": "s"}
	run(t, session, call)
	for end := time.Now().Add(time.Minute); ; { // the timer's goroutine has to come to it
		if o, _ := run(t, session, call); o.Session.New {
			return
		}
		if time.Now().After(end) {
			t.Fatal("the session is kept though it was idle")
		}
	}
}
