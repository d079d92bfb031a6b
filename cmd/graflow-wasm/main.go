package main

import (
	"os"

	"github.com/graflow/graflow-wasm/wasmhost"
)

func main() {
	wasmhost.Child() // compiles what is not trusted in a process of its own
	os.Exit(execute(os.Args[1:], streams{in: os.Stdin, out: os.Stdout, err: os.Stderr}))
}
