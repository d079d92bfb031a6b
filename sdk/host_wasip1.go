package sdk

import (
	"unsafe"

	"github.com/graflow/graflow-wasm/sdk/abi"
)

// host is the host of this module: the imports of graflow_v1 with Go's types.
// It is a concrete type, so that the linker drops the imports behind methods
// that a guest does not use.
type host struct{}

func thisHost() host { return host{} }

func leave(host) {}

func (host) input() ([]byte, error) {
	n := importInputLen()
	if n < 0 {
		return nil, abi.Code(n)
	}
	buf := make([]byte, n)
	return fill(buf, importInputRead(unsafe.Pointer(unsafe.SliceData(buf)), n))
}

func (host) output(data []byte) error { return done(importOutputWrite(text(data))) }

func (host) fail(kind, message string, flags int64) { importFail(kind, message, flags) }

func (host) log(level int32, line string) { importLog(level, line) }

func (host) progress(done, total float64, note string) { importProgress(done, total, note) }

func (host) meta() ([]byte, error) { return reply(importMeta()) }

func (host) result(id string) ([]byte, error) { return reply(importResultGet(id)) }

func (host) channelGet(key string) ([]byte, error) { return reply(importChannelGet(key)) }

func (host) channelSet(key string, value []byte) error {
	return done(importChannelSet(key, text(value)))
}

func (host) channelDelete(key string) error { return done(importChannelDelete(key)) }

func (host) channelAppend(key string, value []byte) error {
	return done(importChannelAppend(key, text(value)))
}

func (host) channelPrepend(key string, value []byte) error {
	return done(importChannelPrepend(key, text(value)))
}

func (host) channelAdd(key string, value []byte) error {
	return done(importChannelAdd(key, text(value)))
}

func (host) channelKeys(prefix string) ([]byte, error) { return reply(importChannelKeys(prefix)) }

func (host) nextTask(next []byte) error { return done(importNextTask(text(next))) }

func (host) nextIteration(data []byte) error { return done(importNextIteration(text(data))) }

func (host) terminate(message string) error { return done(importTerminate(message)) }

func (host) cancel(message string) error { return done(importCancel(message)) }

func (host) pause(p []byte) ([]byte, error) { return reply(importPause(text(p))) }

func (host) checkpoint(meta []byte) error { return done(importCheckpoint(text(meta))) }

func (host) checkpointAs(name string, meta []byte) error {
	return done(importCheckpointAs(name, text(meta)))
}

func (host) secret(name string) ([]byte, error) { return reply(importSecretGet(name)) }

func (host) http(req []byte) ([]byte, error) { return reply(importHTTPRequest(text(req))) }

func (host) tool(name string, args []byte) ([]byte, error) {
	return reply(importToolCall(name, text(args)))
}

func (host) tools(calls []byte) ([]byte, error) { return reply(importToolCalls(text(calls))) }

// text lends data to a call as a string.
func text(data []byte) string { return unsafe.String(unsafe.SliceData(data), len(data)) }

// done makes an error of a negative answer.
func done(code int32) error {
	if code < 0 {
		return abi.Code(code)
	}
	return nil
}

// reply fetches the n bytes with which the last call answered.
func reply(n int64) ([]byte, error) {
	if n < 0 {
		return nil, abi.Code(n)
	}
	buf := make([]byte, n)
	return fill(buf, importReplyRead(unsafe.Pointer(unsafe.SliceData(buf)), int32(n)))
}

// fill is buf after the host copied n bytes into it.
func fill(buf []byte, n int32) ([]byte, error) {
	if n < 0 {
		return nil, abi.Code(n)
	}
	return buf[:n], nil
}

//go:wasmimport graflow_v1 input_len
func importInputLen() int32

//go:wasmimport graflow_v1 input_read
func importInputRead(ptr unsafe.Pointer, n int32) int32

//go:wasmimport graflow_v1 output_write
func importOutputWrite(data string) int32

//go:wasmimport graflow_v1 fail
func importFail(kind, message string, flags int64)

//go:wasmimport graflow_v1 log
func importLog(level int32, line string)

//go:wasmimport graflow_v1 progress
func importProgress(done, total float64, note string)

//go:wasmimport graflow_v1 meta
func importMeta() int64

//go:wasmimport graflow_v1 result_get
func importResultGet(id string) int64

//go:wasmimport graflow_v1 channel_get
func importChannelGet(key string) int64

//go:wasmimport graflow_v1 channel_set
func importChannelSet(key, value string) int32

//go:wasmimport graflow_v1 channel_delete
func importChannelDelete(key string) int32

//go:wasmimport graflow_v1 channel_append
func importChannelAppend(key, value string) int32

//go:wasmimport graflow_v1 channel_prepend
func importChannelPrepend(key, value string) int32

//go:wasmimport graflow_v1 channel_add
func importChannelAdd(key, value string) int32

//go:wasmimport graflow_v1 channel_keys
func importChannelKeys(prefix string) int64

//go:wasmimport graflow_v1 next_task
func importNextTask(next string) int32

//go:wasmimport graflow_v1 next_iteration
func importNextIteration(data string) int32

//go:wasmimport graflow_v1 terminate
func importTerminate(message string) int32

//go:wasmimport graflow_v1 cancel
func importCancel(message string) int32

//go:wasmimport graflow_v1 pause
func importPause(p string) int64

//go:wasmimport graflow_v1 checkpoint
func importCheckpoint(meta string) int32

//go:wasmimport graflow_v1 checkpoint_as
func importCheckpointAs(name, meta string) int32

//go:wasmimport graflow_v1 secret_get
func importSecretGet(name string) int64

//go:wasmimport graflow_v1 http_request
func importHTTPRequest(req string) int64

//go:wasmimport graflow_v1 tool_call
func importToolCall(name, args string) int64

//go:wasmimport graflow_v1 tool_calls
func importToolCalls(calls string) int64

//go:wasmimport graflow_v1 reply_read
func importReplyRead(ptr unsafe.Pointer, n int32) int32
