package check_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goreleaser/goreleaser/v2/pkg/config"
)

// release is the configuration of releases, read as strictly as `goreleaser check` reads
// it: a key that GoReleaser does not know is an error.
func release(tb testing.TB) config.Project {
	tb.Helper()
	project, err := config.Load(filepath.Join(packaging, ".goreleaser.yaml"))
	if err != nil {
		tb.Fatal(err)
	}
	return project
}

func TestRelease(t *testing.T) {
	t.Parallel()
	project := release(t)
	if project.Version != 2 || len(project.Builds) != 1 || len(project.Archives) != 1 {
		t.Fatalf("got version %d, %d builds, %d archives", project.Version, len(project.Builds), len(project.Archives))
	}
	b := project.Builds[0]
	if !slices.Contains(b.Env, "CGO_ENABLED=0") || !slices.Contains([]string(b.Flags), "-trimpath") {
		t.Errorf("got env %v, flags %v, want a static build with -trimpath", b.Env, b.Flags)
	}
	if ldflags := strings.Join(b.Ldflags, " "); !strings.Contains(ldflags, "-X main.version=") {
		t.Errorf("got ldflags %q, want that they set main.version", ldflags)
	}
	if got := project.Archives[0].IDs; !slices.Equal(got, []string{b.ID}) {
		t.Errorf("the archives are of builds %v, want %s", got, b.ID)
	}
	if hooks := fmt.Sprint(project.Before.Hooks); !strings.Contains(hooks, "make runtimes") || !strings.Contains(hooks, "make licenses") {
		t.Errorf("got hooks %s, want that they make what is embedded, and the texts of licenses", hooks)
	}
	if _, err := os.Stat(filepath.Join(checkout, b.Main)); err != nil {
		t.Error(err)
	}
	for _, f := range project.Archives[0].Files {
		if _, err := os.Stat(filepath.Join(checkout, f.Source)); err != nil {
			t.Errorf("the archives need %v (make licenses)", err)
		}
	}
}

// TestReleaseParts has a binary's list of parts made as GoReleaser has it made: in dist,
// by the configured command.
func TestReleaseParts(t *testing.T) {
	t.Parallel()
	lists := release(t).SBOMs
	if len(lists) != 1 || lists[0].Artifacts != "binary" || len(lists[0].Documents) != 1 {
		t.Fatalf("got %+v, want one list for each binary", lists)
	}
	dist := filepath.Join(checkout, release(t).Dist+"-check")
	if err := os.MkdirAll(dist, 0o750); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dist); err != nil {
			t.Error(err)
		}
	})
	binary, err := filepath.Abs(command(t))
	if err != nil {
		t.Fatal(err)
	}
	var args []string
	for _, arg := range lists[0].Args {
		args = append(args, strings.NewReplacer("$artifact", binary, "$document", "list.cdx.json", "{{ .Version }}", "1.2.3").Replace(arg))
	}
	cmd := exec.CommandContext(t.Context(), lists[0].Cmd, args...)
	cmd.Dir = dist
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v (make licenses builds it): %v\n%s", cmd.Args, err, out)
	}
	text, err := os.ReadFile(filepath.Join(dist, "list.cdx.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"CycloneDX"`, `"v1.2.3"`, "pkg:golang/github.com/tetratelabs/wazero@"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the list has no %s", want)
		}
	}
}

// TestTargets builds the command for all platforms of a release: for that of the image
// as it is released, for the others without optimizations, which takes two thirds of
// the time.
func TestTargets(t *testing.T) {
	t.Parallel()
	targets := release(t).Builds[0].Targets
	if want := []string{"linux_amd64", "linux_arm64", "darwin_amd64", "darwin_arm64", "windows_amd64"}; !slices.Equal(targets, want) {
		t.Errorf("got targets %v, want %v", targets, want)
	}
	if testing.Short() {
		t.Skip("builds for other platforms take minutes, and -short is set")
	}
	command(t)
	for _, target := range targets[1:] { //nolint:paralleltest // a build uses all processors
		t.Run(target, func(t *testing.T) {
			goos, goarch, _ := strings.Cut(target, "_")
			path := filepath.Join(t.TempDir(), target)
			if err := build(t.Context(), path, goos, goarch, "-gcflags=all=-N -l"); err != nil {
				t.Fatal(err)
			}
			if info, err := os.Stat(path); err != nil || info.Size() < 10<<20 {
				t.Errorf("got %v, %v", info, err)
			}
		})
	}
}
