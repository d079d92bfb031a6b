package guesttest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// MissingError is a toolchain that is not on this machine.
type MissingError struct {
	What    string // what was looked for
	Install string // the command that installs it
}

func (e *MissingError) Error() string {
	return fmt.Sprintf("%s is missing; install it with: %s", e.What, e.Install)
}

// refuse ends a test that can't go on without a toolchain: continuous integration
// has all of them, so there it fails; elsewhere it is skipped.
func refuse(tb testing.TB, err error) {
	tb.Helper()
	var missing *MissingError
	if errors.As(err, &missing) && os.Getenv("CI") == "" {
		tb.Skip(err)
	}
	tb.Fatal(err)
}

// checkout is the directory of this module, above the test's.
func checkout() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no go.mod above the working directory")
		}
		dir = parent
	}
}

// tool finds a program beside the compiler that a language needs.
func tool(name, install string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", &MissingError{What: name, Install: install}
	}
	return path, nil
}

// run runs a compiler and tells what it said if it fails.
func run(cmd *exec.Cmd) error {
	if message, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(cmd.Path), err, message)
	}
	return nil
}
