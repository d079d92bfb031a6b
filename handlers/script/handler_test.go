package script_test

import (
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/builtin"
	handler "github.com/graflow/graflow-wasm/handlers/script"
	"github.com/graflow/graflow-wasm/script"
)

func newEngine(t *testing.T, config engine.Config) *engine.Engine {
	t.Helper()
	b, err := builtin.New(builtin.Config{})
	if err != nil {
		t.Fatal(err)
	}
	config.Handlers = map[string]engine.Handler{"script": newHandler(t, handler.Config{}), "builtin": b}
	e, err := engine.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// TestTools has code call tasks of its flow, one after another and several at once.
func TestTools(t *testing.T) {
	t.Parallel()
	for l, agent := range map[script.Language]string{
		script.Python: `
import time, random, asyncio
began = time.time()
first = double(4)
async def all():
    return await asyncio.gather(*(double.later(n) for n in range(5)))
many = asyncio.run(all())
ctx.sleep(0.2)
slept = time.time() - began
try:
    fail(1)
except Exception as e:
    failed = f"{type(e).__name__}: {e.kind}"
result = [first, many, 0.2 <= slept < 60, failed, len({random.random() for _ in range(3)})]
`,
		script.JavaScript: `
const began = Date.now();
const first = await double(4);
const many = await Promise.all([0, 1, 2, 3, 4].map(n => double(n)));
await ctx.sleep(0.2);
const slept = (Date.now() - began) / 1000;
let failed;
try { await fail(1) } catch (e) { failed = e.name + ": " + e.kind }
const result = [first, many, 0.2 <= slept && slept < 60, failed, new Set([Math.random(), Math.random(), Math.random()]).size];
`,
	} {
		t.Run(string(l), func(t *testing.T) {
			t.Parallel()
			agent, double, fail := code(t, l, agent), code(t, script.Python, "input * 2"), code(t, script.JavaScript, "throw new TypeError('no')")
			agent.ID, double.ID, fail.ID = "agent", "double", "fail"
			agent.Tools = []string{"double", "fail"}
			g, err := (&engine.Spec{Name: "flow", Tasks: []engine.Task{agent, double, fail}}).Build()
			if err != nil {
				t.Fatal(err)
			}
			out, err := newEngine(t, engine.Config{Concurrency: 2}).Run(t.Context(), g, nil)
			if err != nil {
				t.Fatal(err)
			}
			if want := `[8,[0,2,4,6,8],true,"ToolError: exception",3]`; string(out.Output) != want {
				t.Errorf("got %s, %v, want %s", out.Output, out.Error, want)
			}
		})
	}
}
