package main

import (
	"log/slog"
	"os"

	"github.com/graflow/graflow-wasm/handlers/docker/inside"
	"github.com/graflow/graflow-wasm/wasmhost"
)

func main() {
	wasmhost.Child() // compiles what is not trusted in a process of its own
	inside.Child()   // is the first process of a container
	slog.SetDefault(slog.New(newFaults(os.Stderr)))
	os.Exit(execute(os.Args[1:], streams{in: os.Stdin, out: os.Stdout, err: os.Stderr}))
}
