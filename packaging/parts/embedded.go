package parts

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A File is one that the command embeds, made of parts.
type File struct {
	Name     string // of the file
	Path     string // in the checkout
	Version  string
	SHA256   string // of its bytes, hexadecimal
	Expected bool   // it has the digest that the checkout records
	Prebuilt bool   // compiled by others
	Parts    []Part
	where    string // its path from here
}

// embedded are the files that a build of the command takes along.
var embedded = []struct{ path, about, recorded string }{
	{"runtimes/built/python.wasm", "runtimes/built/python.json", "runtimes/recorded.sha256"},
	{"runtimes/built/javascript.wasm", "runtimes/built/javascript.json", "runtimes/recorded.sha256"},
	{"internal/layout/built/dagre.min.js", "internal/layout/built/dagre.json", "internal/layout/dagre/dagre.sha256"},
}

// Embedded are the files that a checkout has for the command to embed, with their
// parts. Those that were not made (make runtimes) are left out.
func Embedded(j *Judge, checkout string) ([]File, error) {
	var all []File
	for _, e := range embedded {
		f, err := readFile(checkout, e.path, e.about, e.recorded)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if f.Parts, err = ingredients(j, checkout, f); err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}

func readFile(checkout, path, about, recorded string) (File, error) {
	raw, err := os.ReadFile(filepath.Join(checkout, path)) //nolint:gosec // of the checkout
	if err != nil {
		return File{}, fmt.Errorf("read what is embedded: %w", err)
	}
	sum := sha256.Sum256(raw)
	f := File{Name: filepath.Base(path), Path: path, SHA256: hex.EncodeToString(sum[:]), where: filepath.Join(checkout, path)}
	said, err := os.ReadFile(filepath.Join(checkout, about)) //nolint:gosec // of the checkout
	if err != nil {
		return File{}, fmt.Errorf("%s is there, but not what tells its version: %w", path, err)
	}
	var made struct {
		Version, SHA256 string
		Prebuilt        bool
	}
	if err := json.Unmarshal(said, &made); err != nil {
		return File{}, fmt.Errorf("read %s: %w", about, err)
	}
	if made.SHA256 != f.SHA256 {
		return File{}, fmt.Errorf("%s has sha256 %s, %s says %s: make runtimes again", path, f.SHA256, about, made.SHA256)
	}
	f.Version, f.Prebuilt = made.Version, made.Prebuilt
	sums, err := os.ReadFile(filepath.Join(checkout, recorded)) //nolint:gosec // of the checkout
	if err != nil {
		return File{}, fmt.Errorf("read recorded digests: %w", err)
	}
	for line := range strings.Lines(string(sums)) {
		if words := strings.Fields(line); len(words) > 1 && words[1] == f.Name {
			f.Expected = words[0] == f.SHA256
		}
	}
	return f, nil
}

// ingredients are the parts of a file.
func ingredients(j *Judge, checkout string, f File) ([]Part, error) {
	sources, err := readSources(checkout)
	if err != nil {
		return nil, err
	}
	var all []Part
	for _, i := range contents {
		if !slices.Contains(i.in, f.Name) {
			continue
		}
		p, err := i.part(sources)
		if err != nil {
			return nil, fmt.Errorf("what %s is made of: %w", f.Name, err)
		}
		if f.Prebuilt {
			p.Version, p.Origin, p.Sum = "of version "+f.Version+" of another's build", "", ""
		}
		p.Within = f.Name
		text, err := excerpt(filepath.Join(checkout, i.notice), i.begins, i.ends)
		if err != nil {
			return nil, fmt.Errorf("the license of %s: %w", p.Name, err)
		}
		p.Texts = []Text{{filepath.Base(i.notice), text}}
		if err := agree(j, p, text); err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// unquoted are licenses that may be named without their text.
var unquoted = []string{"CC0-1.0", "LicenseRef-public-domain", "Apache-2.0 WITH LLVM-exception"}

// agree is an error if a part's text has other licenses than it is said to have.
func agree(j *Judge, p Part, text string) error {
	found := j.Licenses(text)
	for _, id := range found {
		if !slices.Contains(p.Licenses, id) {
			return fmt.Errorf("%s: its text is of %s too, which packaging/parts does not say", p.Name, id)
		}
	}
	for _, id := range p.Licenses {
		if !slices.Contains(found, id) && !slices.Contains(unquoted, id) {
			return fmt.Errorf("%s is said to be of %s, of which its text has nothing", p.Name, id)
		}
	}
	return nil
}

// excerpt is a file's text from the line that begins with a word to the one that ends it;
// "" is the file's beginning or end.
func excerpt(file, begins, ends string) (string, error) {
	raw, err := os.ReadFile(file) //nolint:gosec // of the checkout
	if err != nil {
		return "", err
	}
	text := "\n" + string(raw)
	if begins != "" {
		at := strings.Index(text, "\n"+begins)
		if at < 0 {
			return "", fmt.Errorf("%s has no line %q", file, begins)
		}
		text = text[at:]
	}
	if ends != "" {
		at := strings.Index(text, "\n"+ends)
		if at < 0 {
			return "", fmt.Errorf("%s has no line %q after %q", file, ends, begins)
		}
		text = text[:at]
	}
	return strings.Trim(text, "\n") + "\n", nil
}
