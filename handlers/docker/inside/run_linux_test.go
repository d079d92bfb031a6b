package inside_test

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/graflow/graflow-wasm/handlers/docker/inside"
	"github.com/graflow/graflow-wasm/handlers/docker/internal/lines"
	"github.com/graflow/graflow-wasm/internal/dockertest"
)

func TestRunExits(t *testing.T) {
	t.Parallel()
	docker(t)
	for _, tt := range []struct {
		name    string
		command []string
		code    int
		stderr  string
	}{
		{"zero", []string{"true"}, 0, ""},
		{"code", []string{"sh", "-c", "exit 42"}, 42, ""},
		{"killed", []string{mounted, "kill", "9", "self"}, 137, ""},
		{"aborted", []string{mounted, "kill", "6", "self"}, 2, "SIGABRT"}, // Go's own handler exits
		{"not there", []string{"no-such-command"}, 127, `"no-such-command" is not in PATH (/bin)`},
		{"no such file", []string{"/no/such"}, 127, "/no/such"},
		{"not executable", []string{"/etc/passwd"}, 126, "it is not executable"},
		{"a directory", []string{"/bin"}, 126, "no regular file"},
		{"no program", []string{"sh", "-c", "echo x >/tmp/x; chmod +x /tmp/x; exec " + mounted + " graflow-inside run -- /tmp/x"}, 126, "no #! line"},
		{"no interpreter", []string{"sh", "-c", "echo '#!/no/sh' >/tmp/x; chmod +x /tmp/x; exec " + mounted + " graflow-inside run -- /tmp/x"}, 127, "its interpreter"},
		{"orphan", []string{mounted, "orphan"}, 0, ""},
		{"zombies", []string{mounted, "zombies"}, 0, ""},
		{"kills all", []string{"sh", "-c", "sleep 1000 & kill -9 -1; exit 5"}, 5, ""},
		{"kills PID 1", []string{mounted, "kill", "9", "1"}, 0, ""},
		{"frightens PID 1", []string{mounted, "kill", "11", "1"}, 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := begin(t, lines.Config{}).run(nil, tt.command...)
			if got.code != tt.code {
				t.Errorf("got code %d, want %d: %s", got.code, tt.code, got.stderr)
			}
			if !strings.Contains(got.stderr, tt.stderr) {
				t.Errorf("got stderr %q, want %q in it", got.stderr, tt.stderr)
			}
		})
	}
}

func TestRunPassesStreams(t *testing.T) {
	t.Parallel()
	a := begin(t, lines.Config{})
	args := append(a.hardened("--env=A=b c"), dockertest.Busybox(t), mounted, inside.Word, inside.VerbRun, "--",
		"sh", "-c", `cat; echo "$A" >&2; echo more >/dev/stdout`)
	cmd := exec.CommandContext(t.Context(), docker(t), args...)
	cmd.Stdin = strings.NewReader("in\n")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || string(out) != "in\nmore\n" || stderr.String() != "b c\n" {
		t.Errorf("got %q, %q, %v", out, stderr.String(), err)
	}
}

// TestRunSignals stops a container as the daemon does.
func TestRunSignals(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		deed, signal string
		code         int
		said         string
	}{
		{"wait", "TERM", 3, "terminated"},
		{"wait", "INT", 3, "interrupt"},
		{"wait", "USR1", 3, "user defined signal 1"},
		{"ignore", "TERM", 137, ""}, // stop, then kill
	} {
		t.Run(tt.deed+" "+tt.signal, func(t *testing.T) {
			t.Parallel()
			a := begin(t, lines.Config{})
			id := a.dir + "/id"
			args := append(a.hardened("--cidfile="+id), dockertest.Busybox(t), mounted, inside.Word, inside.VerbRun, "--", mounted, tt.deed)
			cmd := exec.CommandContext(t.Context(), docker(t), args...)
			pipe, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			out := bufio.NewReader(pipe)
			if line, err := out.ReadString('\n'); line != "waiting\n" {
				t.Fatalf("got %q, %v", line, err)
			}
			container, err := os.ReadFile(id)
			if err != nil {
				t.Fatal(err)
			}
			how := []string{"kill", "--signal=" + tt.signal, string(container)}
			if tt.deed == "ignore" {
				how = []string{"stop", "-t", "1", string(container)}
			}
			if done := a.docker(how); done.code != 0 {
				t.Fatalf("docker %v: %s", how, done.stderr)
			}
			line, _ := out.ReadString('\n')
			_ = cmd.Wait()
			if got := cmd.ProcessState.ExitCode(); got != tt.code || strings.TrimSpace(line) != tt.said {
				t.Errorf("got code %d, %q; want %d, %q", got, line, tt.code, tt.said)
			}
		})
	}
}

// TestRunForkBomb has a command take all pids: the wrapper has to live on, or the
// command's end would go unseen.
func TestRunForkBomb(t *testing.T) {
	t.Parallel()
	a := begin(t, lines.Config{})
	got := a.shell(nil, mounted+` forkbomb & sleep 2; kill -TERM $$`)
	if want := 128 + int(syscall.SIGTERM); got.code != want {
		t.Errorf("got code %d, %q; want %d", got.code, got.stderr, want)
	}
}
