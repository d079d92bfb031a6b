package peer

import (
	"context"

	"github.com/graflow/graflow-wasm/wasmhost"
)

// Ours runs an export on wasmhost, which resets one sandbox from a snapshot.
func Ours(ctx context.Context, host *wasmhost.Host, wasm []byte, export string) (*wasmhost.Module, Worker, error) {
	m, err := host.Compile(ctx, wasm)
	if err != nil {
		return nil, nil, err
	}
	opt := wasmhost.Options{Limits: wasmhost.Limits{Timeout: Timeout}}
	return m, func(ctx context.Context, input []byte) ([]byte, error) {
		r, err := m.Call(ctx, export, input, opt)
		return r.Output, err
	}, nil
}
