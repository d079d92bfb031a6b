package wasmhost

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"runtime/debug"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost/internal/cell"
	"github.com/graflow/graflow-wasm/wasmhost/internal/egress"
)

// request serves what a cell asks for on behalf of its guest.
func (v *visit) request(ctx context.Context, f cell.Frame) error {
	var ask cellRequest
	if json.Unmarshal(f.Header, &ask) != nil {
		return errProtocol
	}
	if v.asked++; v.asked > v.opt.Limits.HostCalls && ask.Op != opStdout && ask.Op != opStderr {
		return fmt.Errorf("%w: more requests than the call may make", errProtocol)
	}
	var answer cellAnswer
	var data []byte
	var err error
	v.told(ctx, ask.Op, func(ctx context.Context) int64 {
		data, answer, err = v.serve(ctx, ask, f.Data)
		return int64(answer.Code)
	})
	if errors.Is(err, errProtocol) {
		return err
	}
	if err != nil {
		v.refuse(err, &answer)
		answer.Ended = ctx.Err() != nil
	}
	if v.panicked != "" {
		answer = cellAnswer{Stop: &cellStop{Message: v.panicked}}
	}
	answer.Waited = v.waited()
	return v.link.write(frameAnswer, answer, data)
}

// serve has a service answer. A panic of it is the attempt's failure.
func (v *visit) serve(ctx context.Context, ask cellRequest, data []byte) (reply []byte, answer cellAnswer, err error) {
	defer func() {
		if r := recover(); r != nil {
			v.panic(ask.Op, r)
		}
	}()
	service := services[ask.Op]
	if service == nil || !v.may(ask.Op) || !utf8.ValidString(ask.Name) {
		return nil, answer, fmt.Errorf("%w: it asked for %q", errProtocol, ask.Op)
	}
	return service(v, ctx, ask.Name, data)
}

// refuse makes of a service's error what the guest is answered.
func (v *visit) refuse(err error, answer *cellAnswer) {
	var code abi.Code
	if errors.As(err, &code) && code < 0 && !errors.Is(err, ErrPaused) {
		answer.Code = code
		return
	}
	v.failed = err
	answer.Stop = &cellStop{
		Message: err.Error(), Paused: errors.Is(err, ErrPaused),
		Canceled: errors.Is(err, context.Canceled), Late: errors.Is(err, context.DeadlineExceeded),
	}
}

// may tells whether the call was granted what a request is of, and offers it.
func (v *visit) may(op string) bool {
	s, g := &v.opt.Services, &v.opt.Grants
	switch op {
	case abi.FuncResultGet:
		return s.Results != nil
	case abi.FuncChannelGet, abi.FuncChannelSet, abi.FuncChannelDelete, abi.FuncChannelAppend,
		abi.FuncChannelPrep, abi.FuncChannelAdd, abi.FuncChannelKeys:
		v.changes++
		return s.Channel != nil && g.allows(CapabilityChannel) && v.changes <= v.opt.Limits.ChannelOps
	case abi.FuncNextTask, abi.FuncNextIteration, abi.FuncTerminate, abi.FuncCancel, abi.FuncCheckpoint, abi.FuncPause:
		return s.Control != nil && g.allows(CapabilityControl)
	case abi.FuncSecretGet:
		return s.Secrets != nil && g.allows(CapabilitySecrets)
	case abi.FuncToolCall, abi.FuncToolCalls:
		return s.Tools != nil && g.allows(CapabilityTools)
	case abi.FuncHTTPRequest:
		return g.allows(CapabilityHTTP)
	case opStdout:
		return s.Stdout != nil
	case opStderr:
		return s.Stderr != nil
	}
	return false
}

// service answers one kind of request.
type service func(v *visit, ctx context.Context, name string, data []byte) ([]byte, cellAnswer, error)

