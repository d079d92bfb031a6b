//go:build !wasip1

package sdk

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/sdk/abi"
)

var _ = Task("main_greet", "greets someone", func(c *Context, in struct{ Name string }) (string, error) {
	if in.Name == "" {
		return "", Fail("nameless", "whom to greet?")
	}
	c.Log("greeting %s", in.Name)
	c.Progress(1, 2, "half")
	if in.Name == "nobody" {
		return "", c.Pause(abi.Pause{Name: "who", Message: "who is it?"}, nil)
	}
	err := c.Channel().Add("greeted", 1)
	for _, ask := range []func() error{
		func() error { return c.NextTask("more") }, func() error { return c.NextIteration(1) }, func() error { return c.CheckpointAs("here", 1) },
		func() error { return c.Terminate("enough") }, func() error { return c.Cancel("no") },
	} {
		if err == nil {
			err = ask()
		}
	}
	return "Hello <" + in.Name + ">", err
})

func TestMainTries(t *testing.T) {
	t.Parallel()
	const effects = `channel: greeted = 1
next task: more
next iteration: 1
checkpoint: here 1
terminate: enough
cancel: no
`
	const log = "INFO greeting Ada\nprogress 1/2 half\n"
	for _, test := range []struct {
		args           []string
		stdin, export  string
		exit           int
		stdout, stderr string
	}{
		{args: []string{"main_greet", `{"name":"Ada"}`}, stdout: "\"Hello <Ada>\"\n", stderr: log + effects},
		{args: []string{"main_greet"}, stdin: "{\"name\":\"Ada\"}\n", stdout: "\"Hello <Ada>\"\n", stderr: log + effects},
		{args: []string{`{"name":"Ada"}`}, export: "main_greet", stdout: "\"Hello <Ada>\"\n", stderr: log + effects},
		{args: []string{"main_greet"}, exit: 1, stderr: "nameless: whom to greet?\n"},
		{args: []string{"main_greet", "{"}, exit: 1, stderr: "invalid_input: input is not JSON, at byte 1: unexpected end of JSON input\n"},
		{args: []string{"main_greet", `{"name":"nobody"}`}, exit: 75, stderr: "INFO greeting nobody\nprogress 1/2 half\npaused: who who is it?\n"},
		{args: []string{"main_greet", "1", "2"}, exit: 2, stderr: "3 arguments: want a task and its input, as JSON\n"},
		{args: []string{"none"}, exit: 2, stderr: `there is no task "none", only [`},
		{exit: 2, stderr: `which task? name one of [`},
	} {
		file := filepath.Join(t.TempDir(), "stdin")
		if err := os.WriteFile(file, []byte(test.stdin), 0o600); err != nil {
			t.Fatal(err)
		}
		stdin, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		var stdout, stderr strings.Builder
		environ := func(name string) string { return map[string]string{abi.EnvExport: test.export}[name] }
		exit := program{args: test.args, environ: environ, stdin: stdin, stdout: &stdout, stderr: &stderr}.run()
		if exit != test.exit || stdout.String() != test.stdout || !strings.HasPrefix(stderr.String(), test.stderr) {
			t.Errorf("%q: got %d, %q, %q, want %d, %q, %q", test.args, exit, stdout.String(), stderr.String(), test.exit, test.stdout, test.stderr)
		}
		_ = stdin.Close()
	}
}

// TestWordsOfCodes wants each code to come back from its word.
func TestWordsOfCodes(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for code := abi.NotFound; code >= abi.Unreachable; code-- {
		if word := code.Word(); abi.CodeOf(word) != code || seen[word] {
			t.Errorf("%d: got word %q, which is %d", code, word, abi.CodeOf(word))
		}
		seen[code.Word()] = true
	}
	if got := abi.CodeOf("none"); got != abi.Unavailable {
		t.Errorf("got %v, want unavailable", got)
	}
}
