//go:build !linux

package cell_test

import (
	"errors"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost/internal/cell"
)

func TestNotHere(t *testing.T) {
	t.Parallel()
	cell.Child(nil)
	if _, err := cell.New(cell.Config{}); !errors.Is(err, cell.ErrSystem) || cell.Enabled() {
		t.Error(err, cell.Enabled())
	}
	if r := cell.Examine(); r.Problem == "" {
		t.Errorf("%+v", r)
	}
}
