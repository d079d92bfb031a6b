package docs_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// guests says where the flow or the commands of a page look for its guest.
var guests = map[string]string{"README.md": "guest", "guests.md": "counter", "secrets.md": "guest.wasm"}

// checkPrograms builds the guest of a page and runs its test natively, and builds and
// runs what is part of a function.
func checkPrograms(t *testing.T, dir string, p page) {
	t.Helper()
	source := filepath.Join(dir, strings.TrimSuffix(guests[p.name], ".wasm"))
	programs := 0
	for _, s := range p.in("go") {
		if !strings.HasPrefix(s.text, "package main\n") {
			checkFragment(t, filepath.Join(dir, "fragment"), s)
			continue
		}
		name := "main.go"
		if strings.Contains(s.text, `"testing"`) {
			name = "main_test.go"
		}
		file := filepath.Join(source, name)
		if _, err := os.Stat(file); err == nil || guests[p.name] == "" {
			t.Fatalf("%s: a page has one guest and one test of it, and a place for them in guests", s.name)
		}
		write(t, file, s.text, 0o600)
		programs++
	}
	if programs == 0 {
		return
	}
	module := filepath.Join(dir, "guest.wasm")
	run(t, source, []string{"GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0"}, "go", "build", "-buildmode=c-shared", "-o", module, ".")
	run(t, source, nil, "go", "test", ".")
}

// imports are the packages that parts of functions use, by their names.
var imports = map[string]string{
	"direct": "github.com/graflow/graflow-wasm/handlers/direct", "engine": "github.com/graflow/graflow-wasm/engine",
	"script":   "github.com/graflow/graflow-wasm/script",
	"wasmhost": "github.com/graflow/graflow-wasm/wasmhost", "errors": "errors", "fmt": "fmt", "time": "time",
}

var printed = regexp.MustCompile(`(?m)fmt\.Println\(.*\) // (.*)$`)

// checkFragment builds part of a function, with what pages take for granted as
// parameters, and runs it if it tells what it prints.
func checkFragment(t *testing.T, dir string, s snippet) {
	t.Helper()
	used := []string{"context", "encoding/json"}
	for name, path := range imports {
		if regexp.MustCompile(`\b` + name + `\.`).MatchString(s.text) {
			used = append(used, path)
		}
	}
	slices.Sort(used)
	program := fmt.Sprintf("package main\n\nimport (\n\t%q\n)\n\n", used)
	program = strings.ReplaceAll(strings.NewReplacer("[", "", "]", "").Replace(program), `" "`, "\"\n\t\"")
	program += "func main() { part(context.Background(), \"\", nil, nil) }\n\n" +
		"func part(ctx context.Context, dir string, wasm []byte, input json.RawMessage) {\n" + s.text + "}\n"
	write(t, filepath.Join(dir, "main.go"), program, 0o600)
	binary := filepath.Join(dir, "part")
	run(t, dir, nil, "go", "build", "-o", binary, ".")
	if m := printed.FindAllStringSubmatch(s.text, -1); m != nil && !t.Failed() {
		var want strings.Builder
		for _, line := range m {
			want.WriteString(line[1] + "\n")
		}
		if got := run(t, dir, nil, binary); got != want.String() {
			t.Errorf("%s: it prints %q, want %q", s.name, got, want.String())
		}
	}
}
