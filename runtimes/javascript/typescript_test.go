package javascript_test

import (
	"encoding/json"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost"
)

func typescript(t *testing.T, code string) answer {
	t.Helper()
	got, _, err := call(t, document{Code: code, Language: "typescript", Input: json.RawMessage(`{"a":1}`)}, wasmhost.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestTypeScript(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ code, want string }{
		"enum":       {"enum E { A, B = 5, C }\nconst enum F { X = 1 << 2 }\n[E.A, E.C, E[5], F.X]", `[0,6,"B",4]`},
		"interface":  {"interface I { a: number; f?(): void }\nconst x: I = { a: 1 };\nx.a", `1`},
		"generics":   {"function id<T extends object>(x: T): T { return x }\nconst f = <V,>(v: V) => v;\nid<{ a: number }>({ a: f<number>(2) })", `{"a":2}`},
		"satisfies":  {"const p = { a: 1 } satisfies Record<string, number>;\np", `{"a":1}`},
		"as const":   {"const k = ['x'] as const;\nlet u = k[0]!;\nu", `"x"`},
		"classes":    {"abstract class A<T> { constructor(public x: T, private readonly y = 2) {} abstract g(): T; get s() { return this.y } }\nclass B extends A<number> { g() { return this.x as number } }\nconst b = new B(4);\n[b.g(), b.s]", `[4,2]`},
		"imports":    {"import type { Z } from './nowhere';\nimport { ctx, type Q } from 'graflow';\nexport default (input: { a: number }): number => input.a + ctx.attempt", `2`},
		"overloads":  {"function f(a: string): string; function f(a: number): number;\nfunction f(a: any) { return a }\nf(2)", `2`},
		"declares":   {"declare global { var zz: number }\ndeclare module 'x' { export const y: number }\ntype T = { [K in 'a']?: number };\ntypeof zz", `"undefined"`},
		"assertions": {"function ok(this: unknown, v?: string): asserts v is string {}\nok('x'); 1", `1`},
		"string":     {"const s = `\nnamespace N {\n}`; s.length", `16`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := typescript(t, c.code); got.Error != nil || string(got.Value) != c.want {
				t.Errorf("got %s %+v, want %s", got.Value, got.Error, c.want)
			}
		})
	}
}

func TestTypeScriptErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		code, kind string
		line       int
	}{
		"syntax":    {"type A = 1;\nconst a: number = ;", "syntax", 2},
		"namespace": {"let a = 1;\nnamespace N { export const x = 1 }\nN.x", "syntax", 2},
		"exception": {"interface P {\n  a: string\n}\n\nconst p: P = null as any;\np.a", "exception", 6},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if e := typescript(t, c.code).Error; e == nil || e.Kind != c.kind || e.Line != c.line || e.File != "main.ts" {
				t.Errorf("got %+v", e)
			}
		})
	}
}
