package docs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// standIns are programs and files that commands of pages want to find.
var standIns = map[string]string{
	"bin/make": "#!/bin/sh\nif [ \"$1\" = -C ]; then exec \"$REAL_MAKE\" \"$@\"; fi\nexec \"$REAL_MAKE\" --dry-run -C \"$ROOT\" \"$@\" >/dev/null\n",
	"bin/pass": "#!/bin/sh\necho a-secret\n",
	"key.pem":  "a key\n",
}

// checkCommands runs the commands of a page, each of which has to succeed.
func checkCommands(t *testing.T, dir string, p page) {
	t.Helper()
	for _, s := range p.in("sh") {
		prepare(t, dir)
		if _, err := os.Lstat(filepath.Join(dir, "examples")); err != nil {
			copyExamples(t, dir)
		}
		tools, ok := toolsFor(t, s)
		if ok {
			shell(t, dir, dir, s.name, "set -eu\n"+tools+s.text)
		}
	}
}

// prepare puts what commands want into a directory.
func prepare(t *testing.T, dir string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		return // no command is run
	}
	for name, text := range standIns {
		write(t, filepath.Join(dir, name), text, 0o700) //nolint:gosec // two are programs
	}
	link := filepath.Join(dir, "bin/graflow-wasm")
	if err := os.Symlink(command, link); err != nil && !os.IsExist(err) {
		t.Fatal(err)
	}
}

// environment is that of commands: the caches are shared, the rest is not the
// user's.
func environment(t *testing.T, dir string) []string {
	t.Helper()
	env := []string{
		"HOME=" + filepath.Join(dir, "home"), "XDG_CONFIG_HOME=" + filepath.Join(dir, "home/config"), "XDG_CACHE_HOME=" + cache,
		"PATH=" + filepath.Join(dir, "bin") + string(os.PathListSeparator) + os.Getenv("PATH"), "ROOT=" + root,
	}
	if program, err := exec.LookPath("make"); err == nil {
		env = append(env, "REAL_MAKE="+program)
	}
	// Or else they would be in HOME.
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPATH"} {
		out, err := exec.CommandContext(t.Context(), "go", "env", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		env = append(env, name+"="+strings.TrimSpace(string(out)))
	}
	return env
}

// shell runs a script in a directory of the workspace home.
func shell(t *testing.T, home, dir, name, script string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Logf("%s: NOT RUN: there is no sh on Windows", name)
		return
	}
	before := t.Failed()
	run(t, dir, environment(t, home), "sh", "-c", script)
	if !before && t.Failed() {
		t.Logf("%s: it failed", name)
	}
}

// copyExamples copies the examples, and the pages that one of them reads.
func copyExamples(t *testing.T, dir string) {
	t.Helper()
	if err := os.CopyFS(filepath.Join(dir, "examples"), os.DirFS(filepath.Join(root, "examples"))); err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "README.md"), string(readme), 0o600)
}

// TestExamples runs the commands on the examples' pages. They may show a run that
// fails, but no command that is not understood.
func TestExamples(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../examples/*/README.md")
	if err != nil || len(files) == 0 {
		t.Fatalf("no pages: %v", err)
	}
	for _, file := range files {
		name := filepath.Base(filepath.Dir(file))
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			dir := workspace(t)
			prepare(t, dir)
			copyExamples(t, dir)
			for _, script := range indented(string(text)) {
				shell(t, dir, filepath.Join(dir, "examples", name), name, script)
			}
		})
	}
}

// understood stands after each command: 1, 3, 4 and 5 are ends of runs.
const understood = "\ncase $? in 0|1|3|4|5) ;; *) exit 1 ;; esac\n"

// indented are the blocks of commands on a page, as scripts, but those that are not
// to be run.
func indented(text string) []string {
	var all []string
	for block := range strings.SplitSeq(text, "\n\n") {
		if !strings.HasPrefix(block, "    ") {
			continue
		}
		script := ""
		for line := range strings.Lines(strings.ReplaceAll(block, "\\\n", " ")) {
			line = strings.TrimSpace(line)
			if strings.HasPrefix(line, "graflow-wasm ") || strings.HasPrefix(line, "make ") {
				script += line + understood
			}
		}
		if script != "" {
			all = append(all, script)
		}
	}
	return all
}
