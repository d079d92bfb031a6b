package cell

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"github.com/graflow/graflow-wasm/wasmhost/internal/selfexec"
	"golang.org/x/sys/unix"
)

// Cell is a child process that serves one tenant. Who got it from a pool has it
// alone, until Done, Kill or Lost, one of which must be called. Kill is safe for
// concurrent use with all others.
type Cell struct {
	*Conn
	// Value is for its users' notes about it; nil in a new cell.
	Value any

	pool    *Pool
	want    Want
	walls   Report
	end     *parentEnd
	process *os.Process
	started time.Time
	scratch scratch  // if it has no root of its own
	beats   *os.File // read end
	said    *os.File // read end of stderr
	closed  sync.Once

	// The holder's, or the pool's while nobody holds it.
	calls, modules int
	idle           *time.Timer

	dead  chan struct{} // closed when death is set
	death Death

	// The pool's mutex guards these.
	served  bool // it has begun to
	retired bool // by the pool

	mu  sync.Mutex // guards what follows, and that death is set once
	why string     // it was killed
}

// PID is its process as this process sees it.
func (c *Cell) PID() int { return c.process.Pid }

// Walls tells which walls stand around it.
func (c *Cell) Walls() Report { return c.walls }

// Took notes that the cell was given one more module.
func (c *Cell) Took() { c.modules++ }

// Done gives the cell back. It must have answered all that it was asked.
func (c *Cell) Done() { c.pool.put(c) }

// Kill ends the cell, for why in words, and waits for that. If it had ended
// before, it tells how.
func (c *Cell) Kill(why string) Death { return c.finish(why) }

// Lost is called when Read or Write failed: the cell is ended, if it did not end
// by itself, and Lost tells how.
func (c *Cell) Lost() Death {
	if bad := c.violation(); bad != nil {
		return c.finish("broke the protocol: " + bad.Error())
	}
	c.awaitEnd()
	return c.finish("closed its connection")
}

// awaitEnd gives the process time to end by itself.
func (c *Cell) awaitEnd() {
	timer := time.NewTimer(lostGrace)
	defer timer.Stop()
	select {
	case <-c.dead:
	case <-timer.C:
	}
}

// lostGrace is how long a process may take to end after its socket did: a crash
// writes the traces of all its goroutines.
const lostGrace = 2 * time.Second

// finish ends the process, unless it has ended, and forgets the cell.
func (c *Cell) finish(why string) Death {
	c.kill(why)
	<-c.dead
	c.close()
	c.pool.forget(c)
	return c.death
}

// kill ends the process, unless it has ended. The first reason counts.
func (c *Cell) kill(why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.dead:
		return
	default:
	}
	if c.ending() {
		return
	}
	if c.why == "" {
		c.why = why
	}
	_ = c.process.Kill() // it fails only if the process has ended
}

// ending says whether the process has ended, though nobody was told yet.
func (c *Cell) ending() bool {
	var info struct {
		signal int32 // 0: it has not
		rest   [124]byte
	}
	for {
		_, _, errno := unix.Syscall6(unix.SYS_WAITID, unix.P_PID, uintptr(c.process.Pid),
			uintptr(unsafe.Pointer(&info)), unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, 0, 0)
		if errno != unix.EINTR {
			return errno == unix.ECHILD || errno == 0 && info.signal != 0
		}
	}
}

// killed is the reason, "" if there was none.
func (c *Cell) killed() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.why
}

// close closes this side's descriptors.
func (c *Cell) close() {
	c.closed.Do(func() {
		c.Conn.close()
		_ = c.beats.Close() // only read from
		_ = c.said.Close()
		c.scratch.remove()
	})
}

// reap waits for the process to end, and tells the pool.
func (c *Cell) reap(told <-chan string) {
	defer c.pool.active.Done()
	state, err := c.process.Wait()
	_ = c.said.SetReadDeadline(time.Now().Add(time.Second)) // a pipe takes one
	d := Death{PID: c.process.Pid, ExitCode: -1, Stderr: <-told, Age: time.Since(c.started)}
	why := c.killed()
	if err != nil {
		d.Why = "lost sight of it: " + err.Error()
	} else if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		d.Signal = unix.SignalName(status.Signal())
		if status.Signal() == syscall.SIGKILL {
			d.Why = why
		}
	} else {
		d.ExitCode = state.ExitCode()
	}
	c.mu.Lock()
	c.death = d
	close(c.dead)
	c.mu.Unlock()
	c.pool.ended(c)
}

// watch kills the cell when it gives no sign of life for silence, or for first
// after it was started; and when it hoards memory.
func (c *Cell) watch(first, every, silence time.Duration) {
	defer c.pool.active.Done()
	pause := time.NewTimer(0)
	defer pause.Stop()
	b := make([]byte, 512)
	for wait := first; ; wait = silence {
		if err := c.beats.SetReadDeadline(time.Now().Add(wait)); err != nil {
			return // closed: it is dead
		}
		_, err := c.beats.Read(b)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			c.pool.stuck(c)
			c.kill("gave no sign of life for " + wait.String())
			return
		case errors.Is(err, io.EOF):
			c.awaitEnd()
			c.kill("closed its pipe for signs of life")
			return
		case err != nil:
			return
		}
		if held, most := hoarded(c.process.Pid), c.pool.config.Memory; held > most {
			c.kill(fmt.Sprintf("held %d MiB in files in memory, at most %d", held>>20, most>>20))
			return
		}
		pause.Reset(every / 2) // whoever beats too often waits
		select {
		case <-c.dead:
			return
		case <-pause.C:
		}
	}
}

// listen keeps how what it says begins and ends.
func (c *Cell) listen(told chan<- string) {
	defer c.pool.active.Done()
	said := selfexec.HeadTail{Half: stderrHalf}
	b := make([]byte, 32<<10)
	pause := time.NewTimer(0)
	defer pause.Stop()
	for total := 0; ; {
		n, err := c.said.Read(b)
		_, _ = said.Write(b[:n]) // never fails
		if err != nil {
			break
		}
		if total += n; total > stderrFree { // whoever says too much waits
			pause.Reset(10 * time.Millisecond)
			<-pause.C
		}
	}
	told <- said.String()
}

const (
	stderrHalf = 8 << 10
	stderrFree = 4 << 20 // taken as fast as it comes
)
