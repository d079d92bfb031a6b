package lines

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// maxFiles bounds what is kept of artifacts, which may be empty.
const maxFiles = 10_000

// An attempt is what all requests of one task share.
type attempt struct {
	config Config
	limits Limits

	mu       sync.Mutex // held for calls of most services; guards what follows
	requests int64
	channel  int64 // channel_* requests
	disk     int64 // bytes of artifacts
	calls    map[string]int64
	output   []byte
	raw      []byte // written to the FIFO for results
	failure  *Failure
	files    map[string]abi.File
	warned   bool  // of a frame of somebody else
	ended    error // what Stop was called with
}

// A reply is what a request is answered with.
type reply struct {
	value  []byte // JSON
	err    error  // an abi.Code in its chain, or wasmhost.ErrPaused; nil: ok
	hangUp bool   // the connection is of no further use
}

var errEnded = refuse(abi.Unavailable, "the attempt has ended")

// hungUp is an error after which nobody knows where the next request starts.
type hungUp struct{ error }

func (h hungUp) Unwrap() error { return h.error }

// count counts a request or a connection, and tells whether it may go on.
func (a *attempt) count() bool {
	a.mu.Lock()
	a.requests++
	over := a.requests > a.limits.HostCalls
	ended := a.ended != nil
	a.mu.Unlock()
	if over {
		a.end(&LimitError{
			Kind:    wasmhost.KindHostCalls,
			Message: fmt.Sprintf("more than %d requests of the host: raise the limit host_calls if the task needs more", a.limits.HostCalls),
		})
	}
	return !over && !ended
}

// end ends the attempt, for its first error.
func (a *attempt) end(err error) {
	a.mu.Lock()
	first := a.ended == nil
	if first {
		a.ended = err
	}
	a.mu.Unlock()
	if first && a.config.Stop != nil {
		a.config.Stop(err)
	}
}

// serve answers one line of from.
func (a *attempt) serve(ctx context.Context, line []byte, from *lineReader) (answer reply) {
	defer func() {
		if p := recover(); p != nil {
			answer = a.reply(nil, fmt.Errorf("a service panicked: %v\n%s", p, debug.Stack()))
		}
	}()
	if !a.count() {
		return reply{err: errEnded, hangUp: true}
	}
	r, err := parse(line, from.members)
	from.members = r.members
	if err != nil {
		a.tally("")
		return reply{err: err}
	}
	value, err := a.run(ctx, &r, int64(len(line)), from)
	return a.reply(value, err)
}

// reply makes a reply of what an op returned, and ends the attempt if the error
// is not the task's.
func (a *attempt) reply(value []byte, err error) reply {
	var code abi.Code
	var lost hungUp
	if err == nil {
		value, err = oneLine(value)
	}
	r := reply{value: value, err: err, hangUp: errors.As(err, &lost)}
	switch {
	case err == nil, errors.As(err, &code):
	case errors.Is(err, wasmhost.ErrPaused):
		a.end(err)
		r.hangUp = true
	case r.hangUp: // a peer that has gone
		r.err = errEnded
	default:
		a.end(err)
		r = reply{err: errEnded, hangUp: true}
	}
	return r
}

