package oci_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/graflow/graflow-wasm/internal/oci"
)

// code is a module without anything in it.
var code = []byte("\x00asm\x01\x00\x00\x00")

// serve runs a registry on this machine, behind what a test puts before it.
func serve(t *testing.T, before func(w http.ResponseWriter, r *http.Request) (answered bool)) (host string) {
	t.Helper()
	inner := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if before == nil || !before(w, r) {
			inner.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func reference(t *testing.T, format string, args ...any) oci.Reference {
	t.Helper()
	r, err := oci.Parse(fmt.Sprintf(format, args...))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func client() *oci.Client { return oci.New(oci.Config{Keychain: authn.NewMultiKeychain()}) }

func push(t *testing.T, r oci.Reference, m oci.Module) oci.Module {
	t.Helper()
	pushed, err := client().Push(t.Context(), r, m)
	if err != nil {
		t.Fatal(err)
	}
	return pushed
}

func sum(data []byte) string {
	s := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(s[:])
}

// TestRoundTrip pushes a module and pulls it again, by its tag and by its digest.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	host := serve(t, nil)
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	m := oci.Module{Code: code, Name: "hello", Version: "1.0", Signer: public, Signature: ed25519.Sign(private, []byte("a digest"))}
	ref := reference(t, "oci://%s/tools/hello:1.0", host)
	pushed := push(t, ref, m)
	if pushed.Digest != sum(code) || !strings.HasPrefix(pushed.Manifest, "sha256:") {
		t.Errorf("got the digests %s and %s", pushed.Digest, pushed.Manifest)
	}
	if again := push(t, ref, m); again.Manifest != pushed.Manifest {
		t.Errorf("the same module is %s, then %s", pushed.Manifest, again.Manifest)
	}
	for _, r := range []oci.Reference{ref, ref.Pinned(pushed.Manifest), reference(t, "%s@%s", ref, pushed.Manifest)} {
		got, err := client().Pull(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Code, code) || got.Name != "hello" || got.Version != "1.0" || !bytes.Equal(got.Signer, public) ||
			!bytes.Equal(got.Signature, m.Signature) || got.Digest != pushed.Digest || got.Manifest != pushed.Manifest {
			t.Errorf("%s: got %+v, want %+v", r, got, pushed)
		}
	}
}

// TestOthersReadIt reads what was pushed as the distribution specification says, with
// nothing but HTTP.
func TestOthersReadIt(t *testing.T) {
	t.Parallel()
	host := serve(t, nil)
	pushed := push(t, reference(t, "oci://%s/hello:1.0", host), oci.Module{Code: code, Name: "hello"})
	var manifest struct {
		SchemaVersion int
		MediaType     string
		Config        struct{ MediaType, Digest string }
		Layers        []struct {
			MediaType, Digest string
			Size              int
		}
		Annotations map[string]string
	}
	raw := get(t, "http://"+host+"/v2/hello/manifests/1.0")
	if err := json.Unmarshal(raw, &manifest); err != nil {
		t.Fatal(err)
	}
	if sum(raw) != pushed.Manifest || manifest.SchemaVersion != 2 || manifest.MediaType != "application/vnd.oci.image.manifest.v1+json" ||
		manifest.Config.MediaType != "application/vnd.wasm.config.v0+json" || len(manifest.Layers) != 1 ||
		manifest.Layers[0].MediaType != "application/wasm" || manifest.Layers[0].Size != len(code) ||
		len(manifest.Annotations) != 1 || manifest.Annotations["org.opencontainers.image.title"] != "hello" {
		t.Fatalf("got %s", raw)
	}
	if got := get(t, "http://"+host+"/v2/hello/blobs/"+manifest.Layers[0].Digest); !bytes.Equal(got, code) {
		t.Errorf("got the layer %q", got)
	}
	config := string(get(t, "http://"+host+"/v2/hello/blobs/"+manifest.Config.Digest))
	want := `{"created":"1970-01-01T00:00:00Z","architecture":"wasm","os":"wasip1","layerDigests":["` + sum(code) + `"]}`
	if config != want {
		t.Errorf("got the config %s, want %s", config, want)
	}
}

func get(t *testing.T, url string) []byte {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	data, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s, %v", url, answer.Status, err)
	}
	return data
}

// put stores something in a registry with nothing but HTTP.
func put(t *testing.T, url, mediaType string, data []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url, bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", mediaType)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusCreated {
		text, _ := io.ReadAll(answer.Body)
		t.Fatalf("PUT %s: %s %s", url, answer.Status, text)
	}
}

