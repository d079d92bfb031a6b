package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

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
capabilities: what it can reach if it is run. FILE may be a directory with the
source of a Go guest. Only graflow_describe is run, without any grant.`,
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
	d := m.Describe()
	if d.Tasks, err = m.Tasks(ctx); err != nil {
		return none, fmt.Errorf("ask it for its tasks: %w", err)
	}
	return d, nil
}

// powers says what a capability lets a guest do, so that a person can decide.
var powers = map[string]string{
	wasmhost.CapabilityIO:      "reads its task's input and writes its result; reaches nothing else by it",
	wasmhost.CapabilityLog:     "writes lines to the log and reports progress; a limit bounds how much",
	wasmhost.CapabilityMeta:    "learns the ids of its run and task, and which attempt it is",
	wasmhost.CapabilityResults: "reads the results of other tasks of the same run",
	wasmhost.CapabilityChannel: "reads and changes the state that the tasks of a run share; grants: {channel: false} takes it away",
	wasmhost.CapabilityControl: "decides what the run does next: starts further tasks, iterates, ends or cancels it; grants: {control: false} takes it away",
	wasmhost.CapabilitySecrets: "reads secrets, only those that its task names",
	wasmhost.CapabilityHTTP:    "sends requests over the network, only to hosts that were granted",
	wasmhost.CapabilityTools:   "calls tools that the embedding program offers",
	wasmhost.CapabilityWASI:    "uses clocks, randomness, and those directories and environment variables that were granted; none are by default",
}

func writeModule(w io.Writer, name string, d wasmhost.Description) {
	fmt.Fprintf(w, "module   %s\ndigest   %s\nabi      %s\nsize     %d bytes\nmemory   %s\n",
		name, d.Digest, d.ABI, d.Size, memoryText(d))
	fmt.Fprintln(w, "\ncapabilities")
	if len(d.Capabilities) == 0 {
		fmt.Fprintln(w, "  none: it can only compute")
	}
	for _, c := range d.Capabilities {
		fmt.Fprintf(w, "  %-9s%s\n", c, powers[c])
	}
	fmt.Fprintln(w, "\ntasks")
	for _, t := range d.Tasks {
		fmt.Fprintf(w, "  %s  %s\n", printable(t.Name), oneLine(t.Doc))
		writeSchema(w, "input ", t.Input)
		writeSchema(w, "output", t.Output)
	}
	fmt.Fprintln(w, "\nimports")
	for _, line := range importLines(d.Imports) {
		fmt.Fprintln(w, "  "+line)
	}
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

// importLines lists the imports, a line for each module.
func importLines(imports []wasmhost.Import) []string {
	var modules []string
	names := map[string][]string{}
	for _, i := range imports {
		if names[i.Module] == nil {
			modules = append(modules, i.Module)
		}
		names[i.Module] = append(names[i.Module], printable(i.Name))
	}
	var lines []string
	for _, m := range modules {
		lines = append(lines, printable(m)+": "+strings.Join(names[m], ", "))
	}
	return lines
}
