package lines_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/handlers/docker/internal/lines"
	"github.com/graflow/graflow-wasm/internal/guesttest"
	"github.com/graflow/graflow-wasm/sdk/abi"
)

var example = regexp.MustCompile("(?ms)^<!-- not run: here; the tests of handlers/docker/internal/lines run it -->\n```(\\w+)\n(.*?)^```$")

// TestPage runs the examples of the protocol's page against a server. All do the
// same.
func TestPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../../docs/container-protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := example.FindAllSubmatch(page, -1)
	var languages []string
	for _, e := range examples {
		languages = append(languages, string(e[1]))
	}
	if want := []string{"sh", "sh", "python", "go"}; !slices.Equal(languages, want) {
		t.Fatalf("got examples in %q, want %q", languages, want)
	}
	for i, e := range examples {
		t.Run(languages[i], func(t *testing.T) {
			t.Parallel()
			follow(t, languages[i], string(e[2]))
		})
	}
}

func follow(t *testing.T, language, text string) {
	t.Helper()
	e := newEmbedder()
	c := config(t, e)
	dir := t.TempDir()
	input := filepath.Join(dir, "input.json")
	write(t, input, string(c.Input))
	cmd := command(t, dir, language, text)
	s := listen(t, c)
	cmd.Env = append(
		os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), abi.EnvInput+"="+input, abi.EnvSocket+"="+s.path(lines.SocketName),
		abi.EnvResult+"="+s.path(lines.ResultName), abi.EnvEffects+"="+s.path(lines.EffectsName),
	)
	if out, err := cmd.CombinedOutput(); err != nil || len(out) != 0 {
		t.Errorf("%v: %s", err, out)
	}
	o := s.end(t)
	if got := strings.ReplaceAll(strings.TrimSpace(string(o.Output)), " ", ""); got != `{"width":8}` {
		t.Errorf("got %s, want twice the width", o.Output)
	}
	if got, want := e.noted(), []string{"add resized 1", "log WARN that is small"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if language == "python" && e.files["notes.txt"] != "twice as wide\n" {
		t.Errorf("got files %q", e.files)
	}
}

// command runs an example; what it needs is in dir.
func command(t *testing.T, dir, language, text string) *exec.Cmd {
	t.Helper()
	switch language {
	case "sh":
		if strings.Contains(text, "graflow-call") {
			if err := os.Symlink(guesttest.Program(t, "../../inside/testdata/inside"), filepath.Join(dir, "graflow-call")); err != nil {
				t.Fatal(err)
			}
		}
		return exec.CommandContext(t.Context(), "sh", "-euc", text)
	case "python":
		python, err := exec.LookPath("python3")
		if err != nil && os.Getenv("CI") == "" {
			t.Skip("THE EXAMPLE IN PYTHON WAS NOT RUN: there is no python3")
		}
		return exec.CommandContext(t.Context(), python, "-c", text)
	}
	// Inside the module, so that the SDK is found, where the go command's
	// patterns do not look.
	source, err := os.MkdirTemp("testdata", "_page-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(source) })
	write(t, filepath.Join(source, "main.go"), text)
	return exec.CommandContext(t.Context(), guesttest.Program(t, "./"+source))
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
