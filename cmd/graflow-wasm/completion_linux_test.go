package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/internal/term/termtest"
)

// TestCompletionInBash presses Tab in a real bash.
func TestCompletionInBash(t *testing.T) {
	t.Parallel()
	const library = "/usr/share/bash-completion/bash_completion"
	bash, err := exec.LookPath("bash")
	if err != nil {
		notRun(t, err)
	}
	if _, err := os.Stat(library); err != nil {
		notRun(t, fmt.Errorf("the package bash-completion is not installed: %w", err))
	}
	state := completionState(t)
	dir := filepath.Dir(state)
	script, code := ask(t, dir, "completion", "bash")
	if code != exitSucceeded {
		t.Fatalf("completion bash: exit code %d", code)
	}
	rc := "PS1='$ '\nbind 'set bell-style none'\nbind 'set enable-bracketed-paste off'\n. " + library + "\n" + script + "\n"
	if err := os.WriteFile(filepath.Join(dir, "rc"), []byte(rc), 0o600); err != nil {
		t.Fatal(err)
	}
	p := termtest.Open(t, 100, 24)
	cmd := exec.CommandContext(t.Context(), bash, "--noprofile", "--rcfile", filepath.Join(dir, "rc"), "-i")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "TERM=dumb", "HOME="+dir, "HISTFILE=", "INPUTRC=/dev/null")
	p.Start(cmd)
	p.WaitFor("a prompt", func(s *termtest.Screen) bool { return strings.HasSuffix(s.Text(), "$") })
	p.Send("graflow-wasm runs show --state st he\t")
	p.WaitText("$ graflow-wasm runs show --state st held-1")
	p.Send("\x15graflow-wasm runs ls --status cance\t")
	p.WaitText("--status canceled")
	p.Send("\x15graflow-wasm runs rm --state st \t\t")
	p.WaitText("gone-1", "done-1", "(deploy, succeeded)")
	p.See(func(s *termtest.Screen) {
		if strings.Contains(s.Text(), "$(held)") {
			t.Errorf("a name is offered that the shell would execute:\n%s", s.Text())
		}
	})
	p.Send("\x15exit\n")
	exitOf(t, cmd)
}
