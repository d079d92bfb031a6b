package lines

import (
	"context"
	"encoding/json"
	"io"
	"time"

	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// Defaults of Limits.
const (
	DefaultHostCalls   = 100_000
	DefaultChannelOps  = 100_000
	DefaultOutputBytes = 16 << 20
	DefaultDiskBytes   = 64 << 20
)

// Names in Config.Dir.
const (
	SocketName  = "socket"
	ResultName  = "result"
	EffectsName = "effects"
)

// Config says what one attempt is answered with.
type Config struct {
	// Dir is where the socket and the FIFOs are made, with mode 0666. They must
	// not exist. The path of the socket is at most 107 bytes long.
	Dir string
	// Input is the attempt's input, JSON. nil: null.
	Input json.RawMessage
	// Services answer requests by the rules of wasmhost.Services: a nil field is
	// unavailable, an abi.Code goes to the task, wasmhost.ErrPaused and any other
	// error end the attempt. Channel, Control, Results, Log and Progress are
	// called one at a time; Secrets, Tools and Files at the same time as those and
	// each other. Log is called with at most abi.LineBytes at a time; bounding
	// all of them together is the callee's.
	Services wasmhost.Services
	// Files keeps artifacts. nil: file_put is unavailable.
	Files Files
	// Grants says what may be asked for: its Secrets, Tools, Channel and Control.
	Grants wasmhost.Grants
	Limits Limits
	// Stop is called at most once, on a goroutine of the server, with what ends
	// the attempt: a *LimitError, an error of wasmhost.ErrPaused, or that of a
	// service. It must not wait for Close. Requests after it have no effect.
	Stop func(error)
}

// Files keeps what a task puts.
type Files interface {
	// Put stores what r has, which is exactly size bytes unless reading fails, and
	// returns its digest, "sha256:" and hex digits. The name is a valid path as of
	// io/fs. An error of r must fail it.
	Put(ctx context.Context, name string, size int64, r io.Reader) (digest string, err error)
}

// Limits bound an attempt. 0 is the default.
type Limits struct {
	HostCalls   int64 // requests and connections; more end the attempt
	ChannelOps  int64 // channel_* requests; more end the attempt
	OutputBytes int64 // of a result, and of a value; more end the attempt
	DiskBytes   int64 // of all artifacts together; more are refused
}

// withDefaults fills in what is 0.
func (l Limits) withDefaults() Limits {
	for _, field := range []struct {
		value   *int64
		initial int64
	}{
		{&l.HostCalls, DefaultHostCalls},
		{&l.ChannelOps, DefaultChannelOps},
		{&l.OutputBytes, DefaultOutputBytes},
		{&l.DiskBytes, DefaultDiskBytes},
	} {
		if *field.value == 0 {
			*field.value = field.initial
		}
	}
	return l
}

// LimitError ends an attempt that went past a limit.
type LimitError struct {
	Kind    string // wasmhost.KindHostCalls or wasmhost.KindOutputTooLarge
	Message string // which limit, and where it can be raised
}

// Error implements error.
func (e *LimitError) Error() string { return e.Message }

// Outcome is what a task left.
type Outcome struct {
	// Output is the value of the last op output, else what was written to the
	// FIFO for results. nil: neither.
	Output []byte
	// Raw says that Output is from the FIFO: JSON if it is, else text, and not
	// even UTF-8 maybe. An Output that is not raw is JSON.
	Raw     bool
	Failure *Failure         // of the last op fail; nil: none
	Calls   map[string]int64 // requests by op; those of unknown ops are under ""
	Files   []abi.File       // by name; of several of one name the last
	// Err is what Stop was called with, or why the server's own files could not
	// be removed.
	Err error
}

// Failure is how a task says that it failed.
type Failure struct {
	Kind       string // "error" if it named none
	Message    string
	Permanent  bool
	RetryAfter time.Duration
	Stack      string // functions, a line each, innermost first
}
