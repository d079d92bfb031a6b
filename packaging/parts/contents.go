package parts

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// An ingredient is what a file that is embedded is made of.
type ingredient struct {
	name     string
	in       []string // files
	source   string   // the archive in runtimes/sources.sha256, up to its version; or a package of npm
	licenses []string
	notice   string // file with its license
	begins   string // its first line there
	ends     string // the line after its last
}

const (
	python     = "python.wasm"
	javascript = "javascript.wasm"
	dagre      = "dagre.min.js"
	notices    = "packaging/parts/notices/"
)

// contents are all ingredients. What is told of one is held against the text of its
// license and the digests that the checkout records.
var contents = []ingredient{
	{"CPython", []string{python}, "python3.13_", []string{"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "HPND", "MIT", "Python-2.0", "Zlib", "dtoa"}, notices + "python.rst", "", ""},
	{"zlib", []string{python}, "zlib_", []string{"Zlib"}, "runtimes/python/NOTICES.md", "## zlib", "## libexpat"},
	{"libexpat", []string{python}, "python3.13_", []string{"MIT"}, "runtimes/python/NOTICES.md", "## libexpat", "## libmpdec"},
	{"libmpdec", []string{python}, "python3.13_", []string{"BSD-2-Clause"}, "runtimes/python/NOTICES.md", "## libmpdec", ""},
	{"tzdata", []string{python}, "tzdata_", []string{"LicenseRef-public-domain"}, notices + "tzdata.txt", "", ""},
	{"QuickJS", []string{javascript}, "quickjs_", []string{"MIT"}, "runtimes/javascript/NOTICES.txt", "QuickJS (", "sucrase"},
	{"sucrase", []string{javascript}, "npm:runtimes/javascript", []string{"MIT"}, "runtimes/javascript/NOTICES.txt", "sucrase", ""},
	{"@dagrejs/dagre", []string{dagre}, "npm:internal/layout/dagre", []string{"MIT"}, "internal/layout/dagre/NOTICES.txt", "dagre ", "graphlib "},
	{"@dagrejs/graphlib", []string{dagre}, "npm:internal/layout/dagre", []string{"MIT"}, "internal/layout/dagre/NOTICES.txt", "graphlib ", ""},
	{"wasi-libc", []string{python, javascript}, "wasi-libc_", []string{"BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "SunPro"}, notices + "wasi-libc.txt", "", ""},
	{"compiler-rt", []string{python, javascript}, "libclang-rt-19-dev-wasm32_", []string{"Apache-2.0 WITH LLVM-exception"}, notices + "compiler-rt.txt", "", ""},
}

// sources are the digests of what is fetched, by the names of archives and packages.
type sources map[string]string

// readSources reads runtimes/sources.sha256, and the locks of npm's packages.
func readSources(checkout string) (sources, error) {
	raw, err := os.ReadFile(filepath.Join(checkout, "runtimes/sources.sha256")) //nolint:gosec // of the checkout
	if err != nil {
		return nil, fmt.Errorf("read the digests of sources: %w", err)
	}
	all := sources{}
	for line := range strings.Lines(string(raw)) {
		if words := strings.Fields(line); len(words) == 2 {
			all[words[1]] = "sha256:" + words[0]
		}
	}
	for _, i := range contents {
		dir, ok := strings.CutPrefix(i.source, "npm:")
		if !ok {
			continue
		}
		locked, err := readLock(filepath.Join(checkout, dir, "package-lock.json"))
		if err != nil {
			return nil, err
		}
		p, ok := locked["node_modules/"+i.name]
		if !ok {
			return nil, fmt.Errorf("%s/package-lock.json has no %s", dir, i.name)
		}
		all[i.source+" "+i.name+"@"+p.Version] = p.Integrity
	}
	return all, nil
}

// A lockedPackage is one of a package-lock.json.
type lockedPackage struct {
	Version, Integrity, License string
	Dev                         bool
}

func readLock(file string) (map[string]lockedPackage, error) {
	raw, err := os.ReadFile(file) //nolint:gosec // of the checkout
	if err != nil {
		return nil, fmt.Errorf("read npm's lock: %w", err)
	}
	var lock struct{ Packages map[string]lockedPackage }
	if err := json.Unmarshal(raw, &lock); err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	return lock.Packages, nil
}

// part is an ingredient with its version and digest.
func (i ingredient) part(from sources) (Part, error) {
	p := Part{Name: i.name, Licenses: i.licenses}
	begins, npm := i.source, strings.HasPrefix(i.source, "npm:")
	if npm {
		begins += " " + i.name + "@"
	}
	for file, sum := range from {
		rest, ok := strings.CutPrefix(file, begins)
		if !ok {
			continue
		}
		p.Sum = sum
		if npm {
			p.Version, p.Origin = rest, "pkg:npm/"+strings.Replace(i.name, "@", "%40", 1)+"@"+rest
			return p, nil
		}
		p.Version = strings.ReplaceAll(strings.TrimSuffix(strings.TrimSuffix(rest, ".dsc"), "_all.deb"), "%3a", ":")
		p.Origin = "pkg:deb/debian/" + strings.TrimSuffix(i.source, "_") + "@" + strings.NewReplacer(":", "%3A", "+", "%2B", "~", "~").Replace(p.Version)
		return p, nil
	}
	return Part{}, fmt.Errorf("runtimes/sources.sha256 and npm's locks have no %s", i.source)
}
