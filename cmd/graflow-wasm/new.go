package main

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/spf13/cobra"
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

func newNew(std streams) *cobra.Command {
	var sdk string
	cmd := &cobra.Command{
		Use:   "new LANG DIR",
		Short: "Write a guest to start from",
		Long: `New writes a guest with one task, its test, a flow file, a Makefile and a README
into DIR, which must be empty or absent. LANG is go.

Inside a checkout of graflow-wasm, or with --sdk, the guest takes the SDK from
there.`,
		Example: "  graflow-wasm new go ./greeter\n  graflow-wasm new go ./greeter --sdk ../graflow-wasm",
		Args:    arguments(cobra.ExactArgs(2)),
	}
	cmd.ValidArgs = []string{"go"}
	cmd.Flags().StringVar(&sdk, "sdk", "", "a checkout of graflow-wasm to take the SDK from (default: the one around the working directory)")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		lang, dir := args[0], args[1]
		if lang != "go" {
			return usagef("new %s: no scaffold for this language; there is one for go", lang)
		}
		s, err := newScaffold(dir, sdk)
		if err == nil {
			err = s.write(lang, dir)
		}
		if err != nil {
			return usagef("new %s %s: %w", lang, dir, err)
		}
		fmt.Fprintf(std.out, "wrote a %s guest to %s\nnext: cd %s && make run\n", lang, dir, dir)
		if s.SDK == "" {
			fmt.Fprintln(std.err, "graflow-wasm: no checkout of the SDK found: before building, run `go get "+sdkModule+"/sdk` or add a replace to go.mod")
		}
		return nil
	}
	return cmd
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
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	root := "scaffold/" + lang
	entries, err := scaffolds.ReadDir(root)
	if err != nil {
		return err
	}
	for _, e := range entries {
		t, err := template.ParseFS(scaffolds, root+"/"+e.Name())
		if err != nil {
			return err
		}
		var b bytes.Buffer
		if err := t.Execute(&b, s); err != nil {
			return err
		}
		name := strings.TrimSuffix(e.Name(), ".tmpl")
		name = strings.Replace(name, "NAME", s.Name, 1)
		if err := os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o666); err != nil {
			return err
		}
	}
	return nil
}
