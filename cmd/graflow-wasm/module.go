package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/handlers/wasm"
	"github.com/graflow/graflow-wasm/wasmhost"
	"github.com/spf13/cobra"
)

func newModule(std streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "module",
		Short: "Look into modules",
		Args:  subcommandOnly,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newModuleShow(std))
	return cmd
}

func newModuleShow(std streams) *cobra.Command {
	var cacheDir string
	cmd := &cobra.Command{
		Use:   "show FILE",
		Short: "Show what a module offers and what it asks for",
		Long: `Show prints a module's digest, its ABI, its tasks with their schemas, and its
capabilities: what it can do by itself, and what it asks for and gets only by a
grant. FILE may be a directory with the source of a Go guest. Of the module,
only its initialization and graflow_describe are run, without any grant.`,
		Example: "  graflow-wasm module show guest.wasm\n  graflow-wasm module show ./guest -o json | jq .tasks",
		Args:    arguments(cobra.ExactArgs(1)),
	}
	format := outputFlag(cmd, "text", "json")
	cmd.Flags().StringVar(&cacheDir, "cache-dir", "", "where compiled modules are kept (default: graflow-wasm in the user's cache directory)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		d, err := describe(cmd.Context(), args[0], cacheDir)
		if err != nil {
			return usagef("show module %s: %w", args[0], err)
		}
		if format.value == "json" {
			return writeJSON(std.out, d)
		}
		writeModule(std.out, args[0], d)
		return nil
	}
	return cmd
}

// describe loads a module and tells all that is known of it.
func describe(ctx context.Context, name, cacheDir string) (wasmhost.Description, error) {
	var none wasmhost.Description
	host, dir, err := newHost(ctx, cacheDir)
	if err != nil {
		return none, err
	}
	defer func() { _ = host.Close(ctx) }()
	code, _, err := (&wasm.Files{CacheDir: dir}).Load(ctx, name)
	if err != nil {
		return none, err
	}
	m, err := host.Compile(ctx, code)
	if err != nil {
		return none, err
	}
	tasks, err := m.Tasks(ctx)
	if err != nil {
		return none, fmt.Errorf("ask it for its tasks: %w", err)
	}
	broken := initialize(ctx, m)
	d := m.Describe()
	d.Tasks = tasks
	if broken != nil {
		d.Snapshotable, d.WhyNot = false, fmt.Sprintf("its initialization fails: %v", broken)
	}
	return d, nil
}

// initialize runs the module's initialization, without which nobody knows
// whether it can be snapshotted.
func initialize(ctx context.Context, m *wasmhost.Module) error {
	const bound = 5 * time.Second
	ctx, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	return m.Prewarm(ctx, 1, wasmhost.Options{})
}

func writeModule(w io.Writer, name string, d wasmhost.Description) {
	fmt.Fprintf(w, "module    %s\ndigest    %s\nabi       %s\nsize      %d bytes\nmemory    %s\nsnapshot  %s\nmetering  %s\n",
		name, d.Digest, d.ABI, d.Size, memoryText(d), snapshotText(d),
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
