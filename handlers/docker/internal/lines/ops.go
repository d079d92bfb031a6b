package lines

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// An operation is what one op does.
type operation struct {
	members []string // that it takes, beside those of every request
	channel bool     // needs the channel, and counts as an operation on it
	control bool     // needs the grant of control
	answers bool     // is of no use without its answer
	long    bool     // its line may be as long as an output
	body    bool     // bytes follow its line
	alone   bool     // may take its time: run without a.mu
	run     func(a *attempt, ctx context.Context, r *request, from *lineReader) ([]byte, error)
}

// ops are the operations by name.
var ops map[string]operation

func init() { //nolint:gochecknoinits // the table's functions refer to it
	ops = map[string]operation{
		abi.OpInput:           {answers: true, run: (*attempt).input},
		abi.OpOutput:          {members: []string{"value"}, long: true, run: (*attempt).setOutput},
		abi.FuncFail:          {members: []string{"kind", "message", "permanent", "retry_after", "stack"}, run: (*attempt).fail},
		abi.FuncLog:           {members: []string{"level", "message"}, run: (*attempt).logMessage},
		abi.FuncProgress:      {members: []string{"done", "total", "note"}, run: (*attempt).progress},
		abi.FuncMeta:          {answers: true, run: (*attempt).meta},
		abi.FuncResultGet:     {members: []string{"id"}, answers: true, run: (*attempt).resultGet},
		abi.FuncChannelGet:    {members: []string{"key"}, channel: true, answers: true, run: (*attempt).channelGet},
		abi.FuncChannelSet:    {members: []string{"key", "value"}, channel: true, long: true, run: channelApply("set")},
		abi.FuncChannelAppend: {members: []string{"key", "value"}, channel: true, run: channelApply("append")},
		abi.FuncChannelPrep:   {members: []string{"key", "value"}, channel: true, run: channelApply("prepend")},
		abi.FuncChannelAdd:    {members: []string{"key", "value"}, channel: true, run: channelApply("add")},
		abi.FuncChannelDelete: {members: []string{"key"}, channel: true, run: channelApply("delete")},
		abi.FuncChannelKeys:   {members: []string{"prefix"}, channel: true, answers: true, run: (*attempt).channelKeys},
		abi.FuncNextTask:      {members: []string{"id", "handler", "spec", "input", "goto"}, control: true, long: true, run: (*attempt).nextTask},
		abi.FuncNextIteration: {members: []string{"data"}, control: true, long: true, run: (*attempt).nextIteration},
		abi.FuncTerminate:     {members: []string{"message"}, control: true, run: (*attempt).terminate},
		abi.FuncCancel:        {members: []string{"message"}, control: true, run: (*attempt).cancel},
		abi.FuncCheckpoint:    {members: []string{"name", "meta"}, control: true, run: (*attempt).checkpoint},
		abi.FuncPause: {
			members: []string{"name", "message", "schema", "timeout", "default", "until", "after"},
			control: true, answers: true, run: (*attempt).pause,
		},
		abi.FuncSecretGet: {members: []string{"name"}, answers: true, alone: true, run: (*attempt).secretGet},
		abi.FuncToolCall:  {members: []string{"name", "args"}, answers: true, alone: true, run: (*attempt).toolCall},
		abi.OpFilePut:     {members: []string{"name", "size"}, answers: true, alone: true, body: true, run: (*attempt).filePut},
	}
}

func (a *attempt) input(context.Context, *request, *lineReader) ([]byte, error) {
	if a.config.Input == nil {
		return []byte("null"), nil
	}
	return a.config.Input, nil
}

func (a *attempt) setOutput(_ context.Context, r *request, _ *lineReader) ([]byte, error) {
	value := r.must("value")
	switch {
	case r.err != nil:
		return nil, r.err
	case int64(len(value)) > a.limits.OutputBytes:
		return nil, a.tooLarge()
	}
	a.output = value
	return nil, nil
}

func (a *attempt) fail(_ context.Context, r *request, _ *lineReader) ([]byte, error) {
	var wait abi.Duration
	f := &Failure{Kind: r.text("kind"), Message: r.text("message"), Stack: r.text("stack")}
	r.decode("permanent", "boolean", &f.Permanent)
	r.decode("retry_after", `duration, as "10s"`, &wait)
	switch {
	case r.err != nil:
		return nil, r.err
	case wait < 0:
		return nil, invalid(`"retry_after" of op "fail" is negative`)
	case f.Kind == "":
		f.Kind = wasmhost.KindError
	}
	f.RetryAfter = time.Duration(wait)
	a.failure = f
	return nil, nil
}

func (a *attempt) logMessage(_ context.Context, r *request, _ *lineReader) ([]byte, error) {
	message := r.text("message")
	level := slog.LevelInfo
	if word := r.text("level"); word != "" {
		if err := level.UnmarshalText([]byte(word)); err != nil {
			r.fail(invalid("level %.40q: want debug, info, warn or error", word))
		}
	}
	if r.err == nil {
		a.log(level, message)
	}
	return nil, r.err
}

func (a *attempt) progress(_ context.Context, r *request, _ *lineReader) ([]byte, error) {
	var done, total float64
	r.decode("done", "number", &done)
	r.decode("total", "number", &total)
	note := r.text("note")
	if r.err == nil && a.config.Services.Progress != nil {
		a.config.Services.Progress(done, total, note)
	}
	return nil, r.err
}

func (a *attempt) meta(context.Context, *request, *lineReader) ([]byte, error) {
	if a.config.Services.Meta == nil {
		return nil, abi.Unavailable
	}
	return json.Marshal(a.config.Services.Meta)
}

