package statedir_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		if os.Getenv(childSyncEnv) == pagesMode {
			childPages(dir)
		}
		child(dir)
	}
	goleak.VerifyTestMain(m)
}
