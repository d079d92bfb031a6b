package sdk

import "sync"

var (
	warmupMu sync.Mutex // guards warmups
	warmups  []func()
)

// Warmup registers fn to run once before the host takes the snapshot of which
// every task then gets its own copy: parse templates and tables, compile
// patterns, run the hot path on an example. It must not ask the host for
// anything but the log: a module that does gets no snapshot. What it draws at
// random is the same in every task. Call it from package variables or init.
//
// A host without snapshots may never run fn, so tasks must work without it.
func Warmup(fn func()) {
	warmupMu.Lock()
	defer warmupMu.Unlock()
	warmups = append(warmups, fn)
}

// warmUp runs what graflow_warmup is for: the codecs of all tasks, then the
// guest's own functions in the order of their registration.
func warmUp() {
	for _, r := range registered() {
		r.warm()
	}
	warmupMu.Lock()
	own := warmups
	warmupMu.Unlock()
	for _, fn := range own {
		fn()
	}
}
