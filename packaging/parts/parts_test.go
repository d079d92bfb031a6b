package parts_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/licenseclassifier/v2/assets"

	"github.com/graflow/graflow-wasm/packaging/parts"
)

const checkout = "../.."

var judge = sync.OnceValues(parts.NewJudge)

func newJudge(tb testing.TB) *parts.Judge {
	tb.Helper()
	j, err := judge()
	if err != nil {
		tb.Fatal(err)
	}
	return j
}

// write makes files below a directory, by their slash-separated names.
func write(tb testing.TB, dir string, files map[string]string) {
	tb.Helper()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			tb.Fatal(err)
		}
	}
}

func license(tb testing.TB, name string) string {
	tb.Helper()
	for _, variant := range []string{"pristine", "license"} {
		if raw, err := assets.ReadLicenseFile("License/" + name + "/" + variant + ".txt"); err == nil {
			return string(raw)
		}
	}
	tb.Fatalf("the classifier has no %s", name)
	return ""
}

// TestLinked has a command of modules with licenses of all kinds, two of which are
// linked on Windows alone or not at all.
func TestLinked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	modules := map[string]map[string]string{
		"mit":     {"LICENSE": license(t, "MIT")},
		"apache":  {"LICENSE.txt": license(t, "Apache-2.0"), "NOTICE": "Of somebody.\n"},
		"gpl":     {"COPYING": license(t, "GPL-3.0")},
		"bare":    {"README.md": "Free, somehow.\n"},
		"odd":     {"LICENSE": "You may use this on Sundays.\n"},
		"mixed":   {"LICENSE": license(t, "MIT"), "inner/LICENSE": license(t, "AGPL-3.0"), "inner/a.go": "package inner\n"},
		"aside":   {"LICENSE": license(t, "MIT"), "unused/LICENSE": license(t, "AGPL-3.0"), "unused/a.go": "package unused\n"},
		"windows": {"LICENSE": license(t, "BSD-3-Clause")},
		"unused":  {"LICENSE": license(t, "GPL-3.0")},
	}
	mod := "module example.com/command\n\ngo 1.26\n"
	main := "package main\n\nimport (\n"
	for name, files := range modules {
		mod += "require example.com/" + name + " v1.0.0\nreplace example.com/" + name + " => ./" + name + "\n"
		if !slices.Contains([]string{"windows", "unused"}, name) {
			main += "\t_ \"example.com/" + name + "\"\n"
		}
		files["go.mod"] = "module example.com/" + name + "\n\ngo 1.26\n"
		files["a.go"] = "package a\n"
		if name == "mixed" {
			files["a.go"] = "package a\n\nimport _ \"example.com/mixed/inner\"\n"
		}
		write(t, filepath.Join(dir, name), files)
	}
	write(t, dir, map[string]string{
		"go.mod":          mod,
		"main.go":         main + ")\n\nfunc main() {}\n",
		"main_windows.go": "package main\n\nimport _ \"example.com/windows\"\n",
	})
	linked, err := parts.Linked(t.Context(), newJudge(t), dir, ".", "linux/amd64", "windows/amd64")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{ // by name: what Check complains of
		"std": "", "mit": "", "apache": "", "windows": "", "aside": "",
		"gpl": "GPL-3.0", "bare": "no license", "odd": "no license", "mixed": "AGPL-3.0",
	}
	for _, p := range linked {
		name := filepath.Base(p.Name)
		complaint, ok := want[name]
		if !ok {
			t.Errorf("%s is a part", p.Name)
		}
		delete(want, name)
		switch err := parts.Check(p); {
		case complaint == "" && err != nil:
			t.Error(err)
		case complaint != "" && (err == nil || !strings.Contains(err.Error(), complaint)):
			t.Errorf("%s with licenses %v: got %v, want that it names %s", p.Name, p.Licenses, err, complaint)
		}
	}
	if len(want) > 0 {
		t.Errorf("%v are no parts", want)
	}
	w := parts.Whole{Linked: linked}
	if err := w.Check(); err == nil || strings.Count(err.Error(), "\n") != 3 {
		t.Errorf("got %v, want a line for each of four", err)
	}
}

// TestCommand has the real command: all that it is made of may be passed on, and the
// texts are all there, once each.
func TestCommand(t *testing.T) {
	t.Parallel()
	w := whole(t)
	if err := w.Check(); err != nil {
		t.Error(err)
	}
	if err := parts.CheckLocks(checkout); err != nil {
		t.Error(err)
	}
	var out bytes.Buffer
	if err := w.Notices(&out); err != nil {
		t.Fatal(err)
	}
	for _, p := range w.Parts() {
		for _, text := range p.Texts {
			// Texts that differ in white space alone are one.
			if !strings.Contains(strings.Join(strings.Fields(out.String()), " "), strings.Join(strings.Fields(text.Body), " ")) {
				t.Errorf("%s of %s is not among the texts", text.Name, p.Name)
			}
		}
	}
	if got := strings.Count(out.String(), "TERMS AND CONDITIONS FOR USE, REPRODUCTION, AND DISTRIBUTION"); got == 0 || got > 20 {
		t.Errorf("the Apache License is there %d times, want one of each of its forms", got)
	}
	var names []string
	for _, f := range w.Files {
		names = append(names, f.Name)
		if !f.Expected {
			t.Logf("%s is not the one that is recorded", f.Name)
		}
	}
	if want := []string{"python.wasm", "javascript.wasm", "dagre.min.js"}; !slices.Equal(names, want) {
		absent(t, "got embedded files %v, want %v: make runtimes", names, want)
	}
}

