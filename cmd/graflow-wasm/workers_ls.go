package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/internal/term"
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
	where.addAllTo(cmd.PersistentFlags(), "the cluster at `URL`, or of the server in a directory", "the cluster of the server at `URL`, as https://host:7070, or in a directory")
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
		return where.withFleet(cmd.Context(), "list workers", func(bus fleet) error {
			all, err := bus.Nodes(cmd.Context())
			if err != nil {
				return err
			}
			return writeWorkers(std.output(), all, format.value, time.Now())
		})
	}
	return cmd
}

// workerRow is what `workers ls -o json` prints.
type workerRow struct {
	natsbus.NodeInfo

	Seen time.Time `json:"seen,omitzero"`
}

func writeWorkers(w *term.Output, all []natsbus.NodeInfo, format string, now time.Time) error {
	if format == "json" {
		for _, n := range all {
			if err := writeJSON(w, workerRow{n, n.Seen}); err != nil {
				return err
			}
		}
		return nil
	}
	t := term.NewTable(
		term.Column{Title: "NODE", Min: 8}, term.Column{Title: "ROLE", Rank: 3}, term.Column{Title: "RUNNING", Min: 11},
		term.Column{Title: "QUEUES", Rank: 1, Min: 7}, term.Column{Title: "LABELS", Rank: 4}, term.Column{Title: "HOST", Rank: 5}, term.Column{Title: "FOR", Rank: 2, Right: true},
	)
	for _, n := range all {
		t.Add(term.Text(n.Node), term.Text(n.Role), workload(n.Running, n.Concurrency, n.Draining), term.Text(strings.Join(n.Queues, ",")),
			term.Text(orDash(labelText(n.Labels))), term.Text(n.Host), term.Text(now.Sub(n.Started).Round(time.Second).String()))
	}
	return t.WriteTo(w)
}

// workload is what a worker has to do.
func workload(running, concurrency int, draining bool) term.Cell {
	text := fmt.Sprintf("%d/%d tasks", running, concurrency)
	switch {
	case draining:
		return term.Marked("draining", text+", draining")
	case running > 0:
		return term.Marked("running", text)
	}
	return term.Marked("pending", text)
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
