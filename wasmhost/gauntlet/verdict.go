package gauntlet

import (
	"cmp"
	"slices"
	"time"
)

// Kinds of errors, as verdicts name them. Those that package wasmhost
// has bear the same names there; another host maps its own.
const (
	KindTimeout       = "timeout"          // the time limit
	KindFuel          = "fuel"             // the fuel limit
	KindMemory        = "memory"           // out of linear memory, or of what it may grow to
	KindStack         = "stack"            // recursion too deep
	KindTrap          = "trap"             // unreachable, out of bounds, and so on
	KindError         = "error"            // the guest reported failure, or exited nonzero
	KindExit          = "exit"             // a reactor called proc_exit
	KindOutput        = "output_too_large" // the output limit
	KindInvalidOutput = "invalid_output"   // the output is not JSON or text
	KindDenied        = "denied"           // the guest failed over a missing grant
	KindHostCalls     = "host_calls"       // the limit of host calls
	KindChannelOps    = "channel_ops"      // the limit of channel calls; it may also answer with an error
	KindDisk          = "disk"             // the limit of disk bytes; likewise
	KindHTTP          = "http"             // the limits of requests; likewise
)

// Verdict is what a good host makes of an attack. Any of the endings it names
// will do; all of its bounds hold.
type Verdict struct {
	// Refused is a pattern (RE2) of the reason for which the module may be
	// refused. Empty: it must be accepted.
	Refused string `json:"refused,omitempty"`
	// Stopped are the kinds of errors in which a call may end.
	Stopped []string `json:"stopped,omitempty"`
	// Contained says that a call may end well, with the result 0.
	Contained bool `json:"contained,omitempty"`

	// Admission bounds compiling, refused or not.
	Admission time.Duration `json:"admission_ns"`
	// Wall bounds each call: where the guest must be stopped, the timeout and
	// an allowance.
	Wall time.Duration `json:"wall_ns"`
	// Growth bounds, in bytes, by how much the host process may grow beyond its
	// resident size before the case (high-water mark).
	Growth int64 `json:"growth"`
}

// Refused is the verdict on a module that must not be run, for a reason that
// matches pattern.
func Refused(pattern string) Verdict { return Verdict{Refused: pattern} }

// Stopped is the verdict on a guest that must be ended with one of some kinds.
func Stopped(kinds ...string) Verdict { return Verdict{Stopped: kinds} }

// Contained is the verdict on a guest that may end by itself.
func Contained() Verdict { return Verdict{Contained: true} }

// Or is the verdict that allows the endings of both.
func (v Verdict) Or(other Verdict) Verdict {
	if v.Refused == "" {
		v.Refused = other.Refused
	} else if other.Refused != "" {
		v.Refused = "(?:" + v.Refused + ")|(?:" + other.Refused + ")"
	}
	v.Stopped = slices.Concat(v.Stopped, other.Stopped)
	v.Contained = v.Contained || other.Contained
	return v
}

// Allowances and bounds of the cases that name none.
const (
	DefaultCompile   = 2 * time.Second
	LongCompile      = 10 * time.Second // of modules that must be accepted; Admission is as for the others
	DefaultTimeout   = 300 * time.Millisecond
	LongTimeout      = 5 * time.Second        // of cases that must end otherwise; Wall is as for the others
	StopAllowance    = 250 * time.Millisecond // beyond the timeout; generous for busy machines
	DefaultAdmission = 3 * time.Second
	DefaultGrowth    = 256 << 20
)

// withDefaults completes a case of a group.
func (c Case) withDefaults(group string) Case {
	c.Group, c.Name = group, group+"/"+c.Name
	if len(c.Exports) == 0 {
		c.Exports = []string{entry(c.ABI)}
	}
	l, v := &c.Limits, &c.Verdict
	if l.Compile == 0 {
		l.Compile = DefaultCompile
		if v.Refused == "" { // a busy machine must not decide whether it runs
			l.Compile = LongCompile
		}
	}
	if v.Wall == 0 {
		v.Wall = cmp.Or(l.Timeout, DefaultTimeout) + StopAllowance
	}
	if l.Timeout == 0 {
		l.Timeout = DefaultTimeout
		if !slices.Contains(v.Stopped, KindTimeout) { // a busy machine must not decide how it ends
			l.Timeout = LongTimeout
		}
	}
	if v.Admission == 0 {
		v.Admission = DefaultAdmission
	}
	for _, d := range []struct {
		field     *int64
		byDefault int64
	}{
		{&v.Growth, DefaultGrowth},
		{&l.Memory, 64 << 20},
		{&l.TableElements, 100_000},
		{&l.OutputBytes, 1 << 20},
		{&l.LogBytes, 64 << 10},
		{&l.OpenFiles, 16},
		{&l.DiskBytes, 1 << 20},
	} {
		if *d.field == 0 {
			*d.field = d.byDefault
		}
	}
	return c
}
