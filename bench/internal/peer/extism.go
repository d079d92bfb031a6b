package peer

import (
	"context"

	"github.com/extism/go-sdk"
)

// Extism is a plug-in on the Extism Go SDK, compiled once.
type Extism struct {
	compiled *extism.CompiledPlugin
}

// NewExtism compiles a plug-in. With stops, the manifest has a timeout.
func NewExtism(ctx context.Context, wasm []byte, stops bool) (*Extism, error) {
	manifest := extism.Manifest{Wasm: []extism.Wasm{extism.WasmData{Data: wasm}}}
	if stops {
		manifest.Timeout = uint64(Timeout.Milliseconds())
	}
	compiled, err := extism.NewCompiledPlugin(ctx, manifest, extism.PluginConfig{EnableWasi: true}, nil)
	return &Extism{compiled: compiled}, err
}

// Close lets go of the plug-in.
func (e *Extism) Close(ctx context.Context) error { return e.compiled.Close(ctx) }

// Fresh makes an instance for every task.
func (e *Extism) Fresh(export string) Worker {
	return func(ctx context.Context, input []byte) ([]byte, error) {
		p, err := e.compiled.Instance(ctx, extism.PluginInstanceConfig{})
		if err != nil {
			return nil, err
		}
		output, err := callExtism(ctx, p, export, input)
		if closing := p.CloseWithContext(ctx); err == nil {
			err = closing
		}
		return output, err
	}
}

// Reused makes one instance and leaves in it what tasks leave.
func (e *Extism) Reused(ctx context.Context, export string) (Worker, error) {
	p, err := e.compiled.Instance(ctx, extism.PluginInstanceConfig{})
	return func(ctx context.Context, input []byte) ([]byte, error) {
		return callExtism(ctx, p, export, input)
	}, err
}

func callExtism(ctx context.Context, p *extism.Plugin, export string, input []byte) ([]byte, error) {
	status, output, err := p.CallWithContext(ctx, export, input)
	if err != nil {
		return nil, err
	}
	if status != 0 {
		return nil, failure{int32(status), ""}
	}
	return output, nil
}
