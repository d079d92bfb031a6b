package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
)

// TestTaskLogs writes more than two files of a log hold, and wants a reader that
// follows to see every line once and in order, and one that comes later the last.
func TestTaskLogs(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	logs := newTaskLogs(state)
	const run = "a/b Ü"
	var seen []int
	follower := &logReader{state: state, run: run, print: func(raw []byte) { seen = append(seen, numberOf(t, raw)) }}
	defer follower.Close()
	long := strings.Repeat("x", 1<<20)
	const lines = 20
	for i := range lines {
		logs.Observe(engine.Notice{Type: engine.NoticeTaskLog, Run: run, Task: "a", Message: fmt.Sprint(i, " ", long)})
		if err := follower.read(); err != nil {
			t.Fatal(err)
		}
	}
	logs.Observe(engine.Notice{Type: engine.NoticeTaskStarted, Run: run, Task: "a"}) // is no line
	logs.Close()
	if err := follower.read(); err != nil {
		t.Fatal(err)
	}
	for i, n := range seen {
		if n != i {
			t.Fatalf("line %d came as number %d", n, i)
		}
	}
	if len(seen) != lines {
		t.Errorf("got %d lines, want %d", len(seen), lines)
	}

	seen = nil
	late := &logReader{state: state, run: run, print: follower.print}
	defer late.Close()
	if err := late.read(); err != nil {
		t.Fatal(err)
	}
	if len(seen) < logSize>>20 || len(seen) >= lines || seen[len(seen)-1] != lines-1 {
		t.Errorf("got lines %v, want the last %d MiB or more, and not all", seen, logSize>>20)
	}

	older, name := logNames(state, run)
	for _, file := range []string{older, name} {
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: got %v, %v; want it for its owner alone", file, info, err)
		}
	}
	if err := errors.Join(removeLogs(state, run), removeLogs(state, run)); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(older); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s was not removed: %v", older, err)
	}
}

func numberOf(t *testing.T, raw []byte) int {
	t.Helper()
	var line logLine
	var n int
	if err := json.Unmarshal(raw, &line); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscan(line.Message, &n); err != nil {
		t.Fatal(err)
	}
	return n
}
