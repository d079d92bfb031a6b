package parts_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// loose are the ways to fetch what nobody has pinned by version and digest: tools of Go
// have a go.sum in packaging/tools, packages of npm a lock, archives a line in
// runtimes/sources.sha256, images a digest. Debian's packages have the archive's
// signature alone; what is compiled with them has a digest in runtimes/recorded.sha256.
var loose = []struct {
	what *regexp.Regexp
	how  string
}{
	{regexp.MustCompile(`\bgo (install|run|get) \S+@`), `a go.mod in packaging/tools, whose go.sum has the digests`},
	{regexp.MustCompile(`@latest\b`), `a version`},
	{regexp.MustCompile(`\b(curl|wget) .*https?://`), `a line in runtimes/sources.sha256`},
	{regexp.MustCompile(`\bnpm (install|i|add|exec) |\bnpx `), `npm ci with a package-lock.json`},
	{regexp.MustCompile(`\b(pip3?|cargo|gem) install `), `a lock`},
	{regexp.MustCompile(`^FROM [^@]*$|\bdocker pull [^@]*$|^(- )?image: [^@\s]+$`), `a digest`},
	{regexp.MustCompile(`\buses: `), `a commit`},
}

// fine are images that are made here, and actions that are named by a commit.
var fine = regexp.MustCompile(`uses: [^@]+@[0-9a-f]{40}$|FROM scratch$|image: (\$\{GRAFLOW_WASM_IMAGE:-graflow-wasm:latest\}|graflow-wasm:latest)$`)

// unpinned are the lines of a file that fetch something loosely.
func unpinned(text string) []string {
	var all []string
	for text := range strings.Lines(text) {
		text = strings.TrimSpace(text)
		if strings.HasPrefix(text, "#") || fine.MatchString(text) {
			continue
		}
		// What a message tells a person to type is fetched by nobody.
		text = regexp.MustCompile(`\b(echo|die|fail) ".*"`).ReplaceAllString(text, "")
		for _, l := range loose {
			if l.what.MatchString(text) {
				all = append(all, text+": pin it by "+l.how)
			}
		}
	}
	return all
}

// TestPinned reads all that builds, tests and packages the command.
func TestPinned(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "git", "-C", checkout, "ls-files", "-co", "--exclude-standard", "--",
		"Makefile", "*/Makefile", ".ci", ".github", "*.sh", "packaging", "script", "*Containerfile", "*Dockerfile").Output()
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	for name := range strings.Lines(string(out)) {
		name = strings.TrimSpace(name)
		if strings.HasSuffix(name, ".go") || strings.Contains(name, "/notices/") || strings.HasSuffix(name, ".md") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(checkout, name))
		if err != nil {
			continue // a file that is no longer there
		}
		read++
		for _, line := range unpinned(string(text)) {
			t.Errorf("%s: %s", name, line)
		}
	}
	if read < 20 {
		t.Errorf("%d files were read, want all scripts", read)
	}
}

// TestPinnedFinds has each loose way found.
func TestPinnedFinds(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"\tGOBIN=x go install mvdan.cc/gofumpt@v0.12.0", "go run example.com/x@latest", "curl -fsSL https://example.com/x | sh",
		"npm install --silent x@1.2.3", "npx x", "pip install x", "FROM debian:12", "image: postgres:17", "docker pull busybox:1",
		"  - uses: actions/checkout@v4",
	} {
		if len(unpinned(line)) == 0 {
			t.Errorf("%q is not found", line)
		}
	}
	for _, line := range []string{
		"FROM scratch", "image: graflow-wasm:latest", "npm ci --ignore-scripts", "# npm install x",
		"FROM debian@sha256:0011", `die "to fetch it: npm install x"`, "uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683",
	} {
		if got := unpinned(line); len(got) > 0 {
			t.Errorf("got %v", got)
		}
	}
}
