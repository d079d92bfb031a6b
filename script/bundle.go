package script

import (
	"container/list"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost"
)

// maxBundleBytes bounds what unpacked bundles are kept, beside those in use.
const maxBundleBytes = 256 << 20

// bundles keeps what wheels hold, as long as the files are the same.
type bundles struct {
	mu     sync.Mutex
	kept   map[string]*list.Element // by path; guarded by mu, as are the next ones
	recent list.List                // of *bundle, the last used in front
	bytes  int64
}

// bundle is what one wheel holds.
type bundle struct {
	path     string
	size     int64
	modified time.Time
	files    map[string][]byte // must not be changed
	bytes    int64
}

// mounts shows bundles at /with/0, /with/1 and so on.
func (b *bundles) mounts(with []string) (mounts []wasmhost.Mount, path []string, err error) {
	for i, name := range with {
		at := fmt.Sprintf("%s/%d", withDir, i)
		mount, err := b.mount(name, at)
		if err != nil {
			return nil, nil, fmt.Errorf("bundle %q: %w", name, err)
		}
		mounts, path = append(mounts, mount), append(path, at)
	}
	return mounts, path, nil
}

func (b *bundles) mount(name, at string) (wasmhost.Mount, error) {
	full, err := filepath.Abs(name)
	if err != nil {
		return wasmhost.Mount{}, err
	}
	info, err := os.Stat(full)
	switch {
	case err != nil:
		return wasmhost.Mount{}, err
	case info.IsDir():
		return wasmhost.Mount{Guest: at, Host: full}, nil
	case !info.Mode().IsRegular():
		return wasmhost.Mount{}, fmt.Errorf("it is neither a directory nor a wheel or zip file")
	}
	files, err := b.unpacked(full, info)
	return wasmhost.Mount{Guest: at, Memory: true, Files: files}, err
}

// unpacked is what a wheel holds, from what is kept if it is the same file.
func (b *bundles) unpacked(path string, info os.FileInfo) (map[string][]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if at := b.kept[path]; at != nil {
		if known := at.Value.(*bundle); known.size == info.Size() && known.modified.Equal(info.ModTime()) {
			b.recent.MoveToFront(at)
			return known.files, nil
		}
		b.drop(at)
	}
	files, err := unzip(path)
	if err != nil {
		return nil, err
	}
	made := &bundle{path: path, size: info.Size(), modified: info.ModTime(), files: files}
	for _, data := range files {
		made.bytes += int64(len(data))
	}
	if b.kept == nil {
		b.kept = map[string]*list.Element{}
	}
	b.kept[path] = b.recent.PushFront(made)
	b.bytes += made.bytes
	for b.bytes > maxBundleBytes && b.recent.Len() > 1 {
		b.drop(b.recent.Back())
	}
	return files, nil
}

func (b *bundles) drop(at *list.Element) {
	old := b.recent.Remove(at).(*bundle)
	delete(b.kept, old.path)
	b.bytes -= old.bytes
}
