package meter_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/graflow/graflow-wasm/wasmhost/internal/meter"
)

// The WebAssembly test suite gives the same results metered and unmetered.
func TestSpec(t *testing.T) {
	t.Parallel()
	parts := []struct {
		name                string
		modules, assertions int64 // at least
	}{
		{"v1", 2527, 16303},
		{"v2", 4581, 48312},
		{"tail-call", 30, 78},
	}
	for _, part := range parts {
		for _, metered := range []bool{false, true} {
			name := part.name + "/plain"
			if metered {
				name = part.name + "/metered"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				var modules, assertions atomic.Int64
				t.Run("scripts", func(t *testing.T) {
					for _, file := range suite(t, part.name) {
						t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
							t.Parallel()
							r := newSpecRun(t, metered)
							r.script(t, readScript(t, file))
							modules.Add(r.modules)
							assertions.Add(r.assertions)
						})
					}
				})
				t.Logf("%d modules, %d assertions", modules.Load(), assertions.Load())
				if modules.Load() < part.modules || assertions.Load() < part.assertions {
					t.Errorf("ran %d modules and %d assertions, want at least %d and %d", modules.Load(), assertions.Load(), part.modules, part.assertions)
				}
			})
		}
	}
}

// superseded reports whether a version 1 assertion does not hold in version 2:
// multi-value and several tables are allowed, select takes more types, and
// segments that fit are written although a later one does not.
func superseded(s *script, c *command) bool {
	lines := map[string][]int{
		"func":              {493, 497},
		"imports":           {310, 314, 318},
		"linking":           {236, 248, 342, 354},
		"type":              {53, 57},
		"unreached-invalid": {539},
	}
	return strings.HasSuffix(s.dir, filepath.Join("v1", "testdata")) && slices.Contains(lines[s.name], c.Line)
}

// specRun runs one script.
type specRun struct {
	metered bool
	runtime wazero.Runtime
	named   map[string]api.Module
	last    api.Module

	modules, assertions int64
}

func newSpecRun(t *testing.T, metered bool) *specRun {
	t.Helper()
	ctx := t.Context()
	r := &specRun{metered: metered, runtime: newRuntime(t), named: map[string]api.Module{}}
	dir, err := suiteDir()
	if err != nil {
		t.Fatal(err)
	}
	host, err := os.ReadFile(filepath.Join(dir, "testdata", "spectest.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.runtime.InstantiateWithConfig(ctx, host, wazero.NewModuleConfig().WithName("spectest")); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *specRun) instantiate(ctx context.Context, wasm []byte, name string) (api.Module, error) {
	r.modules++
	if r.metered {
		rewritten, err := rewrite(wasm)
		if err != nil {
			return nil, err
		}
		wasm = rewritten
	}
	return r.runtime.InstantiateWithConfig(ctx, wasm, wazero.NewModuleConfig().WithName(name))
}

func (r *specRun) script(t *testing.T, s *script) {
	t.Helper()
	for i := range s.Commands {
		c := &s.Commands[i]
		switch c.Type {
		case "module":
			m, err := r.instantiate(t.Context(), s.module(t, c), s.registeredName(i))
			if err != nil {
				t.Fatalf("line %d: %s: %v", c.Line, c.Filename, err)
			}
			r.last = m
			if c.Name != "" {
				r.named[c.Name] = m
			}
		case "register":
		case "action", "assert_return", "assert_trap", "assert_exhaustion":
			r.assertions++
			r.act(t, s, c)
		case "assert_malformed", "assert_invalid", "assert_unlinkable", "assert_uninstantiable":
			if c.ModuleType != "text" {
				r.refused(t, s, c)
			}
		default:
			t.Fatalf("line %d: unknown command %s", c.Line, c.Type)
		}
	}
}

func (r *specRun) refused(t *testing.T, s *script, c *command) {
	t.Helper()
	_, err := r.instantiate(t.Context(), s.module(t, c), "")
	// An active element segment that does not fit: wazero lets such modules be
	// used, because their functions may be in a table already.
	lenient := c.Text == "out of bounds table access" && c.Type == "assert_uninstantiable" ||
		c.Text == "elements segment does not fit"
	if (err == nil) != lenient && !superseded(s, c) {
		t.Errorf("line %d: %s %s (%s): got %v", c.Line, c.Type, c.Filename, c.Text, err)
	}
}

func (r *specRun) act(t *testing.T, s *script, c *command) {
	t.Helper()
	m := r.last
	if c.Action.Module != "" {
		m = r.named[c.Action.Module]
	}
	if c.Action.Type == "get" {
		if got := m.ExportedGlobal(c.Action.Field).Get(); !matches([]uint64{got}, c.Expected) {
			t.Errorf("line %d: global %s is %x", c.Line, c.Action.Field, got)
		}
		return
	}
	if r.metered {
		counter(m, meter.StackExport).Set(1 << 20)
	}
	got, err := m.ExportedFunction(c.Action.Field).Call(t.Context(), arguments(c.Action.Args)...)
	if superseded(s, c) {
		return
	}
	switch c.Type {
	case "assert_trap":
		if err == nil || !strings.Contains(err.Error(), trapMessage(c.Text)) {
			t.Errorf("line %d: %s: got %v, want a trap: %s", c.Line, c.Action.Field, err, c.Text)
		}
	case "assert_exhaustion":
		if err == nil || !errors.Is(err, errStack) && !strings.Contains(err.Error(), "stack overflow") {
			t.Errorf("line %d: %s: got %v, want stack exhaustion", c.Line, c.Action.Field, err)
		}
	case "assert_return":
		if err != nil || !matches(got, c.Expected) {
			t.Errorf("line %d: %s: got %x, %v, want %v", c.Line, c.Action.Field, got, err, c.Expected)
		}
	}
}

// trapMessage is what wazero says for a trap of the suite.
func trapMessage(text string) string {
	switch {
	case strings.HasPrefix(text, "indirect call"):
		return "indirect call type mismatch"
	case strings.HasPrefix(text, "undefined"), strings.HasPrefix(text, "uninitialized"), text == "out of bounds table access":
		return "invalid table access"
	}
	return text
}
