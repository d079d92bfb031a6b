package script

import (
	"log/slog"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost"
)

// Config configures a Sandbox. The zero value is usable.
type Config struct {
	// Host runs the interpreters. It is not closed with the sandbox. Compiling one
	// takes seconds, which a host allows if the program has called wasmhost.Child, or
	// the host's configuration trusts it. nil: a host of the sandbox's own, which does,
	// closed with it.
	Host *wasmhost.Host
	// CacheDir keeps what was compiled, so that only the first process ever has to
	// wait for it (Python: some seconds). It is used without Host only. Empty:
	// graflow-wasm in the user's cache directory, or memory if there is none.
	CacheDir string
	// Open finds an interpreter by its name, "python" or "javascript". It is called
	// once for each, when it is first needed, and again if it failed. nil:
	// runtimes.Open, which has those that were built into the program.
	Open func(name string) (Runtime, error)
	// Defaults are the limits of a run that does not say. A zero field means that of
	// [DefaultLimits].
	Defaults wasmhost.Limits
	// Most caps the limits of every run, defaults included. A zero field caps nothing.
	Most wasmhost.Limits
	// Own is told of each interpreter by its digest before it is compiled: Host may
	// want to know which modules came with the program. It may be told again. nil:
	// nobody is.
	Own func(digest string)
	// Quarantine knows which code is not to be run. nil: all code is.
	Quarantine Quarantine
	// Logger receives what concerns the sandbox, never what code prints. nil:
	// slog.Default.
	Logger *slog.Logger
}

// DefaultLimits are the limits of a run for which nobody sets any: 10 seconds,
// 256 MiB of memory, 16 MiB of output, 1 MiB of log and printed text, 64 MiB of
// files, and no limit of fuel. The rest are the defaults of wasmhost.
func DefaultLimits() wasmhost.Limits {
	return wasmhost.Limits{
		Timeout:     10 * time.Second,
		Memory:      256 << 20,
		OutputBytes: 16 << 20,
		LogBytes:    1 << 20,
		DiskBytes:   64 << 20,
	}
}

// limits are those of a run that asks for these.
func (c Config) limits(asked wasmhost.Limits) wasmhost.Limits {
	return filled(filled(asked, c.Defaults), DefaultLimits()).Within(c.Most)
}

// filled is limits with those of another where they are zero.
func filled(l, other wasmhost.Limits) wasmhost.Limits {
	if l.Timeout == 0 {
		l.Timeout = other.Timeout
	}
	for _, f := range []struct {
		field *int64
		other int64
	}{
		{&l.Fuel, other.Fuel},
		{&l.Memory, other.Memory},
		{&l.Stack, other.Stack},
		{&l.TableElements, other.TableElements},
		{&l.OutputBytes, other.OutputBytes},
		{&l.LogBytes, other.LogBytes},
		{&l.OpenFiles, other.OpenFiles},
		{&l.DiskBytes, other.DiskBytes},
		{&l.HostCalls, other.HostCalls},
		{&l.HTTPRequests, other.HTTPRequests},
		{&l.HTTPBytes, other.HTTPBytes},
		{&l.ChannelOps, other.ChannelOps},
	} {
		if *f.field == 0 {
			*f.field = f.other
		}
	}
	return l
}
