package soak

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/graflow/graflow-wasm/wasmhost"
)

// TestMain is a child's main too, as that of the command is.
func TestMain(m *testing.M) {
	wasmhost.Child()
	if len(os.Args) == 3 && os.Args[1] == "child" {
		if err := Child(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}
