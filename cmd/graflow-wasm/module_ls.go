package main

import (
	"errors"
	"time"

	"github.com/graflow/graflow-wasm/internal/term"
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
		return where.withRegistry(cmd.Context(), "list modules", func(bus moduleRegistry) error {
			found, err := bus.Modules(cmd.Context())
			if err != nil && !errors.Is(err, natsbus.ErrTampered) {
				return err
			}
			return errors.Join(err, writeModuleRows(std.output(), found, format.value, func(r natsbus.ModuleRecord) bool {
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

func writeModuleRows(w *term.Output, all []natsbus.ModuleRecord, format string, wanted func(natsbus.ModuleRecord) bool) error {
	t := term.NewTable(
		term.Column{Title: "MODULE", Min: 8}, term.Column{Title: "SIZE", Rank: 2}, term.Column{Title: "TASKS", Rank: 3},
		term.Column{Title: "SIGNED", Min: 6}, term.Column{Title: "PUSHED", Rank: 4, Min: len(time.DateTime)}, term.Column{Title: "DIGEST", Rank: 1, Min: 19},
	)
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
		t.Add(term.Text(fullName(r)), term.Text(sizeText(uint64(max(0, r.Size)))), term.Text(countOf(len(row.Tasks), "task", "tasks")), signedCell(row.Signature.Status),
			term.Text(r.Pushed.Local().Format(time.DateTime)), term.Text(r.Digest))
	}
	return t.WriteTo(w)
}

// signedCell tells whether a module is signed, without saying by whom.
func signedCell(status string) term.Cell {
	switch status {
	case signatureUnknown:
		return term.Cell{Text: "signed", Look: term.Good, Mark: "✓"}
	case signatureForged:
		return term.Cell{Text: "FORGED", Look: term.Bad, Mark: "✗"}
	}
	return term.Cell{Text: "not signed", Look: term.Faint, Mark: "·"}
}