// services are all requests that a cell may make.
var services = map[string]service{
	abi.FuncResultGet: asked(func(v *visit, ctx context.Context, name string) ([]byte, error) {
		return v.opt.Services.Results.Result(ctx, name)
	}),
	abi.FuncChannelGet: asked(func(v *visit, ctx context.Context, name string) ([]byte, error) {
		return v.opt.Services.Channel.Get(ctx, name)
	}),
	abi.FuncChannelKeys: asked(func(v *visit, ctx context.Context, name string) ([]byte, error) {
		keys, err := v.opt.Services.Channel.Keys(ctx, name)
		if err != nil {
			return nil, err
		}
		return json.Marshal(keys)
	}),
	abi.FuncChannelSet:    changed("set"),
	abi.FuncChannelDelete: changed("delete"),
	abi.FuncChannelAppend: changed("append"),
	abi.FuncChannelPrep:   changed("prepend"),
	abi.FuncChannelAdd:    changed("add"),

	abi.FuncNextTask: steered(func(c Control, ctx context.Context, _ string, data []byte) ([]byte, error) {
		var next abi.NextTask
		if json.Unmarshal(data, &next) != nil {
			return nil, errProtocol
		}
		return nil, c.NextTask(ctx, next)
	}),
	abi.FuncNextIteration: steered(func(c Control, ctx context.Context, _ string, data []byte) ([]byte, error) {
		return nil, c.NextIteration(ctx, data)
	}),
	abi.FuncTerminate: steered(func(c Control, ctx context.Context, name string, _ []byte) ([]byte, error) {
		return nil, c.Terminate(ctx, name)
	}),
	abi.FuncCancel: steered(func(c Control, ctx context.Context, name string, _ []byte) ([]byte, error) {
		return nil, c.Cancel(ctx, name)
	}),
	abi.FuncCheckpoint: steered(func(c Control, ctx context.Context, name string, data []byte) ([]byte, error) {
		return nil, c.Checkpoint(ctx, name, data)
	}),
	abi.FuncPause: steered(func(c Control, ctx context.Context, _ string, data []byte) ([]byte, error) {
		var pause abi.Pause
		if json.Unmarshal(data, &pause) != nil || pause.Check() != nil {
			return nil, errProtocol
		}
		return c.Pause(ctx, pause)
	}),
	abi.FuncSecretGet: asked(func(v *visit, ctx context.Context, name string) ([]byte, error) {
		if !slices.Contains(v.opt.Grants.Secrets, name) {
			return nil, fmt.Errorf("%w: it asked for a secret that was not granted", errProtocol)
		}
		return v.opt.Services.Secrets.Secret(ctx, name)
	}),
	abi.FuncToolCall:    (*visit).toolCall,
	abi.FuncToolCalls:   (*visit).toolCalls,
	abi.FuncHTTPRequest: (*visit).fetch,
	opStdout: func(v *visit, _ context.Context, _ string, data []byte) ([]byte, cellAnswer, error) {
		return nil, cellAnswer{}, v.print(v.opt.Services.Stdout.Write, data)
	},
	opStderr: func(v *visit, _ context.Context, _ string, data []byte) ([]byte, cellAnswer, error) {
		return nil, cellAnswer{}, v.print(v.opt.Services.Stderr.Write, data)
	},
}

// asked is a service that a name is all it takes.
func asked(answer func(v *visit, ctx context.Context, name string) ([]byte, error)) service {
	return func(v *visit, ctx context.Context, name string, _ []byte) ([]byte, cellAnswer, error) {
		data, err := answer(v, ctx, name)
		return data, cellAnswer{}, err
	}
}

// steered is a service of Control. Its payload is JSON, or nothing.
func steered(method func(c Control, ctx context.Context, name string, data []byte) ([]byte, error)) service {
	return func(v *visit, ctx context.Context, name string, data []byte) ([]byte, cellAnswer, error) {
		data, ok := payload(data)
		if !ok {
			return nil, cellAnswer{}, errProtocol
		}
		reply, err := method(v.opt.Services.Control, ctx, name, data)
		return reply, cellAnswer{}, err
	}
}

// changed is a service of the channel.
func changed(kind string) service {
	return func(v *visit, ctx context.Context, name string, data []byte) ([]byte, cellAnswer, error) {
		data, ok := payload(data)
		if !ok || (data == nil) != (kind == "delete") {
			return nil, cellAnswer{}, errProtocol
		}
		return nil, cellAnswer{}, v.opt.Services.Channel.Apply(ctx, ChannelOp{Kind: kind, Key: name, Value: data})
	}
}

// payload is JSON that a cell sent; nil if it is empty.
func payload(data []byte) ([]byte, bool) {
	if len(data) == 0 {
		return nil, true
	}
	return data, utf8.Valid(data) && json.Valid(data)
}

func (v *visit) mayCall(tool string) bool {
	return slices.Contains(v.opt.Grants.Tools, tool) || slices.Contains(v.opt.Grants.Tools, "*")
}

func (v *visit) toolCall(ctx context.Context, name string, data []byte) ([]byte, cellAnswer, error) {
	data, ok := payload(data)
	if !ok || !v.mayCall(name) {
		return nil, cellAnswer{}, fmt.Errorf("%w: it called a tool that was not granted", errProtocol)
	}
	value, err := v.opt.Services.Tools.CallTool(ctx, name, data)
	if failure, ok := errors.AsType[*abi.ToolError](err); ok {
		return nil, cellAnswer{Tool: failure}, nil
	}
	return value, cellAnswer{}, err
}

