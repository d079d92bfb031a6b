package conformance_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/runtimes"
	"github.com/graflow/graflow-wasm/wasmhost"
)

var update = flag.Bool("update", false, "write results.md anew")

func TestMain(m *testing.M) {
	wasmhost.Child()
	os.Exit(m.Run())
}

// suite is a set of programs and what came of them.
type suite struct {
	name   string
	mu     sync.Mutex // guards what follows
	passed int
	failed []string // name: why
}

func (s *suite) note(name, why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if why == "" {
		s.passed++
		return
	}
	s.failed = append(s.failed, name+": "+why)
}

func (s *suite) String() string {
	slices.Sort(s.failed)
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\n%d of %d pass.\n", s.name, s.passed, s.passed+len(s.failed))
	if len(s.failed) > 0 {
		fmt.Fprintf(&b, "\n- %s\n", strings.Join(s.failed, "\n- "))
	}
	return b.String()
}

func cache() string {
	if dir := os.Getenv("RUNTIMES_CACHE"); dir != "" {
		return dir
	}
	return filepath.Join("..", "..", "..", "build", "runtimes")
}

func compile(t *testing.T) *wasmhost.Module {
	t.Helper()
	javascript, err := runtimes.Open(runtimes.JavaScript)
	_, missing := os.Stat(filepath.Join(cache(), "src", "quickjs", "tests"))
	if err = errors.Join(err, missing); err != nil {
		if os.Getenv("CI") == "" {
			t.Skipf("NOT TESTED: %v", err)
		}
		t.Fatal(err)
	}
	host, err := wasmhost.New(t.Context(), wasmhost.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = host.Close(context.WithoutCancel(t.Context())) })
	module, err := host.Compile(t.Context(), javascript.Wasm)
	if err != nil {
		t.Fatal(err)
	}
	return module
}

// outcome is what run answers: "" or the error's kind and message.
func outcome(t *testing.T, m *wasmhost.Module, code string, fuel int64) string {
	t.Helper()
	input, err := json.Marshal(map[string]string{"code": code})
	if err != nil {
		t.Error(err)
	}
	limits := wasmhost.Limits{Timeout: time.Minute, Fuel: fuel}
	result, err := m.Call(t.Context(), "run", input, wasmhost.Options{Limits: limits, Name: "javascript"})
	if err != nil {
		return err.Error()
	}
	var got struct {
		Error *struct{ Kind, Message string }
	}
	if err := json.Unmarshal(result.Output, &got); err != nil {
		t.Error(err)
	}
	if got.Error == nil || got.Error.Kind == "invalid_result" {
		return ""
	}
	return got.Error.Kind + ": " + got.Error.Message
}

// parallel calls f with all names, some at a time.
func parallel(names []string, f func(name string)) {
	var all sync.WaitGroup
	slots := make(chan struct{}, 4)
	for _, name := range names {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			f(name)
		})
	}
	all.Wait()
}

// shims stand in for the modules of QuickJS's own shell.
const shims = `globalThis.std = { gc() {} }; globalThis.os = { setTimeout, platform: "wasi" };
`

var callOfTest = regexp.MustCompile(`(?m)^(test\w*)\(\);$`)

// engineTests runs each function test… of a file of QuickJS's alone.
func engineTests(t *testing.T, m *wasmhost.Module, s *suite, file string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(cache(), "src", "quickjs", "tests", file))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, found := range callOfTest.FindAllStringSubmatch(string(text), -1) {
		names = append(names, found[1])
	}
	code := strings.ReplaceAll(callOfTest.ReplaceAllString(string(text), ""), `import { assert } from "./assert.js"`, "")
	parallel(names, func(name string) {
		s.note(file+" "+name, outcome(t, m, code+"\n"+shims+name+"();\n0", 20_000_000_000))
	})
}

// parserTests tells whether what must parse does, and what must not does not.
func parserTests(t *testing.T, m *wasmhost.Module, s *suite, dir string, parses bool) {
	t.Helper()
	root := filepath.Join(cache(), "javascript", "work", "npm", "node_modules", "test262-parser-tests", dir)
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	parallel(names, func(name string) {
		code, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Error(err)
			return
		}
		s.note(dir+"/"+name, parserOutcome(t, m, string(code), parses))
	})
}

// parserOutcome runs a program, for want of a way to parse alone: errors of any kind
// but syntax, and limits, come after parsing.
func parserOutcome(t *testing.T, m *wasmhost.Module, code string, parses bool) string {
	t.Helper()
	got := outcome(t, m, code, 100_000_000)
	refused := strings.HasPrefix(got, "syntax: ")
	switch {
	case refused && parses:
		return got
	case !refused && !parses:
		return "parses"
	}
	return ""
}

func TestConformance(t *testing.T) {
	t.Parallel()
	m := compile(t)
	engine := &suite{name: "Tests of QuickJS"}
	for _, file := range []string{"test_language.js", "test_builtin.js", "test_closure.js", "test_loop.js", "test_bigint.js"} {
		engineTests(t, m, engine, file)
	}
	parse := &suite{name: "Programs that must parse (test262-parser-tests, pass)"}
	parserTests(t, m, parse, "pass", true)
	fail := &suite{name: "Programs that must not (fail)"}
	parserTests(t, m, fail, "fail", false)
	early := &suite{name: "Programs with early errors (early)"}
	parserTests(t, m, early, "early", false)
	compare(t, engine, parse, fail, early)
}

func compare(t *testing.T, suites ...*suite) {
	t.Helper()
	text := "# Conformance of the JavaScript runtime\n\nWritten by `go test ./runtimes/javascript/conformance -update`.\n"
	for _, s := range suites {
		text += "\n" + s.String()
	}
	if *update {
		if err := os.WriteFile("results.md", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("results.md")
	if err != nil {
		t.Fatal(err)
	}
	if text != string(want) {
		t.Errorf("results differ from results.md (-update writes it); got:\n%s", text)
	}
}
