package interop_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/content/memory"
	"oras.land/oras-go/v2/registry/remote"
)

// code is a command: one function, that ends at once, and a memory.
var code = []byte("\x00asm\x01\x00\x00\x00\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00\x05\x03\x01\x00\x01" +
	"\x07\x13\x02\x06_start\x00\x00\x06memory\x02\x00\x0a\x04\x01\x02\x00\x0b")

const (
	configType = "application/vnd.wasm.config.v0+json"
	layerType  = "application/wasm"
)

// build builds a program of the main module.
func build(t *testing.T, pkg string) (program string) {
	t.Helper()
	program = filepath.Join(t.TempDir(), filepath.Base(pkg))
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", program, pkg)
	cmd.Dir = "../../.."
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", pkg, err, out)
	}
	return program
}

var serving = regexp.MustCompile(`serving on port (\d+)`)

// serve runs the registry until the test ends, and returns its host.
func serve(t *testing.T) (host string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), build(t, "github.com/google/go-containerregistry/cmd/registry"), "-port", "0")
	out, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if found := serving.FindStringSubmatch(lines.Text()); found != nil {
			host = "localhost:" + found[1]
			break
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(io.Discard, out) // else it stands still once the pipe is full
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-done
		_ = cmd.Wait()
	})
	if host == "" {
		t.Fatal("the registry does not tell its port")
	}
	return host
}

func run(t *testing.T, command string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), command, args...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, &errs)
	}
	return strings.TrimSpace(string(out))
}

func repository(t *testing.T, host, name string) *remote.Repository {
	t.Helper()
	r, err := remote.NewRepository(host + "/" + name)
	if err != nil {
		t.Fatal(err)
	}
	r.PlainHTTP = true
	return r
}

func TestInterop(t *testing.T) {
	t.Parallel()
	host, command := serve(t), build(t, "./cmd/graflow-wasm")
	dir := t.TempDir()
	file, cache := filepath.Join(dir, "end.wasm"), filepath.Join(dir, "cache")
	if err := os.WriteFile(file, code, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Run("oras reads what we push", func(t *testing.T) {
		t.Parallel()
		pushed := run(t, command, "module", "push", file, "oci://"+host+"/ours:1.0", "--name", "end", "--version", "1.0", "--cache-dir", cache)
		store := memory.New()
		root, err := oras.Copy(t.Context(), repository(t, host, "ours"), "1.0", store, "1.0", oras.DefaultCopyOptions)
		if err != nil {
			t.Fatal(err)
		}
		if root.Digest.String() != pushed || root.MediaType != v1.MediaTypeImageManifest {
			t.Errorf("got %s, %s; want %s", root.Digest, root.MediaType, pushed)
		}
		var m v1.Manifest
		read(t, store, root, &m)
		if m.Config.MediaType != configType || len(m.Layers) != 1 || m.Layers[0].MediaType != layerType || m.Annotations[v1.AnnotationVersion] != "1.0" {
			t.Fatalf("got %+v", m)
		}
		got, err := content.FetchAll(t.Context(), store, m.Layers[0])
		if err != nil || !bytes.Equal(got, code) {
			t.Errorf("got the layer %q, %v", got, err)
		}
	})
	t.Run("we read what oras pushes", func(t *testing.T) {
		t.Parallel()
		pushed := pushWithORAS(t, repository(t, host, "theirs"))
		for _, ref := range []string{":2.0", "@" + pushed} {
			back := filepath.Join(t.TempDir(), "back.wasm")
			run(t, command, "module", "pull", "oci://"+host+"/theirs"+ref, "-O", back)
			if got, err := os.ReadFile(back); err != nil || !bytes.Equal(got, code) {
				t.Errorf("%s: got %q, %v", ref, got, err)
			}
		}
	})
}

func read(t *testing.T, from content.Fetcher, d v1.Descriptor, to any) {
	t.Helper()
	raw, err := content.FetchAll(t.Context(), from, d)
	if err == nil {
		err = json.Unmarshal(raw, to)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// pushWithORAS stores the module as the layout says, with another client.
func pushWithORAS(t *testing.T, to *remote.Repository) (manifest string) {
	t.Helper()
	layer := blob(t, to, layerType, code)
	config := blob(t, to, configType, fmt.Appendf(nil, `{"created":"2024-06-25T15:58:49Z","architecture":"wasm","os":"wasip1","layerDigests":[%q]}`, layer.Digest))
	raw, err := json.Marshal(v1.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: v1.MediaTypeImageManifest, Config: config, Layers: []v1.Descriptor{layer},
	})
	if err != nil {
		t.Fatal(err)
	}
	d := content.NewDescriptorFromBytes(v1.MediaTypeImageManifest, raw)
	if err := to.PushReference(t.Context(), d, bytes.NewReader(raw), "2.0"); err != nil {
		t.Fatal(err)
	}
	return d.Digest.String()
}

func blob(t *testing.T, to interface {
	Push(ctx context.Context, d v1.Descriptor, r io.Reader) error
}, mediaType string, data []byte,
) v1.Descriptor {
	t.Helper()
	d := v1.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}
	if err := to.Push(t.Context(), d, bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	return d
}