func (v *visit) toolCalls(ctx context.Context, _ string, data []byte) ([]byte, cellAnswer, error) {
	calls, code := readCalls(data)
	granted := !slices.ContainsFunc(calls, func(c abi.ToolCall) bool { return !v.mayCall(c.Name) })
	if code != 0 || !granted {
		return nil, cellAnswer{}, fmt.Errorf("%w: it called tools that were not granted", errProtocol)
	}
	answers, err := CallAll(ctx, v.opt.Services.Tools, calls)
	if err != nil {
		return nil, cellAnswer{}, err
	}
	reply, err := json.Marshal(answers)
	return reply, cellAnswer{}, err
}

// fetch sends a request of HTTP under the call's rules.
func (v *visit) fetch(ctx context.Context, _ string, data []byte) ([]byte, cellAnswer, error) {
	var request abi.HTTPRequest
	if json.Unmarshal(data, &request) != nil {
		return nil, cellAnswer{}, errProtocol
	}
	v.module.host.addHeaders(ctx, v.followed, &request)
	response, err := v.module.host.web.Do(ctx, v.rules, request, v.web)
	var code abi.Code
	denied, isDenied := errors.AsType[*egress.DeniedError](err)
	switch {
	case err == nil:
		reply, err := json.Marshal(response)
		return reply, cellAnswer{}, err
	case ctx.Err() != nil:
		return nil, cellAnswer{Failed: err.Error(), Ended: true}, nil
	case isDenied:
		return nil, cellAnswer{Denied: &cellDenied{Target: denied.Target, Why: denied.Why}}, nil
	case errors.As(err, &code) && code < 0:
		return nil, cellAnswer{Code: code}, nil
	}
	return nil, cellAnswer{Failed: err.Error()}, nil
}

// hear counts what is logged and printed. The cell drops what is too much, with a
// notice, which is beyond the limit.
func (v *visit) hear(data []byte) error {
	const notice = 4 << 10
	if v.said += int64(len(data)); v.said > v.opt.Limits.LogBytes+notice {
		return fmt.Errorf("%w: more output than the call may log", errProtocol)
	}
	return nil
}

func (v *visit) print(write func([]byte) (int, error), data []byte) error {
	if err := v.hear(data); err != nil {
		return err
	}
	n, err := write(data)
	if err == nil && n < len(data) {
		err = io.ErrShortWrite
	}
	return err
}

// log hands on a line. A panic of the embedder's ends the call with its cell.
func (v *visit) log(f cell.Frame) error {
	var line cellLog
	if json.Unmarshal(f.Header, &line) != nil {
		return errProtocol
	}
	if err := v.hear(f.Data); err != nil || v.opt.Services.Log == nil {
		return err
	}
	return v.guarded(abi.FuncLog, func() {
		v.opt.Services.Log(slog.Level(line.Level), string(bytes.ToValidUTF8(f.Data, []byte("\uFFFD"))))
	})
}

func (v *visit) progress(f cell.Frame) error {
	var p cellProgress
	if json.Unmarshal(f.Header, &p) != nil || math.IsNaN(p.Done-p.Done) || math.IsNaN(p.Total-p.Total) {
		return errProtocol
	}
	if v.opt.Services.Progress == nil {
		return nil
	}
	return v.guarded(abi.FuncProgress, func() { v.opt.Services.Progress(p.Done, p.Total, p.Note) })
}

// guarded runs what the embedder offers.
func (v *visit) guarded(name string, run func()) error {
	defer func() {
		if r := recover(); r != nil {
			v.panic(name, r)
		}
	}()
	run()
	return nil
}

// panic notes a panic of the embedder's, which ends the call when the cell next asks
// for something, or has ended.
func (v *visit) panic(name string, r any) {
	v.module.host.config.Logger.Error("host function panicked", "module", v.opt.Name, "function", name, "err", r, "stack", string(debug.Stack()))
	v.panicked = fmt.Sprintf("host function %s panicked: %v", name, r)
}

// told serves a request, and tells the probe of it if that follows the call.
func (v *visit) told(ctx context.Context, name string, run func(context.Context) int64) {
	probe := &v.module.host.config.Probe
	switch {
	case !v.followed:
		run(ctx)
	case waits[name] && probe.HostCall != nil:
		inner, ended := probe.HostCall(ctx, name)
		answer := run(inner)
		if ended != nil {
			ended(answer, v.failed != nil)
		}
	default:
		began := time.Now()
		run(ctx)
		if took := time.Since(began); took >= slowCall && probe.Slow != nil {
			probe.Slow(ctx, name, began, took)
		}
	}
}
