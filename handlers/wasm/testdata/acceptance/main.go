// Command acceptance is the guest of the acceptance cases of the sandbox: it
// asks for powers, goes wrong, and leaves marks.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"
	"unsafe"

	"github.com/graflow/graflow-wasm/sdk"
	"github.com/graflow/graflow-wasm/sdk/abi"
)

//go:wasmimport graflow_v1 output_write
func outputWrite(at, n uint32) int32

//go:wasmimport wasi_snapshot_preview1 random_get
func randomGet(at unsafe.Pointer, n uint32) uint32

func main() {}

// ask asks for a power, and fails with what the host answers.
var ask = sdk.Task("ask", "asks for a power", func(c *sdk.Context, power string) (any, error) {
	switch power {
	case "channel":
		return nil, c.Channel().Set("k", 1)
	case "control":
		return nil, c.Terminate("enough")
	case "secrets":
		return c.Secret("key")
	case "tools":
		return nil, c.Tool("meet", nil, new(any))
	case "http":
		return fetch(c, "http://example.com/")
	}
	return nil, errors.New("no such power: " + power)
})

//go:wasmexport ask
func _ask() int32 { return ask.Run() }

var get = sdk.Task("get", "fetches a URL", fetch)

//go:wasmexport get
func _get() int32 { return get.Run() }

func fetch(c *sdk.Context, url string) (any, error) {
	r, err := c.HTTP(abi.HTTPRequest{Method: "GET", URL: url})
	return string(r.Body), err
}

// wild reads what no memory has.
//
//go:wasmexport wild
func wild() int32 { return peek(0xffff_fff0) }

//go:noinline
func peek(at uintptr) int32 { return *(*int32)(unsafe.Add(unsafe.Pointer(nil), at)) }

// pointer hands the host a pointer to what no memory has.
//
//go:wasmexport pointer
func pointer() int32 { return outputWrite(0xffff_fff0, 64) }

//go:wasmexport no_text
func noText() int32 { return raw("\"\xff\xfe\"") }

//go:wasmexport no_json
func noJSON() int32 { return raw(`{"a":1} {"b":`) }

// raw writes as output what need not be JSON.
func raw(text string) int32 {
	outputWrite(uint32(uintptr(unsafe.Pointer(unsafe.StringData(text)))), uint32(len(text)))
	return 0
}

var recurse = sdk.Task("recurse", "never returns", func(*sdk.Context, any) (int, error) { return depth(0), nil })

//go:wasmexport recurse
func _recurse() int32 { return recurse.Run() }

//go:noinline
func depth(n int) int {
	if n < 0 {
		return 0
	}
	return depth(n+1) + 1
}

type referring struct {
	Digest string
	Times  int    // in a list; 0 is once, and in none
	Where  string // not in the result
}

// refer returns or leaves what looks as if it stood for a blob.
var refer = sdk.Task("refer", "refers to a blob", func(c *sdk.Context, in referring) (any, error) {
	ref := any(map[string]any{"$blob": in.Digest, "size": 1})
	if in.Times > 0 {
		ref = slices.Repeat([]any{ref}, in.Times)
	}
	switch in.Where {
	case "channel":
		return nil, c.Channel().Set("k", ref)
	case "iteration":
		return nil, c.NextIteration(ref)
	case "next":
		raw, err := json.Marshal(ref)
		if err != nil {
			return nil, err
		}
		return nil, c.Spawn(abi.NextTask{ID: "after", Input: raw})
	}
	return ref, nil
})

//go:wasmexport refer
func _refer() int32 { return refer.Run() }

// bomb takes all the memory that it can get.
//
//go:wasmexport bomb
func bomb() int32 {
	var all [][]byte
	for {
		b := make([]byte, 1<<20)
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
		all = append(all, b)
	}
}

type meeting struct {
	Tool   string
	Rounds int
}

// compute meets others, if it is told where, and computes for so many rounds.
var compute = sdk.Task("compute", "computes", func(c *sdk.Context, in meeting) (uint64, error) {
	if in.Tool != "" {
		if err := c.Tool(in.Tool, nil, new(any)); err != nil {
			return 0, err
		}
	}
	sum := uint64(1)
	for i := range in.Rounds {
		sum = sum*6364136223846793005 + uint64(i)
	}
	return sum, nil
})

//go:wasmexport compute
func _compute() int32 { return compute.Run() }

// work uses the heap, the collector, and what Go draws at random.
var work = sdk.Task("work", "computes with much", func(_ *sdk.Context, in json.RawMessage) (any, error) {
	seen := map[string]int{}
	for i := range 2000 {
		seen[string(rune('a'+i%26))+string(in)] += i
	}
	drawn := make([]byte, 8)
	if code := randomGet(unsafe.Pointer(&drawn[0]), 8); code != 0 {
		return nil, fmt.Errorf("random_get: %d", code)
	}
	order := uint64(0)
	for key, n := range seen { // in an order that Go draws too
		order = order*31 + uint64(key[0]) + uint64(n)
	}
	began := time.Now()
	runtime.GC()
	return []any{drawn, order, len(seen), time.Since(began)}, nil
})

//go:wasmexport work
func _work() int32 { return work.Run() }
