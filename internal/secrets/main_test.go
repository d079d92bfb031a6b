package secrets_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/graflow/graflow-wasm/internal/secrets"
	"go.uber.org/goleak"
)

// writerVariable makes the test's binary a writer of secrets instead.
const writerVariable = "GRAFLOW_TEST_WRITER"

func TestMain(m *testing.M) {
	if name := os.Getenv(writerVariable); name != "" {
		if err := write(name, os.Getenv("GRAFLOW_TEST_DIR")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// writes is how many secrets a writer sets.
const writes = 40

// write sets secrets of its own, and one that all writers set.
func write(name, dir string) error {
	f, err := secrets.NewFile(configIn(dir))
	if err != nil {
		return err
	}
	for i := range writes {
		if _, err := f.Set(context.Background(), fmt.Sprintf("%s-%d", name, i), []byte(name)); err != nil {
			return err
		}
		if _, err := f.Set(context.Background(), "shared", []byte(name)); err != nil {
			return err
		}
	}
	return nil
}
