package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/term"
	"github.com/graflow/graflow-wasm/natsbus"
	"github.com/spf13/cobra"
)

func newDead(std streams) *cobra.Command {
	var where clusterFlags
	cmd := &cobra.Command{
		Use:   "dead",
		Short: "List and settle dead letters",
		Long: `A dead letter is a task that was given up although nothing is known of how it
ended: several workers in turn were lost with it, most likely by its doing. Its run
goes on as after any failure. Dead letters are kept for 30 days.`,
		Example: `  graflow-wasm dead ls
  graflow-wasm dead show 12
  graflow-wasm dead retry 12`,
		Args: subcommandOnly,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.SuggestionsMinimumDistance = 2
	where.addAllTo(cmd.PersistentFlags(), "the cluster at `URL`, or of the server in a directory", "the cluster of the server at `URL`, as https://host:7070, or in a directory")
	cmd.AddCommand(newDeadLs(std, &where), newDeadShow(std, &where), newDeadRetry(std, &where), newDeadRm(std, &where))
	return cmd
}

func newDeadLs(std streams, where *clusterFlags) *cobra.Command {
	limit, run := 100, ""
	cmd := &cobra.Command{
		Use:     "ls",
		Short:   "List dead letters, the newest first",
		Example: "  graflow-wasm dead ls --run deploy-7 -o json | jq .number",
		Args:    arguments(cobra.NoArgs),
	}
	format := outputFlag(cmd, "text", "json")
	cmd.Flags().IntVar(&limit, "limit", limit, "no more than `N`; 0 is all")
	cmd.Flags().StringVar(&run, "run", "", "only those of the run with that `ID`")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if limit < 0 {
			return usagef("--limit %d: want 0, which is all, or more", limit)
		}
		return where.withFleet(cmd.Context(), "list dead letters", func(bus fleet) error {
			return eachDead(cmd.Context(), bus, run, limit, deadWriter(std.output(), format.value))
		})
	}
	return cmd
}

// deadBatch is how many dead letters are read at once.
const deadBatch = 100

// eachDead calls f for dead letters, of a run or of all, up to limit if that is not
// 0, and then with nil.
func eachDead(ctx context.Context, bus fleet, run string, limit int, f func(*natsbus.DeadLetter) error) error {
	before, told := uint64(0), 0
	for {
		page, err := bus.DeadLetters(ctx, before, deadBatch)
		if err != nil {
			return err
		}
		for _, l := range page {
			before = l.Number
			if run != "" && l.Run != run {
				continue
			}
			if err := f(&l); err != nil {
				return err
			}
			if told++; told == limit {
				return f(nil)
			}
		}
		if len(page) < deadBatch {
			return f(nil)
		}
	}
}

// deadWriter prints dead letters, the last of which is nil.
func deadWriter(w *term.Output, format string) func(*natsbus.DeadLetter) error {
	t := term.NewTable(
		term.Column{Title: "NUMBER", Right: true}, term.Column{Title: "GIVEN UP", Rank: 3, Min: len(time.DateTime)}, term.Column{Title: "RUN", Min: 8},
		term.Column{Title: "TASK", Rank: 1, Min: 6}, term.Column{Title: "WHY", Rank: 2, Min: 12},
	)
	return func(l *natsbus.DeadLetter) error {
		switch {
		case l == nil:
			return t.WriteTo(w)
		case format == "json":
			return writeJSON(w, l)
		}
		t.Add(term.Text(strconv.FormatUint(l.Number, 10)), term.Text(l.Time.Local().Format(time.DateTime)), term.Text(l.Run), term.Text(l.Activation), term.Text(l.Reason))
		return nil
	}
}

func newDeadRm(std streams, where *clusterFlags) *cobra.Command {
	all := false
	cmd := &cobra.Command{
		Use:   "rm NUMBER…",
		Short: "Remove dead letters",
		Example: `  graflow-wasm dead rm 12 13
  graflow-wasm dead rm --all`,
	}
	cmd.Args = arguments(func(cmd *cobra.Command, args []string) error {
		if all == (len(args) > 0) {
			return errors.New("give numbers, or --all")
		}
		return nil
	})
	format := outputFlag(cmd, "text", "json")
	cmd.Flags().BoolVar(&all, "all", false, "remove all that there are")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		numbers, err := deadNumbers(args)
		if err != nil {
			return err
		}
		return where.withFleet(cmd.Context(), "remove dead letters", func(bus fleet) error {
			return removeDead(cmd.Context(), std, bus, numbers, all, format.value)
		})
	}
	return cmd
}

func removeDead(ctx context.Context, std streams, bus fleet, numbers []uint64, all bool, format string) error {
	if all {
		err := eachDead(ctx, bus, "", 0, func(l *natsbus.DeadLetter) error {
			if l != nil {
				numbers = append(numbers, l.Number)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	for _, n := range numbers {
		if err := bus.RemoveDead(ctx, n); err != nil && (!all || !errors.Is(err, engine.ErrNotFound)) {
			return noSuchDead(err)
		}
	}
	if format == "json" {
		return writeJSON(std.out, map[string]any{"removed": numbers})
	}
	fmt.Fprintf(std.out, "%s removed\n", countOf(len(numbers), "dead letter", "dead letters"))
	return nil
}

// noSuchDead makes bad usage of a number that no dead letter has.
func noSuchDead(err error) error {
	if errors.Is(err, engine.ErrNotFound) {
		return usagef("%w; `graflow-wasm dead ls` lists those that there are", err)
	}
	return err
}

func deadNumbers(args []string) ([]uint64, error) {
	var all []uint64
	for _, text := range args {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil || n == 0 {
			return nil, usagef("%q is no number of a dead letter; `graflow-wasm dead ls` lists them", text)
		}
		all = append(all, n)
	}
	return all, nil
}
