package wasmhost

import (
	"errors"
	"fmt"
	"os"
	"path"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental/sysfs"
)

// mounts are the directories one call may see, open.
type mounts []rootFS

// openMounts opens the directories of all mounts; the caller closes them.
func openMounts(grants []Mount) (mounts, error) {
	var opened mounts
	for _, g := range grants {
		if !path.IsAbs(g.Guest) {
			opened.close()
			return nil, fmt.Errorf("mount %q: the guest path must be absolute", g.Guest)
		}
		root, err := os.OpenRoot(g.Host)
		if err != nil {
			opened.close()
			return nil, fmt.Errorf("mount %q: %w", g.Guest, err)
		}
		opened = append(opened, rootFS{root: root, guest: path.Clean(g.Guest), writable: g.Writable})
	}
	return opened, nil
}

func (m mounts) config() wazero.FSConfig {
	config := wazero.NewFSConfig()
	for _, fs := range m {
		config = config.(sysfs.FSConfig).WithSysFSMount(fs, fs.guest)
	}
	return config
}

func (m mounts) close() {
	var err error
	for _, fs := range m {
		err = errors.Join(err, fs.root.Close())
	}
	_ = err // directories opened for reading
}
