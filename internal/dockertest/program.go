package dockertest

import (
	"testing"

	"github.com/graflow/graflow-wasm/internal/guesttest"
)

// Program builds the package main at a path, as go build takes it from the test's
// directory, for containers: static, for Linux on this machine's processor. It is
// built once in a test process, and removed by guesttest.Main at its end.
func Program(tb testing.TB, packagePath string) (path string) {
	tb.Helper()
	return guesttest.Program(tb, packagePath)
}
