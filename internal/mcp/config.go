package mcp

import (
	"cmp"
	"encoding/json"
	"log/slog"
	"runtime"
	"time"

	"github.com/graflow/graflow-wasm/script"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// Config configures a Server.
type Config struct {
	// Sandbox runs code. It is not closed with the server. Required.
	Sandbox *script.Sandbox
	// Languages are those that clients may use. Nil: all whose interpreters the
	// program has.
	Languages []script.Language
	// Modules are served as tools, beside run_code.
	Modules []Module
	// Limits bound every call. A zero field means that of [DefaultLimits]. A call may
	// ask for less time.
	Limits wasmhost.Limits
	// HTTP and HTTPNetworks are where code and modules may send requests, as in
	// wasmhost.Grants. They are granted nothing else.
	HTTP, HTTPNetworks []string
	// Check validates a value against a JSON Schema, both JSON, for the arguments of
	// modules' tools. nil: modules check for themselves.
	Check func(schema, value json.RawMessage) error

	// Concurrency is how many calls run at once. 0: one for each processor, but at
	// least 2.
	Concurrency int
	// Waiting is how many more may wait for their turn; others are refused as busy.
	// 0: 256.
	Waiting int
	// Clients is how many may be connected at once by HTTP. 0: 1000.
	Clients int
	// Sessions bounds what is kept for clients between calls.
	Sessions SessionLimits
	// Grace is how long calls may go on once the server is to end. 0: 5 seconds.
	Grace time.Duration
	// Version is that of the program, which clients are told.
	Version string
	// Logger receives what concerns the server, never what code prints. nil:
	// slog.Default.
	Logger *slog.Logger
}

// SessionLimits bound the named sessions of clients. Where one is exceeded the session
// that was not used for longest goes, of those that no call uses.
type SessionLimits struct {
	Count      int           // of one client; 0: 16
	Bytes      int64         // of one client; 0: 256 MiB
	TotalBytes int64         // of all clients together; 0: 1 GiB
	Idle       time.Duration // what was not used for so long goes; 0: 30 minutes
}

// DefaultLimits are the limits of a call for which nobody sets any: those of
// [script.DefaultLimits], but 1 MiB of output and 128 KiB of printed text, since a
// model is to read it.
func DefaultLimits() wasmhost.Limits {
	l := script.DefaultLimits()
	l.OutputBytes, l.LogBytes = 1<<20, 128<<10
	return l
}

func (c Config) withDefaults() Config {
	d := DefaultLimits()
	c.Limits.Timeout = cmp.Or(c.Limits.Timeout, d.Timeout)
	c.Limits.Memory = cmp.Or(c.Limits.Memory, d.Memory)
	c.Limits.OutputBytes = cmp.Or(c.Limits.OutputBytes, d.OutputBytes)
	c.Limits.LogBytes = cmp.Or(c.Limits.LogBytes, d.LogBytes)
	c.Limits.DiskBytes = cmp.Or(c.Limits.DiskBytes, d.DiskBytes)
	c.Concurrency = cmp.Or(c.Concurrency, max(2, runtime.GOMAXPROCS(0)))
	c.Waiting = cmp.Or(c.Waiting, 256)
	c.Clients = cmp.Or(c.Clients, 1000)
	c.Sessions.Count = cmp.Or(c.Sessions.Count, 16)
	c.Sessions.Bytes = cmp.Or(c.Sessions.Bytes, 256<<20)
	c.Sessions.TotalBytes = cmp.Or(c.Sessions.TotalBytes, 1<<30)
	c.Sessions.Idle = cmp.Or(c.Sessions.Idle, 30*time.Minute)
	c.Grace = cmp.Or(c.Grace, 5*time.Second)
	c.Version = cmp.Or(c.Version, "devel")
	c.Logger = cmp.Or(c.Logger, slog.Default())
	return c
}
