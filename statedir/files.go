package statedir

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
)

// file is one that is written to at its end.
type file interface {
	io.WriteCloser
	// Sync returns when what was written survives a loss of power.
	Sync() error
}

// fileSystem is what a [Dir] writes with. Tests put faults into it.
type fileSystem interface {
	openAppend(name string) (file, error) // made if it is not there
	rename(from, to string) error
	syncDir(name string) error // makes names in it survive
}

type osFiles struct{}

var _ fileSystem = osFiles{}

func (osFiles) openAppend(name string) (file, error) {
	return os.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
}

func (osFiles) rename(from, to string) error { return os.Rename(from, to) }

func (osFiles) syncDir(name string) error {
	if runtime.GOOS == "windows" { // where directories can't be synced, nor need to be
		return nil
	}
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// writeFile makes a file with all of its content, or none.
func (d *Dir) writeFile(name string, data []byte, s Sync) error {
	tmp := d.tmpName()
	if err := d.writeTmp(tmp, data, s); err != nil {
		_ = os.Remove(tmp)
		return fmt.Errorf("write %s: %w", name, err)
	}
	return d.install(tmp, name, s)
}

func (d *Dir) writeTmp(tmp string, data []byte, s Sync) error {
	f, err := d.files.openAppend(tmp)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil && s != SyncNever {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

// install gives a synced temporary file its name.
func (d *Dir) install(tmp, name string, s Sync) error {
	if err := d.files.rename(tmp, name); err != nil {
		_ = os.Remove(tmp)
		return err
	}
	return d.syncNames(filepath.Dir(name), s)
}

func (d *Dir) syncNames(dir string, s Sync) error {
	if s == SyncNever {
		return nil
	}
	return d.files.syncDir(dir)
}

// makeDir makes a directory in one that is there. If it is there too, its name
// may not be synced yet.
func (d *Dir) makeDir(name string) error {
	if err := os.Mkdir(name, 0o700); err != nil && !os.IsExist(err) {
		return err
	}
	return d.syncNames(filepath.Dir(name), d.cfg.Sync)
}

// discard removes a directory and all below it: at once for whoever looks, a
// crash in between leaves nothing but rubbish in tmp.
func (d *Dir) discard(name string) error {
	tmp := d.tmpName()
	if err := d.files.rename(name, tmp); err != nil {
		if os.IsNotExist(err) {
			return nil
		}
		return err
	}
	if err := d.syncNames(filepath.Dir(name), d.cfg.Sync); err != nil {
		return err
	}
	return os.RemoveAll(tmp)
}

func (d *Dir) tmpName() string {
	return filepath.Join(d.path, "tmp", fmt.Sprint(d.temporary.Add(1)))
}
