package wasmhost

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

const wasiModule = wasi_snapshot_preview1.ModuleName

// Capabilities: what an import lets a guest do, in one word.
const (
	CapabilityIO      = "io" // input, output, fail
	CapabilityLog     = "log"
	CapabilityMeta    = "meta"
	CapabilityResults = "results"
	CapabilityChannel = "channel"
	CapabilityControl = "control"
	CapabilitySecrets = "secrets"
	CapabilityHTTP    = "http"
	CapabilityTools   = "tools"
	CapabilityWASI    = "wasi"
)

// function is one import of graflow_v1. run answers with a length or code, or
// with nothing if the function has no result.
type function struct {
	name       string
	capability string
	params     []api.ValueType
	results    []api.ValueType
	run        func(a *attempt, ctx context.Context, g guest) int64
}

var (
	none    = []api.ValueType{}
	asI32   = []api.ValueType{api.ValueTypeI32}
	asI64   = []api.ValueType{api.ValueTypeI64}
	slice   = []api.ValueType{api.ValueTypeI32, api.ValueTypeI32}
	slices2 = []api.ValueType{api.ValueTypeI32, api.ValueTypeI32, api.ValueTypeI32, api.ValueTypeI32}
	level3  = []api.ValueType{api.ValueTypeI32, api.ValueTypeI32, api.ValueTypeI32}
	fail5   = append(append([]api.ValueType{}, slices2...), api.ValueTypeI64)
	share4  = []api.ValueType{api.ValueTypeF64, api.ValueTypeF64, api.ValueTypeI32, api.ValueTypeI32}
)

// functions is the whole of graflow_v1; package abi has the contracts.
var functions = []function{
	{abi.FuncInputLen, CapabilityIO, none, asI32, (*attempt).inputLen},
	{abi.FuncInputRead, CapabilityIO, slice, asI32, (*attempt).inputRead},
	{abi.FuncOutputWrite, CapabilityIO, slice, asI32, (*attempt).outputWrite},
	{abi.FuncFail, CapabilityIO, fail5, none, (*attempt).fail},
	{abi.FuncReplyRead, CapabilityIO, slice, asI32, (*attempt).replyRead},
	{abi.FuncLog, CapabilityLog, level3, none, (*attempt).log},
	{abi.FuncProgress, CapabilityLog, share4, none, (*attempt).progress},
	{abi.FuncMeta, CapabilityMeta, none, asI64, (*attempt).meta},
	{abi.FuncResultGet, CapabilityResults, slice, asI64, (*attempt).resultGet},
	{abi.FuncChannelGet, CapabilityChannel, slice, asI64, (*attempt).channelGet},
	{abi.FuncChannelSet, CapabilityChannel, slices2, asI32, channelApply("set")},
	{abi.FuncChannelDelete, CapabilityChannel, slice, asI32, channelApply("delete")},
	{abi.FuncChannelAppend, CapabilityChannel, slices2, asI32, channelApply("append")},
	{abi.FuncChannelPrep, CapabilityChannel, slices2, asI32, channelApply("prepend")},
	{abi.FuncChannelAdd, CapabilityChannel, slices2, asI32, channelApply("add")},
	{abi.FuncChannelKeys, CapabilityChannel, slice, asI64, (*attempt).channelKeys},
	{abi.FuncNextTask, CapabilityControl, slice, asI32, (*attempt).nextTask},
	{abi.FuncNextIteration, CapabilityControl, slice, asI32, (*attempt).nextIteration},
	{abi.FuncTerminate, CapabilityControl, slice, asI32, (*attempt).terminate},
	{abi.FuncCancel, CapabilityControl, slice, asI32, (*attempt).cancel},
	{abi.FuncCheckpoint, CapabilityControl, slice, asI32, (*attempt).checkpoint},
	{abi.FuncPause, CapabilityControl, slice, asI64, (*attempt).pause},
	{abi.FuncSecretGet, CapabilitySecrets, slice, asI64, (*attempt).secretGet},
	{abi.FuncHTTPRequest, CapabilityHTTP, slice, asI64, (*attempt).unavailable},
	{abi.FuncToolCall, CapabilityTools, slices2, asI64, (*attempt).toolCall},
}

var functionsByName = func() map[string]function {
	byName := map[string]function{}
	for _, f := range functions {
		byName[f.name] = f
	}
	return byName
}()

// capabilityOf is the word for an import, "" for an unknown one.
func capabilityOf(module, name string) string {
	if module == wasiModule {
		return CapabilityWASI
	}
	return functionsByName[name].capability
}

// instantiateFunctions offers graflow_v1 to all modules of the host.
func (h *Host) instantiateFunctions(ctx context.Context) error {
	builder := h.runtime.NewHostModuleBuilder(abi.Module)
	for i, f := range functions {
		builder.NewFunctionBuilder().
			WithGoModuleFunction(h.hostFunction(i, f), f.params, f.results).
			Export(f.name)
	}
	if _, err := builder.Instantiate(ctx); err != nil {
		return fmt.Errorf("instantiate %s: %w", abi.Module, err)
	}
	return nil
}

// hostFunction is the one way from a guest into the host: it counts, checks the
// grant, and turns panics into the end of the attempt.
func (h *Host) hostFunction(index int, f function) api.GoModuleFunc {
	return func(ctx context.Context, mod api.Module, stack []uint64) {
		a := attemptOf(ctx)
		a.calls[index]++
		defer func() {
			if r := recover(); r != nil && a.stopped == nil {
				h.config.Logger.Error("host function panicked", "module", a.opt.Name, "function", f.name, "err", r, "stack", string(debug.Stack()))
				a.stopped = a.trapError(KindTrap, fmt.Sprintf("host function %s panicked: %v", f.name, r), nil)
				panic(errStopped)
			} else if r != nil {
				panic(errStopped)
			}
		}()
		g := guest{args: stack}
		if a.module.layout.hasMemory {
			g.mem = mod.Memory()
		}
		var answer int64
		if a.opt.Grants.allows(f.capability) {
			answer = f.run(a, ctx, g)
		} else {
			answer = a.refuse(f.capability)
		}
		switch {
		case len(f.results) == 0:
		case f.results[0] == api.ValueTypeI32:
			stack[0] = api.EncodeI32(int32(answer))
		default:
			stack[0] = api.EncodeI64(answer)
		}
	}
}
