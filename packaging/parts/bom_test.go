package parts_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/CycloneDX/cyclonedx-go"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/graflow/graflow-wasm/packaging/parts"
)

// schema is CycloneDX's of version 1.6, which comes with its library.
func schema(tb testing.TB) *jsonschema.Schema {
	tb.Helper()
	out, err := exec.CommandContext(tb.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/CycloneDX/cyclonedx-go").Output()
	if err != nil {
		tb.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	for name, url := range map[string]string{
		"bom-1.6.schema.json":   "http://cyclonedx.org/schema/bom-1.6.schema.json",
		"spdx.schema.json":      "http://cyclonedx.org/schema/spdx.schema.json",
		"jsf-0.82.schemax.json": "http://cyclonedx.org/schema/jsf-0.82.schema.json",
	} {
		raw, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), "schema", name))
		if err != nil {
			tb.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err == nil {
			err = c.AddResource(url, doc)
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
	s, err := c.Compile("http://cyclonedx.org/schema/bom-1.6.schema.json")
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func encode(tb testing.TB, bom *cyclonedx.BOM) []byte {
	tb.Helper()
	var raw bytes.Buffer
	if err := cyclonedx.NewBOMEncoder(&raw, cyclonedx.BOMFileFormatJSON).EncodeVersion(bom, cyclonedx.SpecVersion1_6); err != nil {
		tb.Fatal(err)
	}
	return raw.Bytes()
}

func build(ctx context.Context, tb testing.TB, dir, pattern string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "built")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", path, pattern)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("build: %v\n%s", err, out)
	}
	return path
}

// TestBOM lists the real command: valid, the same each time, with what is embedded.
func TestBOM(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds the command, and -short is set")
	}
	w := whole(t)
	binary := build(t.Context(), t, checkout, "./cmd/graflow-wasm")
	var texts [2][]byte
	for i := range texts {
		bom, err := parts.BOM(binary, "v1.2.3", w)
		if err != nil {
			t.Fatal(err)
		}
		texts[i] = encode(t, bom)
	}
	if !bytes.Equal(texts[0], texts[1]) {
		t.Error("the same binary has two lists")
	}
	s := schema(t)
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(texts[0]))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(doc); err != nil {
		t.Errorf("the list does not fit the schema of CycloneDX: %v", err)
	}
	if err := s.Validate(map[string]any{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": []any{map[string]any{"name": "typeless"}}}); err == nil {
		t.Error("a component without a type is valid, so nothing was checked")
	}
	var bom struct {
		Components []struct {
			Name, Version string
			Hashes        []struct{ Content string }
			Components    []struct{ Name string }
		}
	}
	if err := json.Unmarshal(texts[0], &bom); err != nil {
		t.Fatal(err)
	}
	inside := map[string]int{}
	for _, c := range bom.Components {
		inside[c.Name] = len(c.Components)
		if c.Version == "" {
			t.Errorf("%s has no version", c.Name)
		}
	}
	for _, name := range []string{"std", "github.com/tetratelabs/wazero", "github.com/nats-io/nats-server/v2"} {
		if _, ok := inside[name]; !ok {
			t.Errorf("%s is not in the list", name)
		}
	}
	for _, f := range w.Files {
		if inside[f.Name] != len(f.Parts) {
			t.Errorf("%s has %d parts in the list, want %d", f.Name, inside[f.Name], len(f.Parts))
		}
	}
}

// TestBOMRefused has a binary that was built of other versions than the checkout names.
func TestBOMRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"go.mod":        "module example.com/command\n\ngo 1.26\n\nrequire example.com/a v1.0.0\n\nreplace example.com/a => ./a\n",
		"main.go":       "package main\n\nimport _ \"example.com/a\"\n\nfunc main() {}\n",
		"a/go.mod":      "module example.com/a\n\ngo 1.26\n",
		"a/a.go":        "package a\n",
		"a/LICENSE":     license(t, "MIT"),
		"image/bin/cmd": "", "image/etc/passwd": "root:x:0:0\n",
	})
	linked, err := parts.Linked(t.Context(), newJudge(t), dir, ".", "linux/amd64")
	if err != nil {
		t.Fatal(err)
	}
	binary := build(t.Context(), t, dir, ".")
	bom, err := parts.BOM(binary, "v1", parts.Whole{Linked: linked})
	if err != nil || len(*bom.Components) != 2 {
		t.Fatalf("got %v, %v", bom, err)
	}
	if _, err := parts.BOM(binary, "v1", parts.Whole{Linked: linked[:1]}); err == nil || !strings.Contains(err.Error(), "build it again") {
		t.Errorf("a module that nobody knows: got %v", err)
	}
	image := filepath.Join(dir, "image")
	if err := parts.Image(bom, image); err == nil {
		t.Error("an image without the binary has a list")
	}
	raw, err := os.ReadFile(binary)
	if err == nil {
		err = os.WriteFile(filepath.Join(image, "bin/cmd"), raw, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := parts.Image(bom, image); err != nil {
		t.Fatal(err)
	}
	// Once for the refused image, once for this one.
	if text := string(encode(t, bom)); !strings.Contains(text, `"/etc/passwd"`) || strings.Contains(text, `"/bin/cmd"`+`,"hashes":[{"alg":"SHA-256","content":"`+(*bom.Metadata.Component.Hashes)[0].Value) {
		t.Errorf("got %s", text)
	}
}
