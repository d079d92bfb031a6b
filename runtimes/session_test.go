package runtimes_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"testing"

	"github.com/graflow/graflow-wasm/runtimes"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// Sessions go on anywhere: two hosts that know nothing of each other, one without
// the operating system's help, come to the same snapshot and to the same image of
// the same cell, byte by byte, and each goes on with the other's.
func TestSessionsAreTheSameEverywhere(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ first, second, want string }{
		runtimes.Python: {
			"import random\nseen = {'drawn': random.random(), 'names': {'b', 'a'}}\ndef total(n): return n + len(seen)",
			"seen['more'] = [1]\n[total(1), sorted(seen['names'])]",
			`[4,["a","b"]]`,
		},
		runtimes.JavaScript: {
			"var seen = new Map([['drawn', Math.random()], ['names', new Set(['a'])]]); function total(n) { return n + seen.size }",
			"seen.set('more', [1]); [total(1), seen.get('names')]",
			`[4,["a"]]`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hosts := []*wasmhost.Module{
				inHost(t, name, wasmhost.Config{}),
				inHost(t, name, wasmhost.Config{Portable: true}),
			}
			var images [2]*wasmhost.Image
			var written [2][]byte
			for i, module := range hosts {
				images[i] = cell(t, module, nil, test.first, "")
				var err error
				if written[i], err = images[i].MarshalBinary(); err != nil {
					t.Fatal(err)
				}
			}
			if !bytes.Equal(written[0], written[1]) {
				t.Errorf("the images differ: %d and %d bytes", len(written[0]), len(written[1]))
			}
			for i, module := range hosts {
				cell(t, module, images[1-i], test.second, test.want)
			}
		})
	}
}

// inHost compiles a runtime in a host of its own. Like python it skips the test
// where the runtime was not built.
func inHost(t *testing.T, name string, config wasmhost.Config) *wasmhost.Module {
	t.Helper()
	runtime, err := runtimes.Open(name)
	var missing *runtimes.MissingError
	switch {
	case errors.As(err, &missing) && os.Getenv("CI") == "":
		t.Skipf("NOT TESTED: %v", err)
	case err != nil:
		t.Fatal(err)
	case runtime.Prebuilt:
		t.Skip("NOT TESTED: the prebuilt runtime has no sessions")
	}
	ctx := context.WithoutCancel(t.Context())
	host, err := wasmhost.New(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := host.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	module, err := host.Compile(ctx, runtime.Wasm)
	if err != nil {
		t.Fatal(err)
	}
	return module
}

// cell runs one of a session, with want for its value unless that is empty, and
// answers what it leaves.
func cell(t *testing.T, module *wasmhost.Module, from *wasmhost.Image, code, want string) *wasmhost.Image {
	t.Helper()
	input, err := json.Marshal(document{Code: code, Keep: true})
	if err != nil {
		t.Fatal(err)
	}
	result, err := module.Call(t.Context(), "run", input, wasmhost.Options{
		Grants: wasmhost.Grants{Clock: wasmhost.ClockVirtual, Random: wasmhost.RandomSeeded, Seed: 3},
		From:   from, Keep: true, Reproducible: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	var got answer
	if err := json.Unmarshal(result.Output, &got); err != nil {
		t.Fatalf("output %.200q: %v", result.Output, err)
	}
	if want != "" {
		wantValue(t, got, want)
	} else if got.Error != nil {
		t.Fatal(got.Error.Traceback)
	}
	return result.Image
}
