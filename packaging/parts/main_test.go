package parts_test

import (
	"context"
	"os"
	"testing"
)

// background is that of what several tests share.
var background = context.Background()

// absent ends a test whose surroundings lack something: it fails where CI is set.
func absent(tb testing.TB, format string, args ...any) {
	tb.Helper()
	if os.Getenv("CI") != "" {
		tb.Fatalf(format, args...)
	}
	tb.Skipf(format, args...)
}
