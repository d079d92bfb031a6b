package main

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"github.com/spf13/cobra"

	"github.com/graflow/graflow-wasm/sdk/assemblyscript"
	"github.com/graflow/graflow-wasm/sdk/c"
	"github.com/graflow/graflow-wasm/sdk/rust"
)

// scaffolds holds a directory of templates for each language.
//
//go:embed scaffold
var scaffolds embed.FS

// sdkModule is the module that holds the SDK, and sdkVersion what a guest
// requires of it.
const (
	sdkModule  = "github.com/graflow/graflow-wasm"
	sdkVersion = "v0.0.0"
)

// scaffold is what the templates may use.
type scaffold struct {
	Name    string // of the directory, made an id
	Module  string // the SDK's module
	Version string
	SDK     string // a checkout to take it from, slashes; "" is none
}

// scaffoldFor says what a language's scaffold comes with.
type scaffoldFor struct {
	what string // it makes
	sdk  fs.FS  // to be copied, or nil
	dir  string // into which
}

// languages are those that there is a scaffold for.
var languages = map[string]scaffoldFor{
	"go":             {what: "Go guest"},
	"rust":           {what: "Rust guest", sdk: rust.Files, dir: "graflow"},
	"c":              {what: "C guest", sdk: c.Files, dir: "."},
	"assemblyscript": {what: "AssemblyScript guest", sdk: assemblyscript.Files, dir: "graflow"},
	"python":         {what: "Python task"},
	"javascript":     {what: "JavaScript task"},
	"typescript":     {what: "TypeScript task"},
}

func newNew(std streams) *cobra.Command {
	var sdk string
	names := slices.Sorted(maps.Keys(languages))
	cmd := &cobra.Command{
		Use:   "new LANG DIR",
		Short: "Write a guest to start from",
		Long: `New writes a guest with one task, a flow file, a Makefile and a README into DIR,
which must be empty or absent. LANG is one of ` + strings.Join(names, ", ") + `.

Go, Rust, C (and C++) and AssemblyScript become WebAssembly: make in DIR builds
the module, or says what to install. Rust, C and AssemblyScript guests get a
copy of their SDK. Inside a checkout of graflow-wasm, or with --sdk, a Go guest
takes the SDK from there. Python, JavaScript and TypeScript run as they are.`,
		Example: "  graflow-wasm new go ./greeter\n  graflow-wasm new go ./greeter --sdk ../graflow-wasm\n  graflow-wasm new rust ./greeter && make -C greeter run",
		Args:    arguments(cobra.ExactArgs(2)),
	}
	cmd.ValidArgs = names
	cmd.Flags().StringVar(&sdk, "sdk", "", "a checkout of graflow-wasm that a Go guest takes the SDK from (default: the one around the working directory)")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		lang, dir := args[0], args[1]
		language, ok := languages[lang]
		if !ok {
			return usagef("new %s: no scaffold for this language; there is one for %s", lang, strings.Join(names, ", "))
		}
		s, err := newScaffold(dir, sdk)
		if err == nil {
			err = s.write(lang, dir)
		}
		if err == nil {
			err = language.copySDK(dir)
		}
		if err != nil {
			return usagef("new %s %s: %w", lang, dir, err)
		}
		fmt.Fprintf(std.out, "wrote a %s to %s\nnext: cd %s && make run\n", language.what, dir, dir)
		if lang == "go" && s.SDK == "" {
			fmt.Fprintln(std.err, "graflow-wasm: no checkout of the SDK found: before building, run `go get "+sdkModule+"/sdk` or add a replace to go.mod")
		}
		return nil
	}
	return cmd
}

// copySDK puts a copy of the language's SDK into a guest, if it needs one.
func (l scaffoldFor) copySDK(dir string) error {
	if l.sdk == nil {
		return nil
	}
	return fs.WalkDir(l.sdk, ".", func(path string, e fs.DirEntry, err error) error {
		to := filepath.Join(dir, l.dir, filepath.FromSlash(path))
		if err != nil || e.IsDir() {
			return errors.Join(err, os.MkdirAll(to, 0o777))
		}
		data, err := fs.ReadFile(l.sdk, path)
		if err != nil {
			return err
		}
		return os.WriteFile(to, data, 0o666)
	})
}

// newScaffold finds the SDK, and refuses a directory that holds something.
func newScaffold(dir, sdk string) (scaffold, error) {
	entries, err := os.ReadDir(dir)
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return scaffold{}, err
	case len(entries) > 0:
		return scaffold{}, fmt.Errorf("the directory is not empty: it holds %s; name another one", entries[0].Name())
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return scaffold{}, err
	}
	s := scaffold{Name: taskID(filepath.Base(abs), ""), Module: sdkModule, Version: sdkVersion}
	root, err := findCheckout(sdk)
	if err != nil || root == "" {
		return s, err
	}
	// Relative, so that both can move together.
	if relative, err := filepath.Rel(abs, root); err == nil {
		root = relative
	}
	s.SDK = filepath.ToSlash(root)
	return s, nil
}

// findCheckout is given, or the checkout around the working directory, or "".
func findCheckout(given string) (string, error) {
	if given != "" {
		abs, err := filepath.Abs(given)
		if err == nil && !isCheckout(abs) {
			err = fmt.Errorf("--sdk %s: no go.mod of %s there", given, sdkModule)
		}
		return abs, err
	}
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for !isCheckout(dir) {
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", nil
		}
		dir = parent
	}
	return dir, nil
}

func isCheckout(dir string) bool {
	data, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	first, _, _ := strings.Cut(string(data), "\n")
	return err == nil && strings.TrimSpace(first) == "module "+sdkModule
}

// write fills in the templates of a language.
func (s scaffold) write(lang, dir string) error {
	root := "scaffold/" + lang
	return fs.WalkDir(scaffolds, root, func(path string, e fs.DirEntry, err error) error {
		name := strings.TrimSuffix(strings.TrimPrefix(path, root), ".tmpl")
		to := filepath.Join(dir, filepath.FromSlash(strings.Replace(name, "NAME", s.Name, 1)))
		if err != nil || e.IsDir() {
			return errors.Join(err, os.MkdirAll(to, 0o777))
		}
		t, err := template.ParseFS(scaffolds, path)
		if err != nil {
			return err
		}
		var b bytes.Buffer
		if err := t.Execute(&b, s); err != nil {
			return err
		}
		return os.WriteFile(to, b.Bytes(), 0o666)
	})
}
