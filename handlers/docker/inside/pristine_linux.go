package inside

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// pristine is what a container was before its first job, and what it has to be
// again before the next.
type pristine struct {
	writable []string                // file systems in memory that jobs can write
	files    map[string]fileIdentity // in them
	ipc      map[ipcObject]bool
	self     attributes
}

// fileIdentity tells whether a file is still the one that it was.
type fileIdentity struct {
	device  uint64
	inode   uint64
	mode    uint32
	uid     uint32
	size    int64 // of no directory: those change as files come and go
	changed syscall.Timespec
}

// look notes what the container is now. It refuses one whose root can be
// written: what a job leaves there can't be found.
func look() (pristine, error) {
	p := pristine{files: map[string]fileIdentity{}}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return p, err
	}
	if p.writable, err = writableMemory(string(mounts)); err != nil {
		return p, err
	}
	for _, dir := range p.writable {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return nil // what this user can't see it can't change
			}
			id, err := identify(path)
			if path != dir && id.device != p.files[dir].device && d.IsDir() {
				return fs.SkipDir // another file system, which is looked at for itself if at all
			}
			p.files[path] = id
			return err
		})
		if err != nil {
			return p, err
		}
	}
	p.ipc, err = listIPC()
	if err == nil {
		p.self, err = ownAttributes()
	}
	return p, err
}

// writableMemory lists the mount points of file systems in memory that are not
// read-only, by the text of mountinfo (see proc_pid_mountinfo(5)).
func writableMemory(mountinfo string) ([]string, error) {
	var found []string
	for line := range strings.Lines(mountinfo) {
		mount, filesystem, ok := strings.Cut(line, " - ")
		fields, kind := strings.Fields(mount), strings.Fields(filesystem)
		if !ok || len(fields) < 6 || len(kind) < 3 {
			return nil, fmt.Errorf("read the mounts of this container: %q", line)
		}
		point := unescape(fields[4])
		readOnly := hasOption(fields[5], "ro") || hasOption(kind[2], "ro")
		switch {
		case readOnly, strings.HasPrefix(point, "/proc/"), strings.HasPrefix(point, "/sys/"):
		case point == "/":
			return nil, errors.New("the root of this container can be written: a pool needs it read-only")
		case kind[0] == "tmpfs" && fields[3] == "/", kind[0] == "mqueue": // a bind mount of a directory is a volume
			found = append(found, point)
		}
	}
	return found, nil
}

// unescape undoes the octal escapes of mountinfo.
func unescape(path string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(path)
}

func hasOption(list, option string) bool {
	for o := range strings.SplitSeq(list, ",") {
		if o == option {
			return true
		}
	}
	return false
}

func identify(path string) (fileIdentity, error) {
	st, err := os.Lstat(path)
	if err != nil {
		return fileIdentity{}, err
	}
	sys, ok := st.Sys().(*syscall.Stat_t)
	if !ok {
		return fileIdentity{}, fmt.Errorf("stat %s: no inode", path)
	}
	id := fileIdentity{device: sys.Dev, inode: sys.Ino, mode: sys.Mode, uid: sys.Uid}
	if !st.IsDir() && st.Mode()&fs.ModeDevice == 0 {
		id.size, id.changed = sys.Size, sys.Ctim
	}
	return id, nil
}

// restore removes what was not there before, and fails if something that was
// there is not, or not as it was.
func (p pristine) restore() error {
	for _, dir := range p.writable {
		if err := p.clear(dir); err != nil {
			return fmt.Errorf("empty %s: %w", dir, err)
		}
	}
	for path, want := range p.files {
		if got, err := identify(path); err != nil {
			return err
		} else if got != want {
			return fmt.Errorf("%s was changed", path)
		}
	}
	if err := p.clearIPC(); err != nil {
		return err
	}
	now, err := ownAttributes()
	if err == nil && !now.equal(p.self) {
		err = errors.New("a job changed the limits or the priority of the pool's process")
	}
	return err
}

// clear removes what is new below dir, which was there.
func (p pristine) clear(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrPermission) {
		return nil // of another user, who only can be the one that prepared it
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		_, before := p.files[path]
		switch {
		case !before && p.mountPoint(dir, path):
		case before && e.IsDir():
			err = p.clear(path)
		case !before:
			err = removeAll(path)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// mountPoint says whether another file system begins at path. A job can't mount.
func (p pristine) mountPoint(dir, path string) bool {
	id, err := identify(path)
	return err == nil && id.device != p.files[dir].device
}

// removeAll removes a tree, whose directories may keep even their owner out.
func removeAll(path string) error {
	if err := os.RemoveAll(path); err == nil {
		return nil
	}
	_ = filepath.WalkDir(path, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			err = os.Chmod(path, 0o700)
		}
		return err
	})
	return os.RemoveAll(path)
}
