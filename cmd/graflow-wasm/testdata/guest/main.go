// Command guest misbehaves on request, for the tests of the command.
package main

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/sdk"
	"github.com/graflow/graflow-wasm/sdk/abi"
)

func main() {}

var echo = sdk.Task("echo", "answers with its input", func(_ *sdk.Context, in json.RawMessage) (json.RawMessage, error) {
	if len(in) == 0 {
		return json.RawMessage("null"), nil
	}
	return in, nil
})

var fail = sdk.Task("fail", "fails", func(*sdk.Context, any) (any, error) {
	return nil, sdk.Fail("sorry", "as you asked")
})

var loop = sdk.Task("loop", "never ends", func(c *sdk.Context, _ any) (int, error) {
	c.Log("looping")
	for n := 0; ; n++ {
		if n < 0 {
			return n, nil
		}
	}
})

var shout = sdk.Task("shout", "logs without end", func(c *sdk.Context, _ any) (int, error) {
	for {
		c.Log("%s", strings.Repeat("a", 1000))
	}
})

var flood = sdk.Task("flood", "answers with more than anybody wants", func(*sdk.Context, any) (string, error) {
	return strings.Repeat("a", 1<<20), nil
})

//go:wasmexport echo
func _echo() int32 { return echo.Run() }

//go:wasmexport fail
func _fail() int32 { return fail.Run() }

//go:wasmexport loop
func _loop() int32 { return loop.Run() }

//go:wasmexport shout
func _shout() int32 { return shout.Run() }

//go:wasmexport flood
func _flood() int32 { return flood.Run() }

//go:wasmimport graflow_v1 output_write
func outputWrite(ptr *byte, n int32) int32

// Not a task of the SDK's: it writes what is no JSON.
//
//go:wasmexport garbage
func garbage() int32 {
	text := []byte("not JSON")
	return min(0, outputWrite(&text[0], int32(len(text))))
}

//go:wasmexport exit
func exit() int32 {
	os.Exit(7)
	return 0
}

var secret = sdk.Task("secret", "tells a secret", func(c *sdk.Context, name string) (string, error) { return c.Secret(name) })

//go:wasmexport secret
func _secret() int32 { return secret.Run() }

var fetch = sdk.Task("fetch", "fetches a URL", func(c *sdk.Context, url string) (string, error) {
	r, err := c.HTTP(abi.HTTPRequest{Method: "GET", URL: url})
	return string(r.Body), err
})

//go:wasmexport fetch
func _fetch() int32 { return fetch.Run() }

var keep = sdk.Task("keep", "writes a file and reads it again", func(_ *sdk.Context, file string) (string, error) {
	if err := os.WriteFile(file, []byte("kept"), 0o600); err != nil {
		return "", err
	}
	data, err := os.ReadFile(file)
	return string(data), err
})

//go:wasmexport keep
func _keep() int32 { return keep.Run() }

var env = sdk.Task("env", "tells an environment variable", func(_ *sdk.Context, name string) (string, error) { return os.Getenv(name), nil })

//go:wasmexport env
func _env() int32 { return env.Run() }

var dice = sdk.Task("dice", "tells the time and a random number", func(*sdk.Context, any) (string, error) {
	var b [8]byte
	_, err := rand.Read(b[:])
	return fmt.Sprintf("%d %x", time.Now().Year(), b), err
})

//go:wasmexport dice
func _dice() int32 { return dice.Run() }

var spawn = sdk.Task("spawn", "asks for a task", func(c *sdk.Context, next abi.NextTask) (string, error) {
	return "spawned", c.Spawn(next)
})

//go:wasmexport spawn
func _spawn() int32 { return spawn.Run() }

var set = sdk.Task("set", "sets channel keys", func(c *sdk.Context, n int) (int, error) {
	for i := range n {
		if err := c.Channel().Set("key", i); err != nil {
			return i, err
		}
	}
	return n, nil
})

//go:wasmexport set
func _set() int32 { return set.Run() }

var alloc = sdk.Task("alloc", "takes MiB of memory", func(_ *sdk.Context, mib int) (int, error) {
	b := make([]byte, mib<<20)
	b[len(b)-1] = 1
	return len(b), nil
})

//go:wasmexport alloc
func _alloc() int32 { return alloc.Run() }