// run does what a request asks for.
func (a *attempt) run(ctx context.Context, r *request, length int64, from *lineReader) ([]byte, error) {
	op, known := ops[r.op]
	if !known {
		a.tally("")
		return nil, invalid("no op is called %.40q", r.op)
	}
	a.tally(r.op)
	err := r.known(op.members)
	if op.body {
		err = errors.Join(err, r.err)
	}
	switch {
	case err != nil:
	case from.fifo && op.answers:
		err = invalid("op %q has an answer: ask over the socket", r.op)
	case length > abi.LineBytes && !op.long:
		err = refuse(abi.TooLarge, "a line of %d bytes: op %q takes %d", length, r.op, abi.LineBytes)
	case !a.own(r):
		err = refuse(abi.Denied, "the request names another run, task or activation than this attempt's")
	default:
		err = a.granted(op)
	}
	if err != nil {
		if op.body {
			err = hungUp{err}
		}
		return nil, err
	}
	if op.alone {
		return op.run(a, ctx, r, from)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ended != nil {
		return nil, errEnded
	}
	return op.run(a, ctx, r, from)
}

func (a *attempt) tally(op string) {
	a.mu.Lock()
	a.calls[op]++
	a.mu.Unlock()
}

// own tells whether a request is of this attempt, as far as it says.
func (a *attempt) own(r *request) bool {
	run, task, activation := r.text("run"), r.text("task"), r.text("activation")
	if run == "" && task == "" && activation == "" && r.err == nil {
		return true
	}
	var meta abi.Meta
	if a.config.Services.Meta != nil {
		meta = *a.config.Services.Meta
	}
	if r.err == nil && (run == "" || run == meta.Run) && (task == "" || task == meta.Task) && (activation == "" || activation == meta.Activation) {
		return true
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.warned {
		a.warned = true
		a.log(slog.LevelWarn, fmt.Sprintf("a request for run %.60q, task %.60q, activation %.60q, which are not this attempt's, was dropped; more of them are not logged", run, task, activation))
	}
	return false
}

// granted tells why an op may not be asked for.
func (a *attempt) granted(op operation) error {
	grants, services := a.config.Grants, a.config.Services
	switch {
	case op.channel && grants.Channel != nil && !*grants.Channel:
		return denied(wasmhost.CapabilityChannel)
	case op.control && grants.Control != nil && !*grants.Control:
		return denied(wasmhost.CapabilityControl)
	case op.channel && services.Channel == nil, op.control && services.Control == nil:
		return abi.Unavailable
	case op.channel:
		return a.countChannel()
	}
	return nil
}

func denied(capability string) error {
	return &refusal{abi.Denied, &wasmhost.DeniedError{Capability: capability}}
}

func (a *attempt) countChannel() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.channel++
	if a.channel <= a.limits.ChannelOps {
		return nil
	}
	return &LimitError{
		Kind:    wasmhost.KindHostCalls,
		Message: fmt.Sprintf("more than %d channel operations: raise the limit channel_ops if the task needs more", a.limits.ChannelOps),
	}
}

// log logs each line of a text. The caller has a.mu.
func (a *attempt) log(level slog.Level, text string) {
	if a.config.Services.Log == nil {
		return
	}
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		a.config.Services.Log(level, line)
	}
}

// tooLarge is the end of an attempt with too large a result.
func (a *attempt) tooLarge() error {
	return &LimitError{
		Kind:    wasmhost.KindOutputTooLarge,
		Message: fmt.Sprintf("the result is larger than %d bytes: raise the limit output_bytes, or return a file", a.limits.OutputBytes),
	}
}

// overlong answers a line of which only the start was read.
func (a *attempt) overlong(start []byte) reply {
	if !a.count() {
		return reply{err: errEnded, hangUp: true}
	}
	compact := bytes.TrimLeft(start[:min(len(start), 100)], "{ \t")
	if bytes.HasPrefix(compact, []byte(`"op":"output"`)) || bytes.HasPrefix(compact, []byte(`"op": "output"`)) {
		return a.reply(nil, a.tooLarge())
	}
	return reply{err: refuse(abi.TooLarge, "a line is longer than %d bytes", max(abi.LineBytes, a.mostLine())), hangUp: true}
}

// mostLine is the longest line that any op may have.
func (a *attempt) mostLine() int64 { return a.limits.OutputBytes + 4<<10 }

// outcome is what the task left. Nothing may be served any more.
func (a *attempt) outcome() Outcome {
	a.mu.Lock()
	defer a.mu.Unlock()
	o := Outcome{Output: a.output, Failure: a.failure, Calls: a.calls, Err: a.ended}
	if o.Output == nil && a.raw != nil {
		o.Output, o.Raw = a.raw, true
	}
	o.Files = sorted(a.files)
	return o
}

// oneLine makes a JSON value one line.
func oneLine(value json.RawMessage) ([]byte, error) {
	if bytes.IndexByte(value, '\n') < 0 {
		return value, nil
	}
	var buf bytes.Buffer
	err := json.Compact(&buf, value)
	return buf.Bytes(), err
}
