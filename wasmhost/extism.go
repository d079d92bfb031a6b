package wasmhost

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost/internal/egress"
	"github.com/graflow/graflow-wasm/wasmhost/internal/extism"
	"github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin"
)

// isExtismTask tells a plug-in's functions from what its toolchain exports.
func isExtismTask(name string, f wasmbin.FuncType) bool {
	switch {
	case slices.Contains([]string{"hs_init", "_initialize", "malloc"}, name),
		strings.HasPrefix(name, "__"), strings.HasPrefix(name, "asyncify_"), len(f.Params) > 0:
		return false
	}
	return len(f.Results) == 0 || slices.Equal(f.Results, []wasmbin.ValueType{wasmbin.I32})
}

// extismInitializers are what to call before an export of a plug-in.
func (m *Module) extismInitializers(export string) []extism.Call {
	return extism.Initializers(export, func(name string) (int, bool) {
		f, found := m.starters[name]
		return f.Params, found
	})
}

// extismCapability is the word for a function of the kernel.
func extismCapability(name string) string {
	switch {
	case strings.HasPrefix(name, "http_"):
		return CapabilityHTTP
	case strings.HasPrefix(name, "log_") || name == "get_log_level":
		return CapabilityLog
	case strings.HasPrefix(name, "var_") || name == "config_get":
		return CapabilityConfig
	}
	return CapabilityIO
}

// openExtism makes what the kernel's functions work on.
func (a *attempt) openExtism() {
	a.extism = extism.New(extism.Config{
		Input:       stdin(a.input),
		Config:      a.opt.Grants.Config,
		KernelBytes: a.opt.Limits.Memory,
		MaxOutput:   a.opt.Limits.OutputBytes,
		HTTP:        a.extismHTTP(),
		Log:         func(level slog.Level, line string) { a.lines.Add(level, []byte(line)) },
		LogLevel:    extism.LevelTrace,
	})
}

// extismTrap is why the kernel ended a plug-in.
func (a *attempt) extismTrap(ctx context.Context, t *extism.Trap) *TrapError {
	var denied *egress.DeniedError
	switch {
	case ctx.Err() != nil:
		return a.interrupted(ctx)
	case errors.As(t, &denied):
		return a.trapError(KindDenied, t.Error(), &DeniedError{Capability: CapabilityHTTP + ": " + denied.Error()})
	case errors.Is(t, abi.Denied):
		return a.trapError(KindDenied, t.Error(), &DeniedError{Capability: CapabilityHTTP})
	}
	return a.trapError(KindTrap, t.Error(), t)
}

// extismHTTP is nil without the grant.
func (a *attempt) extismHTTP() func(context.Context, abi.HTTPRequest) (abi.HTTPResponse, error) {
	if len(a.opt.Grants.HTTP) == 0 {
		return nil
	}
	return a.fetch
}

// text makes JSON of what a command or plug-in wrote: its own if it is JSON,
// else a string.
func (a *attempt) text(what string, written []byte) (json.RawMessage, error) {
	switch {
	case len(written) == 0:
		return json.RawMessage("null"), nil
	case !utf8.Valid(written):
		return nil, a.trapError(KindInvalidOutput, what+" is neither JSON nor UTF-8 text, it begins "+beginning(written), nil)
	case json.Valid(written):
		return bytes.Clone(written), nil
	}
	return json.Marshal(string(written))
}
