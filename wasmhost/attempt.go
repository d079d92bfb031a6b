package wasmhost

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/graflow/graflow-wasm/internal/linelog"
	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost/internal/egress"
	"github.com/graflow/graflow-wasm/wasmhost/internal/extism"
	"github.com/graflow/graflow-wasm/wasmhost/internal/guestfs"
	"github.com/graflow/graflow-wasm/wasmhost/internal/linmem"
	"github.com/graflow/graflow-wasm/wasmhost/internal/wasip1"
)

// attempt is the state of one call: what its host functions work on. It is
// found through the context, and used by the call's goroutine only.
type attempt struct {
	module *Module
	export string
	opt    Options
	input  []byte
	start  time.Time

	output bytes.Buffer
	reply  []byte
	lines  linelog.Log
	tank   fuelTank
	memory *linmem.Memory // its sandbox's; nil without one
	wasi   *wasip1.State  // nil: the module imports nothing of it
	extism *extism.State  // nil: likewise
	trees  []wasip1.Preopen
	disk   *guestfs.Quota // nil: no tree was opened
	globs  []guestfs.Pattern
	before time.Duration  // on a virtual clock, what initialization took
	away   time.Duration  // on a virtual clock, what has gone by outside of the guest
	begun  bool           // the task itself has
	ended  bool           // by itself: it returned or exited
	tardy  bool           // the embedder took long: look at the clock
	source Source         // of its sandbox
	web    *egress.Budget // nil: no request was made
	rules  egress.Rules
	calls  []int // by index in functions
	sums   struct{ host, channel int64 }
	used   struct { // as of the end
		fuel, memory int64
		pages        int
	}

	followed bool // Config.Probe is told of its calls of the host

	image   *Image // as of the end, if one is to be kept
	noImage string // why there is none

	failure *TrapError
	denied  string     // the first capability refused
	stopped *TrapError // why the host ended the guest
	trapped *TrapError // how the guest ended by itself
	exit    *uint32    // the code of a proc_exit
}

// newAttempt opens what the call was granted; the caller closes it.
func newAttempt(m *Module, export string, input []byte, opt Options) (*attempt, error) {
	a := &attempt{
		module: m, export: export, opt: opt, input: input, start: time.Now(),
		lines: linelog.Log{Most: opt.Limits.LogBytes, Sink: opt.Services.Log},
		calls: make([]int, len(hostFunctions)),
	}
	var err error
	if a.globs, err = parsePatterns(opt.Collect); err != nil {
		return nil, err
	}
	if a.rules, err = egress.ParseRules(opt.Grants.HTTP, opt.Grants.HTTPNetworks); err != nil {
		return nil, err
	}
	if m.uses[extismModule] {
		a.openExtism()
	}
	if m.uses[wasiModule] {
		if err := a.openSystem(); err != nil {
			a.close()
			return nil, err
		}
	}
	return a, nil
}

// close releases what the guest left open.
func (a *attempt) close() {
	if a.wasi != nil {
		_ = a.wasi.Close() // the guest has had its answers
	}
	for _, t := range a.trees {
		_ = t.FS.Close() // a directory, opened for reading
	}
}

type attemptKey struct{}

func attemptOf(ctx context.Context) *attempt {
	return ctx.Value(attemptKey{}).(*attempt)
}

// errStopped unwinds the guest; attempt.stopped says why.
var errStopped = errors.New("guest stopped by the host")

// stop ends the guest at once.
func (a *attempt) stop(kind, message string, cause error) {
	a.stopped = a.trapError(kind, message, cause)
	panic(errStopped)
}

// enter counts a call of the guest into the host, and looks at the clock now and
// then: such a call may take long, and costs little fuel.
func (a *attempt) enter(ctx context.Context, i int) {
	const every = 8
	a.calls[i]++
	a.sums.host++
	if a.sums.host%every == 0 || a.tardy {
		a.tardy = false
		a.checkTime(ctx, time.Now())
	}
	if a.sums.host > a.opt.Limits.HostCalls {
		a.stop(KindHostCalls, fmt.Sprintf("more than %d calls of the host", a.opt.Limits.HostCalls), ErrHostCalls)
	}
}

