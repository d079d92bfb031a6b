package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/ops"
	"github.com/spf13/cobra"
)

func newFlows(std streams) *cobra.Command {
	var where clusterFlags
	cmd := &cobra.Command{
		Use:   "flows",
		Short: "Keep flow files on a cluster",
		Long: `Flows are kept on a cluster under their names, each text a version of its own.
Schedules, the console and programs that use the API begin runs of them by NAME, which
is the version that was put last, or by NAME@VERSION.

A flow that is kept names modules of the registry, not files: module push puts them
there.`,
		Example: `  graflow-wasm flows put report.flow.yaml --server ./srv
  graflow-wasm flows ls --nats ./srv
  graflow-wasm flows show report@3f2a90c1d7e5`,
		Args: subcommandOnly,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.SuggestionsMinimumDistance = 2
	where.addAllTo(cmd.PersistentFlags(), "the cluster at `URL`, or of the server in a directory", "the cluster of the server at `URL`, as https://host:7070, or in a directory")
	cmd.AddCommand(newFlowsValidate(std, &where), newFlowsPut(std, &where), newFlowsLs(std, &where), newFlowsShow(std, &where), newFlowsRm(std, &where))
	return cmd
}

// maxFlowFile is the largest flow file that is sent, in bytes.
const maxFlowFile = 1 << 20

// readFlowFile is the text of a flow file.
func readFlowFile(name string) (string, error) {
	text, err := readAtMost(name, maxFlowFile+1)
	switch {
	case err != nil:
		return "", usagef("read flow file %s: %w", name, err)
	case len(text) > maxFlowFile:
		return "", usagef("read flow file %s: it has more than %d bytes", name, maxFlowFile)
	case !utf8.Valid(text):
		return "", usagef("read flow file %s: it is not text in UTF-8", name)
	}
	return string(text), nil
}

// flowFaults are what a cluster finds wrong with a flow file, each with its place in it.
func flowFaults(name string, err error) error {
	invalid, ok := errors.AsType[*ops.Invalid](err)
	if !ok {
		return err
	}
	text := "check flow file " + name + ":"
	for _, f := range invalid.Faults {
		text += "\n" + name + ":" + named("", f.Where, ":") + " " + f.Message
	}
	return usage(errors.New(text))
}

// noSuchFlow tells how to find a flow's name.
func noSuchFlow(err error) error {
	if errors.Is(err, engine.ErrNotFound) {
		return usagef("%w; `graflow-wasm flows ls` lists those that there are", err)
	}
	return err
}

func newFlowsValidate(std streams, where *clusterFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "validate FILE…",
		Short: "Check flow files against what the cluster has",
		Long: `Validate has flow files checked where they would run: the modules that they name are
those of the registry. It stores nothing.`,
		Example: "  graflow-wasm flows validate *.flow.yaml --server ./srv",
		Args:    arguments(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return where.withService(cmd.Context(), "validate flows", func(s ops.Service) error {
				var faults []error
				for _, name := range args {
					err := validateThere(cmd.Context(), s.Flows, name)
					if _, bad := errors.AsType[*exitError](err); bad {
						faults = append(faults, err)
						continue
					}
					if err != nil {
						return err
					}
					fmt.Fprintf(std.out, "%s: valid\n", name)
				}
				return usage(errors.Join(faults...))
			})
		},
	}
}

func validateThere(ctx context.Context, flows ops.Flows, name string) error {
	text, err := readFlowFile(name)
	if err == nil {
		_, err = flows.Validate(ctx, text)
	}
	return flowFaults(name, err)
}

func newFlowsPut(std streams, where *clusterFlags) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "put FILE",
		Short:   "Store a flow file under the name of its flow",
		Long:    "Put checks a flow file and stores it, and prints NAME@VERSION. The same text is the same version.",
		Example: "  graflow-wasm flows put report.flow.yaml --server ./srv",
		Args:    arguments(cobra.ExactArgs(1)),
	}
	format := outputFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		text, err := readFlowFile(args[0])
		if err != nil {
			return err
		}
		return where.withService(cmd.Context(), "put flow "+args[0], func(s ops.Service) error {
			flow, err := s.Flows.Put(cmd.Context(), text, userName())
			if err != nil {
				return flowFaults(args[0], err)
			}
			if flow.Source = ""; format.value == "json" {
				return writeJSON(std.out, flow)
			}
			fmt.Fprintln(std.out, oneLine(flow.Name+"@"+flow.Version))
			return nil
		})
	}
	return cmd
}

func newFlowsLs(std streams, where *clusterFlags) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "ls",
		Short:   "List flows by name, the latest version of each",
		Example: "  graflow-wasm flows ls -o json | jq -r .name",
		Args:    arguments(cobra.NoArgs),
	}
	format := outputFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return where.withService(cmd.Context(), "list flows", func(s ops.Service) error {
			all, err := s.Flows.List(cmd.Context())
			if err != nil {
				return err
			}
			return writeFlows(std.out, all, format.value)
		})
	}
	return cmd
}

func writeFlows(w io.Writer, all []ops.Flow, format string) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range all {
		if format == "json" {
			if err := writeJSON(w, f); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s%s\n", oneLine(f.Name+"@"+f.Version), countOf(f.Tasks, "task", "tasks"), f.Stored.Local().Format(time.DateTime), oneLine(f.By), named("  ", oneLine(f.About), ""))
	}
	return t.Flush()
}

func newFlowsShow(std streams, where *clusterFlags) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "show NAME[@VERSION]",
		Short:   "Print a flow file as it was stored",
		Example: "  graflow-wasm flows show report > report.flow.yaml",
		Args:    arguments(cobra.ExactArgs(1)),
	}
	format := outputFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return where.withService(cmd.Context(), "show flow "+args[0], func(s ops.Service) error {
			flow, err := s.Flows.Show(cmd.Context(), args[0])
			if err != nil {
				return noSuchFlow(err)
			}
			if format.value == "json" {
				return writeJSON(std.out, flow)
			}
			_, err = io.WriteString(forEyes(std.out), flow.Source)
			return err
		})
	}
	return cmd
}

func newFlowsRm(std streams, where *clusterFlags) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rm NAME[@VERSION]…",
		Short: "Remove versions of flows, or all of a name",
		Long: `Rm removes flows that are stored. Runs of them are not touched; a schedule that names
one begins nothing any more.`,
		Example: "  graflow-wasm flows rm report@3f2a90c1d7e5",
		Args:    arguments(cobra.MinimumNArgs(1)),
	}
	format := outputFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return where.withService(cmd.Context(), "remove flows", func(s ops.Service) error {
			for _, ref := range args {
				if err := s.Flows.Remove(cmd.Context(), ref); err != nil {
					return noSuchFlow(err)
				}
				if format.value == "json" {
					if err := writeJSON(std.out, map[string]string{"flow": ref, "status": "removed"}); err != nil {
						return err
					}
					continue
				}
				fmt.Fprintf(std.out, "%s removed\n", oneLine(ref))
			}
			return nil
		})
	}
	return cmd
}
