package wasm_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/engine/enginetest"
	"github.com/graflow/graflow-wasm/handlers/wasm"
	"github.com/graflow/graflow-wasm/internal/guesttest"
	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// A language builds the programs with its SDK: those of the suite of all handlers,
// and those of the tests beside it:
//
//	rebuild  returns its input, decoded and encoded
//	secret   returns the secret that its input names
//	http     sends {"method", "url", "header", "text"} and returns {"status", "kind", "text"}
//	tool     calls {"name", "args"} and returns the answer
//	tools    calls a list of those at once and returns a list of answers, or errors
type language struct {
	name  string
	build func(testing.TB) string
}

// programs is where the programs are, in every language.
const programs = "../../engine/enginetest/testdata/"

func languages() []language {
	from := func(build func(testing.TB, string) string, path string) func(testing.TB) string {
		return func(tb testing.TB) string { tb.Helper(); return build(tb, programs+path) }
	}
	return []language{
		{"Go", from(guesttest.Build, "programs")},
		{"Rust", from(guesttest.Rust, "rust")},
		{"C", from(guesttest.C, "c/programs.c")},
		{"C++", from(guesttest.CPlusPlus, "c/programs.c")},
		{"AssemblyScript", from(guesttest.AssemblyScript, "assemblyscript/programs.ts")},
	}
}

// eachLanguage runs a test for each language.
func eachLanguage(t *testing.T, test func(t *testing.T, module string)) {
	t.Helper()
	for _, l := range languages() {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			test(t, l.build(t))
		})
	}
}

// TestLanguages runs the suite of all handlers over the programs of each language.
func TestLanguages(t *testing.T) {
	t.Parallel()
	eachLanguage(t, func(t *testing.T, module string) {
		t.Helper()
		enginetest.HandlerSuite{
			New: func(t *testing.T) engine.Handler { t.Helper(); return newHandler(t, wasm.Config{}) },
			Task: func(t *testing.T, program enginetest.Program) engine.Task {
				t.Helper()
				return engine.Task{Spec: marshal(t, module+"#"+string(program))}
			},
		}.Run(t)
	})
}

// programCall is an attempt of a program with an input in JSON.
func programCall(tb testing.TB, module, program, input string) *engine.Call {
	tb.Helper()
	call := newCall(tb, program, nil)
	call.Task.Spec = marshal(tb, module+"#"+program)
	call.Input = json.RawMessage(input)
	return call
}

// TestLanguagesJSON wants every SDK to read all of JSON, and to write it again.
func TestLanguagesJSON(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`[{"a":`, 490) + "1" + strings.Repeat("}]", 490)
	documents := []string{
		`null`, `true`, `false`, `""`, `[]`, `{}`, `[[],{}]`, `{"":{"":[]}}`, ` { "a" : [ 1 , 2 ] , "b" : null } `,
		`[0,-1,12,1.5,-0.25,1e3,9007199254740993,-9223372036854775808,9223372036854775807]`,
		`"\"\\\/\b\f\n\r\t\u0000\u001f\u00e9\u20ac\ud83d\ude80"`, `"grüße 世界 👩‍🚀"`,
		`{"\u0061":1,"grüße":"\u2028"}`, deep, `["` + strings.Repeat("x\\n", 1<<17) + `"]`,
	}
	eachLanguage(t, func(t *testing.T, module string) {
		t.Helper()
		h := newHandler(t, wasm.Config{})
		for _, document := range documents {
			r, err := h.Handle(t.Context(), programCall(t, module, "rebuild", document))
			if err != nil {
				t.Errorf("%.80s: %v", document, err)
			} else if got, want := canonical(t, r.Value), canonical(t, []byte(document)); got != want {
				t.Errorf("got %.120s, want %.120s", got, want)
			}
		}
		// Half a character alone is none: what came of it is text all the same.
		r, err := h.Handle(t.Context(), programCall(t, module, "rebuild", `["\ud800","\ude80x","\ud800\ud83d\ude80"]`))
		if got, want := string(r.Value), "[\"\ufffd\",\"\ufffdx\",\"\ufffd🚀\"]"; err != nil || got != want {
			t.Errorf("got %s, %v, want %s", got, err, want)
		}
	})
}

// canonical is a document with its keys sorted, and large numbers as they are.
func canonical(t *testing.T, document []byte) string {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(string(document)))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%.120s: %v", document, err)
	}
	return strings.ReplaceAll(string(marshal(t, v)), "1e3", "1000") // 1000 is what it means
}

// TestLanguagesDescribe wants each module to tell its tasks and what they are for.
func TestLanguagesDescribe(t *testing.T) {
	t.Parallel()
	eachLanguage(t, func(t *testing.T, module string) {
		t.Helper()
		tasks := described(t, module)
		for _, task := range tasks {
			if task.Doc == "" {
				t.Errorf("got no word on %s, want one on every task", task.Name)
			}
			if task.Name == "iterate" && (task.Doc != "iterates up to 3" || string(task.Input) != `{"type":"integer"}`) {
				t.Errorf("got %q and the schema %s, want what its author wrote", task.Doc, task.Input)
			}
		}
		if got, want := len(tasks), len(enginetest.Programs())+5; got != want {
			t.Errorf("got %d tasks, want %d", got, want)
		}
	})
}

func described(t *testing.T, module string) []abi.TaskDescription {
	t.Helper()
	data, err := os.ReadFile(module)
	if err != nil {
		t.Fatal(err)
	}
	h, err := host()
	if err != nil {
		t.Fatal(err)
	}
	m, err := h.Compile(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	tasks, err := m.Tasks(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return tasks
}

// TestLanguagesRefuse wants input of the wrong type not to be taken for another,
// where the SDK has types.
func TestLanguagesRefuse(t *testing.T) {
	t.Parallel()
	for _, l := range languages()[:2] {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			h := newHandler(t, wasm.Config{})
			_, err := h.Handle(t.Context(), programCall(t, l.build(t), "channel", `[{"op":"get","key":7}]`))
			got := taskError(t, err)
			if got.Kind != engine.KindInvalidInput || !got.Permanent || !strings.Contains(got.Message, "key") {
				t.Errorf("got %+v, want invalid input that names the field", got)
			}
		})
	}
}

// BenchmarkLanguages compares a call of echo, from its start to its result.
func BenchmarkLanguages(b *testing.B) {
	for _, l := range languages() {
		b.Run(l.name, func(b *testing.B) {
			h := newHandler(b, wasm.Config{})
			call := programCall(b, l.build(b), "echo", `{"name":"Ada","n":[1,2,3]}`)
			if _, err := h.Handle(b.Context(), call); err != nil {
				b.Fatal(err)
			}
			var took []time.Duration
			for b.Loop() {
				start := time.Now()
				if _, err := h.Handle(b.Context(), call); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(start))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
		})
	}
}

// BenchmarkLanguagesCompile compares what is done with a module that was never seen.
func BenchmarkLanguagesCompile(b *testing.B) {
	for _, l := range languages() {
		b.Run(l.name, func(b *testing.B) {
			data, err := os.ReadFile(l.build(b))
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				h, err := wasmhost.New(b.Context(), wasmhost.Config{CacheDir: b.TempDir()})
				if err != nil {
					b.Fatal(err)
				}
				if _, err := h.Compile(b.Context(), data); err != nil {
					b.Fatal(err)
				}
				if err := h.Close(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(data))/1024, "KiB")
		})
	}
}
