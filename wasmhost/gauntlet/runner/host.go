package runner

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost"
	"github.com/graflow/graflow-wasm/wasmhost/gauntlet"
)

// wasmHost is our own host.
type wasmHost struct{ *wasmhost.Host }

func openWasmHost(ctx context.Context, limits gauntlet.Limits) (host, error) {
	h, err := wasmhost.New(ctx, wasmhost.Config{
		CompileLimits: wasmhost.CompileLimits{CPU: limits.Compile, Wall: 3 * limits.Compile}, // on a busy machine
		Isolate:       func(string) bool { return isolated() },
		Cells:         wasmhost.CellConfig{Max: 128, Kills: -1}, // as many as a case has calls at once; and none is spared another
		Logger:        slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	return wasmHost{h}, err
}

func (h wasmHost) close(ctx context.Context) error { return h.Close(ctx) }

func (h wasmHost) compile(ctx context.Context, wasm []byte) (m module, refused string, err error) {
	compiled, err := h.Compile(ctx, wasm)
	var bad *wasmhost.ModuleError
	if errors.As(err, &bad) {
		return nil, err.Error(), nil
	}
	return wasmModule{compiled}, "", err
}

// isolated tells whether guests run in cells.
func isolated() bool { return os.Getenv(isolatedVariable) != "" }

type wasmModule struct{ *wasmhost.Module }

func (m wasmModule) call(ctx context.Context, c gauntlet.Case, export string, g grounds) (end ending, err error) {
	if c.Setup.Describe {
		ctx, cancel := context.WithTimeout(ctx, c.Limits.Timeout)
		defer cancel()
		_, err = m.Tasks(ctx)
	} else {
		start := time.Now()
		var result wasmhost.Result
		result, err = m.Call(ctx, export, []byte(g.input), options(c, g))
		if isolated() {
			end.waited = time.Since(start) - result.Ledger.Wall
		}
	}
	var trap *wasmhost.TrapError
	var syntax *json.SyntaxError
	var shape *json.UnmarshalTypeError
	switch {
	case err == nil:
		return end, nil
	case errors.As(err, &trap):
		end.kind, end.detail = trap.Kind, trap.Message
		return end, nil
	case c.Setup.Describe && (errors.As(err, &syntax) || errors.As(err, &shape)):
		end.kind, end.detail = wasmhost.KindInvalidOutput, err.Error()
		return end, nil
	}
	return end, err
}

func options(c gauntlet.Case, g grounds) wasmhost.Options {
	l := c.Limits
	grants := wasmhost.Grants{Env: c.Setup.Env, HTTPNetworks: c.Setup.Networks}
	for _, h := range c.Setup.HTTP {
		grants.HTTP = append(grants.HTTP, g.fill(h))
	}
	if c.Setup.Denied {
		no := false
		grants.Channel, grants.Control = &no, &no
	}
	switch c.Setup.Mount {
	case gauntlet.MountReadOnly:
		grants.Mounts = []wasmhost.Mount{{Guest: "/data", Host: g.data}}
	case gauntlet.MountWritable:
		grants.Mounts = []wasmhost.Mount{{Guest: "/data", Host: g.data, Writable: true}}
	case gauntlet.MountMemory:
		grants.Mounts = []wasmhost.Mount{{Guest: "/data", Memory: true}}
	}
	return wasmhost.Options{
		Name: strings.ReplaceAll(c.Name, "/", "-"),
		Limits: wasmhost.Limits{
			Fuel: l.Fuel, Timeout: l.Timeout, Memory: l.Memory, Stack: l.Stack, TableElements: l.TableElements,
			OutputBytes: l.OutputBytes, LogBytes: l.LogBytes, OpenFiles: l.OpenFiles, DiskBytes: l.DiskBytes,
			HostCalls: l.HostCalls, HTTPRequests: l.HTTPRequests, HTTPBytes: l.HTTPBytes, ChannelOps: l.ChannelOps,
		},
		Grants: grants,
		Services: wasmhost.Services{
			Meta:    &abi.Meta{Run: "gauntlet", Task: c.Group, Attempt: 1, MaxAttempts: 1, Cycle: 1},
			Results: noResults{}, Channel: &channel{}, Control: &control{},
			Log: func(slog.Level, string) {}, Progress: func(float64, float64, string) {},
		},
	}
}

// noResults answers result_get.
type noResults struct{}

func (noResults) Result(context.Context, string) (json.RawMessage, error) { return nil, abi.NotFound }
