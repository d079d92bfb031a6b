package wasmhost

import (
	"errors"
	"fmt"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost/internal/cell"
)

// CellConfig bounds the cells of a host: the child processes in which isolated
// modules run, one call at a time each (see docs/cells.md). A zero field means its
// default.
type CellConfig struct {
	// Max is how many cells are alive at once; calls beyond that wait. 0: 4 for each
	// processor that Go uses.
	Max int
	// Idle is how many cells are kept waiting for their next call, each for IdleFor
	// at most. 0: one for each processor that Go uses, and a minute.
	Idle    int
	IdleFor time.Duration
	// Calls, Modules and Age end a cell that has served so many calls, has loaded so
	// many modules, or is that old. 0: 10 000, 64, 10 minutes.
	Calls   int
	Modules int
	Age     time.Duration
	// Memory is what the linear memories of one cell may be together, in bytes.
	// 0: 4 GiB.
	Memory int64
	// IdleBytes is what sandboxes that wait in one cell may hold together, beside
	// what they share. Negative: none are kept. 0: 64 MiB.
	IdleBytes int64
	// Kills is how many cells a module may end before it is quarantined: its calls
	// fail with ErrQuarantined. 0: 3. Negative: it never is.
	Kills int
	// Quarantined tells why a module is not to be run, by what its embedder knows of
	// former processes and other machines; "" that it may. nil: only this host's own
	// account counts.
	Quarantined func(digest string) string
	// Died is told of every cell that a call has ended. It is called on the
	// goroutine of the call. nil: nobody is told.
	Died func(CellDeath)
}

func (c CellConfig) withDefaults() CellConfig {
	if c.Memory <= 0 {
		c.Memory = 4 << 30
	}
	if c.IdleBytes == 0 {
		c.IdleBytes = 64 << 20
	}
	if c.Kills == 0 {
		c.Kills = 3
	}
	return c
}

// CellDeath is how a cell ended in the middle of a call.
type CellDeath struct {
	Time   time.Time `json:"time"`
	Digest string    `json:"digest"` // of the module
	Module string    `json:"module"` // Options.Name
	Export string    `json:"export"`
	Tenant string    `json:"tenant,omitempty"` // Options.Tenant
	// How reads "signal: segmentation fault", "exit status 2" or what the host ended
	// it for.
	How    string `json:"how"`
	Stderr string `json:"stderr,omitempty"` // the end of it
	Kills  int    `json:"kills"`            // of this module and host so far
}

// Causes that errors.Is finds in the *TrapError of an isolated call.
var (
	// ErrCrash says that the call's cell died, or that none could be had: it costs that
	// attempt.
	ErrCrash = errors.New("the cell of the call died")
	// ErrQuarantined says that a module has ended too many cells to be run again.
	ErrQuarantined = errors.New("the module is quarantined")
)

// ErrNoCells is returned by CompileIsolated, and by Compile for a module that
// Config.Isolate names, where there can be no cells: on systems other than Linux, and
// in programs that do not call Child.
var ErrNoCells = errors.New("calls can't be isolated here")

// noCells says what is missing.
func noCells(why string) error {
	return fmt.Errorf("%w: %s", ErrNoCells, why)
}

// CellsError tells why calls can't be isolated by this process; nil: they can.
func CellsError() error {
	if cell.Enabled() {
		return nil
	}
	return noCells("want Linux, and a program that calls wasmhost.Child first in main")
}
