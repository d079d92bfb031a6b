package check_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A line is a command line in a file of packaging, without the command's name.
type line struct {
	file string
	args []string
}

// lines are all command lines: those that tools run, and those of comments and docs.
func lines(tb testing.TB) []line {
	tb.Helper()
	all := slices.Concat(unitLines(tb), composeLines(tb), kubernetesLines(tb))
	written := []string{filepath.Join(checkout, "docs/packaging.md")}
	for _, pattern := range []string{"*", "*/*.yaml", "systemd/*"} {
		found, err := filepath.Glob(filepath.Join(packaging, pattern))
		if err != nil {
			tb.Fatal(err)
		}
		written = append(written, found...)
	}
	for _, file := range written {
		if info, err := os.Stat(file); err != nil || info.IsDir() {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			tb.Fatal(err)
		}
		for _, args := range writtenIn(string(text)) {
			all = append(all, line{file, args})
		}
	}
	return all
}

// commandLine is a line of a shell that begins with the command, in docs or a comment.
var commandLine = regexp.MustCompile(`(?m)^(?:#   )?graflow-wasm ([a-z].*)$`)

func writtenIn(text string) [][]string {
	text = strings.ReplaceAll(text, "\\\n", " ")
	var all [][]string
	for _, found := range commandLine.FindAllStringSubmatch(text, -1) {
		command, _, _ := strings.Cut(found[1], " #")
		command, _, _ = strings.Cut(command, " | ")
		command, _, _ = strings.Cut(command, " > ")
		command = strings.TrimSuffix(strings.TrimSpace(command), "&")
		all = append(all, strings.Fields(strings.NewReplacer("'", "", `"`, "").Replace(command)))
	}
	return all
}

// TestCommandLines has the command read each of them. Asked for help, it does nothing
// else, but refuses flags that it does not have and values that they can't.
func TestCommandLines(t *testing.T) {
	t.Parallel()
	binary := command(t)
	seen := map[string]bool{}
	for _, l := range lines(t) {
		if len(l.args) == 0 || seen[strings.Join(l.args, " ")] {
			continue
		}
		seen[strings.Join(l.args, " ")] = true
		if err := parse(binary, l.args); err != nil {
			t.Errorf("%s: graflow-wasm %s: %v", l.file, strings.Join(l.args, " "), err)
		}
	}
	if len(seen) < 5 {
		t.Errorf("%d command lines were found, want 5 at least: %v", len(seen), seen)
	}
	for _, wrong := range [][]string{{"server", "--no-such-flag"}, {"worker", "--concurrency=many"}, {"sever"}} {
		if parse(binary, wrong) == nil {
			t.Errorf("graflow-wasm %s is accepted, so nothing was checked", strings.Join(wrong, " "))
		}
	}
}

func parse(binary string, args []string) error {
	cmd := exec.Command(binary, append(slices.Clone(args), "--help")...)
	cmd.Env = append(os.Environ(), "HOME=/nonexistent")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return errors.New(strings.TrimSpace(string(out)))
	}
	// For a command that is not there the help is that of all commands.
	if !strings.Contains(string(out), "graflow-wasm "+args[0]) || strings.Contains(string(out), "Available Commands:\n  completion") {
		return errors.New("there is no such command")
	}
	return nil
}
