// Package loopback finds addresses for the servers of tests that must know theirs
// before they listen.
package loopback

import (
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
)

// Ports that no system hands out by itself: whoever else asks for any port, or
// connects, gets one above.
const low, high = 10_000, 32_000

// Free is an address on which nobody listens, nor is about to.
func Free(tb testing.TB) string {
	tb.Helper()
	for range 100 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", low+rand.IntN(high-low)))
		if err != nil {
			continue
		}
		defer func() { _ = l.Close() }()
		return l.Addr().String()
	}
	tb.Fatal("found no free port in 100 attempts")
	return ""
}
