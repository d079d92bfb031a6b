package inside

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/graflow/graflow-wasm/wasmhost"
)

// PrepareCache compiles a module on the host's side and puts its code into dir,
// to be mounted read-only into containers that run it (WasmTask.Cache). dir is
// made whole or not at all; if it is there, nothing is done. It holds this one
// module, under a key of its own: a container can read that key, and forge
// nothing with it that anybody would run. Who can write to dir on the host can
// have containers run what they like.
//
// Code is found again by the same wazero on the same kind of CPU; otherwise the
// container compiles the module itself. A module that can't be run is a
// *wasmhost.ModuleError. PrepareCache may be called concurrently.
func PrepareCache(ctx context.Context, dir string, module []byte) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return fmt.Errorf("prepare code for containers: %w", err)
	}
	temp, err := os.MkdirTemp(parent, ".new-")
	if err != nil {
		return fmt.Errorf("prepare code for containers: %w", err)
	}
	defer func() { _ = os.RemoveAll(temp) }()
	if err := compileInto(ctx, temp, module); err != nil {
		return fmt.Errorf("prepare code for containers: %w", err)
	}
	if err := readable(temp); err != nil {
		return fmt.Errorf("prepare code for containers: %w", err)
	}
	err = os.Rename(temp, dir)
	if _, there := os.Stat(dir); err != nil && there != nil {
		return fmt.Errorf("prepare code for containers: %w", err)
	}
	return nil
}

func compileInto(ctx context.Context, dir string, module []byte) error {
	host, err := wasmhost.New(ctx, wasmhost.Config{CacheDir: dir, IdleBytes: -1})
	if err != nil {
		return err
	}
	_, err = host.Compile(ctx, module)
	return errors.Join(err, host.Close(ctx))
}

// readable lets the container's user, whoever it is, read what is in dir.
func readable(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.Chmod(path, 0o755)
		}
		return os.Chmod(path, 0o644)
	})
}
