package inside

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// servicesOf answer a guest by asking the host. What the host refuses is the
// guest's abi.Code; a host that is gone ends the guest.
func servicesOf(ctx context.Context, host *client) (wasmhost.Services, error) {
	s := service{host}
	meta, err := host.ask(ctx, abi.Request{Op: abi.FuncMeta})
	if err != nil {
		return wasmhost.Services{}, err
	}
	var m abi.Meta
	if err := json.Unmarshal(meta, &m); err != nil {
		return wasmhost.Services{}, fmt.Errorf("read the attempt's meta: %w", err)
	}
	return wasmhost.Services{
		Meta: &m, Results: s, Channel: s, Control: s, Secrets: s, Tools: s,
		Log: func(level slog.Level, line string) {
			_ = s.do(ctx, abi.Request{Op: abi.FuncLog, Level: level.String(), Message: line})
		},
		Progress: func(done, total float64, note string) {
			_ = s.do(ctx, abi.Request{Op: abi.FuncProgress, Done: done, Total: total, Note: note})
		},
	}, nil
}

// service is every service at once, over one connection.
type service struct{ host *client }

var (
	_ wasmhost.Results = service{}
	_ wasmhost.Channel = service{}
	_ wasmhost.Control = service{}
	_ wasmhost.Secrets = service{}
	_ wasmhost.Tools   = service{}
)

// do sends a request whose answer has no value.
func (s service) do(ctx context.Context, r abi.Request) error {
	_, err := s.host.ask(ctx, r)
	return err
}

func (s service) Result(ctx context.Context, id string) (json.RawMessage, error) {
	return s.host.ask(ctx, abi.Request{Op: abi.FuncResultGet, ID: id})
}

func (s service) Get(ctx context.Context, key string) (json.RawMessage, error) {
	return s.host.ask(ctx, abi.Request{Op: abi.FuncChannelGet, Key: &key})
}

func (s service) Keys(ctx context.Context, prefix string) ([]string, error) {
	value, err := s.host.ask(ctx, abi.Request{Op: abi.FuncChannelKeys, Prefix: prefix})
	if err != nil {
		return nil, err
	}
	var keys []string
	err = json.Unmarshal(value, &keys)
	return keys, err
}

func (s service) Apply(ctx context.Context, op wasmhost.ChannelOp) error {
	return s.do(ctx, abi.Request{Op: "channel_" + op.Kind, Key: &op.Key, Value: op.Value})
}

func (s service) NextTask(ctx context.Context, n abi.NextTask) error {
	return s.do(ctx, abi.Request{Op: abi.FuncNextTask, ID: n.ID, Handler: n.Handler, Spec: n.Spec, Input: n.Input, Goto: n.Goto})
}

func (s service) NextIteration(ctx context.Context, data json.RawMessage) error {
	return s.do(ctx, abi.Request{Op: abi.FuncNextIteration, Data: data})
}

func (s service) Terminate(ctx context.Context, message string) error {
	return s.do(ctx, abi.Request{Op: abi.FuncTerminate, Message: message})
}

func (s service) Cancel(ctx context.Context, message string) error {
	return s.do(ctx, abi.Request{Op: abi.FuncCancel, Message: message})
}

func (s service) Checkpoint(ctx context.Context, name string, meta json.RawMessage) error {
	return s.do(ctx, abi.Request{Op: abi.FuncCheckpoint, Name: name, Meta: meta})
}

func (s service) Pause(ctx context.Context, p abi.Pause) (json.RawMessage, error) {
	r := abi.Request{
		Op: abi.FuncPause, Name: p.Name, Message: p.Message, Schema: p.Schema,
		Timeout: p.Timeout, Default: p.Default, Until: p.Until, After: p.After,
	}
	answer, err := s.host.ask(ctx, r)
	if refused := (*refusal)(nil); errors.As(err, &refused) && refused.Answer.Error == abi.WordPaused {
		return nil, wasmhost.ErrPaused
	}
	return answer, err
}

func (s service) Secret(ctx context.Context, name string) ([]byte, error) {
	value, err := s.host.ask(ctx, abi.Request{Op: abi.FuncSecretGet, Name: name})
	if err != nil {
		return nil, err
	}
	return secretBytes(value)
}

// secretBytes reads the answer of secret_get.
func secretBytes(value json.RawMessage) ([]byte, error) {
	var text *string
	if json.Unmarshal(value, &text) == nil && text != nil {
		return []byte(*text), nil
	}
	var b abi.Binary
	if err := json.Unmarshal(value, &b); err != nil {
		return nil, fmt.Errorf("read a secret: %w", err)
	}
	return b.Base64, nil
}

func (s service) CallTool(ctx context.Context, name string, args json.RawMessage) (json.RawMessage, error) {
	return s.host.ask(ctx, abi.Request{Op: abi.FuncToolCall, Name: name, Args: args})
}
