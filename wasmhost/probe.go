package wasmhost

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/sdk/abi"
)

// Probe is told what a host does, by whoever measures it or follows it. Its functions
// are called on the goroutines that do it, concurrently, and must be quick. A nil one
// costs nothing.
type Probe struct {
	// Compiled tells how long it took to admit and compile a module, or to find that
	// it can't be. A module that the host has already is not compiled.
	Compiled func(took time.Duration, err error)
	// Started tells how long a call waited for its sandbox, and what that came from.
	Started func(from Source, took time.Duration)
	// Reset tells how long it took to make a sandbox pristine after a call; ok is
	// false if it was thrown away instead.
	Reset func(took time.Duration, ok bool)
	// Called tells how a call has ended: what it used, and the kind of its *TrapError,
	// "" if it has none.
	Called func(l Ledger, kind string)

	// Follows tells whether HostCall and Slow are to be called for the call of a
	// module with this context. nil: never.
	Follows func(ctx context.Context) bool
	// HostCall is called before a guest's call of a function that may wait for
	// others: http_request, tool_call, tool_calls, secret_get and pause. The context
	// that it returns is the one that the function is served with. ended, if it is
	// not nil, is told the answer: less than 0 is an abi.Code, and stopped tells that
	// the guest does not go on.
	HostCall func(ctx context.Context, function string) (inner context.Context, ended func(answer int64, stopped bool))
	// Slow tells of a call of any other function that took a millisecond or more.
	Slow func(ctx context.Context, function string, began time.Time, took time.Duration)
	// Header returns headers for a guest's HTTP request, beside those that it sets
	// itself, which win. They go where the request may go, and count as its bytes.
	Header func(ctx context.Context) map[string]string
}

// Source is what a sandbox came from.
type Source uint8

// Sources, the quickest first.
const (
	SourcePool     Source = iota // an idle one
	SourceSnapshot               // a new instance on the snapshot of others
	SourceNew                    // initialized for this call, and perhaps for those after it
	sourceCount
)

// Sources lists them.
func Sources() []Source { return []Source{SourcePool, SourceSnapshot, SourceNew} }

var sourceNames = [sourceCount]string{"pool", "snapshot", "new"}

// String is the source in a word.
func (s Source) String() string { return sourceNames[s] }

// Stats is what a host holds.
type Stats struct {
	Modules     int   // compiled
	Idle        int   // sandboxes that wait for calls
	IdleBytes   int64 // what they hold beside what they share
	MemoryBytes int64 // of all linear memories and snapshots
}

// Stats tells what the host holds now.
func (h *Host) Stats() Stats {
	modules := h.ready()
	h.poolMu.Lock()
	defer h.poolMu.Unlock()
	s := Stats{Modules: len(modules), IdleBytes: h.idleBytes, MemoryBytes: h.memories.InUse()}
	for _, m := range modules {
		for _, p := range m.pools {
			s.Idle += len(p.idle)
		}
	}
	return s
}

// started takes a sandbox for an attempt, and tells how long that took.
func (a *attempt) started(ctx context.Context) (*sandbox, error) {
	tell := a.module.host.config.Probe.Started
	if tell == nil {
		return a.module.acquire(ctx, a)
	}
	began := time.Now()
	s, err := a.module.acquire(ctx, a)
	if err == nil {
		tell(a.source, time.Since(began))
	}
	return s, err
}

// reset makes a sandbox pristine, and tells how long that took.
func (h *Host) reset(s *sandbox) (pages int, err error) {
	tell := h.config.Probe.Reset
	if tell == nil {
		return s.restore()
	}
	began := time.Now()
	pages, err = s.restore()
	tell(time.Since(began), err == nil)
	return pages, err
}

// tellCalled tells how a call has ended.
func (h *Host) tellCalled(l *Ledger, err error) {
	tell := h.config.Probe.Called
	if tell == nil {
		return
	}
	kind := ""
	if err != nil {
		kind = KindError
		if e, ok := errors.AsType[*TrapError](err); ok {
			kind = e.Kind
		}
	}
	tell(*l, kind)
}

// waits are the functions that may wait for others.
var waits = map[string]bool{
	abi.FuncHTTPRequest: true, abi.FuncToolCall: true, abi.FuncToolCalls: true, abi.FuncSecretGet: true, abi.FuncPause: true,
}

// slowCall is how long a call of a function takes that Probe.Slow is told of.
const slowCall = time.Millisecond

// told runs the function, and tells the probe of it if that follows the attempt.
func (f function) told(ctx context.Context, a *attempt, g guest) (answer int64) {
	probe := &a.module.host.config.Probe
	switch {
	case !a.followed:
		return f.run(a, ctx, g)
	case waits[f.name] && probe.HostCall != nil:
		ctx, ended := probe.HostCall(ctx, f.name)
		if ended != nil {
			stopped := true
			defer func() { ended(answer, stopped) }()
			answer = f.run(a, ctx, g)
			stopped = false
			return answer
		}
		return f.run(a, ctx, g)
	case probe.Slow == nil:
		return f.run(a, ctx, g)
	}
	began := time.Now()
	answer = f.run(a, ctx, g)
	if took := time.Since(began); took >= slowCall {
		probe.Slow(ctx, f.name, began, took)
	}
	return answer
}

// addHeaders adds what the probe wants a request of a call that it follows to carry.
func (h *Host) addHeaders(ctx context.Context, followed bool, request *abi.HTTPRequest) {
	headers := h.config.Probe.Header
	if !followed || headers == nil {
		return
	}
	for name, value := range headers(ctx) {
		if !hasHeader(request.Header, name) {
			if request.Header == nil {
				request.Header = map[string]string{}
			}
			request.Header[name] = value
		}
	}
}

func hasHeader(header map[string]string, name string) bool {
	for have := range header {
		if strings.EqualFold(have, name) {
			return true
		}
	}
	return false
}
