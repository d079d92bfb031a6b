package soak

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/wasm"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// guestFile is the module of tasks that run in cells, in the directory of guests.
const guestFile = "./echo.wasm"

// guest is that module, a WASI command: it counts down from 30 million, long enough for
// its cell to be killed now and then, and says what it has heard.
const guest = "\x00asm\x01\x00\x00\x00" +
	"\x01\x0c\x02\x60\x04\x7f\x7f\x7f\x7f\x01\x7f\x60\x00\x00" + // types: four numbers give one, none give none
	"\x02\x44\x02\x16wasi_snapshot_preview1\x07fd_read\x00\x00\x16wasi_snapshot_preview1\x08fd_write\x00\x00" +
	"\x03\x02\x01\x01" + "\x05\x03\x01\x00\x01" + // a function, a page of memory
	"\x07\x13\x02\x06memory\x02\x00\x06_start\x00\x02" +
	"\x0a\x4a\x01\x48\x01\x01\x7f" + // its code, with a local
	"\x41\x80\x87\xa7\x0e\x21\x00\x03\x40\x20\x00\x41\x01\x6b\x22\x00\x0d\x00\x0b" + // for local = 30_000_000; --local != 0 {}
	"\x41\x00\x41\x80\x08\x36\x02\x00\x41\x04\x41\xe0\xd4\x03\x36\x02\x00" + // piece = {1024, 60_000}
	"\x41\x00\x41\x00\x41\x01\x41\x08\x10\x00\x1a" + // fd_read(0, &piece, 1, &n)
	"\x41\x04\x41\x08\x28\x02\x00\x36\x02\x00" + // piece.len = n
	"\x41\x01\x41\x00\x41\x01\x41\x08\x10\x01\x1a\x0b" // fd_write(1, &piece, 1, &n)

// writeGuest puts the guest into a directory.
func writeGuest(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, guestFile), []byte(guest), 0o600)
}

// cellar runs guests in cells, each of which may be killed. The caller closes it.
type cellar struct {
	host *wasmhost.Host
	engine.Handler
}

func newCellar(ctx context.Context, guests string, log *slog.Logger) (*cellar, error) {
	host, err := wasmhost.New(ctx, wasmhost.Config{
		CacheDir: filepath.Join(guests, "cache"), Logger: log,
		Isolate: func(string) bool { return true },
		Cells:   wasmhost.CellConfig{Kills: -1}, // it is not the module that ends them
	})
	if err != nil {
		return nil, err
	}
	h, err := wasm.New(wasm.Config{Host: host, Dir: guests, CacheDir: filepath.Join(guests, "cache")})
	if err != nil {
		return nil, err
	}
	return &cellar{host, h}, nil
}

func (c *cellar) close() { _ = c.host.Close(context.Background()) } // nothing of it is needed any more

// cellsOf are the processes in which a worker runs guests.
func cellsOf(worker int) (pids []int) {
	all, err := os.ReadDir("/proc")
	if err != nil {
		return nil // it is another system
	}
	for _, one := range all {
		pid, err := strconv.Atoi(one.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile(filepath.Join("/proc", one.Name(), "stat"))
		if err != nil {
			continue // it has ended
		}
		_, rest, _ := strings.Cut(string(stat), ") ")
		if fields := strings.Fields(rest); len(fields) < 2 || fields[1] != strconv.Itoa(worker) {
			continue
		}
		if env, err := os.ReadFile(filepath.Join("/proc", one.Name(), "environ")); err == nil && bytes.Contains(env, []byte("=cell\x00")) {
			pids = append(pids, pid)
		}
	}
	return pids
}
