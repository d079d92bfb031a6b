package main

import (
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/graflow/graflow-wasm/natsbus"
	"github.com/spf13/cobra"
)

func newModuleLs(std streams, where *clusterFlags) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "ls [NAME]",
		Short: "List the modules of the registry",
		Long: `Ls lists the modules by name, the versions of each as they were pushed, with size,
tasks and digest. Those that came with runs, as files of who began them, are called
local; they are listed with --all.`,
		Example: `  graflow-wasm module ls --nats ./srv
  graflow-wasm module ls hello -o json | jq -r .digest`,
		Args: arguments(cobra.MaximumNArgs(1)),
	}
	format := outputFlag(cmd, "text", "json")
	cmd.Flags().BoolVar(&all, "all", false, "also those that came with runs")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return where.with(cmd.Context(), "list modules", func(bus *natsbus.Bus) error {
			found, err := bus.Modules(cmd.Context())
			if err != nil && !errors.Is(err, natsbus.ErrTampered) {
				return err
			}
			return errors.Join(err, writeModuleRows(std.out, found, format.value, func(r natsbus.ModuleRecord) bool {
				return len(args) == 1 && r.Name == args[0] || len(args) == 0 && (all || r.Name != localName)
			}))
		})
	}
	return cmd
}

// moduleRow is what `module ls -o json` and `module push -o json` print.
type moduleRow struct {
	Name         string        `json:"name"`
	Version      string        `json:"version"`
	Digest       string        `json:"digest"`
	Size         int64         `json:"size"`
	ABI          string        `json:"abi,omitempty"`
	Tasks        []string      `json:"tasks"`
	Capabilities []string      `json:"capabilities"`
	Signature    signatureView `json:"signature"`
	Pushed       time.Time     `json:"pushed"`
	By           string        `json:"by,omitempty"`
}

func rowOf(r natsbus.ModuleRecord) moduleRow {
	a := about(r)
	row := moduleRow{
		Name: r.Name, Version: r.Version, Digest: r.Digest, Size: r.Size, ABI: a.ABI,
		Tasks: []string{}, Capabilities: a.Capabilities, Signature: viewSignature(r, nil), Pushed: r.Pushed, By: r.By,
	}
	for _, t := range a.Tasks {
		row.Tasks = append(row.Tasks, t.Name)
	}
	if row.Capabilities == nil {
		row.Capabilities = []string{}
	}
	return row
}

func writeModuleRows(w io.Writer, all []natsbus.ModuleRecord, format string, wanted func(natsbus.ModuleRecord) bool) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range all {
		if !wanted(r) {
			continue
		}
		row := rowOf(r)
		if format == "json" {
			if err := writeJSON(w, row); err != nil {
				return err
			}
			continue
		}
		signed := "not signed"
		switch row.Signature.Status {
		case signatureUnknown:
			signed = "signed"
		case signatureForged:
			signed = "FORGED"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", fullName(r), sizeText(uint64(max(0, r.Size))), countOf(len(row.Tasks), "task", "tasks"), signed,
			r.Pushed.Local().Format("2006-01-02 15:04:05"), oneLine(r.Digest))
	}
	return t.Flush()
}
