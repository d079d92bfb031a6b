package artifact

import (
	"fmt"
	"os"
	"os/signal"

	"github.com/graflow/graflow-wasm/wasmhost/internal/selfexec"
	"golang.org/x/sys/unix"
)

// limitSelf binds this process, for good.
func limitSelf(l Limits) error {
	if err := selfexec.DropPrivileges(); err != nil {
		return fmt.Errorf("no new privileges: %w", err)
	}
	mapped, _, err := selfexec.Mapped()
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
		if err := selfexec.Lower(limit.resource, limit.soft, limit.max); err != nil {
			return fmt.Errorf("%s: %w", limit.name, err)
		}
	}
	return nil
}
