package runtimes_test

import (
	"os"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost"
)

func TestMain(m *testing.M) {
	wasmhost.Child()
	os.Exit(m.Run())
}
