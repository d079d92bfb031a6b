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

// enterChild is for what a host has to do first in the main function.
func enterChild() { wasmhost.Child() }

// host is the host that is tested.
type host struct{ wasm *wasmhost.Host }

func openHost(ctx context.Context, limits gauntlet.Limits) (host, error) {
	h, err := wasmhost.New(ctx, wasmhost.Config{
		CompileLimits: wasmhost.CompileLimits{CPU: limits.Compile, Wall: limits.Compile},
		Logger:        slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	return host{h}, err
}

func (h host) close(ctx context.Context) error { return h.wasm.Close(ctx) }

// compile answers with the reason if the module is refused.
func (h host) compile(ctx context.Context, wasm []byte) (m module, refused string, err error) {
	compiled, err := h.wasm.Compile(ctx, wasm)
	var bad *wasmhost.ModuleError
	if errors.As(err, &bad) {
		return module{}, err.Error(), nil
	}
	return module{compiled}, "", err
}

type module struct{ wasm *wasmhost.Module }

// call runs one export and tells how it ended: a kind, or "" if it ended well.
func (m module) call(ctx context.Context, c gauntlet.Case, export string, g grounds) (kind, detail string, err error) {
	if c.Setup.Describe {
		ctx, cancel := context.WithTimeout(ctx, c.Limits.Timeout)
		defer cancel()
		_, err = m.wasm.Tasks(ctx)
	} else {
		_, err = m.wasm.Call(ctx, export, []byte(g.input), options(c, g))
	}
	var trap *wasmhost.TrapError
	var syntax *json.SyntaxError
	var shape *json.UnmarshalTypeError
	switch {
	case err == nil:
		return "", "", nil
	case errors.As(err, &trap):
		return trap.Kind, trap.Message, nil
	case c.Setup.Describe && (errors.As(err, &syntax) || errors.As(err, &shape)):
		return wasmhost.KindInvalidOutput, err.Error(), nil
	}
	return "", "", err
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

// healthy runs a harmless module on a host that was attacked.
func (h host) healthy(ctx context.Context) error {
	for _, c := range gauntlet.Cases() {
		if c.Name != "control/empty" {
			continue
		}
		m, refused, err := h.compile(ctx, c.Module())
		if err != nil || refused != "" {
			return errors.Join(err, errors.New("the host no longer admits a harmless module: "+refused))
		}
		c.Limits.Timeout = 10 * time.Second
		kind, detail, err := m.call(ctx, c, c.Exports[0], grounds{})
		if kind != "" {
			return errors.New("the host no longer runs a harmless module: " + kind + ": " + detail)
		}
		return err
	}
	return errors.New("no harmless module")
}
