package telemetry

import (
	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// kinds are the kinds of errors that are told apart. A guest may fail with any kind:
// all others are the last one.
var kinds = [...]string{
	engine.KindError, engine.KindQueueTimeout, engine.KindRunTimeout, engine.KindInvalidInput, engine.KindDenied,
	engine.KindCycleLimit, engine.KindStepLimit, engine.KindGroup, engine.KindPanic, engine.KindPauseTimeout,
	engine.KindWorkerLost, engine.KindDiverged,
	wasmhost.KindTrap, wasmhost.KindMemory, wasmhost.KindExit, wasmhost.KindInvalidOutput, wasmhost.KindOutputTooLarge,
	wasmhost.KindStack, wasmhost.KindFuel, wasmhost.KindHostCalls, wasmhost.KindNoExport,
	"tampered",                                                                            // of handlers/wasm
	"docker_unavailable", "image_missing", "image_pull", "no_gpu", "command", "no_result", // of handlers/docker
	other,
}

var kindIndices = func() map[string]int {
	all := map[string]int{}
	for i, kind := range kinds {
		all[kind] = i
	}
	return all
}()

// kindIndex is the place in kinds of a kind.
func kindIndex(kind string) int {
	if i, ok := kindIndices[kind]; ok {
		return i
	}
	return len(kinds) - 1
}

// calls are how calls of the sandbox end, in the words of wasmhost; "" is well.
var calls = [...]string{
	"", wasmhost.KindError, wasmhost.KindTrap, wasmhost.KindTimeout, wasmhost.KindCanceled, wasmhost.KindMemory, wasmhost.KindExit,
	wasmhost.KindInvalidOutput, wasmhost.KindOutputTooLarge, wasmhost.KindDenied, wasmhost.KindStack, wasmhost.KindFuel,
	wasmhost.KindHostCalls, wasmhost.KindNoExport, wasmhost.KindPaused, other,
}

var callIndices = func() map[string]int {
	all := map[string]int{}
	for i, kind := range calls {
		all[kind] = i
	}
	return all
}()

func callIndex(kind string) int {
	if i, ok := callIndices[kind]; ok {
		return i
	}
	return len(calls) - 1
}
