package check_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"
)

// flow is one that takes no handler but the command's own.
const flow = `name: hello
tasks:
  a: {builtin: uuid}
  b: {builtin: now}
flow: a >> b
`

// TestComposeRuns starts what compose.yaml describes, without Compose, and has it run a
// flow that comes by HTTP.
func TestComposeRuns(t *testing.T) {
	t.Parallel()
	name, project := image(t), composed(t)
	bus := thing(t, "network", "compose", "--internal")
	volumes := map[string]string{}
	for volume := range project.Volumes {
		volumes[volume] = thing(t, "volume", volume)
	}
	run := func(service types.ServiceConfig) string {
		options := []string{"--network", bus, "--network-alias", service.Name, "--hostname", service.Name, "--read-only", "--restart", service.Restart}
		for _, c := range service.CapDrop {
			options = append(options, "--cap-drop", c)
		}
		for _, o := range service.SecurityOpt {
			options = append(options, "--security-opt", o)
		}
		for _, m := range service.Tmpfs {
			options = append(options, "--tmpfs", m)
		}
		for _, v := range service.Volumes {
			mount := volumes[v.Source] + ":" + v.Target
			if v.ReadOnly {
				mount += ":ro"
			}
			options = append(options, "-v", mount)
		}
		return start(t, options, name, service.Command...)
	}
	worker := run(project.Services["worker"]) // before the server: it waits
	server := run(project.Services["server"])

	dir := t.TempDir()
	token, file := filepath.Join(dir, "token"), filepath.Join(dir, "hello.flow.yaml")
	if err := os.WriteFile(file, []byte(flow), 0o600); err != nil {
		t.Fatal(err)
	}
	until(t, "the token", func() error {
		_, err := docker(t.Context(), "cp", server+":/var/lib/graflow-wasm/tokens/operator.token", token)
		return err
	})
	url := fmt.Sprintf("http://%s:7070", address(t, server, bus))
	ask := func(args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), command(t), append(args, "--server", url, "--token-file", token, "--insecure")...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			err = fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, out)
		}
		return string(out), err
	}
	until(t, "a run", func() error {
		_, err := ask("run", file)
		return err
	})
	until(t, "the worker", func() error {
		out, err := ask("workers", "ls", "-o", "json")
		if err == nil && strings.Count(out, `"node"`) < 2 {
			err = fmt.Errorf("got workers %s", out)
		}
		return err
	})
	for who, id := range map[string]string{"server": server, "worker": worker} {
		mustDocker(t, "update", "--restart", "no", id)
		mustDocker(t, "stop", "--time", "45", id)
		if code := mustDocker(t, "inspect", "-f", "{{.State.ExitCode}}", id); code != "0" {
			t.Errorf("the %s ended with %s, want that it drains and ends with 0", who, code)
		}
	}
}
