package artifact

import (
	"bytes"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// limitSelf binds this process, for good.
func limitSelf(l Limits) error {
	if err := dropPrivileges(); err != nil {
		return fmt.Errorf("no new privileges: %w", err)
	}
	mapped, err := mappedBytes()
	if err != nil {
		return err
	}
	// A second later comes SIGKILL, should this process not end by itself.
	over := make(chan os.Signal, 1)
	signal.Notify(over, unix.SIGXCPU)
	go func() {
		<-over
		os.Exit(exitCPU)
	}()
	// Go maps in pieces of 64 MiB, and threads' stacks and code beside its heap.
	// What Go's own figures exclude gets a quarter more.
	space := mapped + uint64(l.Memory) + uint64(l.Memory)/4 + 256<<20
	for _, limit := range []struct {
		name      string
		resource  int
		soft, max uint64
	}{
		{"core size", unix.RLIMIT_CORE, 0, 0},
		{"CPU time", unix.RLIMIT_CPU, l.cpuSeconds(), l.cpuSeconds() + 1},
		{"address space", unix.RLIMIT_AS, space, space},
		{"file size", unix.RLIMIT_FSIZE, uint64(l.Code), uint64(l.Code)},
		{"open files", unix.RLIMIT_NOFILE, 64, 64},
	} {
		if err := lower(limit.resource, limit.soft, limit.max); err != nil {
			return fmt.Errorf("%s: %w", limit.name, err)
		}
	}
	return nil
}

// dropPrivileges forbids setuid programs to all threads; in a program linked with
// C, where Go can't, to this one and those it starts.
func dropPrivileges() error {
	_, _, errno := syscall.AllThreadsSyscall6(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0)
	switch errno {
	case 0:
		return nil
	case syscall.ENOTSUP:
		return unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
	}
	return errno
}

// lower sets a limit, but never above what is set already.
func lower(resource int, soft, hard uint64) error {
	var now unix.Rlimit
	if err := unix.Getrlimit(resource, &now); err != nil {
		return err
	}
	return unix.Setrlimit(resource, &unix.Rlimit{Cur: min(soft, now.Max), Max: min(hard, now.Max)})
}

// mappedBytes is the address space this process has reserved so far; Go reserves
// much that it never touches, and the race detector terabytes.
func mappedBytes() (uint64, error) {
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, err
	}
	first, _, _ := bytes.Cut(statm, []byte(" "))
	pages, err := strconv.ParseUint(string(first), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read /proc/self/statm: %w", err)
	}
	return pages * uint64(os.Getpagesize()), nil
}
