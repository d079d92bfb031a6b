package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/handlers/wasm"
	"github.com/graflow/graflow-wasm/internal/cluster"
	"github.com/graflow/graflow-wasm/natsbus"
	"github.com/graflow/graflow-wasm/wasmhost"
	"github.com/spf13/cobra"
)

// moduleView is what `module show` prints as JSON.
type moduleView struct {
	wasmhost.Description

	Registry *registryView `json:"registry,omitempty"`
}

// registryView is what the registry has of a module.
type registryView struct {
	Name      string        `json:"name"`
	Version   string        `json:"version"`
	Pushed    time.Time     `json:"pushed"`
	By        string        `json:"by,omitempty"`
	Signature signatureView `json:"signature"`
}

func newModuleShow(std streams, where *clusterFlags) *cobra.Command {
	var cacheDir string
	var keys []string
	cmd := &cobra.Command{
		Use:   "show FILE|REF",
		Short: "Show what a module offers and what it asks for",
		Long: `Show prints a module's digest, its ABI, its tasks with their schemas, and its
capabilities: what it can do by itself, and what it asks for and gets only by a
grant. FILE may be a directory with the source of a Go guest; REF is NAME,
NAME@VERSION or sha256:… of a cluster's registry, of which it also tells who signed
it. Of the module, only its initialization and graflow_describe are run, without any
grant.`,
		Example: `  graflow-wasm module show guest.wasm
  graflow-wasm module show ./guest -o json | jq .tasks
  graflow-wasm module show hello@1.0 --key release.key.pub --nats ./srv`,
		Args: arguments(cobra.ExactArgs(1)),
	}
	format := outputFlag(cmd, "text", "json")
	f := cmd.Flags()
	f.StringVar(&cacheDir, "cache-dir", "", "where compiled modules are kept (default: graflow-wasm in the user's cache directory)")
	f.StringArrayVar(&keys, "key", nil, "a public `KEY` that is trusted: its file or its text (repeatable)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		trusted, err := readPublicKeys(keys)
		if err != nil {
			return err
		}
		code, registered, err := where.moduleCode(cmd.Context(), args[0], cacheDir)
		if err != nil {
			return failed("show module "+args[0], err)
		}
		view, err := viewModule(cmd.Context(), code, cacheDir)
		if err != nil {
			return usagef("show module %s: %w", args[0], err)
		}
		if registered != nil {
			view.Registry = viewRecord(*registered, trusted)
		}
		if format.value == "json" {
			return writeJSON(std.out, view)
		}
		writeModule(std.out, args[0], view)
		return nil
	}
	return cmd
}

// moduleCode reads a file, builds a guest, or asks the registry, and then has the
// record too.
func (c *clusterFlags) moduleCode(ctx context.Context, ref, cacheDir string) (code []byte, r *natsbus.ModuleRecord, err error) {
	if !isRegistered(ref) || !c.used() && !c.remote.used() && wasm.FormOf(ref) == wasm.FormWord {
		code, err = fileCode(ctx, ref, cacheDir)
		return code, nil, usage(err)
	}
	err = c.inRegistry(ctx, func(bus moduleRegistry) error {
		found, err := moduleIn(ctx, bus, ref)
		if err == nil {
			r = &found
			code, err = storedCode(ctx, bus, found.Digest)
		}
		return err
	})
	return code, r, err
}

// fileCode is the module of a file, or of a Go guest that it builds.
func fileCode(ctx context.Context, name, cacheDir string) ([]byte, error) {
	dir, err := cacheDirectory(cacheDir)
	if err != nil {
		return nil, err
	}
	code, _, err := (&wasm.Files{CacheDir: dir}).Load(ctx, name)
	return code, err
}

// storedCode is a module of the registry, whose digest was compared.
func storedCode(ctx context.Context, bus moduleRegistry, digest string) ([]byte, error) {
	r, err := bus.OpenModule(ctx, digest)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }() // all was read
	return io.ReadAll(r)
}

// viewModule tells all that is known of a module. One that the sandbox does not
// admit is an error.
func viewModule(ctx context.Context, code []byte, cacheDir string) (moduleView, error) {
	host, _, err := newHost(ctx, cacheDir)
	if err != nil {
		return moduleView{}, err
	}
	defer func() { _ = host.Close(ctx) }() // nothing runs on it any more
	d, err := cluster.Describe(ctx, host, code)
	return moduleView{Description: d}, err
}

func viewRecord(r natsbus.ModuleRecord, trusted []publicKey) *registryView {
	return &registryView{Name: r.Name, Version: r.Version, Pushed: r.Pushed, By: r.By, Signature: viewSignature(r, trusted)}
}

func writeModule(w io.Writer, name string, d moduleView) {
	fmt.Fprintf(w, "module    %s\n", oneLine(name))
	if r := d.Registry; r != nil {
		fmt.Fprintf(w, "name      %s\npushed    %s%s\nsigned    %s\n", oneLine(r.Name+"@"+r.Version), r.Pushed.Local().Format("2006-01-02 15:04:05"), byText(r.By), r.Signature.text())
	}
	fmt.Fprintf(w, "digest    %s\nabi       %s\nsize      %d bytes\nmemory    %s\nsnapshot  %s\nmetering  %s\n",
		d.Digest, d.ABI, d.Size, memoryText(d.Description), snapshotText(d.Description),
		"on: all its code is counted as it runs, so that fuel, timeouts and cancellation stop it anywhere")
	fmt.Fprintln(w, "\ncapabilities")
	for _, line := range powerLines(d.Imports) {
		fmt.Fprintln(w, "  "+line)
	}
	fmt.Fprintln(w, "\ntasks")
	for _, t := range d.Tasks {
		fmt.Fprintln(w, strings.TrimRight("  "+printable(t.Name)+"  "+oneLine(t.Doc), " "))
		writeSchema(w, "input ", t.Input)
		writeSchema(w, "output", t.Output)
	}
}

func byText(name string) string {
	if name == "" {
		return ""
	}
	return " by " + oneLine(name)
}

func snapshotText(d wasmhost.Description) string {
	if d.Snapshotable {
		return "yes: a call starts from an image of the initialized module"
	}
	return "no, a call initializes it anew: " + oneLine(d.WhyNot)
}

func memoryText(d wasmhost.Description) string {
	const pagesPerMiB = 16
	text := fmt.Sprintf("from %.1f MiB", float64(d.MemoryMin)/pagesPerMiB)
	if d.MemoryMax > 0 {
		return text + fmt.Sprintf(" to %.1f MiB", float64(d.MemoryMax)/pagesPerMiB)
	}
	return text + ", as far as its limit lets it grow"
}

func writeSchema(w io.Writer, label string, schema json.RawMessage) {
	if len(schema) > 0 {
		fmt.Fprintf(w, "    %s %s\n", label, oneLine(string(schema)))
	}
}
