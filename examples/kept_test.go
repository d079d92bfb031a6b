package examples_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// kept is a state directory.
type kept string

// drive runs a command that drives a run.
func (k kept) drive(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	return k.call(t, append(args, "--cache-dir", cache)...)
}

// call runs a command on the directory, in a process of its own.
func (k kept) call(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	return execute(t, append(args, "--state", string(k))...)
}

// story is what `runs show` tells of a run.
type story struct {
	Run, Status string
	Steps       int
	Output      json.RawMessage
	Origin      *struct {
		Run, Checkpoint string
		Seq             int
	}
	Pauses []struct {
		Name, Task, Message string
		Schema              json.RawMessage
	}
	Checkpoints []struct {
		Name string
		Meta json.RawMessage
	}
}

func (k kept) show(t *testing.T, run string) story {
	t.Helper()
	out, errs, code := k.call(t, "runs", "show", run, "-o", "json")
	var s story
	if err := json.Unmarshal([]byte(out), &s); code != 0 || err != nil {
		t.Fatalf("runs show %s: exit code %d, %v, %s", run, code, err, errs)
	}
	return s
}

// list are the ids of the runs of a status, or of all.
func (k kept) list(t *testing.T, status ...string) []string {
	t.Helper()
	args := []string{"runs", "ls", "-o", "json"}
	for _, s := range status {
		args = append(args, "--status", s)
	}
	out, errs, code := k.call(t, args...)
	if code != 0 {
		t.Fatalf("runs ls: exit code %d, %s", code, errs)
	}
	ids := []string{}
	for line := range strings.Lines(out) {
		var s story
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, s.Run)
	}
	return ids
}

// flowWith is a copy of a flow file with other paths in it, old and new in turn.
func flowWith(t *testing.T, file string, paths ...string) string {
	t.Helper()
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(paths); i += 2 {
		if !strings.Contains(string(source), paths[i]) {
			t.Fatalf("%s: there is no %s in it", file, paths[i])
		}
	}
	copied := filepath.Join(t.TempDir(), filepath.Base(file))
	if err := os.WriteFile(copied, []byte(strings.NewReplacer(paths...).Replace(string(source))), 0o666); err != nil {
		t.Fatal(err)
	}
	return copied
}