func putBlob(t *testing.T, host string, data []byte) (digest string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+host+"/v2/x/blobs/uploads/", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	at, err := answer.Location()
	if err != nil {
		t.Fatal(err)
	}
	put(t, at.String()+"?digest="+sum(data), "application/octet-stream", data)
	return sum(data)
}

const manifestType = "application/vnd.oci.image.manifest.v1+json"

// foreign is a manifest that another tool could have made.
type foreign struct {
	manifest, config, layer string // media types
	document                string // the config, with LAYER for the layer's digest
	layers                  int
	size                    int // of the layer as the manifest tells; 0: its own
}

func wellFormed() foreign {
	return foreign{
		manifest: manifestType, config: string(oci.ConfigMediaType), layer: string(oci.LayerMediaType), layers: 1,
		document: `{"created":"2024-06-25T15:58:49.377917735Z","author":null,"architecture":"wasm","os":"wasip1","layerDigests":["LAYER"],"component":null}`,
	}
}

func (f foreign) put(t *testing.T, host string) {
	t.Helper()
	layer := putBlob(t, host, code)
	document := []byte(strings.ReplaceAll(f.document, "LAYER", layer))
	config := putBlob(t, host, document)
	size := f.size
	if size == 0 {
		size = len(code)
	}
	layers := strings.TrimSuffix(strings.Repeat(fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":%d},`, f.layer, layer, size), f.layers), ",")
	put(t, "http://"+host+"/v2/x/manifests/1", f.manifest, fmt.Appendf(nil,
		`{"schemaVersion":2,"mediaType":%q,"config":{"mediaType":%q,"digest":%q,"size":%d},"layers":[%s]}`,
		f.manifest, f.config, config, len(document), layers))
}

// TestForeign pulls what others made: modules in the layout, and what is none.
func TestForeign(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*foreign)
		kind   error
		text   string
	}{
		"as the layout says": {func(*foreign) {}, nil, ""},
		"a container image":  {func(f *foreign) { f.config = "application/vnd.oci.image.config.v1+json" }, oci.ErrNoModule, `its config is "application/vnd.oci.image.config.v1+json", want "application/vnd.wasm.config.v0+json"`},
		"another layer":      {func(f *foreign) { f.layer = "application/vnd.oci.image.layer.v1.tar+gzip" }, oci.ErrNoModule, "its layer is"},
		"two layers":         {func(f *foreign) { f.layers = 2 }, oci.ErrNoModule, "it has 2 layers, want one"},
		"Docker's manifest":  {func(f *foreign) { f.manifest = "application/vnd.docker.distribution.manifest.v2+json" }, oci.ErrNoModule, "its manifest is"},
		"a component":        {func(f *foreign) { f.document = strings.Replace(f.document, "wasip1", "wasip2", 1) }, oci.ErrNoModule, "a component"},
		"another platform":   {func(f *foreign) { f.document = strings.Replace(f.document, `"wasm"`, `"amd64"`, 1) }, oci.ErrNoModule, "it is for wasip1/amd64"},
		"config of another":  {func(f *foreign) { f.document = strings.Replace(f.document, "LAYER", sum(nil), 1) }, oci.ErrTampered, "its config tells of other layers"},
		"no config":          {func(f *foreign) { f.document = "{" }, oci.ErrNoModule, "its config can't be read"},
		"larger than told":   {func(f *foreign) { f.size = len(code) - 1 }, oci.ErrTampered, "another size"},
		"smaller than told":  {func(f *foreign) { f.size = len(code) + 1 }, oci.ErrTampered, "another size"},
		"too large":          {func(f *foreign) { f.size = 1 << 30 }, oci.ErrTooLarge, "1073741824 bytes, at most 67108864"},
		"less than nothing":  {func(f *foreign) { f.size = -1 }, oci.ErrTooLarge, "-1 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host := serve(t, nil)
			f := wellFormed()
			test.change(&f)
			f.put(t, host)
			m, err := client().Pull(t.Context(), reference(t, "oci://%s/x:1", host))
			if test.kind == nil {
				if err != nil || !bytes.Equal(m.Code, code) {
					t.Fatalf("got %+v, %v", m, err)
				}
				return
			}
			if !errors.Is(err, test.kind) || !strings.Contains(err.Error(), test.text) || m.Code != nil {
				t.Errorf("got %v, want %v with %s", err, test.kind, test.text)
			}
		})
	}
}

