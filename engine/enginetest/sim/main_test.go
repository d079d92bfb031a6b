package sim_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain lets a panic in a goroutine of an engine tell the seed: its label.
func TestMain(m *testing.M) {
	if err := os.Setenv("GODEBUG", os.Getenv("GODEBUG")+",tracebacklabels=1"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}
