package wasmhost

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/graflow/graflow-wasm/wasmhost/internal/guestfs"
	"github.com/graflow/graflow-wasm/wasmhost/internal/wasip1"
)

// openSystem makes what WASI functions work on: the trees of all mounts, open,
// and no more of the machine than was granted.
func (a *attempt) openSystem() error {
	grants := &a.opt.Grants
	config := wasip1.Config{
		Args:      []string{a.opt.Name},
		Env:       grants.environ(),
		Stdout:    a.stream("stdout", a.opt.Services.Stdout),
		Stderr:    a.stream("stderr", a.opt.Services.Stderr),
		OpenFiles: int(a.opt.Limits.OpenFiles),
	}
	if a.module.abi == ABIWASICommand {
		config.Stdin, config.Stdout = stdin(a.input), a
	}
	var err error
	if config.Clock, err = a.clock(); err != nil {
		return err
	}
	if config.Random, err = grants.random(); err != nil {
		return err
	}
	if err := a.openMounts(); err != nil {
		return err
	}
	config.Preopens = a.trees
	a.wasi = wasip1.New(config)
	return nil
}

func (g *Grants) random() (wasip1.Random, error) {
	switch g.Random {
	case "", RandomSecure:
		return wasip1.Random{}, nil
	case RandomSeeded:
		r := wasip1.Random{Kind: wasip1.SeededRandom}
		binary.LittleEndian.PutUint64(r.Seed[:], g.Seed)
		return r, nil
	}
	return wasip1.Random{}, fmt.Errorf("random %q: want %s or %s", g.Random, RandomSecure, RandomSeeded)
}

// openMounts opens the directories of all mounts; close closes them.
func (a *attempt) openMounts() error {
	if len(a.opt.Grants.Mounts) == 0 {
		return nil
	}
	a.disk = guestfs.NewQuota(a.opt.Limits.DiskBytes)
	for i, m := range a.opt.Grants.Mounts {
		tree, err := a.open(m, uint64(i))
		if err != nil {
			return fmt.Errorf("mount %q: %w", m.Guest, err)
		}
		a.trees = append(a.trees, wasip1.Preopen{GuestPath: path.Clean(m.Guest), FS: tree})
	}
	return nil
}

// open opens one mount. A tree in memory has a device number of its own, and
// the time of the guest's clock.
func (a *attempt) open(m Mount, index uint64) (guestfs.FS, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	if !m.Memory {
		return guestfs.OpenDir(m.Host, m.Writable, a.disk)
	}
	tree := guestfs.NewMemory(a.disk)
	tree.Device = 1 + index
	tree.Now = a.fileTime()
	if err := a.fill(tree, m.Files); err != nil {
		return nil, err
	}
	return tree, nil
}

// check tells what is wrong with a mount, but for what it takes to open it.
func (m *Mount) check() error {
	switch {
	case !path.IsAbs(m.Guest):
		return errors.New("the guest path must be absolute, as /data")
	case m.Memory && m.Host != "":
		return fmt.Errorf("it is in memory and at %s: want one of both", m.Host)
	case !m.Memory && len(m.Files) > 0:
		return fmt.Errorf("it is at %s: only a mount in memory can be given files", m.Host)
	}
	for name := range m.Files {
		if !fs.ValidPath(name) || name == "." || strings.IndexByte(name, 0) >= 0 {
			return fmt.Errorf("file %q: want a slash-separated path below the mount, as data/in.csv", name)
		}
	}
	return nil
}

// harmless are the WASI calls of an initialization that a snapshot may repeat:
// what they answer is the same for all calls of one shape, or changes nothing.
var harmless = []string{
	"args_get", "args_sizes_get", "environ_get", "environ_sizes_get",
	"clock_res_get", "clock_time_get", "random_get", "sched_yield",
	"fd_fdstat_get", "fd_fdstat_set_flags", "fd_prestat_get", "fd_prestat_dir_name", "fd_write", "proc_exit",
}

// unsound tells why no snapshot can stand for what a has initialized, or "".
func (a *attempt) unsound(s *sandbox) string {
	if s.dirty.Get() != 0 {
		return "its initialization changes tables or drops segments"
	}
	if a.output.Len() > 0 {
		return "its start function writes output"
	}
	return a.individual()
}

// individual tells what a's initialization asked that other calls may have answered
// otherwise, or "".
func (a *attempt) individual() string {
	for i, n := range a.calls {
		f := &hostFunctions[i]
		ok := f.module == wasiModule && slices.Contains(harmless, f.name) || f.capability == CapabilityLog
		if n > 0 && !ok {
			return fmt.Sprintf("its initialization calls %s, whose answer may differ from call to call", f.name)
		}
	}
	return ""
}
