package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/graflow/graflow-wasm/natsbus"
	"github.com/spf13/cobra"
)

func newWorkers(std streams) *cobra.Command {
	var where clusterFlags
	cmd := &cobra.Command{
		Use:     "workers",
		Short:   "List the workers of a cluster",
		Long:    "Workers are the processes of a cluster: servers, and those that `graflow-wasm worker` runs.",
		Example: "  graflow-wasm workers ls --nats nats://10.0.0.5:4222 --nkey viewer.nk",
		Args:    subcommandOnly,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.SuggestionsMinimumDistance = 2
	where.addTo(cmd.PersistentFlags(), "the cluster at `URL`, or of the server in a directory")
	cmd.AddCommand(newWorkersLs(std, &where))
	return cmd
}

func newWorkersLs(std streams, where *clusterFlags) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "List the workers of a cluster",
		Long: `Ls lists the processes that are there, by name: what they are, how many tasks run
of those that may at once, queues, labels, where they run and for how long. One that
was lost is listed for up to 10 s.`,
		Example: `  graflow-wasm workers ls
  graflow-wasm workers ls -o json | jq 'select(.draining)'`,
		Args: arguments(cobra.NoArgs),
	}
	format := outputFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return where.with(cmd.Context(), "list workers", func(bus *natsbus.Bus) error {
			all, err := bus.Nodes(cmd.Context())
			if err != nil {
				return err
			}
			return writeWorkers(std.out, all, format.value, time.Now())
		})
	}
	return cmd
}

// workerRow is what `workers ls -o json` prints.
type workerRow struct {
	natsbus.NodeInfo

	Seen time.Time `json:"seen,omitzero"`
}

func writeWorkers(w io.Writer, all []natsbus.NodeInfo, format string, now time.Time) error {
	if format == "json" {
		for _, n := range all {
			if err := writeJSON(w, workerRow{n, n.Seen}); err != nil {
				return err
			}
		}
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, n := range all {
		state := fmt.Sprintf("%d/%d tasks", n.Running, n.Concurrency)
		if n.Draining {
			state += ", draining"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", oneLine(n.Node), oneLine(n.Role), state,
			oneLine(strings.Join(n.Queues, ",")), orDash(oneLine(labelText(n.Labels))), oneLine(n.Host), now.Sub(n.Started).Round(time.Second))
	}
	return t.Flush()
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
