package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/graflow/graflow-wasm/internal/term"
	"github.com/graflow/graflow-wasm/natsbus"
	"github.com/spf13/cobra"
)

func newQueues(std streams) *cobra.Command {
	var where clusterFlags
	cmd := &cobra.Command{
		Use:   "queues",
		Short: "List and bound the queues of a cluster",
		Long: `Queues hold tasks that wait for a worker: a task is in the queue that its flow
names, or in default.`,
		Example: `  graflow-wasm queues ls
  graflow-wasm queues limit slow 4`,
		Args: subcommandOnly,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.SuggestionsMinimumDistance = 2
	where.addAllTo(cmd.PersistentFlags(), "the cluster at `URL`, or of the server in a directory", "the cluster of the server at `URL`, as https://host:7070, or in a directory")
	cmd.AddCommand(newQueuesLs(std, &where), newQueuesLimit(std, &where))
	return cmd
}

func newQueuesLs(std streams, where *clusterFlags) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "List queues",
		Long: `Ls lists queues, a line for each priority and each set of labels that tasks
require: how many are ready and how many workers hold, the age of the oldest, and
the limit.`,
		Example: "  graflow-wasm queues ls -o json | jq 'select(.ready > 100)'",
		Args:    arguments(cobra.NoArgs),
	}
	format := outputFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return where.withFleet(cmd.Context(), "list queues", func(bus fleet) error {
			all, err := bus.Queues(cmd.Context())
			if err != nil {
				return err
			}
			return writeQueues(std.output(), all, format.value)
		})
	}
	return cmd
}

// queueRow is what `queues ls -o json` prints.
type queueRow struct {
	natsbus.QueueInfo

	OldestSeconds float64 `json:"oldest_seconds"`
}

func writeQueues(w *term.Output, all []natsbus.QueueInfo, format string) error {
	if format == "json" {
		for _, q := range all {
			if err := writeJSON(w, queueRow{q, q.Oldest.Seconds()}); err != nil {
				return err
			}
		}
		return nil
	}
	t := term.NewTable(
		term.Column{Title: "QUEUE", Min: 8}, term.Column{Title: "PRIORITY", Rank: 2}, term.Column{Title: "REQUIRES", Rank: 3},
		term.Column{Title: "READY", Min: 9}, term.Column{Title: "RUNNING", Min: 10}, term.Column{Title: "", Rank: 1},
	)
	for _, q := range all {
		rest := ""
		if q.Oldest > 0 {
			rest += "oldest " + q.Oldest.Round(time.Second/10).String()
		}
		if q.Again > 0 {
			rest = joinWith(rest, fmt.Sprintf("%d delivered again", q.Again))
		}
		if q.Limit > 0 {
			rest = joinWith(rest, fmt.Sprintf("limit %d", q.Limit))
		}
		t.Add(term.Text(q.Queue), term.Text(string(q.Priority)), term.Text(orDash(labelText(q.Requires))), readyCell(q.Ready, q.InFlight),
			term.Text(fmt.Sprintf("%d running", q.InFlight)), term.Text(rest))
	}
	return t.WriteTo(w)
}

// readyCell is how many tasks wait, which is worth a look where none runs.
func readyCell(ready uint64, running int) term.Cell {
	cell := term.Text(fmt.Sprintf("%d ready", ready))
	if ready > 0 && running == 0 {
		cell.Look = term.Warn
	}
	return cell
}

func joinWith(text, more string) string {
	if text == "" {
		return more
	}
	return text + ", " + more
}

func newQueuesLimit(std streams, where *clusterFlags) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "limit QUEUE N",
		Short: "Bound how many tasks of a queue run at once",
		Long: `Limit bounds how many tasks of a queue workers hold at a time, in all of the
cluster; 0 is no bound. It holds for each line of queues ls by itself: for each
priority, and each set of labels. It needs credentials of the role operator.`,
		Example: "  graflow-wasm queues limit slow 4",
		Args:    arguments(cobra.ExactArgs(2)),
	}
	format := outputFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		n, err := strconv.Atoi(args[1])
		if err != nil || n < 0 {
			return usagef("limit queue %q: %q: want a number, 0 for no bound", args[0], args[1])
		}
		if args[0] == "" {
			return usagef("limit a queue: its name is empty; the one of tasks that name none is default")
		}
		return where.withFleet(cmd.Context(), fmt.Sprintf("limit queue %q", args[0]), func(bus fleet) error {
			return limitQueue(cmd.Context(), std, bus, args[0], n, format.value)
		})
	}
	return cmd
}

func limitQueue(ctx context.Context, std streams, bus fleet, queue string, n int, format string) error {
	if err := bus.SetQueueLimit(ctx, queue, n); err != nil {
		return err
	}
	if format == "json" {
		return writeJSON(std.out, map[string]any{"queue": queue, "limit": n})
	}
	if n == 0 {
		fmt.Fprintf(std.out, "%s: no limit\n", oneLine(queue))
		return nil
	}
	fmt.Fprintf(std.out, "%s: at most %d at once\n", oneLine(queue), n)
	return nil
}
