package cell

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/graflow/graflow-wasm/wasmhost/internal/selfexec"
	"golang.org/x/sys/unix"
)

// putUp puts up all walls that this process can, for good, in an order in which
// none is in another's way. It fails where one is missing that its way has, or
// that every Linux has.
func putUp(s settings) (Report, error) {
	var r Report
	if err := limit(s); err != nil {
		return r, err
	}
	if err := r.namespaces(s); err != nil {
		return r, fmt.Errorf("%w: %w", errWalls, err)
	}
	emptyBoundingSet()
	if err := r.user(s); err != nil {
		return r, fmt.Errorf("%w: %w", errWalls, err)
	}
	capabilities := dropCapabilities()
	if capabilities != nil && !errors.Is(capabilities, errOneThread) {
		return r, fmt.Errorf("drop capabilities: %w", capabilities)
	}
	r.add(WallCapabilities, capabilities)
	if err := selfexec.DropPrivileges(); err != nil {
		return r, fmt.Errorf("forbid new privileges: %w", err)
	}
	r.add(WallPrivileges, nil)
	r.add(WallLimits, nil)
	r.landlock(s)
	r.add(WallSystemCalls, filterCalls())
	r.add(WallDescriptors, nil)
	r.add(WallEnvironment, nil)
	r.add(WallParent, nil)
	r.sort()
	return r, nil
}

// errNoNamespaces is why walls are missing that namespaces are; the wall of mounts
// says why there are none.
var errNoNamespaces = errors.New("cells are started without namespaces")

// namespaces reports those that this process was started in, and furnishes them.
func (r *Report) namespaces(s settings) error {
	why := errors.New(strings.Join(s.Why, "; "))
	if s.Flags&unix.CLONE_NEWNS != 0 {
		noProc, err := ownRoot(s.Scratch)
		if err != nil {
			return err
		}
		r.add(WallMounts, nil)
		if noProc != nil {
			r.Walls[len(r.Walls)-1].Note = noProc.Error()
		}
	} else {
		r.add(WallMounts, why)
		if err := os.Setenv("TMPDIR", s.Dir); err != nil {
			return err
		}
	}
	if s.Flags&unix.CLONE_NEWUTS != 0 {
		if err := unix.Sethostname([]byte("cell")); err != nil {
			return fmt.Errorf("name host: %w", err)
		}
	}
	for _, n := range []struct {
		wall string
		flag uintptr
	}{
		{WallNetwork, unix.CLONE_NEWNET},
		{WallProcesses, unix.CLONE_NEWPID},
		{WallIPC, unix.CLONE_NEWIPC},
		{WallHost, unix.CLONE_NEWUTS},
		{WallCgroup, unix.CLONE_NEWCGROUP},
	} {
		if s.Flags&n.flag != 0 {
			r.add(n.wall, nil)
		} else {
			r.add(n.wall, errNoNamespaces)
		}
	}
	return nil
}

// landlock puts this wall up where there is no root directory of its own. Who was
// lent directories could not use them behind it.
func (r *Report) landlock(s settings) {
	switch {
	case s.Flags&unix.CLONE_NEWNS != 0:
		r.Walls = append(r.Walls, Wall{Name: WallLandlock, Instead: WallMounts})
	case s.Self:
		r.add(WallLandlock, errors.New("not for a cell that directories are lent to"))
	default:
		r.add(WallLandlock, landlock(s.Dir))
	}
}

// user gives up root. A cell of a user who is not root stays that user.
func (r *Report) user(s settings) error {
	switch {
	case s.Root && s.Self:
		r.add(WallUser, errors.New("it acts on files as root, without capabilities"))
	case s.Flags&unix.CLONE_NEWUSER != 0 && s.Root && !s.Own:
		r.add(WallUser, nil)
	case s.Flags&unix.CLONE_NEWUSER != 0:
		r.add(WallUser, errors.New("it is who started it, in a namespace of its own"))
	case os.Geteuid() != 0:
		r.add(WallUser, errors.New("it is who started it"))
	default:
		err := becomeNobody()
		if err != nil && s.Flags != 0 {
			return err
		}
		r.add(WallUser, err)
	}
	return nil
}

// limit sets the resource limits of this process.
func limit(s settings) error {
	all, data, err := selfexec.Mapped()
	if err != nil {
		return err
	}
	// Go takes its heap in pieces of 64 MiB, and threads' stacks beside it.
	const slack = 256 << 20
	limits := []resourceLimit{
		{"core size", unix.RLIMIT_CORE, 0},
		{"writable memory", unix.RLIMIT_DATA, data + uint64(s.Memory) + slack},
		{"address space", unix.RLIMIT_AS, all + uint64(s.Memory) + uint64(s.Space) + slack},
		{"file size", unix.RLIMIT_FSIZE, uint64(s.Memory)},
		{"open files", unix.RLIMIT_NOFILE, maxDescriptors},
		{"message queues", unix.RLIMIT_MSGQUEUE, 0},
		{"locked memory", unix.RLIMIT_MEMLOCK, 0},
	}
	if s.Flags&unix.CLONE_NEWUSER != 0 {
		// Counted for this namespace alone; elsewhere for all processes of the user.
		limits = append(limits, resourceLimit{"threads", unix.RLIMIT_NPROC, maxThreads})
	}
	for _, l := range limits {
		if err := selfexec.Lower(l.resource, l.most, l.most); err != nil {
			return fmt.Errorf("limit %s: %w", l.name, err)
		}
	}
	return nil
}

type resourceLimit struct {
	name     string
	resource int
	most     uint64
}

const (
	maxDescriptors = 512 // its guests' files among them
	maxThreads     = 256 // Go takes one for each system call that blocks
)
