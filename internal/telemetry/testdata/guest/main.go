// Command guest has tasks that call their host.
package main

import (
	"errors"

	"github.com/graflow/graflow-wasm/sdk"
	"github.com/graflow/graflow-wasm/sdk/abi"
)

func main() { sdk.Main() }

var fetch = sdk.Task("fetch", "asks a server, and one that is not granted", func(c *sdk.Context, url string) (int, error) {
	response, err := c.HTTP(abi.HTTPRequest{URL: url})
	if err != nil {
		return 0, err
	}
	if _, err := c.HTTP(abi.HTTPRequest{URL: "http://not.granted.test/"}); !errors.Is(err, abi.Denied) {
		return 0, errors.New("a host that was not granted is not denied")
	}
	return response.Status, nil
})

//go:wasmexport fetch
func _fetch() int32 { return fetch.Run() }

var spin = sdk.Task("spin", "runs out of fuel", func(_ *sdk.Context, _ any) (int, error) {
	for i := 0; ; i++ {
		if i < 0 {
			return i, nil
		}
	}
})

//go:wasmexport spin
func _spin() int32 { return spin.Run() }
