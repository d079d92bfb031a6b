package cases

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/graflow/graflow-wasm/bench/internal/peer"
	"github.com/graflow/graflow-wasm/wasmhost"
	"github.com/tetratelabs/wazero"
)

// stopper runs an export until its time is over, and says what ended it.
type stopper func(ctx context.Context, export string, limit time.Duration) (by string, err error)

// stopperOn loads a module into a host that is to stop it.
func stopperOn(ctx context.Context, host, file string) (stopper, error) {
	if host == hostGo {
		return func(context.Context, string, time.Duration) (string, error) {
			for { //nolint:revive,staticcheck // it is to spin
			}
		}, nil
	}
	wasm, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if host == hostOurs {
		return oursStops(ctx, wasm)
	}
	w, err := peer.NewWazero(ctx, wasm, host == hostStops)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, export string, limit time.Duration) (string, error) {
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		m, err := w.Instance(ctx, wazero.NewModuleConfig().WithSysNanosleep())
		if err != nil {
			return "", err
		}
		defer closing(ctx, m.Close)
		_, err = m.ExportedFunction(export).Call(ctx)
		if err == nil {
			return "", errEnded
		}
		if ctx.Err() != nil {
			return "timeout", nil
		}
		return "stack", nil // its text is a stack overflow's; nothing else ends these programs
	}, nil
}

var errEnded = errors.New("a program without an end has ended")

func oursStops(ctx context.Context, wasm []byte) (stopper, error) {
	h, err := wasmhost.New(ctx, wasmhost.Config{})
	if err != nil {
		return nil, err
	}
	m, err := h.Compile(ctx, wasm)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, export string, limit time.Duration) (string, error) {
		_, err := m.Call(ctx, export, nil, wasmhost.Options{Limits: wasmhost.Limits{Timeout: limit}})
		var trap *wasmhost.TrapError
		if !errors.As(err, &trap) || trap.Kind != wasmhost.KindTimeout && trap.Kind != wasmhost.KindStack {
			return "", fmt.Errorf("%w: %w", errEnded, err)
		}
		return trap.Kind, nil
	}, nil
}
