package script_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/script"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// Code that tells what it finds of others, then leaves all that it can. It answers with
// what it found, and with what it drew at random.
var pollutes = map[script.Language]string{
	script.Python: `
import builtins, json, math, os, random, re, string, sys, types, uuid
found = []
def look(name, there):
    if there: found.append(name)
look("global", "secret" in globals())
look("builtin", hasattr(builtins, "secret"))
look("module", "tenant" in sys.modules)
look("patched json", json.dumps({"a": 1}) != '{"a": 1}')
look("patched print", print.__class__.__name__ != "builtin_function_or_method")
look("patched sum", sum([1, 2]) != 3)
look("attribute", hasattr(string, "secret"))
look("class", hasattr(uuid.UUID, "secret"))
look("path", any("tenant" in p for p in sys.path))
look("environment", len(os.environ) != 0)
look("argv", len(sys.argv) != 1)
look("recursion limit", sys.getrecursionlimit() == 77)
look("file", os.listdir("/tmp") != [] or os.listdir("/out") != [])
look("given", os.listdir("/in") != ["f"] or open("/in/f").read() != input["tenant"])
look("cache", len(re._cache) > 512)
look("warnings", "secret" in repr(sys.warnoptions))
look("channel", tell() != input["tenant"])

secret = builtins.secret = string.secret = input["tenant"]
uuid.UUID.secret = 1
sys.modules["tenant"] = types.ModuleType("tenant")
json.dumps = lambda *a, **k: secret
builtins.sum = lambda x: secret
print = builtins.print = lambda *a: None
sys.path.append("/tenant")
os.environ["MINE"] = secret
sys.argv.append(secret)
sys.setrecursionlimit(77)
sys.warnoptions.append("secret")
open("/tmp/f", "w").write(secret)
open("/out/f", "w").write(secret)
open("/in/f", "w").write("changed")
drawn = [random.random(), str(uuid.uuid4()), os.urandom(8).hex()]
random.seed(1)
if input["crash"] == 1: raise ValueError(secret)
if input["crash"] == 2:
    while True: pass
if input["crash"] == 3: os.abort()
result = {"found": found, "drawn": drawn}
`,
	script.JavaScript: `
const found = []
function look(name, there) { if (there) found.push(name) }
look("global", "secret" in globalThis)
look("array", "secret" in [])
look("map", [1].map(x => x)[0] !== 1)
look("object", "secret" in {})
look("stringify", JSON.stringify([1]) !== "[1]")
look("promise", "secret" in Promise.prototype)
look("math", Math.max(1, 2) !== 2)
look("console", "secret" in console)
look("function", "secret" in Function.prototype)
look("channel", await tell() !== input.tenant)

globalThis.secret = input.tenant
Object.defineProperty(Object.prototype, "secret", {value: 1, configurable: true})
Object.defineProperty(Array.prototype, "secret", {value: 1})
const drawn = [Math.random(), crypto.randomUUID()]
Math.random = () => 5
Math.max = () => 5
console.secret = 1
const late = () => {
  Array.prototype.map = () => [5]
  Promise.prototype.secret = Function.prototype.secret = 1
  JSON.stringify = () => "[5]"
}
if (input.crash === 1) { late(); throw new Error(secret) }
if (input.crash === 2) { late(); for (;;) {} }
if (input.crash === 3) { late(); const x = []; for (;;) x.push(new Uint8Array(1 << 20).fill(1)) }
var result = {found, drawn}
`,
}

// TestTenants runs the code of a hundred tenants at once, interleaved, on sandboxes that
// they share one after the other, some of it failing in all ways. None may find anything
// of another, and the process may not grow.
func TestTenants(t *testing.T) { //nolint:paralleltest // it measures the process
	const tenants, each, atOnce = 100, 10, 8
	for _, l := range []script.Language{script.Python, script.JavaScript} {
		sandbox(t, l)
	}
	s := sandbox(t, script.Python)
	jobs := make(chan int, tenants*each)
	for i := range tenants * each {
		jobs <- i % tenants
	}
	close(jobs)
	var mu sync.Mutex
	drawn := map[string]string{}
	var before, after process
	var going sync.WaitGroup
	work := func(jobs <-chan int) {
		for tenant := range jobs {
			l := []script.Language{script.Python, script.JavaScript}[rand.IntN(2)]
			crash := 0
			if rand.IntN(20) == 0 {
				crash = 1 + rand.IntN(3)
			}
			got, err := visit(t, s, l, fmt.Sprintf("tenant-%d", tenant), crash)
			if (err == nil) != (crash == 0) {
				t.Errorf("%s: got %v of crash %d", l, err, crash)
			}
			if len(got.Found) > 0 {
				t.Errorf("%s: tenant %d found %q", l, tenant, got.Found)
			}
			mu.Lock()
			for _, v := range got.Drawn {
				if was, twice := drawn[fmt.Sprint(v)]; twice {
					t.Errorf("%s: %v was drawn before, in %s", l, v, was)
				}
				drawn[fmt.Sprint(v)] = string(l)
			}
			mu.Unlock()
		}
	}
	first := make(chan int, 200)
	for range 200 {
		first <- <-jobs
	}
	close(first)
	for _, part := range []struct {
		jobs <-chan int
		then *process
	}{{first, &before}, {jobs, &after}} {
		for range atOnce {
			going.Go(func() { work(part.jobs) })
		}
		going.Wait()
		part.then.measure(t)
	}
	t.Logf("%d draws; before %s, after %s", len(drawn), before, after)
	if grown := after.heap - before.heap; grown > 16<<20 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
	if grown := after.resident - before.resident; grown > 64<<20 {
		t.Errorf("the process grew by %d bytes", grown)
	}
}

type found struct {
	Found []string `json:"found"`
	Drawn []any    `json:"drawn"`
}

func visit(t *testing.T, s *script.Sandbox, l script.Language, tenant string, crash int) (found, error) {
	t.Helper()
	timeout := time.Minute
	if crash == 2 { // it ends by nothing else
		timeout = 300 * time.Millisecond
	}
	options := script.Options{
		Input:  map[string]any{"tenant": tenant, "crash": crash},
		Files:  map[string][]byte{"f": []byte(tenant)},
		Tools:  []script.Tool{script.Func("tell", "", func(context.Context, struct{}) (string, error) { return tenant, nil })},
		Limits: wasmhost.Limits{Memory: 64 << 20, Timeout: timeout},
	}
	result, err := s.Run(t.Context(), l, pollutes[l], options)
	var got found
	if err == nil {
		err = result.Decode(&got)
	}
	return got, err
}

// process is what the process takes, in bytes.
type process struct{ heap, resident int64 }

func (p *process) measure(t *testing.T) {
	t.Helper()
	debug.FreeOSMemory()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	p.heap = int64(stats.HeapAlloc)
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return // not Linux
	}
	pages, err := strconv.ParseInt(strings.Fields(string(data))[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	p.resident = pages * int64(os.Getpagesize())
}

func (p process) String() string {
	return fmt.Sprintf("%d MB of heap, %d MB in all", p.heap>>20, p.resident>>20)
}
