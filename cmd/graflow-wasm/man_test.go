package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestManual has what checks manual pages check all of them.
func TestManual(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "man")
	command(t, exitSucceeded, "man", dir)
	pages, err := filepath.Glob(filepath.Join(dir, "man[17]", "*"))
	if err != nil {
		t.Fatal(err)
	}
	var missing []string
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		name := filepath.Join(dir, "man1", pageName(cmd)+".1")
		text, err := os.ReadFile(name)
		if err != nil && !cmd.Hidden {
			missing = append(missing, name)
		}
		for _, want := range []string{`.SH "NAME"`, `.SH "SYNOPSIS"`, `.SH "SEE ALSO"`, strings.ReplaceAll(pageName(cmd), "-", `\-`)} {
			if !bytes.Contains(text, []byte(want)) && !cmd.Hidden {
				t.Errorf("%s: no %q", name, want)
			}
		}
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk(newRoot(streams{}))
	for _, topic := range helpTopics() {
		if name := filepath.Join(dir, "man7", "graflow-wasm-"+topic.name+".7"); !exists(name) {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		t.Fatalf("there are no pages %s", strings.Join(missing, ", "))
	}
	t.Run("mandoc", func(t *testing.T) {
		t.Parallel()
		lint(t, "mandoc", append([]string{"-T", "lint", "-W", "warning"}, pages...)...)
	})
	t.Run("groff", func(t *testing.T) {
		t.Parallel()
		for _, page := range pages {
			if lint(t, "groff", "-man", "-ww", "-z", "-K", "utf8", page); t.Failed() {
				return
			}
		}
	})
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// lint runs what checks pages, and wants it to say nothing.
func lint(t *testing.T, program string, args ...string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		notRun(t, err)
	}
	if out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%s: %v\n%s", program, err, out)
	}
}

// TestManualSays looks at a page as it is read.
func TestManualSays(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	command(t, exitSucceeded, "man", dir)
	if _, err := exec.LookPath("mandoc"); err != nil {
		notRun(t, err)
	}
	for page, wants := range map[string][]string{
		"man1/graflow-wasm-runs-show.1":  {"graflow-wasm runs show RUN", "-o, --output text|json", "print the journal, a JSON object a line", "--no-color", "select(.type == \"completed\")"},
		"man1/graflow-wasm-run.1":        {"FILE.wasm[#EXPORT]", "--input '\"/in/a.png\"'", "cancels the run; a second one stops at once"},
		"man7/graflow-wasm-untrusted.7":  {"Code that nobody trusts", "graflow-wasm exec -c 'open(\"/etc/passwd\")'"},
		"man7/graflow-wasm-exit-codes.7": {"6  the cluster does not answer"},
	} {
		out, err := exec.CommandContext(t.Context(), "mandoc", "-T", "utf8", "-O", "width=100", filepath.Join(dir, page)).Output()
		if err != nil {
			t.Fatal(err)
		}
		text := string(out)
		for strings.Contains(text, "\b") { // bold is what is struck twice
			i := strings.IndexByte(text, '\b')
			text = text[:i-1] + text[i+1:]
		}
		flat := strings.Join(strings.Fields(text), " ")
		for _, want := range wants {
			if !strings.Contains(flat, strings.Join(strings.Fields(want), " ")) {
				t.Errorf("%s: no %q in\n%s", page, want, text)
			}
		}
	}
}