func (a *attempt) resultGet(ctx context.Context, r *request, _ *lineReader) ([]byte, error) {
	id := r.named("id")
	switch {
	case r.err != nil:
		return nil, r.err
	case a.config.Services.Results == nil:
		return nil, abi.Unavailable
	}
	return a.config.Services.Results.Result(ctx, id)
}

func (a *attempt) channelGet(ctx context.Context, r *request, _ *lineReader) ([]byte, error) {
	key := r.named("key")
	if r.err != nil {
		return nil, r.err
	}
	return a.config.Services.Channel.Get(ctx, key)
}

func (a *attempt) channelKeys(ctx context.Context, r *request, _ *lineReader) ([]byte, error) {
	prefix := r.text("prefix")
	if r.err != nil {
		return nil, r.err
	}
	keys, err := a.config.Services.Channel.Keys(ctx, prefix)
	if err != nil {
		return nil, err
	}
	if keys == nil {
		keys = []string{}
	}
	return json.Marshal(keys)
}

// channelApply makes the op for one kind of change.
func channelApply(kind string) func(*attempt, context.Context, *request, *lineReader) ([]byte, error) {
	return func(a *attempt, ctx context.Context, r *request, _ *lineReader) ([]byte, error) {
		op := wasmhost.ChannelOp{Kind: kind, Key: r.named("key")}
		if kind != "delete" {
			op.Value = r.must("value")
		}
		switch {
		case r.err != nil:
			return nil, r.err
		case int64(len(op.Value)) > a.limits.OutputBytes:
			return nil, refuse(abi.TooLarge, "a value of %d bytes: the limit output_bytes is %d", len(op.Value), a.limits.OutputBytes)
		}
		return nil, a.config.Services.Channel.Apply(ctx, op)
	}
}

func (a *attempt) nextTask(ctx context.Context, r *request, _ *lineReader) ([]byte, error) {
	var next abi.NextTask
	if r.document(&next); r.err == nil && next.ID == "" {
		r.fail(invalid(`op "next_task" wants "id", the task to run`))
	}
	if r.err != nil {
		return nil, r.err
	}
	return nil, a.config.Services.Control.NextTask(ctx, next)
}

func (a *attempt) nextIteration(ctx context.Context, r *request, _ *lineReader) ([]byte, error) {
	return nil, a.config.Services.Control.NextIteration(ctx, r.json("data"))
}

func (a *attempt) terminate(ctx context.Context, r *request, _ *lineReader) ([]byte, error) {
	message := r.text("message")
	if r.err != nil {
		return nil, r.err
	}
	return nil, a.config.Services.Control.Terminate(ctx, message)
}

func (a *attempt) cancel(ctx context.Context, r *request, _ *lineReader) ([]byte, error) {
	message := r.text("message")
	if r.err != nil {
		return nil, r.err
	}
	return nil, a.config.Services.Control.Cancel(ctx, message)
}

func (a *attempt) checkpoint(ctx context.Context, r *request, _ *lineReader) ([]byte, error) {
	name := r.text("name")
	if r.err != nil {
		return nil, r.err
	}
	return nil, a.config.Services.Control.Checkpoint(ctx, name, r.json("meta"))
}

func (a *attempt) pause(ctx context.Context, r *request, _ *lineReader) ([]byte, error) {
	var pause abi.Pause
	if r.document(&pause); r.err == nil {
		if err := pause.Check(); err != nil {
			r.fail(invalid("pause %.40q: %w", pause.Name, err))
		}
	}
	if r.err != nil {
		return nil, r.err
	}
	return a.config.Services.Control.Pause(ctx, pause)
}

func (a *attempt) secretGet(ctx context.Context, r *request, _ *lineReader) ([]byte, error) {
	name := r.named("name")
	switch {
	case r.err != nil:
		return nil, r.err
	case !slices.Contains(a.config.Grants.Secrets, name):
		return nil, denied(fmt.Sprintf("%s: %.100s", wasmhost.CapabilitySecrets, name))
	case a.config.Services.Secrets == nil:
		return nil, abi.Unavailable
	}
	value, err := a.config.Services.Secrets.Secret(ctx, name)
	switch {
	case err != nil:
		return nil, a.unlessOver(ctx, err)
	case utf8.Valid(value):
		return json.Marshal(string(value))
	}
	return json.Marshal(abi.Binary{Base64: value})
}

func (a *attempt) toolCall(ctx context.Context, r *request, _ *lineReader) ([]byte, error) {
	name, args := r.named("name"), r.json("args")
	tools := a.config.Grants.Tools
	switch {
	case r.err != nil:
		return nil, r.err
	case !slices.Contains(tools, name) && !slices.Contains(tools, "*"):
		return nil, denied(fmt.Sprintf("%s: %.100s", wasmhost.CapabilityTools, name))
	case a.config.Services.Tools == nil:
		return nil, abi.Unavailable
	}
	value, err := a.config.Services.Tools.CallTool(ctx, name, args)
	switch {
	case err != nil:
		return nil, a.unlessOver(ctx, err)
	case !json.Valid(value):
		return nil, fmt.Errorf("tool %q answers with no JSON", name)
	}
	return value, nil
}

// unlessOver is the error of a service, which has no meaning once it was
// interrupted by Close.
func (a *attempt) unlessOver(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errEnded
	}
	return err
}

// size is how many bytes follow, -1 if that is not said.
func (r *request) size() int64 {
	size := int64(-1)
	r.decode("size", "number of bytes", &size)
	if r.err == nil && (size < 0 || size == math.MaxInt64) {
		r.fail(invalid(`op "file_put" wants "size", the number of bytes that follow its line`))
	}
	return size
}
