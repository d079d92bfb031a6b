package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/flowfile"
	"github.com/graflow/graflow-wasm/handlers/wasm"
	"github.com/graflow/graflow-wasm/internal/cluster"
	"github.com/graflow/graflow-wasm/natsbus"
)

// published reads a flow in a directory with modules and publishes these.
func published(t *testing.T, bus *natsbus.Bus, dir, tasks string) (*engine.Graph, error) {
	t.Helper()
	file := filepath.Join(dir, "x.flow.yaml")
	if err := os.WriteFile(file, []byte("name: x\ntasks:\n"+tasks), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := flowfile.Load(file)
	if err == nil {
		f, err = f.Absolute()
	}
	if err != nil {
		t.Fatal(err)
	}
	g, err := f.Build()
	if err != nil {
		t.Fatal(err)
	}
	return cluster.Pin(t.Context(), cluster.NewRegistry(bus), localFiles{&wasm.Files{}}, g)
}

// TestPublishModules: what workers get names no file, in sub-flows and fallbacks
// neither; the same content is stored once; names mean what they meant then.
func TestPublishModules(t *testing.T) {
	t.Parallel()
	_, srv := bareServer(t)
	withStreams(t, srv)
	bus, err := natsbus.Open(t.Context(), natsbus.Config{Connect: srv.Connect})
	if err != nil {
		t.Fatal(err)
	}
	defer bus.Close()
	dir := t.TempDir()
	for name, text := range map[string]string{"a.wasm": "one", "same.wasm": "one", "b.wasm": "two"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	hello, err := bus.PutModule(t.Context(), natsbus.ModuleRecord{Name: "hello", Version: "1"}, strings.NewReader("three"))
	if err != nil {
		t.Fatal(err)
	}
	g, err := published(t, bus, dir, `  a: {wasm: ./a.wasm#x, fallback: b}
  b: {wasm: ./same.wasm#y}
  c: {flow: {tasks: {d: {wasm: ./b.wasm}, e: {flow: {tasks: {f: {wasm: "hello@1#z"}}}}}}}
  g: {wasm: {module: "`+hello.Digest+`"}}
  h: {wasm: hello}
  i: {builtin: now}
`)
	if err != nil {
		t.Fatal(err)
	}
	one, err := bus.Modules(t.Context())
	if err != nil || len(one) != 3 || one[1].Name != localName || one[2].Name != localName {
		t.Fatalf("the registry has %+v, %v; want hello, and two local ones", one, err)
	}
	text, err := json.Marshal(g)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"spec":{"export":"x","module":"sha256:7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed","name":"a.wasm"}`,
		`"spec":{"export":"y","module":"sha256:7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed","name":"same.wasm"}`,
		`"spec":{"module":"sha256:3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3","name":"b.wasm"}`,
		`"spec":{"export":"z","module":"` + hello.Digest + `","name":"hello@1"}`,
		`"spec":{"module":"` + hello.Digest + `"}`,
		`"spec":{"module":"` + hello.Digest + `","name":"hello"}`,
		`"fallback":"b"`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("got %s, want %s in it", text, want)
		}
	}
	again, err := cluster.Pin(t.Context(), cluster.NewRegistry(bus), localFiles{wasm.NoFiles{}}, g)
	if err != nil || again.Digest() != g.Digest() {
		t.Errorf("published twice: %v", err)
	}
	_, err = published(t, bus, dir, "  a: {wasm: \"gone@1\"}\n  c: {flow: {tasks: {d: {wasm: ./none.wasm}}}}\n")
	var fault *engine.BuildError
	if !errors.As(err, &fault) || fault.At != "tasks.a.spec" || !strings.Contains(err.Error(), `tasks.c.spec.tasks.d.spec: module "`) {
		t.Errorf("got %v, want both faults in their places", err)
	}
}

// TestViewSignature: a signature is one of a digest, by the key that it names.
func TestViewSignature(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "k")
	public, err := makeKey(file)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the private key is %v, %v, want it for its owner alone", info, err)
	}
	key, err := readPrivateKey(file)
	if err != nil {
		t.Fatal(err)
	}
	trusted, err := readPublicKeys([]string{public.String(), file + ".pub"})
	if err != nil || trusted[0].String() != trusted[1].String() {
		t.Fatalf("the key as text and as a file: %v, %v", trusted, err)
	}
	signed := natsbus.ModuleRecord{Name: "m", Version: "1", Digest: "sha256:aa"}
	signModule(key, &signed)
	other, err := makeKey(filepath.Join(t.TempDir(), "k"))
	if err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*natsbus.ModuleRecord){
		signatureTrusted:                  func(*natsbus.ModuleRecord) {},
		signatureTrusted + " renamed":     func(r *natsbus.ModuleRecord) { r.Name, r.Version = "n", "2" }, // names are not signed
		signatureForged + " digest":       func(r *natsbus.ModuleRecord) { r.Digest = "sha256:ab" },
		signatureForged + " key":          func(r *natsbus.ModuleRecord) { r.SignerKey = other },
		signatureForged + " short key":    func(r *natsbus.ModuleRecord) { r.SignerKey = other[:7] },
		signatureForged + " no key":       func(r *natsbus.ModuleRecord) { r.SignerKey = nil },
		signatureForged + " short":        func(r *natsbus.ModuleRecord) { r.Signature = r.Signature[:7] },
		signatureNone:                     func(r *natsbus.ModuleRecord) { r.Signature = nil },
		signatureNone + " but a good key": func(r *natsbus.ModuleRecord) { r.Signature = []byte{} },
	} {
		r := signed
		change(&r)
		status, _, _ := strings.Cut(want, " ")
		if got := viewSignature(r, trusted); got.Status != status {
			t.Errorf("%s: got %s", want, got.Status)
		}
	}
	if got := viewSignature(signed, []publicKey{other}); got.Status != signatureUnknown || got.Key != public.String() {
		t.Errorf("by a key that is not trusted: got %+v", got)
	}
}
