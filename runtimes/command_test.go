package runtimes_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/graflow/graflow-wasm/runtimes"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// prebuiltFile is where runtimes/python/prebuilt.sh leaves the module.
func prebuiltFile() string {
	return filepath.Join(cmp.Or(os.Getenv("RUNTIMES_CACHE"), "../build/runtimes"), "python-prebuilt", "python.wasm")
}

func TestPrebuiltPython(t *testing.T) {
	t.Parallel()
	wasm, err := os.ReadFile(prebuiltFile())
	if errors.Is(err, fs.ErrNotExist) && os.Getenv("CI") == "" {
		t.Skip("NOT TESTED: the prebuilt Python was not fetched; sh runtimes/python/prebuilt.sh does")
	}
	if err != nil {
		t.Fatal(err)
	}
	host, err := wasmhost.New(context.WithoutCancel(t.Context()), wasmhost.Config{})
	if err != nil {
		t.Fatal(err)
	}
	module, err := host.Compile(context.WithoutCancel(t.Context()), wasm)
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct{ code, value, kind, message string }{
		"value":     {code: "print('seen')\n[input, b'a', 1.0]", value: `[{"x":1},{"$bytes":"YQ=="},1.0]`},
		"main":      {code: "import asyncio\nasync def main(value):\n    await asyncio.sleep(0.001)\n    return value", value: `{"x":1}`},
		"exception": {code: "1 / 0", kind: "exception", message: "division by zero"},
		"syntax":    {code: "def f(:", kind: "syntax", message: "invalid syntax"},
		"no value":  {code: "[print]", kind: "invalid_result", message: "result[0] is of type builtin_function_or_method, which has no JSON"},
		"tools":     {code: "ctx.call('x')", kind: "exception", message: "call x: not offered by the prebuilt Python; the one with tools and ctx needs a compiler: see runtimes/README.md"},
		"channel":   {code: "ctx.channel.get('x')", kind: "exception", message: "channel key 'x': not offered by the prebuilt Python; the one with tools and ctx needs a compiler: see runtimes/README.md"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			doc, err := json.Marshal(document{Code: test.code, Input: map[string]int{"x": 1}})
			if err != nil {
				t.Fatal(err)
			}
			input, err := runtimes.CommandInput(doc)
			if err != nil {
				t.Fatal(err)
			}
			result, err := module.Call(t.Context(), "_start", input, wasmhost.Options{})
			if err != nil {
				t.Fatal(err)
			}
			var got answer
			if err := json.Unmarshal(result.Output, &got); err != nil {
				t.Fatalf("output %q: %v", result.Output, err)
			}
			if test.kind == "" {
				wantValue(t, got, test.value)
			} else if got.Error == nil || got.Error.Kind != test.kind || got.Error.Message != test.message {
				t.Errorf("got %+v, want %s: %s", got.Error, test.kind, test.message)
			}
		})
	}
}
