package main

import (
	"log/slog"
	"os"

	"github.com/graflow/graflow-wasm/handlers/docker/inside"
	"github.com/graflow/graflow-wasm/internal/telemetry"
	"github.com/graflow/graflow-wasm/wasmhost"
)

func main() {
	wasmhost.Child() // compiles what is not trusted in a process of its own
	inside.Child()   // is the first process of a container
	collectLate()
	slog.SetDefault(slog.New(telemetry.LogHandler(newFaults(os.Stderr))))
	os.Exit(execute(os.Args[1:], streams{in: os.Stdin, out: os.Stdout, err: os.Stderr}))
}
