package main

import (
	"bytes"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

var (
	exitNote  = regexp.MustCompile(`^(.*?) +# exit code ([0-9]+)$`)
	printNote = regexp.MustCompile(`^# prints (.+)$`)
)

// exampleOf turns a topic into a script that ends at the first command which does not
// end as it says, and what the commands have to print.
func exampleOf(t helpTopic) (script string, prints []string) {
	var b strings.Builder
	b.WriteString("set -eu\n")
	for line := range strings.Lines(t.text) {
		line, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "    ")
		if !ok {
			continue
		}
		if m := printNote.FindStringSubmatch(line); m != nil {
			prints = append(prints, m[1])
		}
		if m := exitNote.FindStringSubmatch(line); m != nil {
			line = "code=0; " + m[1] + " || code=$?\n[ $code = " + m[2] + " ] || { echo \"exit code $code, not " + m[2] + ": " +
				strings.NewReplacer(`"`, `\"`, "$", `\$`, "`", "\\`").Replace(m[1]) + "\"; exit 1; }"
		}
		b.WriteString(line + "\n")
	}
	return b.String(), prints
}

// TestHelpByExample runs the commands of each topic, as somebody would type them.
func TestHelpByExample(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("NOT RUN: there is no sh on Windows")
	}
	for _, topic := range helpTopics() {
		t.Run(topic.name, func(t *testing.T) {
			t.Parallel()
			script, prints := exampleOf(topic)
			if !strings.Contains(script, "\ngraflow-wasm ") {
				t.Fatalf("it has no example:\n%s", script)
			}
			dir := t.TempDir()
			cmd := inDir(t, dir)
			cmd.Path, cmd.Args = "/bin/sh", []string{"sh", "-c", script}
			cmd.Env = append(cmd.Env, "HOME="+dir, "XDG_CONFIG_HOME="+dir+"/config", "NO_COLOR=1", "GRAFLOW_WASM_STATE=", "GRAFLOW_WASM_NATS=", "GRAFLOW_WASM_SERVER=")
			if goCache, err := exec.CommandContext(t.Context(), "go", "env", "GOCACHE").Output(); err == nil {
				cmd.Env = append(cmd.Env, "GOCACHE="+strings.TrimSpace(string(goCache)))
			}
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s\nit printed\n%s", err, script, out)
			}
			for _, want := range prints {
				if !bytes.Contains(out, []byte(want)) {
					t.Errorf("it does not print %s, but\n%s", want, out)
				}
			}
		})
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	shows := func(args []string, wants ...string) {
		t.Helper()
		var out, said bytes.Buffer
		if code := execute(args, streams{in: strings.NewReader(""), out: &out, err: &said}); code != exitSucceeded {
			t.Fatalf("%q: exit code %d: %s", args, code, said.String())
		}
		for _, want := range wants {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%q: no %q in\n%s", args, want, out.String())
			}
		}
	}
	var all []string
	for _, topic := range helpTopics() {
		all = append(all, topic.title)
		shows([]string{"help", topic.name}, topic.title, "    graflow-wasm ")
		for line := range strings.Lines(topic.text) {
			if n := len([]rune(line)); n > 100 && !strings.HasPrefix(line, "    ") {
				t.Errorf("%s: a line of %d characters: %s", topic.name, n, line)
			}
		}
	}
	shows([]string{"help"}, all[:1]...)
	shows([]string{"help"}, all[1:]...)
	shows([]string{"help", "runs"}, "runs --help")
	shows([]string{"help", "runs", "retry"}, "Usage:\n  graflow-wasm runs retry RUN")
	shows([]string{"runs", "--help"}, "Usage:\n  graflow-wasm runs")
	shows(nil, "Flows and code:", "Runs and clusters:", "help TOPIC")
	shows([]string{"help", "run"}, "Usage:\n  graflow-wasm run TARGET")
	for args, want := range map[string]string{
		"limit": "did you mean limits?", "exit-code": "did you mean exit-codes?", "workrs": "did you mean worker or workers?", "runs retyr": "Topics: flows", "zzz": "Commands: graflow-wasm --help",
	} {
		if said := command(t, exitUsage, append([]string{"help"}, strings.Fields(args)...)...); !strings.Contains(said, want) {
			t.Errorf("help %s: got %q, want %q", args, said, want)
		}
	}
}

// TestCommandsAreGrouped wants each command to be in a section of the root's help.
func TestCommandsAreGrouped(t *testing.T) {
	t.Parallel()
	root := newRoot(streams{})
	root.InitDefaultHelpCmd()
	for _, cmd := range root.Commands() {
		if cmd.GroupID == "" && cmd.IsAvailableCommand() {
			t.Errorf("%s: no section of commandGroups has it", cmd.Name())
		}
	}
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		if cmd.Short == "" || cmd.Example == "" && cmd.Runnable() && !strings.HasPrefix(cmd.CommandPath(), "graflow-wasm completion") {
			t.Errorf("%s: its help has no short text or no example", cmd.CommandPath())
		}
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk(root)
}
