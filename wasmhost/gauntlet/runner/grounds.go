package runner

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/graflow/graflow-wasm/wasmhost/gauntlet"
)

// grounds are where a case is fought: its directories and servers.
type grounds struct {
	dir    string // of all
	data   string // what is mounted
	input  string
	server *servers
	before map[string]string // what stood outside of the mount, and in one that is read only
}

const (
	innocent = "inside"
	secret   = "secret"
)

// prepare makes in dir what the setup of a case asks for.
func prepare(c gauntlet.Case, dir string) (g grounds, err error) {
	g = grounds{dir: dir, data: filepath.Join(dir, "data"), input: c.Input}
	outside := filepath.Join(dir, "outside")
	err = errors.Join(
		os.MkdirAll(filepath.Join(g.data, "sub"), 0o700),
		os.MkdirAll(outside, 0o700),
		os.WriteFile(filepath.Join(g.data, "file"), []byte(innocent), 0o600),
		os.WriteFile(filepath.Join(g.data, "sub", "file"), []byte(innocent), 0o600),
		os.WriteFile(filepath.Join(outside, "secret"), []byte(secret), 0o600),
		os.Symlink(filepath.Join("..", "outside"), filepath.Join(g.data, "link")),
		os.Symlink(outside, filepath.Join(g.data, "absolute")),
		os.Symlink(filepath.Join("..", "outside", "secret"), filepath.Join(g.data, "secret")),
		os.Symlink("/proc/self", filepath.Join(g.data, "self")),
	)
	if err != nil {
		return g, fmt.Errorf("prepare directories: %w", err)
	}
	if c.Setup.Server {
		g.server = startServers()
		g.input = g.fill(g.input)
	}
	g.before, err = g.state(c)
	return g, err
}

// close stops the servers.
func (g grounds) close() {
	if g.server != nil {
		g.server.first.close()
		g.server.inner.close()
	}
}

// fill puts the addresses of the servers into a text.
func (g grounds) fill(text string) string {
	if g.server == nil {
		return text
	}
	_, port, _ := net.SplitHostPort(g.server.first.address)
	return strings.NewReplacer("{server}", g.server.first.address, "{inner}", g.server.inner.address, "{port}", port).Replace(text)
}

// state is what a guest must not change: names, kinds, times of change and
// contents.
func (g grounds) state(c gauntlet.Case) (map[string]string, error) {
	trees := []string{"outside"}
	if c.Setup.Mount != gauntlet.MountWritable {
		trees = append(trees, "data")
	}
	state := map[string]string{}
	entries, err := os.ReadDir(g.dir)
	for _, e := range entries {
		state[e.Name()] = e.Type().String()
	}
	for _, tree := range trees {
		err = errors.Join(err, filepath.WalkDir(filepath.Join(g.dir, tree), func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			content := ""
			if d.Type().IsRegular() {
				b, err := os.ReadFile(path)
				if err != nil {
					return err
				}
				content = string(b)
			}
			state[path] = fmt.Sprintf("%s %s %q", info.Mode(), info.ModTime(), content)
			return nil
		}))
	}
	return state, err
}

// breaches tells what a guest did that it should not have been able to do.
func (g grounds) breaches(c gauntlet.Case) []string {
	var found []string
	after, err := g.state(c)
	if err != nil {
		found = append(found, "files outside of the mount are no longer what they were: "+err.Error())
	}
	for path, was := range g.before {
		if after[path] != was {
			found = append(found, fmt.Sprintf("%s was %s, is %s", strings.TrimPrefix(path, g.dir), was, after[path]))
		}
	}
	for path := range after {
		if _, known := g.before[path]; !known {
			found = append(found, "made outside of the mount: "+strings.TrimPrefix(path, g.dir))
		}
	}
	if c.Setup.Mount == gauntlet.MountWritable {
		found = append(found, g.usage(c)...)
	}
	if g.server != nil {
		found = append(found, g.server.breaches(c.Setup)...)
	}
	slices.Sort(found)
	return found
}

// usage compares what is in a writable mount with the limits.
func (g grounds) usage(c gauntlet.Case) []string {
	var size int64
	entries := 0
	err := filepath.WalkDir(g.data, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		entries++
		if info, err := d.Info(); err == nil && d.Type().IsRegular() {
			size += info.Size()
		}
		return nil
	})
	var found []string
	if err != nil {
		found = append(found, "the mount can't be read: "+err.Error())
	}
	const own = 2 * int64(len(innocent))
	calls := int64(max(1, c.Repeat) * max(1, c.Parallel) * len(c.Exports))
	if most := calls*c.Limits.DiskBytes + own; size > most {
		found = append(found, fmt.Sprintf("the mount holds %d bytes, the limit is %d", size, most))
	}
	if entries > gauntlet.EntriesMost {
		found = append(found, fmt.Sprintf("the mount holds %d entries, the limit is %d", entries, gauntlet.EntriesMost))
	}
	return found
}
