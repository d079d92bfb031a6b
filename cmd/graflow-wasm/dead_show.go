package main

import (
	"context"
	"fmt"

	"github.com/graflow/graflow-wasm/natsbus"
	"github.com/spf13/cobra"
)

func newDeadShow(std streams, where *clusterFlags) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "show NUMBER",
		Short:   "Show a dead letter",
		Example: "  graflow-wasm dead show 12 -o json",
		Args:    arguments(cobra.ExactArgs(1)),
	}
	format := outputFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return where.withDead(cmd.Context(), "show", args[0], func(_ fleet, l *natsbus.DeadLetter) error {
			if format.value == "json" {
				return writeJSON(std.out, l)
			}
			writeDead(std, l, where)
			return nil
		})
	}
	return cmd
}

// withDead does something with one dead letter.
func (c *clusterFlags) withDead(ctx context.Context, verb, number string, f func(fleet, *natsbus.DeadLetter) error) error {
	numbers, err := deadNumbers([]string{number})
	if err != nil {
		return err
	}
	return c.withFleet(ctx, verb+" a dead letter", func(bus fleet) error {
		l, err := bus.DeadLetter(ctx, numbers[0])
		if err != nil {
			return noSuchDead(err)
		}
		return f(bus, l)
	})
}

func writeDead(std streams, l *natsbus.DeadLetter, where *clusterFlags) {
	fmt.Fprintf(std.out, "dead letter %d of %s\n", l.Number, l.Time.Local().Format("2006-01-02 15:04:05"))
	fmt.Fprintf(std.out, "why: %s\n", oneLine(l.Reason))
	if l.Run == "" { // it could not even be read
		fmt.Fprintf(std.out, "what it was: %s\n", oneLine(string(l.Data)))
		return
	}
	fmt.Fprintf(std.out, "run %s, task %s, activation %s, attempt %d, delivered to %s\n",
		oneLine(l.Run), oneLine(l.Task), oneLine(l.Activation), l.Attempt, countOf(l.Delivered, "worker", "workers"))
	fmt.Fprintf(std.out, "see its run: graflow-wasm runs show %s%s\n", shellQuote(l.Run), where.where())
	fmt.Fprintf(std.out, "do again what failed in it: graflow-wasm dead retry %d%s\n", l.Number, where.where())
}

func newDeadRetry(std streams, where *clusterFlags) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "retry NUMBER",
		Short: "Go on with the run of a dead letter",
		Long: `Retry has the run of a dead letter do again what failed in it, and removes the
letter. The run has to have failed. What succeeded is not done again. The run goes on
in the cluster; this command does not wait for it.`,
		Example: "  graflow-wasm dead retry 12",
		Args:    arguments(cobra.ExactArgs(1)),
	}
	format := outputFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return where.withDead(cmd.Context(), "retry", args[0], func(bus fleet, l *natsbus.DeadLetter) error {
			return retryDead(cmd.Context(), std, bus, l, format.value)
		})
	}
	return cmd
}

func retryDead(ctx context.Context, std streams, bus fleet, l *natsbus.DeadLetter, format string) error {
	if l.Run == "" {
		return usagef("dead letter %d names no run: nothing can be made of it; `graflow-wasm dead rm %d` removes it", l.Number, l.Number)
	}
	if err := bus.RetryDead(ctx, l); err != nil {
		return err
	}
	if format == "json" {
		return writeJSON(std.out, map[string]any{"number": l.Number, "run": l.Run, "task": l.Task})
	}
	fmt.Fprintf(std.out, "run %s goes on: what failed in it is done again\n", oneLine(l.Run))
	return nil
}
