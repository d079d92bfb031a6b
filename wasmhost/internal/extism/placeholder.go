// Package extism: placeholder so that package wasmhost builds.
//
// To be removed by the author of the kernel, who puts the real package here. The
// names below are what package wasmhost uses.
package extism

import (
	"context"
	"log/slog"

	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/tetratelabs/wazero/api"
)

type Trap struct{}

func (*Trap) Error() string { return "" }

type Function struct {
	Name            string
	Params, Results []api.ValueType
	Run             func(ctx context.Context, s *State, args []uint64)
}

func Functions() []Function { return nil }

type (
	State  struct{}
	Config struct {
		Input     []byte
		Config    map[string]string
		HTTP      func(context.Context, abi.HTTPRequest) (abi.HTTPResponse, error)
		Log       func(slog.Level, string)
		MaxOutput int64
	}
)

func New(Config) *State       { return nil }
func (*State) Output() []byte { return nil }
func (*State) Err() string    { return "" }
