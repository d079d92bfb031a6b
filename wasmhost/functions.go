package wasmhost

import (
	"context"

	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/tetratelabs/wazero/api"
)

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
	CapabilityConfig  = "config" // what Grants.Config holds, and variables of the call
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
	{abi.FuncCheckpointAs, CapabilityControl, slices2, asI32, (*attempt).checkpointAs},
	{abi.FuncPause, CapabilityControl, slice, asI64, (*attempt).pause},
	{abi.FuncSecretGet, CapabilitySecrets, slice, asI64, (*attempt).secretGet},
	{abi.FuncHTTPRequest, CapabilityHTTP, slice, asI64, (*attempt).httpRequest},
	{abi.FuncToolCall, CapabilityTools, slices2, asI64, (*attempt).toolCall},
	{abi.FuncToolCalls, CapabilityTools, slice, asI64, (*attempt).toolCalls},
}
