package cell_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost/internal/cell"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	cell.Child(serve)
	switch way := os.Getenv(roleVariable); way {
	case "":
	case "forbidden":
		playForbidden(os.Getenv(forbidVariable))
	default:
		playParent(way)
	}
	code := m.Run()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}
