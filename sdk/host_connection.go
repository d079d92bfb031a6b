//go:build !wasip1

package sdk

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/graflow/graflow-wasm/sdk/abi"
)

var _ host = (*connection)(nil)

func (c *connection) input() ([]byte, error) { return c.ask(abi.Request{Op: abi.OpInput}) }

func (c *connection) output(data []byte) error {
	return c.tell(abi.Request{Op: abi.OpOutput, Value: data})
}

// fail, log and progress can't fail. If the host has gone Main says so.
func (c *connection) fail(kind, message string, flags int64) {
	_ = c.tell(abi.Request{
		Op: abi.FuncFail, Kind: kind, Message: message, Permanent: flags&abi.FailPermanent != 0,
		RetryAfter: abi.Duration(time.Duration(flags>>abi.FailRetryAfterShift) * time.Millisecond),
	})
}

func (c *connection) log(level int32, line string) {
	_ = c.tell(abi.Request{Op: abi.FuncLog, Level: slog.Level(level).String(), Message: line})
}

func (c *connection) progress(done, total float64, note string) {
	if sum := done + total; math.IsNaN(sum) || math.IsInf(sum, 0) {
		return // as every host does
	}
	_ = c.tell(abi.Request{Op: abi.FuncProgress, Done: done, Total: total, Note: note})
}

func (c *connection) meta() ([]byte, error) { return c.ask(abi.Request{Op: abi.FuncMeta}) }

func (c *connection) result(id string) ([]byte, error) {
	return c.ask(abi.Request{Op: abi.FuncResultGet, ID: id})
}

func (c *connection) channelGet(key string) ([]byte, error) {
	return c.ask(abi.Request{Op: abi.FuncChannelGet, Key: &key})
}

func (c *connection) channelSet(key string, value []byte) error {
	return c.tell(abi.Request{Op: abi.FuncChannelSet, Key: &key, Value: value})
}

func (c *connection) channelDelete(key string) error {
	return c.tell(abi.Request{Op: abi.FuncChannelDelete, Key: &key})
}

func (c *connection) channelAppend(key string, value []byte) error {
	return c.tell(abi.Request{Op: abi.FuncChannelAppend, Key: &key, Value: value})
}

func (c *connection) channelPrepend(key string, value []byte) error {
	return c.tell(abi.Request{Op: abi.FuncChannelPrep, Key: &key, Value: value})
}

func (c *connection) channelAdd(key string, value []byte) error {
	return c.tell(abi.Request{Op: abi.FuncChannelAdd, Key: &key, Value: value})
}

func (c *connection) channelKeys(prefix string) ([]byte, error) {
	return c.ask(abi.Request{Op: abi.FuncChannelKeys, Prefix: prefix})
}

func (c *connection) nextTask(next []byte) error {
	_, err := c.askWith(abi.FuncNextTask, next)
	return err
}

func (c *connection) nextIteration(data []byte) error {
	return c.tell(abi.Request{Op: abi.FuncNextIteration, Data: data})
}

func (c *connection) terminate(message string) error {
	return c.tell(abi.Request{Op: abi.FuncTerminate, Message: message})
}

func (c *connection) cancel(message string) error {
	return c.tell(abi.Request{Op: abi.FuncCancel, Message: message})
}

func (c *connection) pause(p []byte) ([]byte, error) { return c.askWith(abi.FuncPause, p) }

func (c *connection) checkpoint(meta []byte) error {
	return c.tell(abi.Request{Op: abi.FuncCheckpoint, Meta: meta})
}

func (c *connection) checkpointAs(name string, meta []byte) error {
	if name == "" {
		return abi.Invalid
	}
	return c.tell(abi.Request{Op: abi.FuncCheckpoint, Name: name, Meta: meta})
}

func (c *connection) secret(name string) ([]byte, error) {
	data, err := c.ask(abi.Request{Op: abi.FuncSecretGet, Name: name})
	if err != nil {
		return nil, err
	}
	var text string
	if json.Unmarshal(data, &text) == nil {
		return []byte(text), nil
	}
	var binary abi.Binary
	if err := json.Unmarshal(data, &binary); err != nil {
		return nil, fmt.Errorf("decode the host's answer: %w", err)
	}
	return binary.Base64, nil
}

// http is the engine's for tasks that have no network of their own.
func (*connection) http([]byte) ([]byte, error) {
	return nil, &refusal{abi.Unavailable, "a container has the network that its task was given: use net/http"}
}

func (c *connection) tool(name string, args []byte) ([]byte, error) {
	return c.ask(abi.Request{Op: abi.FuncToolCall, Name: name, Args: args})
}

func (c *connection) tools(calls []byte) ([]byte, error) { return toolsInTurn(calls, c.tool) }
