package cell

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost/internal/selfexec"
	"golang.org/x/sys/unix"
)

// childRole in selfexec.Variable makes a process a cell.
const childRole = "cell"

// Descriptors of a cell, beside what it says on its stderr.
const (
	beatDescriptor   = 1 // a pipe for signs of life
	socketDescriptor = 3
)

// Exit codes of a cell. Others are crashes.
const (
	exitDone   = 0
	exitFailed = 85 // why is on stderr
	exitOrphan = 86
	exitWalls  = 87 // a wall of its way does not stand; why is on stderr
)

var childCalled atomic.Bool

// Child lets this program start cells. It must be the first thing that main (and
// TestMain) does. In a process that was started as a cell it puts the walls up,
// calls serve, and never returns; what before does is done before the walls stand.
// serve returns when Read fails, which it does when the parent is gone. In any
// other process Child only notes that cells may be started.
func Child(serve func(*Conn) error, before ...func()) {
	childCalled.Store(true)
	if os.Getenv(selfexec.Variable) != childRole {
		return
	}
	os.Clearenv()
	if err := runChild(serve, before); err != nil && !errors.Is(err, io.EOF) {
		fmt.Fprintln(os.Stderr, err)
		if errors.Is(err, errWalls) {
			os.Exit(exitWalls)
		}
		os.Exit(exitFailed)
	}
	os.Exit(exitDone)
}

// Enabled says whether this process may start cells: Child was called in it.
func Enabled() bool { return childCalled.Load() }

// settings are what the parent tells a new cell.
type settings struct {
	Memory, Space, Scratch int64
	Heartbeat              time.Duration
	MaxFrame               int64
	Flags                  uintptr  // namespaces that it was started in
	Why                    []string // it was not started in more
	Own                    bool     // it is the user who started it
	Root                   bool     // the parent is
	Self                   bool     // Want.Self
	Lender                 bool     // it is no cell
	Dir                    string   // for scratch files, if it has no root of its own
}

func runChild(serve func(*Conn) error, before []func()) error {
	if _, err := unix.GetsockoptInt(socketDescriptor, unix.SOL_SOCKET, unix.SO_TYPE); err != nil {
		return errors.New("this is no cell: it has no parent to serve")
	}
	unix.CloseOnExec(socketDescriptor)
	if err := closeInherited(); err != nil {
		return fmt.Errorf("close inherited descriptors: %w", err)
	}
	c := newConn(newChildEnd(socketDescriptor), DefaultMaxFrame)
	hello, err := c.receive()
	if err != nil {
		return err
	}
	var s settings
	if err := json.Unmarshal(hello.Header, &s); err != nil {
		return fmt.Errorf("read settings: %w", err)
	}
	c.most = uint64(s.MaxFrame)
	if s.Lender {
		return lendAll(c, s)
	}
	for _, f := range before {
		f()
	}
	debug.SetMemoryLimit(s.Memory / 4 * 3) // collect harder before giving up
	runtime.LockOSThread()                 // what can be had of one thread only is to be had of one
	report, err := putUp(s)
	runtime.UnlockOSThread()
	if err != nil {
		return err
	}
	ready, err := json.Marshal(report)
	if err != nil {
		return err
	}
	beat() // the parent is patient until the first
	go beatAll(s.Heartbeat)
	if err := c.send(kindReady, ready, nil, nil); err != nil {
		return err
	}
	return serve(c)
}

// beatAll gives signs of life.
func beatAll(every time.Duration) {
	for range time.Tick(every) {
		beat()
	}
}

// beat gives a sign of life, and ends this process when nobody takes it.
func beat() {
	_, err := unix.Write(beatDescriptor, []byte{'.'})
	if err != nil && !errors.Is(err, unix.EINTR) {
		os.Exit(exitOrphan)
	}
}