func (a *attempt) trapError(kind, message string, cause error) *TrapError {
	return &TrapError{Kind: kind, Module: a.opt.Name, Export: a.export, Message: message, cause: cause}
}

// code turns a service's answer into the guest's.
func (a *attempt) code(function string, err error) int64 {
	if err == nil {
		return 0
	}
	var code abi.Code
	if errors.As(err, &code) && code < 0 {
		return int64(code)
	}
	a.stop(KindError, fmt.Sprintf("%s: %v", function, err), err)
	return 0
}

// answer keeps data for reply_read.
func (a *attempt) answer(data []byte) int64 {
	a.reply = data
	return int64(len(data))
}

func (a *attempt) answerJSON(v any) int64 {
	data, err := json.Marshal(v)
	if err != nil {
		a.stop(KindError, err.Error(), err)
	}
	return a.answer(data)
}

func (a *attempt) inputLen(context.Context, guest) int64 { return int64(len(a.input)) }

func (a *attempt) inputRead(_ context.Context, g guest) int64 { return put(g, a.input) }

func (a *attempt) replyRead(_ context.Context, g guest) int64 { return put(g, a.reply) }

func put(g guest, data []byte) int64 {
	n, ok := g.put(0, data)
	if !ok {
		return int64(abi.Invalid)
	}
	return n
}

func (a *attempt) outputWrite(_ context.Context, g guest) int64 {
	b, ok := g.view(0, 1<<32)
	if !ok {
		return int64(abi.Invalid)
	}
	_, _ = a.Write(b)
	return int64(len(b))
}

// Write takes output, the guest's stdout included, and ends a guest that
// exceeds its limit.
func (a *attempt) Write(b []byte) (int, error) {
	if int64(a.output.Len()+len(b)) > a.opt.Limits.OutputBytes {
		a.stop(KindOutputTooLarge, fmt.Sprintf("the output exceeds %d bytes", a.opt.Limits.OutputBytes), ErrOutputTooLarge)
	}
	return a.output.Write(b)
}

func (a *attempt) fail(_ context.Context, g guest) int64 {
	const most = 64 << 10
	kind, ok := g.lenient(0, most)
	message, ok2 := g.lenient(2, most)
	if !ok || !ok2 {
		message = "(the guest failed with a message that could not be read)"
	}
	if kind == "" {
		kind = KindError
	}
	a.failure = a.trapError(kind, message, nil)
	flags := g.args[4]
	a.failure.Permanent = flags&uint64(abi.FailPermanent) != 0
	a.failure.RetryAfter = retryAfter(flags >> abi.FailRetryAfterShift)
	return 0
}

// retryAfter bounds what a guest may ask for to what a Duration can hold.
func retryAfter(millis uint64) time.Duration {
	const most = uint64(math.MaxInt64 / time.Millisecond)
	return time.Duration(min(millis, most)) * time.Millisecond
}

func (a *attempt) log(_ context.Context, g guest) int64 {
	b, ok := g.view(1, maxPayload)
	if ok {
		level := slog.Level(max(-8, min(12, int32(g.args[0]))))
		a.lines.Add(level, b)
	}
	return 0
}

func (a *attempt) progress(_ context.Context, g guest) int64 {
	done, total := math.Float64frombits(g.args[0]), math.Float64frombits(g.args[1])
	note, ok := g.lenient(2, 4<<10)
	finite := !math.IsNaN(done-done) && !math.IsNaN(total-total) // Inf-Inf is NaN
	if report := a.opt.Services.Progress; ok && finite && report != nil {
		report(done, total, note)
	}
	return 0
}
