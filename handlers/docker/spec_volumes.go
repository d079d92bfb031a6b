package docker

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	slashpath "path"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/graflow/graflow-wasm/handlers/internal/guest"
)

// What the engine has in each container.
const (
	ownDir = "/run/graflow" // the attempt's directory
	outDir = "/out"         // a tree in memory for files_out
	tmpDir = "/tmp"         // a tree in memory
)

// defaultShmSize is Docker's own.
const defaultShmSize = 64 << 20

// parseVolumes reads {HOST: {bind: PATH, mode: ro}}, or {HOST: PATH}.
func (s *settings) parseVolumes(d guest.Document, c *Config) error {
	all, err := entries(d, "volumes")
	if err != nil {
		return err
	}
	var errs []error
	for _, host := range sorted(all) {
		v, err := c.parseVolume(fmt.Sprintf("docker.volumes[%q]", host), host, all[host])
		s.volumes, errs = append(s.volumes, v), append(errs, err)
	}
	slices.SortStableFunc(s.volumes, func(a, b volume) int { return strings.Compare(a.target, b.target) })
	return errors.Join(errs...)
}

func (c *Config) parseVolume(name, host string, data json.RawMessage) (volume, error) {
	v := volume{asked: host}
	mode := "rw"
	if json.Unmarshal(data, &v.target) != nil {
		d, err := guest.Object(name, data, "bind", "mode")
		err = errors.Join(err, d.Text("bind", &v.target), word(d, "mode", &mode, "ro", "rw"))
		if err != nil {
			return v, err
		}
	}
	v.writable = mode == "rw"
	if v.target == "" {
		return v, fmt.Errorf("%s.bind: missing: write where the container sees it, as \"/data\"", name)
	}
	if err := checkPath(v.target); err != nil {
		return v, fmt.Errorf("%s.bind: %w", name, err)
	}
	var err error
	if v.source, err = c.resolveVolume(host); err != nil {
		return v, fmt.Errorf("%s: %w", name, err)
	}
	return v, nil
}

// resolveVolume is resolve, unless it is another machine that has the volume.
func (c *Config) resolveVolume(host string) (string, error) {
	switch {
	case !c.elsewhere:
		return resolve(c.Dir, host)
	case !slashpath.IsAbs(host) && !filepath.IsAbs(host):
		return "", errors.New("it is relative to a directory of this machine, and the task runs on another: write the absolute path that it has there, or hand the files over with files_in")
	}
	return host, nil
}

// resolve is a file or directory of this machine by its path without links. What
// is at that path can change until the daemon mounts it, by whoever may write to a
// directory above it; that is why a mount that operators allow for writing should
// have none of those that they allow for reading below it.
func resolve(dir, host string) (string, error) {
	if host == "" || hasControls(host) {
		return "", errors.New("want the path of a file or directory, without control characters")
	}
	file, err := guest.Absolute(dir, host)
	if err != nil {
		return "", err
	}
	resolved, err := filepath.EvalSymlinks(file)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("there is no %s: make it first; volumes with a name of their own are not supported", file)
	}
	return resolved, err
}

