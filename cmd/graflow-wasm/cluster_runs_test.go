package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/natsbus"
	"github.com/graflow/graflow-wasm/natsbus/embedded"
)

// bareServer is a NATS server without a worker. It returns the flags that lead there.
func bareServer(t *testing.T) (flags []string, srv *embedded.Server) {
	t.Helper()
	srv, err := embedded.Start(t.Context(), embedded.Config{
		Dir: t.TempDir(), Listen: "127.0.0.1:0", Users: []embedded.User{{Name: "all", All: true}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.Shutdown)
	return []string{"--nats", srv.ClientURL(), "--nkey", srv.Credentials("all"), "--cache-dir", cache}, srv
}

// withStreams creates the streams there.
func withStreams(t *testing.T, srv *embedded.Server) {
	t.Helper()
	bus, err := natsbus.Open(t.Context(), natsbus.Config{Connect: srv.Connect})
	if err != nil {
		t.Fatal(err)
	}
	defer bus.Close()
	if err := bus.Setup(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// command runs the command in this process, and wants an exit code. It returns what it
// has said on stderr.
func command(t *testing.T, code int, args ...string) string {
	t.Helper()
	var out, said bytes.Buffer
	if got := execute(args, streams{in: strings.NewReader(""), out: &out, err: &said}); got != code {
		t.Errorf("graflow-wasm %s: exit code %d, want %d\n%s", strings.Join(args, " "), got, code, said.String())
	}
	return said.String()
}

// clockFlow is a flow that needs no module.
func clockFlow(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "clock.flow.yaml")
	if err := os.WriteFile(name, []byte("name: clock\nlimits: {timeout: 1h}\ntasks:\n  a: {builtin: now}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestNobodyTakesTasks wants who waits for a run to be told that no worker is there,
// and what is asked of its owner to end with the code of a cluster that can't be
// reached.
func TestNobodyTakesTasks(t *testing.T) {
	t.Parallel()
	flags, srv := bareServer(t)
	withStreams(t, srv)
	flow := clockFlow(t)
	command(t, exitSucceeded, append([]string{"run", flow, "--id", "r", "--detach", "-q"}, flags...)...)
	t.Run("waits", func(t *testing.T) {
		t.Parallel()
		p := begin(t, t.TempDir(), append([]string{"run", flow, "--id", "r"}, flags...)...)
		p.await("run r waits: no worker is there; it goes on once there is one: graflow-wasm worker --nats nats://")
	})
	t.Run("asks", func(t *testing.T) {
		t.Parallel()
		said := command(t, exitUnreachable, append([]string{"runs", "cancel", "r"}, flags[:4]...)...)
		if !strings.Contains(said, "cancel run r: ") || !strings.Contains(said, "no process drives the run: is a worker running?") {
			t.Errorf("got %s", said)
		}
	})
}

// TestNothingForRuns wants a NATS server on which nobody has set anything up told from
// one that is not there, soon.
func TestNothingForRuns(t *testing.T) {
	t.Parallel()
	flags, _ := bareServer(t)
	began := time.Now()
	said := command(t, exitUnreachable, append([]string{"run", clockFlow(t)}, flags...)...)
	if !strings.Contains(said, "nothing answers there for runs: a `graflow-wasm server` makes it so") || time.Since(began) > 10*time.Second {
		t.Errorf("got %s after %s", said, time.Since(began))
	}
}
