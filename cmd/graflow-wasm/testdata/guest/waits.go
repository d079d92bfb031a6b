package main

import (
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/graflow/graflow-wasm/sdk"
)

var waits = sdk.Task("waits", "notes itself, and ends once a file is there, with what is in it", func(c *sdk.Context, _ any) (string, error) {
	if err := note(c); err != nil {
		return "", err
	}
	for {
		data, err := os.ReadFile("/notes/done")
		if !errors.Is(err, fs.ErrNotExist) {
			return string(data), err
		}
		time.Sleep(10 * time.Millisecond)
	}
})

//go:wasmexport waits
func _waits() int32 { return waits.Run() }
