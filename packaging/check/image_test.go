package check_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestImage looks at what is in the image, and runs it with nothing but itself.
func TestImage(t *testing.T) {
	t.Parallel()
	name := image(t)
	if got := mustDocker(t, "inspect", "-f", "{{.Config.User}} {{.Config.Entrypoint}} {{len .RootFS.Layers}}", name); got != "65532:65532 [/usr/bin/graflow-wasm] 3" {
		t.Errorf("got user, entry point and layers %s", got)
	}
	id := mustDocker(t, "create", name)
	t.Cleanup(func() {
		if _, err := docker(context.Background(), "rm", "-v", id); err != nil {
			t.Error(err)
		}
	})
	raw, err := exec.CommandContext(t.Context(), "docker", "export", id).Output()
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	owners := map[string]int{}
	for archive := tar.NewReader(bytes.NewReader(raw)); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		owners[header.Name] = header.Uid
		// Docker itself puts some empty files into each container.
		if header.Typeflag == tar.TypeReg && header.Size > 0 {
			files = append(files, header.Name)
			if header.Mode&0o022 != 0 || header.Uid != 0 {
				t.Errorf("%s may be changed by others than root: mode %o, user %d", header.Name, header.Mode, header.Uid)
			}
		}
	}
	want := []string{"etc/group", "etc/passwd", "etc/ssl/certs/ca-certificates.crt", "usr/bin/graflow-wasm"}
	for _, doc := range []string{"LICENSE", "THIRD_PARTY_LICENSES"} {
		if !slices.Contains(files, "usr/share/doc/graflow-wasm/"+doc) {
			t.Errorf("the image lacks %s", doc)
		}
	}
	files = slices.DeleteFunc(files, func(f string) bool { return strings.HasPrefix(f, "usr/share/doc/graflow-wasm/") })
	if !slices.Equal(files, want) {
		t.Errorf("got files %v, want %v", files, want)
	}
	for _, dir := range []string{"var/lib/graflow-wasm/", "var/cache/graflow-wasm/", "tmp/"} {
		if owners[dir] != 65532 {
			t.Errorf("%s is user %d's", dir, owners[dir])
		}
	}
	alone := []string{"run", "--rm", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--network=none", name}
	if got := mustDocker(t, append(alone, "version")...); !strings.Contains(got, "v0.0.0-check") {
		t.Errorf("got version %q", got)
	}
	if got := mustDocker(t, append(alone, "exec", "-l", "js", "-c", "6 * 7")...); got != "42" && !strings.Contains(got, "make runtimes") {
		t.Errorf("got %q", got)
	}
}
