package main

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/internal/control"
	"github.com/graflow/graflow-wasm/internal/ops"
)

// TestFaultsOfServers: what is wrong with a flow is bad usage, at its place; a fault of
// the server is none.
func TestFaultsOfServers(t *testing.T) {
	t.Parallel()
	told := func(status int, text string) error { return &control.Error{Status: status, Message: text} }
	for _, one := range []struct {
		err  error
		code int
		text string
	}{
		{&ops.Invalid{What: "the flow", Faults: []ops.Fault{{Message: "no such task", Where: "tasks.a.spec"}}}, exitUsage, "run m.wasm: no such task"},
		{&ops.Invalid{What: "the input", Faults: []ops.Fault{{Message: "want a number", Where: "input"}}}, exitUsage, "run m.wasm: the input is not valid\ninput: want a number"},
		{told(http.StatusRequestEntityTooLarge, "too large"), exitUsage, "run m.wasm: too large"},
		{told(http.StatusInternalServerError, "a fault of the server"), exitFailed, "run m.wasm: a fault of the server"},
		{errors.Join(ops.ErrUnavailable, told(http.StatusServiceUnavailable, "no leader")), exitUnreachable, "no leader"},
		{ops.ErrLimited, exitLimit, "too much at once"},
		{told(http.StatusUnauthorized, "who?"), exitUsage, "run m.wasm: who?"},
	} {
		err := (&target{}).faultThere("m.wasm", one.err)
		var out strings.Builder
		if code := report(&out, err); code != one.code || !strings.Contains(out.String(), one.text) {
			t.Errorf("%v: got exit code %d and %q, want %d and %q", one.err, code, out.String(), one.code, one.text)
		}
	}
}
