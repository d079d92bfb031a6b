package main

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

// completed is what a shell is told that may follow. The last of args is what was begun.
func completed(t *testing.T, args ...string) string {
	t.Helper()
	var out, said bytes.Buffer
	if code := execute(append([]string{"__complete"}, args...), streams{in: strings.NewReader(""), out: &out, err: &said}); code != exitSucceeded {
		t.Errorf("%q: exit code %d: %s", args, code, said.String())
	}
	if text := strings.TrimSpace(said.String()); !strings.HasPrefix(text, "Completion ended with directive") || strings.Contains(text, "\n") {
		t.Errorf("%q: it says %q", args, text)
	}
	return out.String()
}

// completionState is a state directory with runs in several statuses.
func completionState(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	flow, state := filepath.Join(dir, "f.flow.yaml"), filepath.Join(dir, "st")
	text := "name: deploy\ntasks:\n  build: {builtin: now}\n  ask: {builtin: pause, with: {name: approve, message: \"go on?\\nnow\"}}\nflow: build >> ask\n"
	if err := os.WriteFile(flow, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	command(t, exitSucceeded, "run", flow, "--state", state, "--id", "done-1", "--answer", "approve=true", "-q")
	command(t, exitPaused, "run", flow, "--state", state, "--id", "held-1", "-q")
	command(t, exitPaused, "run", flow, "--state", state, "--id", "$(held)", "-q")
	command(t, exitPaused, "run", flow, "--state", state, "--id", "gone-1", "-q")
	command(t, exitSucceeded, "runs", "cancel", "gone-1", "--state", state)
	return state
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	state := completionState(t)
	for _, test := range []struct{ args, want string }{
		{"runs show --state ST ", "gone-1\tdeploy, canceled\nheld-1\tdeploy, paused, waits for approve\ndone-1\tdeploy, succeeded\n:36\n"},
		{"runs show --state ST he", "held-1\tdeploy, paused, waits for approve\n:36\n"},
		{"runs show --state=ST done", "done-1\tdeploy, succeeded\n:36\n"},
		{"runs resume --state ST ", "held-1\tdeploy, paused, waits for approve\n:0\n"},
		{"runs resume --state ST held-1 ", "approve\tgo on? now\n:36\n"},
		{"runs cancel --state ST ", "held-1\tdeploy, paused, waits for approve\n:36\n"},
		{"runs rm --state ST ", "gone-1\tdeploy, canceled\ndone-1\tdeploy, succeeded\n:36\n"},
		{"runs rm gone-1 --state ST ", "done-1\tdeploy, succeeded\n:36\n"},
		{"runs retry --state ST ", "gone-1\tdeploy, canceled\n:36\n"},
		{"runs retry held-1 --state ST --from ", "ask\tpaused\nbuild\tsucceeded\n:36\n"},
		{"runs logs held-1 --state ST --task b", "build\tsucceeded\n:36\n"},
		{"runs show held-1 --state ST ", ":4\n"},
		{"runs ls --state ST --flow ", "deploy\n:38\n"},
		{"runs ls --status ", strings.Join(runStatuses, "\n") + "\n:38\n"},
		{"runs ls --status paused,f", "paused,failed\n:38\n"},
		{"runs ls --state ", ":16\n"},
		{"runs ls -o ", "text\njson\n:4\n"},
		{"run --sync ", "always\ninterval\nnever\n:36\n"},
		{"run --timeout ", ":4\n"},
		{"validate ", "yaml\nyml\njson\n:8\n"},
		{"new p", "python\n:4\n"},
		{"top --sort workers=l", "workers=load\n:38\n"},
		{"doctor roles v", "viewer\n:4\n"},
		// What can't be asked has no names, and says nothing.
		{"runs show --state none ", ":36\n"},
		{"runs show --state ST --nats nats://x --server y ", ":36\n"},
		{"module rm ", ":36\n"},
		{"dead show --nats ./none ", ":36\n"},
		{"schedules rm --server ./none ", ":36\n"},
	} {
		args := strings.Split(strings.ReplaceAll(test.args, "ST", state), " ")
		if got := completed(t, args...); got != test.want {
			t.Errorf("%q: got\n%s\nwant\n%s", test.args, got, test.want)
		}
	}
}

// TestCompletionIsQuick wants a shell to wait no longer than it should for a cluster
// that does not answer.
func TestCompletionIsQuick(t *testing.T) { //nolint:paralleltest // others, which wait meanwhile, have more time
	usual := completeWithin
	completeWithin = typingPause
	defer func() { completeWithin = usual }()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for _, place := range [][]string{{"--nats", "nats://" + silent.Addr().String()}, {"--server", "http://" + silent.Addr().String()}} {
		began := time.Now()
		completed(t, append(append([]string{"runs", "show"}, place...), "")...)
		if took := time.Since(began); took > 10*completeWithin { // the machine may be slow; without a bound it is longer
			t.Errorf("%s: it took %s, want about %s", place, took, completeWithin)
		}
	}
}

// TestCompletionOfAll wants each command and each flag of a word to say what may follow,
// be it nothing: else a shell offers files.
func TestCompletionOfAll(t *testing.T) {
	t.Parallel()
	paths := map[string]bool{}
	eachCommand(newRoot(streams{}), func(path string, takes, completes bool) {
		paths[path] = true
		if takes && !completes {
			t.Errorf("%s: it does not tell what may follow", path)
		}
	})
	for path := range argumentCompleters {
		if !paths[path] {
			t.Errorf("%q is completed, and is no command", path)
		}
	}
}

// eachCommand calls f with all commands, by their paths: whether they take arguments,
// and whether they tell what may follow.
func eachCommand(cmd *cobra.Command, f func(path string, takes, completes bool)) {
	for _, sub := range cmd.Commands() {
		path := strings.TrimPrefix(sub.CommandPath(), "graflow-wasm ")
		f(path, strings.Contains(sub.Use, " ") && !sub.HasSubCommands(), sub.ValidArgsFunction != nil || len(sub.ValidArgs) > 0)
		eachCommand(sub, f)
	}
}
