package script

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/graflow/graflow-wasm/wasmhost"
)

// eraseTask is the export of a runtime that takes types off, and what comes of it is a
// function of the code alone.
const eraseTask = "erase"

// Bounds of what is kept of code without its types.
const (
	maxErasedBytes = 16 << 20 // in all
	maxErasedEach  = 1 << 20
)

// erasure is TypeScript without its types, and what it took to take them off.
type erasure struct {
	code   string
	ledger wasmhost.Ledger
}

// erased keeps erasures, the later half of what was used. It is safe for concurrent use.
type erased struct {
	mu         sync.Mutex
	young, old map[erasedKey]*erasure // guarded by mu, as is size
	size       int                    // of young, in bytes
}

// erasedKey is of a text, and of whom it may have been forged for: code that broke out of its
// interpreter can do so in the cells of its own tenant alone.
type erasedKey struct {
	tenant   string
	isolated bool
	file     string
	digest   [sha256.Size]byte // of the code
}

func (e *erased) get(key erasedKey) *erasure {
	e.mu.Lock()
	defer e.mu.Unlock()
	if found := e.young[key]; found != nil {
		return found
	}
	found := e.old[key]
	if found != nil {
		e.put(key, found)
	}
	return found
}

// keep keeps an erasure, unless it is large.
func (e *erased) keep(key erasedKey, made *erasure) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.put(key, made)
}

// put is keep for who holds mu.
func (e *erased) put(key erasedKey, made *erasure) {
	const overhead = 512 // of an entry, about
	size := len(made.code) + len(key.tenant) + len(key.file) + overhead
	if size > maxErasedEach {
		return
	}
	if e.young == nil || e.size+size > maxErasedBytes/2 {
		e.young, e.old, e.size = map[erasedKey]*erasure{}, e.young, 0
	}
	if e.young[key] == nil {
		e.size += size
	}
	e.young[key] = made
}

// erase takes the types off the code, or knows it without them: the same text is parsed once,
// though it is run a thousand times. It is parsed in an interpreter in which nothing else was
// run, so that no run can meddle with what another is given. nil leaves it to the run: the code
// has no types, the interpreter no such task, or what comes of it is too large.
func (r *run) erase(ctx context.Context, code string) (*erasure, error) {
	if r.language != TypeScript || !utf8.ValidString(code) || !r.erases() {
		return nil, nil
	}
	key := r.erasedKey(code)
	limits := r.sandbox.config.limits(r.options.Limits)
	if known := r.sandbox.erased.get(key); known != nil && known.within(limits) {
		remembered := *known
		remembered.ledger.Wall = 0
		return &remembered, nil
	}
	made, err := r.eraseNow(ctx, code, limits)
	if made != nil && err == nil {
		r.sandbox.erased.keep(key, made)
	}
	return made, err
}

func (r *run) erasedKey(code string) erasedKey {
	return erasedKey{tenant: r.options.Tenant, isolated: r.options.Isolated, file: r.options.File, digest: sha256.Sum256([]byte(code))}
}

// erases tells that the interpreter has the task.
func (r *run) erases() bool {
	for _, t := range r.module.Describe().Tasks {
		if t.Name == eraseTask {
			return true
		}
	}
	return false
}

func (r *run) eraseNow(ctx context.Context, code string, limits wasmhost.Limits) (*erasure, error) {
	document, err := json.Marshal(map[string]string{"code": code, "file": r.options.File})
	if err != nil {
		return nil, err
	}
	plain := &run{sandbox: r.sandbox, runtime: r.runtime, tools: &toolbox{}, options: Options{Tenant: r.options.Tenant}}
	call := plain.callOptions()
	call.Limits = limits
	call.Limits.OutputBytes = int64(len(document)) + maxErasedEach
	given, err := r.module.Call(ctx, eraseTask, document, call)
	made := &erasure{ledger: given.Ledger}
	var trap *wasmhost.TrapError
	switch {
	case errors.Is(err, wasmhost.ErrOutputTooLarge):
		return nil, nil
	case errors.As(err, &trap):
		return made, r.trapped(trap, given.Output)
	case err != nil:
		return made, err
	}
	var o struct {
		outcome
		Value string `json:"value"`
	}
	if err := json.Unmarshal(given.Output, &o); err != nil {
		return made, r.failure(Error{Kind: wasmhost.KindInvalidOutput, Message: "the types can't be taken off: " + err.Error()})
	}
	if failure := o.failure(); failure != nil {
		return made, r.failure(*failure)
	}
	made.code = o.Value
	return made, nil
}

// within tells that limits would have let it be made.
func (e *erasure) within(l wasmhost.Limits) bool {
	return (l.Fuel <= 0 || e.ledger.Fuel < l.Fuel) && (l.Memory <= 0 || e.ledger.PeakMemory <= l.Memory)
}

// leave takes what it took off the limits of the run. e may be nil, here and below.
func (e *erasure) leave(l *wasmhost.Limits) {
	if e == nil {
		return
	}
	if l.Fuel > 0 {
		l.Fuel = max(1, l.Fuel-e.ledger.Fuel)
	}
	if l.Timeout > 0 {
		l.Timeout = max(time.Nanosecond, l.Timeout-e.ledger.Wall)
	}
}

// account adds what it took to the ledger of the run. Its fuel counts each time, so that the
// same code takes the same.
func (e *erasure) account(l *wasmhost.Ledger) {
	if e == nil {
		return
	}
	l.Wall += e.ledger.Wall
	l.Fuel += e.ledger.Fuel
	l.PeakMemory = max(l.PeakMemory, e.ledger.PeakMemory)
}

// text is the code without its types, nil if the run is to take them off.
func (e *erasure) text() *string {
	if e == nil {
		return nil
	}
	return &e.code
}
