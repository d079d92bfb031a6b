package wasmhost

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost/internal/cell"
	"github.com/graflow/graflow-wasm/wasmhost/internal/egress"
)

// proxy is the services of one call in a cell: it asks the host for each. The
// context of a method is that of the call, which the host has too: what it cancels it
// answers.
type proxy struct {
	id      uint64 // of the call
	inmate  *inmate
	ended   <-chan struct{} // the context of the call has
	cancel  context.CancelCauseFunc
	answers chan cell.Frame
	waited  atomic.Int64
}

var (
	_ Results   = (*proxy)(nil)
	_ Channel   = (*proxy)(nil)
	_ Control   = (*proxy)(nil)
	_ Secrets   = (*proxy)(nil)
	_ ToolBatch = (*proxy)(nil)
)

// services are those that the host offers.
func (p *proxy) services(call *cellCall) Services {
	s := Services{Meta: call.Meta, fetch: p.fetch}
	o := call.Offers
	if o.Results {
		s.Results = p
	}
	if o.Channel {
		s.Channel = p
	}
	if o.Control {
		s.Control = p
	}
	if o.Secrets {
		s.Secrets = p
	}
	if o.Tools {
		s.Tools = p
	}
	if o.Log {
		s.Log = p.log
	}
	if o.Progress {
		s.Progress = p.progress
	}
	if o.Stdout {
		s.Stdout = printer{p, opStdout}
	}
	if o.Stderr {
		s.Stderr = printer{p, opStderr}
	}
	if o.Waited {
		s.Waited = func() time.Duration { return time.Duration(p.waited.Load()) }
	}
	return s
}

// ask makes one request. Answers are those of the host's service, as errors too.
func (p *proxy) ask(op, name string, data []byte) (json.RawMessage, error) {
	reply, _, err := p.inquire(op, name, data)
	return reply, err
}

func (p *proxy) inquire(op, name string, data []byte) (json.RawMessage, cellAnswer, error) {
	if err := p.inmate.write(frameRequest, cellRequest{Op: op, Name: name}, data); err != nil {
		return nil, cellAnswer{}, err
	}
	f := <-p.answers
	var answer cellAnswer
	if err := json.Unmarshal(f.Header, &answer); err != nil {
		return nil, answer, err
	}
	p.waited.Store(int64(answer.Waited))
	if answer.Ended { // what is so for the host is about to be so here
		<-p.ended
	}
	switch {
	case answer.Stop != nil:
		return nil, answer, &serviceError{*answer.Stop}
	case answer.Tool != nil:
		return nil, answer, answer.Tool
	case answer.Code < 0:
		return nil, answer, answer.Code
	}
	return f.Data, answer, nil
}

// serviceError is the failure of a service that the host has.
type serviceError struct{ stop cellStop }

func (e *serviceError) Error() string { return e.stop.Message }

// Is finds what the host finds in it, and what tells the host that it is its own.
func (e *serviceError) Is(target error) bool {
	switch target {
	case errService:
		return true
	case ErrPaused:
		return e.stop.Paused
	case context.Canceled:
		return e.stop.Canceled
	case context.DeadlineExceeded:
		return e.stop.Late
	}
	return false
}

func (p *proxy) Result(_ context.Context, id string) (json.RawMessage, error) {
	return p.ask(abi.FuncResultGet, id, nil)
}

func (p *proxy) Get(_ context.Context, key string) (json.RawMessage, error) {
	return p.ask(abi.FuncChannelGet, key, nil)
}

func (p *proxy) Keys(_ context.Context, prefix string) (keys []string, err error) {
	reply, err := p.ask(abi.FuncChannelKeys, prefix, nil)
	if err == nil {
		err = json.Unmarshal(reply, &keys)
	}
	return keys, err
}

// channelOps are the requests that change a channel.
var channelOps = map[string]string{
	"set": abi.FuncChannelSet, "delete": abi.FuncChannelDelete, "append": abi.FuncChannelAppend,
	"prepend": abi.FuncChannelPrep, "add": abi.FuncChannelAdd,
}

func (p *proxy) Apply(_ context.Context, op ChannelOp) error {
	_, err := p.ask(channelOps[op.Kind], op.Key, op.Value)
	return err
}

func (p *proxy) NextTask(_ context.Context, next abi.NextTask) error {
	data, err := json.Marshal(next)
	if err == nil {
		_, err = p.ask(abi.FuncNextTask, "", data)
	}
	return err
}

func (p *proxy) NextIteration(_ context.Context, data json.RawMessage) error {
	_, err := p.ask(abi.FuncNextIteration, "", data)
	return err
}

func (p *proxy) Terminate(_ context.Context, message string) error {
	_, err := p.ask(abi.FuncTerminate, message, nil)
	return err
}

func (p *proxy) Cancel(_ context.Context, message string) error {
	_, err := p.ask(abi.FuncCancel, message, nil)
	return err
}

func (p *proxy) Checkpoint(_ context.Context, name string, meta json.RawMessage) error {
	_, err := p.ask(abi.FuncCheckpoint, name, meta)
	return err
}

func (p *proxy) Pause(_ context.Context, pause abi.Pause) (json.RawMessage, error) {
	data, err := json.Marshal(pause)
	if err != nil {
		return nil, err
	}
	return p.ask(abi.FuncPause, "", data)
}

func (p *proxy) Secret(_ context.Context, name string) ([]byte, error) {
	return p.ask(abi.FuncSecretGet, name, nil)
}

func (p *proxy) CallTool(_ context.Context, name string, args json.RawMessage) (json.RawMessage, error) {
	return p.ask(abi.FuncToolCall, name, args)
}

func (p *proxy) CallTools(_ context.Context, calls []abi.ToolCall) (answers []abi.ToolAnswer, err error) {
	data, err := json.Marshal(calls)
	if err != nil {
		return nil, err
	}
	reply, err := p.ask(abi.FuncToolCalls, "", data)
	if err == nil {
		err = json.Unmarshal(reply, &answers)
	}
	return answers, err
}

// fetch has the host send a request.
func (p *proxy) fetch(_ context.Context, request abi.HTTPRequest) (response abi.HTTPResponse, err error) {
	data, err := json.Marshal(request)
	if err != nil {
		return response, err
	}
	reply, answer, err := p.inquire(abi.FuncHTTPRequest, "", data)
	switch {
	case err != nil:
		return response, err
	case answer.Denied != nil:
		return response, &egress.DeniedError{Target: answer.Denied.Target, Why: answer.Denied.Why}
	case answer.Failed != "":
		return response, errors.New(answer.Failed)
	}
	return response, json.Unmarshal(reply, &response)
}

func (p *proxy) log(level slog.Level, line string) {
	p.tell(frameLog, cellLog{Level: int(level)}, []byte(line))
}

func (p *proxy) progress(done, total float64, note string) {
	p.tell(frameProgress, cellProgress{Done: done, Total: total, Note: note}, nil)
}

// tell sends what has no answer. If it can't be sent, nothing that follows can.
func (p *proxy) tell(kind byte, header any, data []byte) { _ = p.inmate.write(kind, header, data) }

// printer hands on what a guest prints.
type printer struct {
	p  *proxy
	op string
}

func (w printer) Write(b []byte) (int, error) {
	if _, err := w.p.ask(w.op, "", b); err != nil {
		return 0, err
	}
	return len(b), nil
}