// TestTampered has a registry answer with other bytes than were pushed.
func TestTampered(t *testing.T) {
	t.Parallel()
	var swap string // the end of the path whose answer is another
	host := serve(t, func(w http.ResponseWriter, r *http.Request) bool {
		if swap == "" || r.Method == http.MethodHead || !strings.HasSuffix(r.URL.Path, swap) {
			return false
		}
		w.Header().Set("Content-Type", manifestType)
		_, _ = io.WriteString(w, "\x00asm\x01\x00\x00\x01")
		return true
	})
	ref := reference(t, "oci://%s/x:1", host)
	pushed := push(t, ref, oci.Module{Code: code})
	for what, r := range map[string]oci.Reference{pushed.Digest: ref, pushed.Manifest: ref.Pinned(pushed.Manifest)} {
		swap = what
		if m, err := client().Pull(t.Context(), r); !errors.Is(err, oci.ErrTampered) || m.Code != nil {
			t.Errorf("other bytes at %s: got %v, want ErrTampered", what, err)
		}
	}
}

func TestNotThere(t *testing.T) {
	t.Parallel()
	host := serve(t, nil)
	pushed := push(t, reference(t, "oci://%s/x:1", host), oci.Module{Code: code})
	for _, text := range []string{"x:2", "y:1", "x@" + sum([]byte("other"))} {
		if _, err := client().Pull(t.Context(), reference(t, "oci://%s/%s", host, text)); !errors.Is(err, oci.ErrNotFound) {
			t.Errorf("%s: got %v, want ErrNotFound", text, err)
		}
	}
	r := reference(t, "oci://%s/x:1", host).Pinned(pushed.Manifest)
	if _, err := client().Push(t.Context(), r, oci.Module{Code: code}); err == nil || !strings.Contains(err.Error(), "to a tag") {
		t.Errorf("a push to a digest: got %v", err)
	}
}

// TestCredentials uses those of the registry's host, and tells when they are wrong.
func TestCredentials(t *testing.T) {
	t.Parallel()
	host := serve(t, func(w http.ResponseWriter, r *http.Request) bool {
		if user, password, ok := r.BasicAuth(); ok && user == "ada" && password == "secret" {
			return false
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
		w.WriteHeader(http.StatusUnauthorized)
		return true
	})
	ref := reference(t, "oci://%s/x:1", host)
	for password, want := range map[string]error{"secret": nil, "wrong": oci.ErrDenied} {
		c := oci.New(oci.Config{Keychain: keys{host, password}})
		if _, err := c.Push(t.Context(), ref, oci.Module{Code: code}); !errors.Is(err, want) {
			t.Errorf("push with %s: got %v, want %v", password, err, want)
		}
		if _, err := c.Pull(t.Context(), ref); !errors.Is(err, want) {
			t.Errorf("pull with %s: got %v, want %v", password, err, want)
		}
	}
	if _, err := client().Pull(t.Context(), ref); !errors.Is(err, oci.ErrDenied) {
		t.Errorf("without any: got %v, want ErrDenied", err)
	}
}

// keys are the credentials for one host.
type keys struct{ host, password string }

func (k keys) Resolve(r authn.Resource) (authn.Authenticator, error) {
	if r.RegistryStr() != k.host {
		return authn.Anonymous, nil
	}
	return &authn.Basic{Username: "ada", Password: k.password}, nil
}

// TestPlain refuses to go anywhere but to this machine without TLS, even where a
// registry sends its client for a token.
func TestPlain(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"oci://10.1.2.3:5000/x:1", "oci://192.168.0.1/x:1"} {
		_, err := oci.New(oci.Config{Keychain: authn.NewMultiKeychain(), Transport: noTLS{}}).Pull(t.Context(), reference(t, "%s", text))
		if !errors.Is(err, oci.ErrPlain) {
			t.Errorf("%s: got %v, want ErrPlain", text, err)
		}
	}
	host := serve(t, func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("WWW-Authenticate", `Bearer realm="http://tokens.example/",service="x"`)
		w.WriteHeader(http.StatusUnauthorized)
		return true
	})
	if _, err := client().Pull(t.Context(), reference(t, "oci://%s/x:1", host)); !errors.Is(err, oci.ErrPlain) {
		t.Errorf("a token from elsewhere: got %v, want ErrPlain", err)
	}
	local := serve(t, nil)
	c := oci.New(oci.Config{Keychain: authn.NewMultiKeychain(), PlainHTTP: true, Transport: redirect{local}})
	if _, err := c.Push(t.Context(), reference(t, "oci://registry.example:5000/x:1"), oci.Module{Code: code}); err != nil {
		t.Errorf("with PlainHTTP: got %v", err)
	}
}

