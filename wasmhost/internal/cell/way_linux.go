package cell

import (
	"errors"
	"log/slog"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// nobody is the id of a cell that root starts: it owns no file and no process but
// cells.
const nobody = 65534

// A way is how cells are started. The best comes first.
type way struct {
	name  string
	flags uintptr // namespaces
	own   bool    // the cell is the user who starts it
}

const namespaces = unix.CLONE_NEWNS | unix.CLONE_NEWNET | unix.CLONE_NEWPID |
	unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP

var ways = []way{
	{name: "in namespaces, as nobody in one of users", flags: unix.CLONE_NEWUSER | namespaces},
	// Root of a container that has few ids, and who is not root anyway.
	{name: "in namespaces, one of users among them", flags: unix.CLONE_NEWUSER | namespaces, own: true},
	{name: "in namespaces", flags: namespaces}, // root alone may
	{name: "without namespaces"},
}

// choice is the way that works in this process.
type choice struct {
	mu     sync.Mutex // guards what follows
	at     int        // in ways
	proven bool       // a cell served that was started so
	why    []string   // the ways before did not work
}

var chosen choice

// now returns the way to start the next cell, and why no better one is taken.
func (c *choice) now() (w way, proven bool, why []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return ways[c.at], c.proven, c.why
}

func (c *choice) works(w way) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if ways[c.at] == w {
		c.proven = true
	}
}

// give up w for good, unless it has ever worked, and say whether there is another
// way. What fails for another reason than that the system forbids it is not taken
// for a system without walls.
func (c *choice) giveUp(w way, err error, log *slog.Logger) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if ways[c.at] != w {
		return true // another start was first
	}
	if c.proven || !forbidden(err) || c.at+1 == len(ways) {
		return false
	}
	c.why = append(c.why, w.name+": "+err.Error())
	c.at++
	log.Warn("this system forbids the best way to start cells", "instead", ways[c.at].name, "err", err)
	return true
}

// errWalls says that a cell could not put up a wall that its way has.
var errWalls = errors.New("a wall does not stand")

// wallsError is what such a cell said.
type wallsError struct{ said string }

func (e *wallsError) Error() string { return e.said }

func (e *wallsError) Is(target error) bool { return target == errWalls }

// forbidden tells what a system without namespaces answers.
func forbidden(err error) bool {
	for _, what := range []error{errWalls, unix.EPERM, unix.EACCES, unix.EINVAL, unix.ENOSPC, unix.ENOSYS, unix.EUSERS} {
		if errors.Is(err, what) {
			return true
		}
	}
	return false
}

// attributes are what Go's fork needs to know.
func (w way) attributes(a *syscall.SysProcAttr, self bool) {
	a.Cloneflags = w.flags
	if w.flags&unix.CLONE_NEWUSER == 0 {
		return
	}
	uid, gid := os.Geteuid(), os.Getegid()
	if uid == 0 && !w.own {
		if !self {
			uid, gid = nobody, nobody
		}
		a.GidMappingsEnableSetgroups = true
		a.Credential = &syscall.Credential{} // becomes the one id that there is, in no group
	}
	a.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}}
	a.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: gid, Size: 1}}
}
