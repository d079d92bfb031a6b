//go:build wasip1

// Command command sums as a plain WASI program: stdin to stdout.
package main

import (
	"io"
	"os"

	"github.com/graflow/graflow-wasm/bench/guests/work"
)

func main() {
	input, err := io.ReadAll(os.Stdin)
	if err != nil {
		panic(err)
	}
	output, err := work.Bytes(input)
	if err != nil {
		panic(err)
	}
	if _, err := os.Stdout.Write(output); err != nil {
		panic(err)
	}
}