// parseTmpfs reads {PATH: SIZE}, and the size of /dev/shm.
func (s *settings) parseTmpfs(d guest.Document) error {
	err := d.Size("shm_size", &s.shmSize)
	all, mapErr := entries(d, "tmpfs")
	if mapErr != nil {
		return errors.Join(err, mapErr)
	}
	errs := []error{err}
	s.tmpfs = map[string]int64{}
	for _, target := range sorted(all) {
		s.tmpfs[target], err = parseSize(fmt.Sprintf("tmpfs[%q]", target), all[target])
		if pathErr := checkPath(target); pathErr != nil {
			err = fmt.Errorf("docker.tmpfs[%q]: %w", target, pathErr)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// parseSize reads a size that is not left out.
func parseSize(key string, value json.RawMessage) (int64, error) {
	data, err := json.Marshal(map[string]json.RawMessage{key: value})
	if err != nil {
		return 0, err
	}
	d, err := guest.Object("docker", data, key)
	var size int64
	if err = errors.Join(err, d.Size(key, &size)); err == nil && size == 0 {
		err = d.Wrong(key, `a size, as "64MiB"`)
	}
	return size, err
}

// path reads an absolute path in the container.
func path(d guest.Document, key string, into *string) error {
	if err := d.Text(key, into); err != nil || d.Field(key) == nil {
		return err
	}
	if err := checkPath(*into); err != nil {
		return fmt.Errorf("docker.%s: %w", key, err)
	}
	return nil
}

// checkPath wants a path in a container in the one way in which it can be written.
func checkPath(p string) error {
	switch {
	case !strings.HasPrefix(p, "/"):
		return fmt.Errorf(`got %q, want an absolute path in the container, as "/data"`, p)
	case strings.ContainsAny(p, ":,") || hasControls(p):
		return fmt.Errorf(`got %q, want a path without ":", "," and control characters; options have keys of their own, as mode: ro`, p)
	case slashpath.Clean(p) != p:
		return fmt.Errorf("got %q, want it written straight, as %q", p, slashpath.Clean(p))
	}
	return nil
}

func hasControls(text string) bool { return strings.ContainsFunc(text, unicode.IsControl) }

// target is a path in the container that something is mounted at.
type target struct {
	where string
	path  string
	tree  string // what kind of tree it is: treeHost, treeMemory, treeFile
}

const (
	treeHost   = "a volume"
	treeMemory = "a tmpfs"
	treeFile   = "a file of files_in"
)

func (s *settings) targets() []target {
	var all []target
	for _, v := range s.volumes {
		all = append(all, target{fmt.Sprintf("docker.volumes[%q]", v.asked), v.target, treeHost})
	}
	for _, p := range sorted(s.tmpfs) {
		all = append(all, target{fmt.Sprintf("docker.tmpfs[%q]", p), p, treeMemory})
	}
	for _, p := range sorted(s.filesIn) {
		all = append(all, target{fmt.Sprintf("docker.files_in[%q]", p), p, treeFile})
	}
	return slices.DeleteFunc(all, func(t target) bool { return checkPath(t.path) != nil })
}

// checkTargets refuses mounts over what is the engine's, over another, and in a
// volume: the daemon would make the mount point in it, as root.
func (s *settings) checkTargets() error {
	all := s.targets()
	var errs []error
	for i, t := range all {
		if err := checkReserved(t); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", t.where, err))
			continue
		}
		for j, other := range all {
			switch {
			case j == i:
			case t.path == other.path && i < j:
				errs = append(errs, fmt.Errorf("%s: %s is mounted at %s too; choose another path for one of them", other.where, t.where, t.path))
			case t.path != other.path && isWithin(other.path, t.path) && other.tree != treeMemory:
				errs = append(errs, fmt.Errorf("%s: %s is in %s, which is %s; mount it beside that", t.where, t.path, other.path, other.tree))
			}
		}
	}
	return errors.Join(errs...)
}

// kernelDirs are not a container's to mount over.
var kernelDirs = []string{"/proc", "/sys", "/dev"}

func checkReserved(t target) error {
	for _, dir := range kernelDirs {
		if isWithin(dir, t.path) {
			return fmt.Errorf("%s is the kernel's; nothing is mounted there", t.path)
		}
	}
	for _, dir := range []string{ownDir, outDir, tmpDir} {
		switch {
		case t.path == tmpDir && t.tree == treeMemory:
		case isWithin(t.path, dir):
			return fmt.Errorf("%s would hide %s, which is the engine's; mount it elsewhere", t.path, dir)
		case isWithin(dir, t.path) && dir != tmpDir:
			return fmt.Errorf("%s is in %s, which is the engine's; mount it elsewhere", t.path, dir)
		}
	}
	return nil
}

// isWithin tells whether a path in a container is dir or below it.
func isWithin(dir, p string) bool {
	return dir == "/" || p == dir || strings.HasPrefix(p, dir+"/")
}
