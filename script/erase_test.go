package script_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/script"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// typed is code that is mostly types, and comes to a number of its own.
func typed(n int) string {
	return fmt.Sprintf("%s\nconst x: A0 = %d;\nx", strings.Repeat("type A0 = number; interface B { a?: string[]; f(x: number): void }\n", 200), n)
}

func typeScript(t *testing.T, s *script.Sandbox, code string, options script.Options) script.Result {
	t.Helper()
	result, err := s.Run(t.Context(), script.TypeScript, code, options)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// TestTypesSeenBefore runs the same text several times: it comes to the same by the same fuel,
// though the text is parsed once.
func TestTypesSeenBefore(t *testing.T) {
	t.Parallel()
	s := sandbox(t, script.TypeScript)
	options := script.Options{Limits: wasmhost.Limits{OutputBytes: 20}} // far less than the code
	first := typeScript(t, s, typed(1), options)
	for range 3 {
		again := typeScript(t, s, typed(1), options)
		if string(again.Value) != "1" || again.Ledger.Fuel != first.Ledger.Fuel || again.Ledger.PeakMemory != first.Ledger.PeakMemory {
			t.Fatalf("got %s by %+v, then %s by %+v", first.Value, first.Ledger, again.Value, again.Ledger)
		}
	}
	if other := typeScript(t, s, typed(2), script.Options{}); string(other.Value) != "2" {
		t.Errorf("another text: got %s", other.Value)
	}
}

// TestTypesOfSessions wants code to be what it says after code that broke what takes types off.
func TestTypesOfSessions(t *testing.T) {
	t.Parallel()
	s, session := sandbox(t, script.TypeScript), script.NewSession()
	const broken = `String.prototype.slice = () => "'forged'"; String.prototype.includes = () => { throw 1 }; Object.defineProperty(Object.prototype, "erased", { value: "'forged'" }); 1`
	typeScript(t, s, broken, script.Options{Session: session})
	code := "const y: string = 'mine' as any;\ny // " + t.Name()
	for _, options := range []script.Options{{Session: session}, {}} {
		if got := typeScript(t, s, code, options); string(got.Value) != `"mine"` {
			t.Errorf("got %s", got.Value)
		}
	}
}

// TestTypesCountForLimits wants limits to hold for taking types off, as if it were done each
// time.
func TestTypesCountForLimits(t *testing.T) {
	t.Parallel()
	s := sandbox(t, script.TypeScript)
	code := typed(3)
	for _, seen := range []bool{false, true} {
		for kind, limits := range map[string]wasmhost.Limits{
			wasmhost.KindFuel:    {Fuel: 100_000},
			wasmhost.KindTimeout: {Timeout: time.Nanosecond},
		} {
			_, err := s.Run(t.Context(), script.TypeScript, code, script.Options{Limits: limits})
			var failed *script.Error
			if !errors.As(err, &failed) || failed.Kind != kind || failed.File != "main.ts" {
				t.Errorf("seen: %t: got %v, want %s", seen, err, kind)
			}
		}
		fuel := typeScript(t, s, code, script.Options{}).Ledger.Fuel
		typeScript(t, s, code, script.Options{Limits: wasmhost.Limits{Fuel: fuel}})
		if _, err := s.Run(t.Context(), script.TypeScript, code, script.Options{Limits: wasmhost.Limits{Fuel: fuel - 1}}); !errors.Is(err, wasmhost.ErrFuel) {
			t.Errorf("seen: %t: with less fuel than it takes: got %v", seen, err)
		}
	}
}

// TestTypesThatCannotBeTakenOff wants the code's errors to be told each time, by its own name.
func TestTypesThatCannotBeTakenOff(t *testing.T) {
	t.Parallel()
	s := sandbox(t, script.TypeScript)
	for _, file := range []string{"a.ts", "b.ts", "a.ts"} {
		result, err := s.Run(t.Context(), script.TypeScript, "let a: number;\nlet b: = 1", script.Options{File: file})
		var failed *script.Error
		if !errors.As(err, &failed) || failed.Kind != script.KindSyntax || failed.File != file || failed.Line != 2 || result.Ledger.Fuel == 0 {
			t.Errorf("got %v, %+v", err, result.Ledger)
		}
	}
}

// TestMoreThanIsKept has code that is too large without its types for the host to take: the
// run takes them off itself.
func TestMoreThanIsKept(t *testing.T) {
	t.Parallel()
	var members strings.Builder
	for i := range 200 {
		fmt.Fprintf(&members, "M%d,", i)
	}
	name := strings.Repeat("x", 4000) // which each member has twice
	code := "enum " + name + " { " + members.String() + " }\n" + name + ".M199"
	s := sandbox(t, script.TypeScript)
	for range 2 {
		got := typeScript(t, s, code, script.Options{Limits: wasmhost.Limits{Timeout: time.Minute, OutputBytes: 20}})
		if string(got.Value) != "199" {
			t.Errorf("got %s", got.Value)
		}
	}
}
