package embedded_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/natsbus/embedded"
)

func TestOneServerPerDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, embedded.Config{Dir: dir})
	_, err := embedded.Start(t.Context(), embedded.Config{Dir: dir})
	if !errors.Is(err, embedded.ErrInUse) || !strings.Contains(err.Error(), fmt.Sprint("process ", os.Getpid())) {
		t.Errorf("second server in %s: %v", dir, err)
	}
	s.Shutdown()
	start(t, embedded.Config{Dir: dir})
}

// TestKilled has another process write until it is killed: this one cannot use the
// directory before, and then finds all that was acknowledged.
//
// The other process has forgotten its server by then, which is no reason to lose the
// lock.
func TestKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var acked uint64
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if acked, err = strconv.ParseUint(lines.Text(), 10, 64); err != nil {
			t.Fatalf("the other process says %q", lines.Text())
		}
		if acked == 1000 {
			_, err := embedded.Start(t.Context(), embedded.Config{Dir: dir})
			if !errors.Is(err, embedded.ErrInUse) || !strings.Contains(err.Error(), fmt.Sprint("process ", cmd.Process.Pid)) {
				t.Errorf("server in a directory of another process: %v", err)
			}
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait() // killed
	stream, err := streamOf(t, connect(t, start(t, embedded.Config{Dir: dir}))).Stream(t.Context(), "S")
	if err != nil {
		t.Fatal(err)
	}
	if got := stream.CachedInfo().State.LastSeq; acked < 1000 || got < acked {
		t.Errorf("%d messages of %d that were acknowledged", got, acked)
	}
}
