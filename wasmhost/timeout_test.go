package wasmhost_test

import (
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost"
)

// TestTimeoutSaysWhose ends calls by their limit, which is seen on the clock often
// before the context's timer fires.
func TestTimeoutSaysWhose(t *testing.T) {
	t.Parallel()
	m := compile(t, loopModule)
	for range 300 {
		opt := options()
		opt.Limits.Timeout = time.Millisecond
		if e := trap(t, m, "f", "", wasmhost.KindTimeout, opt); e.Message != "not done after 1ms" {
			t.Fatalf("got %q", e.Message)
		}
	}
}
