package dockertest

import (
	"archive/tar"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"time"
)

// A File is one file of an image, of the user and the group with these numbers.
// The zero File is empty, of root, and everybody may read and execute it.
type File struct {
	Data []byte      // the content
	Path string      // if set, the content is that of this file on the host
	Link string      // if set, a symbolic link with this target
	Mode fs.FileMode // permissions, 0755 if 0; also fs.ModeDir, fs.ModeSetuid and fs.ModeSticky
	UID  int
	GID  int
}

// writeTar writes files in the order of their names and without times: the same
// files are the same bytes.
func writeTar(w io.Writer, files map[string]File) error {
	all := map[string]File{}
	for name, file := range files {
		name = strings.TrimPrefix(path.Clean("/"+name), "/")
		if _, again := all[name]; again && !all[name].Mode.IsDir() || name == "" {
			return fmt.Errorf("file %q: no name of a file, or named twice", name)
		}
		all[name] = file
	}
	for name := range maps.Clone(all) {
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			if _, ok := all[dir]; !ok {
				all[dir] = File{Mode: fs.ModeDir}
			}
		}
	}
	out := tar.NewWriter(w)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if err := all[name].write(out, name); err != nil {
			return fmt.Errorf("file %s: %w", name, err)
		}
	}
	return out.Close()
}

func (f File) write(out *tar.Writer, name string) error {
	header := &tar.Header{Name: name, ModTime: time.Unix(0, 0), Uid: f.UID, Gid: f.GID, Mode: int64(f.Mode.Perm())}
	if header.Mode == 0 {
		header.Mode = 0o755
	}
	if f.Mode&fs.ModeSetuid != 0 {
		header.Mode |= 0o4000
	}
	if f.Mode&fs.ModeSticky != 0 {
		header.Mode |= 0o1000
	}
	switch {
	case f.Link != "":
		header.Typeflag, header.Linkname = tar.TypeSymlink, f.Link
	case f.Mode.IsDir():
		header.Typeflag, header.Name = tar.TypeDir, name+"/"
	case f.Path != "":
		return f.copy(out, header)
	default:
		header.Typeflag, header.Size = tar.TypeReg, int64(len(f.Data))
	}
	if err := out.WriteHeader(header); err != nil {
		return err
	}
	_, err := out.Write(f.Data)
	return err
}

// copy writes a file of the host.
func (f File) copy(out *tar.Writer, header *tar.Header) error {
	in, err := os.Open(f.Path)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // it was read only
	info, err := in.Stat()
	if err != nil {
		return err
	}
	header.Typeflag, header.Size = tar.TypeReg, info.Size()
	if err := out.WriteHeader(header); err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return err
}