// noTLS is a network in which nobody speaks TLS.
type noTLS struct{}

func (noTLS) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme == "https" {
		return nil, errors.New("http: server gave HTTP response to HTTPS client")
	}
	return nil, errors.New("it was asked without TLS")
}

// redirect has a name stand for a registry on this machine, without TLS.
type redirect struct{ host string }

func (r redirect) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.URL.Scheme == "https" {
		return nil, errors.New("http: server gave HTTP response to HTTPS client")
	}
	there := request.Clone(request.Context())
	there.URL.Host = r.host
	return http.DefaultTransport.RoundTrip(there)
}

// TestHugeManifest reads no more of a manifest than registries are asked to take.
func TestHugeManifest(t *testing.T) {
	t.Parallel()
	for _, told := range []bool{true, false} {
		host := serve(t, func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.Contains(r.URL.Path, "/manifests/") {
				return false
			}
			w.Header().Set("Content-Type", manifestType)
			if told {
				w.Header().Set("Content-Length", fmt.Sprint(64<<20))
			}
			for range 64 {
				if _, err := w.Write(make([]byte, 1<<20)); err != nil {
					break
				}
			}
			return true
		})
		if _, err := client().Pull(t.Context(), reference(t, "oci://%s/x:1", host)); !errors.Is(err, oci.ErrTooLarge) {
			t.Errorf("size told: %v: got %v, want ErrTooLarge", told, err)
		}
	}
}

func TestTooLargeToPush(t *testing.T) {
	t.Parallel()
	c := oci.New(oci.Config{MaxBytes: 4})
	if _, err := c.Push(t.Context(), reference(t, "oci://localhost:1/x:1"), oci.Module{Code: code}); !errors.Is(err, oci.ErrTooLarge) {
		t.Errorf("got %v, want ErrTooLarge", err)
	}
}

func TestReferences(t *testing.T) {
	t.Parallel()
	digest := "sha256:" + strings.Repeat("0", 64)
	for text, pinned := range map[string]string{
		"oci://localhost:5000/a/b:1.0":               "oci://localhost:5000/a/b@" + digest,
		"oci://registry.example/a:latest":            "oci://registry.example/a@" + digest,
		"oci://[::1]:5000/a:1":                       "oci://[::1]:5000/a@" + digest,
		"oci://registry.example/a:1@" + digest:       "oci://registry.example/a@" + digest,
		"oci://registry.example:443/a/b/c@" + digest: "oci://registry.example:443/a/b/c@" + digest,
	} {
		r, err := oci.Parse(text)
		if err != nil || r.String() != text || r.Pinned(digest).String() != pinned {
			t.Errorf("%s: got %s, pinned %s, %v", text, r, r.Pinned(digest), err)
		}
	}
	for text, want := range map[string]string{"oci://localhost:5000/a/b:1.0": "a/b", "oci://r.example/a@" + digest: "a", "oci://[::1]:5000/a_b/c-d:1@" + digest: "a_b/c-d"} {
		if got := reference(t, "%s", text).Repository(); got != want {
			t.Errorf("%s: got the repository %s, want %s", text, got, want)
		}
	}
	for _, text := range []string{
		"", "a:1", "oci://", "oci://a", "oci://a/b:1", "oci:///a:1", "oci://registry.example", "oci://registry.example/", "oci://registry.example/a",
		"oci://registry.example/a:", "oci://registry.example/../a:1", "oci://registry.example/A:1", "oci://registry.example/a b:1", "oci://registry.example/a@sha256:12",
		"oci://u:p@example/a:1", "oci://registry.example/a:1\n", "https://example/a:1", "oci://registry.example/a:1?x=y#z",
	} {
		if r, err := oci.Parse(text); err == nil {
			t.Errorf("%q is taken for %s", text, r)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("oci://localhost:5000/a/b:1.0")
	f.Add("oci://r.example/a@sha256:" + strings.Repeat("0", 64))
	f.Fuzz(func(t *testing.T, text string) {
		r, err := oci.Parse(text)
		if err != nil {
			return
		}
		again, err := oci.Parse(r.String())
		if err != nil || again != r {
			t.Errorf("%q is %s, which is %s, %v", text, r, again, err)
		}
	})
}