var theWhole = sync.OnceValues(func() (w parts.Whole, err error) {
	j, err := judge()
	if err != nil {
		return w, err
	}
	if w.Linked, err = parts.Linked(background, j, checkout, "./cmd/graflow-wasm", "linux/amd64", "windows/amd64", "darwin/arm64"); err != nil {
		return w, err
	}
	w.Files, err = parts.Embedded(j, checkout)
	return w, err
})

func whole(tb testing.TB) parts.Whole {
	tb.Helper()
	w, err := theWhole()
	if err != nil {
		tb.Fatal(err)
	}
	return w
}

// TestEmbeddedRefused has a checkout whose digests or licenses do not fit.
func TestEmbeddedRefused(t *testing.T) {
	t.Parallel()
	good := func() map[string]string {
		return map[string]string{
			"runtimes/sources.sha256":                  "00  x\n",
			"runtimes/javascript/package-lock.json":    `{"packages": {"node_modules/sucrase": {"version": "1"}}}`,
			"internal/layout/dagre/package-lock.json":  `{"packages": {"node_modules/@dagrejs/dagre": {"version": "1", "integrity": "sha512-a"}, "node_modules/@dagrejs/graphlib": {"version": "2", "integrity": "sha512-b"}}}`,
			"internal/layout/built/dagre.min.js":       "x",
			"internal/layout/built/dagre.json":         `{"version": "1", "sha256": "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"}`,
			"internal/layout/dagre/dagre.sha256":       "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881  dagre.min.js\n",
			"internal/layout/dagre/NOTICES.txt":        "dagre 1\n" + license(t, "MIT") + "graphlib 2\n" + license(t, "MIT"),
			"packaging/parts/notices/not-read-by-this": "",
		}
	}
	for _, test := range []struct{ name, file, text, want string }{
		{"all fits", "", "", ""},
		{"bytes of another", "internal/layout/built/dagre.min.js", "y", "make runtimes again"},
		{"another license", "internal/layout/dagre/NOTICES.txt", "dagre 1\n" + license(t, "GPL-2.0") + "\ngraphlib 2\n" + license(t, "MIT"), "GPL-2.0"},
		{"no license", "internal/layout/dagre/NOTICES.txt", "dagre 1\ngraphlib 2\n" + license(t, "MIT"), "of which its text has nothing"},
		{"a part without its text", "internal/layout/dagre/NOTICES.txt", "dagre 1\n" + license(t, "MIT"), `no line "graphlib "`},
		{"not locked", "internal/layout/dagre/package-lock.json", `{"packages": {"node_modules/@dagrejs/dagre": {"version": "1"}}}`, "has no @dagrejs/graphlib"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir, files := t.TempDir(), good()
			if test.file != "" {
				files[test.file] = test.text
			}
			write(t, dir, files)
			got, err := parts.Embedded(newJudge(t), dir)
			switch {
			case test.want == "" && (err != nil || len(got) != 1 || len(got[0].Parts) != 2 || !got[0].Expected):
				t.Errorf("got %+v, %v", got, err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("got %v, want that it tells of %q", err, test.want)
			}
		})
	}
}

func TestLocksRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, file, text, want string }{
		{"no digest", "a/package-lock.json", `{"packages": {"node_modules/x": {"version": "1", "license": "MIT"}}}`, "no sha512"},
		{"a weak digest", "a/package-lock.json", `{"packages": {"node_modules/x": {"license": "MIT", "integrity": "sha1-a"}}}`, "no sha512"},
		{"a license of another kind", "package-lock.json", `{"packages": {"node_modules/x": {"license": "GPL-3.0", "integrity": "sha512-a"}}}`, "GPL-3.0"},
		{"of another kind for development", "package-lock.json", `{"packages": {"node_modules/x": {"license": "GPL-3.0", "integrity": "sha512-a", "dev": true}}}`, ""},
		{"crates of others", "b/Cargo.lock", "[[package]]\nname = \"x\"\nsource = \"registry+https\"\n", "crates of others"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, dir, map[string]string{test.file: test.text})
			if err := parts.CheckLocks(dir); test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got %v, want that it tells of %q", err, test.want)
			}
		})
	}
}
