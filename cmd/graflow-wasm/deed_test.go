package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
)

func TestDeedSaysNothingTwice(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ deed, text, want string }{
		{"resume run r", `run "r": resume: "who": it does not fit`, `resume run r: "who": it does not fit`},
		{"resume run r", `run "r": resume "who": it has its answer`, `resume run r: "who": it has its answer`},
		{"resume run r", `recover run "r": run "r": its code`, `resume run r: its code`},
		{"retry run r", `retry run "r": it has not ended`, `retry run r: it has not ended`},
		{"retry run r", `run "r" has succeeded`, `retry run r: run "r" has succeeded`},
		{"show run r", `run "other": not found`, `show run r: run "other": not found`},
		{"remove run", `run "r": not found`, `remove run: run "r": not found`},
		{"run a.yaml", `run "r": a run of that id exists`, `run a.yaml: run "r": a run of that id exists`},
	} {
		if got := failed(c.deed, errors.New(c.text)).Error(); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
	if err := failed("show run r", fmt.Errorf("run: %w", engine.ErrNotFound)); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("%v is not ErrNotFound any more", err)
	}
}

func TestFaultsOfTheSystemAreNoBadUsage(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]int{
		&os.PathError{Op: "open", Path: "lock", Err: syscall.ENOSPC}: exitFailed,
		&os.PathError{Op: "open", Path: "lock", Err: syscall.EACCES}: exitFailed,
		&os.PathError{Op: "open", Path: "x/y", Err: syscall.ENOTDIR}: exitUsage,
		errors.New("it holds files and no state"):                    exitUsage,
	} {
		var e *exitError
		got := exitFailed
		if errors.As(openFault(err), &e) {
			got = e.Code
		}
		if got != want {
			t.Errorf("%v: got exit code %d, want %d", err, got, want)
		}
	}
}
