package parts

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// goPackage is what `go list -json` says of a package.
type goPackage struct {
	Dir      string
	Standard bool
	Module   *goModule
}

type goModule struct {
	Path, Version, Dir, Sum string
	Main                    bool
	Replace                 *goModule
}

// Linked are the modules whose packages a command is linked of on any of the platforms
// (GOOS/GOARCH), and Go's own library, sorted by name. dir is in the command's module.
func Linked(ctx context.Context, j *Judge, dir, command string, platforms ...string) ([]Part, error) {
	modules, dirs := map[string]goModule{}, map[string][]string{}
	for _, platform := range platforms {
		packages, err := list(ctx, dir, command, platform)
		if err != nil {
			return nil, err
		}
		for _, p := range packages {
			if p.Standard || p.Module == nil || p.Module.Main {
				continue
			}
			m := *p.Module
			if m.Replace != nil && m.Replace.Version != "" {
				m = *m.Replace
			}
			modules[m.Path] = m
			dirs[m.Path] = append(dirs[m.Path], p.Dir)
		}
	}
	std, err := standard(ctx, j, dir)
	if err != nil {
		return nil, err
	}
	all := []Part{std}
	for _, path := range slices.Sorted(maps.Keys(modules)) {
		m := modules[path]
		p := Part{Name: m.Path, Version: m.Version, Sum: m.Sum, Origin: "pkg:golang/" + m.Path + "@" + m.Version}
		if err := p.read(j, m.Dir, dirs[path]); err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

func list(ctx context.Context, dir, command, platform string) ([]goPackage, error) {
	goos, goarch, _ := strings.Cut(platform, "/")
	cmd := exec.CommandContext(ctx, "go", "list", "-deps", "-json=Dir,Standard,Module", command)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0", "GOOS="+goos, "GOARCH="+goarch)
	raw, err := output(cmd)
	if err != nil {
		return nil, fmt.Errorf("list the packages of %s for %s: %w", command, platform, err)
	}
	var all []goPackage
	for d := json.NewDecoder(bytes.NewReader(raw)); ; {
		var p goPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("read what go list says: %w", err)
		}
		all = append(all, p)
	}
}

// output is what a command prints; its error has what it complains of.
func output(cmd *exec.Cmd) ([]byte, error) {
	raw, err := cmd.Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		return nil, fmt.Errorf("%w: %s", err, bytes.TrimSpace(failed.Stderr))
	}
	return raw, err
}

// standard is Go's library, with what it vendors.
func standard(ctx context.Context, j *Judge, dir string) (Part, error) {
	cmd := exec.CommandContext(ctx, "go", "env", "GOVERSION", "GOROOT")
	cmd.Dir = dir
	raw, err := output(cmd)
	if err != nil {
		return Part{}, fmt.Errorf("ask Go for its version: %w", err)
	}
	version, root, _ := strings.Cut(strings.TrimSpace(string(raw)), "\n")
	version = strings.TrimPrefix(version, "go")
	p := Part{Name: "std", Version: version, Origin: "pkg:golang/std@" + version}
	return p, p.read(j, root, nil)
}

// read finds the texts of a part in the directories of its packages and those around
// them, up to its root.
func (p *Part) read(j *Judge, root string, packages []string) error {
	dirs := map[string]bool{root: true}
	for _, dir := range packages {
		for ; dir != root && len(dir) > len(root); dir = filepath.Dir(dir) {
			dirs[dir] = true
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(dirs)) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return fmt.Errorf("look for the license of %s: %w", p.Name, err)
		}
		for _, e := range entries {
			if !e.Type().IsRegular() || !isNotice(e.Name()) {
				continue
			}
			raw, err := os.ReadFile(filepath.Join(dir, e.Name())) //nolint:gosec // a module's own
			if err != nil {
				return fmt.Errorf("read the license of %s: %w", p.Name, err)
			}
			name, _ := filepath.Rel(root, filepath.Join(dir, e.Name()))
			p.Texts = append(p.Texts, Text{filepath.ToSlash(name), string(raw)})
			found := j.Licenses(string(raw))
			if len(found) == 0 && isLicense(e.Name()) {
				found = []string{unknown}
			}
			p.Licenses = append(p.Licenses, found...)
		}
	}
	slices.Sort(p.Licenses)
	p.Licenses = slices.Compact(p.Licenses)
	return nil
}

// isLicense tells those of them that have to be known.
func isLicense(name string) bool {
	name = strings.ToUpper(name)
	return strings.Contains(name, "LICEN") || strings.HasPrefix(name, "COPYING")
}

// isNotice tells files with licenses and notices by their names. Those of documentation
// or code that is not linked are none.
func isNotice(name string) bool {
	base, ext, _ := strings.Cut(strings.ToUpper(name), ".")
	switch ext {
	case "", "MD", "TXT", "RST":
	default:
		return false
	}
	for _, word := range []string{"LICENSE", "LICENCE", "COPYING", "UNLICENSE", "NOTICE", "PATENTS", "THIRD_PARTY", "THIRDPARTY"} { //nolint:misspell // others spell it so
		if strings.HasPrefix(base, word) {
			return true
		}
	}
	return false
}
