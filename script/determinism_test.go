package script_test

import (
	"context"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/script"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// TestDeterminism wants code with a virtual clock and a seed to come to the same values, by
// the same fuel, in any sandbox: that is what durable calls stand on.
func TestDeterminism(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	grants := func(seed uint64) wasmhost.Grants {
		return wasmhost.Grants{Clock: wasmhost.ClockVirtual, Start: start, Random: wasmhost.RandomSeeded, Seed: seed}
	}
	for l, code := range map[script.Language]string{
		script.Python: `
import asyncio, datetime, random, time, uuid
t = time.monotonic()
await asyncio.gather(*[add.later(a=i) for i in range(3)])
time.sleep(3600)
[random.random(), str(uuid.uuid4()), str(datetime.datetime.now()), time.monotonic() - t > 3599, list({"b", "a", "c"}), hash("x")]`,
		script.JavaScript: `
const t = performance.now()
await Promise.all([0, 1, 2].map(i => add({a: i})))
await ctx.sleep(3600)
;[Math.random(), crypto.randomUUID(), new Date().toISOString(), performance.now() - t > 3599000]`,
	} {
		type in struct {
			A int `json:"a"`
		}
		add := script.Func("add", "", func(_ context.Context, i in) (int, error) { return i.A + 1, nil })
		run := func(s *script.Sandbox, seed uint64) (string, int64) {
			result, err := s.Run(t.Context(), l, code, script.Options{Grants: grants(seed), Tools: []script.Tool{add}})
			if err != nil {
				t.Fatalf("%s: %v", l, err)
			}
			return string(result.Value), result.Ledger.Fuel
		}
		s := sandbox(t, l)
		value, fuel := run(s, 1)
		for _, other := range []*script.Sandbox{s, newSandbox(t, script.Config{})} {
			if again, used := run(other, 1); again != value || used != fuel {
				t.Errorf("%s: got %s by %d, then %s by %d", l, value, fuel, again, used)
			}
		}
		if other, _ := run(s, 2); other == value {
			t.Errorf("%s: got %s with another seed, too", l, other)
		}
	}
}
