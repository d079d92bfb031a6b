package gauntlet_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost/gauntlet"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

var update = flag.Bool("update", false, "write the golden files")

// TestDigests keeps the modules the same on every machine and from one version
// to the next, unless somebody says so.
func TestDigests(t *testing.T) {
	t.Parallel()
	const golden = "testdata/digests.txt"
	got := gauntlet.Digests()
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	gotLines, wantLines := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range min(len(gotLines), len(wantLines)) {
		if gotLines[i] != wantLines[i] {
			t.Fatalf("line %d: got %s, want %s; -update writes the list", i+1, gotLines[i], wantLines[i])
		}
	}
	if len(gotLines) != len(wantLines) {
		t.Errorf("got %d modules, want %d; -update writes the list", len(gotLines)-1, len(wantLines)-1)
	}
}

func TestCases(t *testing.T) {
	t.Parallel()
	names, about := gauntlet.Groups()
	cases := gauntlet.Cases()
	if len(cases) < 60 {
		t.Errorf("got %d cases, want 60 at least", len(cases))
	}
	plain := regexp.MustCompile(`^[a-z]+/[a-z0-9-]+$`)
	seen, groups := map[string]bool{}, map[string]int{}
	for _, c := range cases {
		groups[c.Group]++
		if seen[c.Name] || !plain.MatchString(c.Name) {
			t.Errorf("%s: a name that is taken, or not a path of plain words", c.Name)
		}
		seen[c.Name] = true
		v := c.Verdict
		if v.Refused == "" && len(v.Stopped) == 0 && !v.Contained {
			t.Errorf("%s: no ending is allowed", c.Name)
		}
		if _, err := regexp.Compile(v.Refused); err != nil {
			t.Errorf("%s: %v", c.Name, err)
		}
		if c.Attack == "" || strings.HasSuffix(c.Attack, ".") || v.Wall <= 0 || v.Growth <= 0 || v.Admission <= 0 {
			t.Errorf("%s: attack %q, bounds %+v", c.Name, c.Attack, v)
		}
		if c.Input != "" && !json.Valid([]byte(c.Input)) {
			t.Errorf("%s: the input is not JSON: %s", c.Name, c.Input)
		}
	}
	for _, name := range names {
		if groups[name] == 0 || about[name] == "" {
			t.Errorf("group %s: %d cases, %q", name, groups[name], about[name])
		}
	}
}

// TestPointersOfEveryImport holds the table of imports to what there is.
func TestPointersOfEveryImport(t *testing.T) {
	t.Parallel()
	abused := map[string]bool{}
	for _, c := range gauntlet.Cases() {
		if name, ok := strings.CutPrefix(c.Name, "pointer/"); ok {
			abused[strings.ReplaceAll(name, "-", "_")] = true
		}
	}
	want := append(graflowFunctions(t), wasiFunctions(t)...)
	for _, name := range want {
		if !abused[name] {
			t.Errorf("no case abuses the pointers of %s", name)
		}
	}
	if len(want) != len(abused) {
		t.Errorf("got %d cases of pointers, want %d", len(abused), len(want))
	}
}

// graflowFunctions reads the constants Func… of package abi.
func graflowFunctions(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", "..", "sdk", "abi", "functions.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 || !strings.HasPrefix(spec.Names[0].Name, "Func") {
			return true
		}
		name, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
		return true
	})
	if len(names) < 20 {
		t.Fatalf("got %q, want all functions of graflow_v1", names)
	}
	return names
}

// wasiFunctions asks wazero.
func wasiFunctions(t *testing.T) []string {
	t.Helper()
	runtime := wazero.NewRuntimeWithConfig(t.Context(), wazero.NewRuntimeConfigInterpreter())
	defer runtime.Close(t.Context())
	if _, err := wasi_snapshot_preview1.Instantiate(t.Context(), runtime); err != nil {
		t.Fatal(err)
	}
	var names []string
	for name := range runtime.Module(wasi_snapshot_preview1.ModuleName).ExportedFunctionDefinitions() {
		names = append(names, name)
	}
	return names
}

// TestValidity holds every module of functions, and not of raw bytes, to the
// validation of a real engine: an attack that is only malformed by mistake
// would pass for one that was refused.
func TestValidity(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	config := wazero.NewRuntimeConfigInterpreter().WithMemoryLimitPages(65536)
	runtime := wazero.NewRuntimeWithConfig(ctx, config)
	defer runtime.Close(ctx)
	invalid := map[string]bool{
		// By the specification, on purpose.
		"memory/min-past-4-gib": true, "memory/max-below-min": true,
		// Valid, but not for this engine.
		"table/min-4e9": true, "table/min-max": true, "power/import-empty-names": true, "control/odd-custom-sections": true,
	}
	checked := 0
	for _, c := range gauntlet.Cases() {
		switch {
		case c.Group == "decode", c.Group == "feature", c.Group == "compile":
			continue // invalid, unknown to this engine, or more than it bears
		case invalid[c.Name]:
			continue
		}
		compiled, err := runtime.CompileModule(ctx, c.Module())
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		for _, export := range c.Exports {
			if compiled.ExportedFunctions()[export] == nil {
				t.Errorf("%s: no export %q", c.Name, export)
			}
		}
		checked++
	}
	if checked < 100 {
		t.Errorf("checked %d modules only", checked)
	}
}

// TestPage holds docs/gauntlet.md to what there is.
func TestPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "gauntlet.md"))
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, c := range gauntlet.Cases() {
		count[c.Group]++
	}
	names, about := gauntlet.Groups()
	for _, name := range names {
		if row := fmt.Sprintf("| %s | %d | %s |", name, count[name], about[name]); !strings.Contains(string(page), row) {
			t.Errorf("the page lacks %s", row)
		}
	}
	_, rest, _ := strings.Cut(string(page), "```json\n")
	example, _, _ := strings.Cut(rest, "```")
	var entry gauntlet.Entry
	if err := json.Unmarshal([]byte(example), &entry); err != nil {
		t.Fatalf("the entry on the page: %v", err)
	}
	for _, c := range gauntlet.Cases() {
		if c.Name != entry.Name {
			continue
		}
		c.Module = nil
		if !reflect.DeepEqual(c, entry.Case) {
			t.Errorf("the page shows %+v, want %+v", entry.Case, c)
		}
		return
	}
	t.Errorf("the page shows a case %q, which there is not", entry.Name)
}

func TestWrite(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := gauntlet.Write(dir); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	var manifest gauntlet.Manifest
	if err := json.Unmarshal(text, &manifest); err != nil {
		t.Fatal(err)
	}
	if got, want := len(manifest.Cases), len(gauntlet.Cases()); got != want {
		t.Fatalf("the manifest has %d cases, want %d", got, want)
	}
	for _, e := range manifest.Cases {
		info, err := os.Stat(filepath.Join(dir, filepath.FromSlash(e.File)))
		if err != nil || info.Size() != int64(e.Size) {
			t.Fatalf("%s: %v", e.Name, err)
		}
		if e.Verdict.Wall == 0 || len(e.Exports) == 0 || e.Attack == "" {
			t.Errorf("the manifest lacks something of %+v", e)
		}
	}
}
