package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/internal/quarantine"
	"github.com/graflow/graflow-wasm/internal/term"
	"github.com/spf13/cobra"
)

func newModuleQuarantine(std streams) *cobra.Command {
	var where quarantineFlags
	cmd := &cobra.Command{
		Use:   "quarantine",
		Short: "See what killed its processes, and let it run again",
		Long: `What runs in a process of its own and kills that, which no module should be able to,
costs one attempt, and is noted with what its process left to say. What has killed so
many as the policy says, three by default, is quarantined: it is not run any more, on this
machine, until that is lifted.

Each user of each machine has a file of that; run this where the worker runs.`,
		Example: `  graflow-wasm module quarantine ls
  graflow-wasm module quarantine show sha256:4f1c
  graflow-wasm module quarantine lift sha256:4f1c`,
		Args: subcommandOnly,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.SuggestionsMinimumDistance = 2
	where.addTo(cmd.PersistentFlags())
	cmd.AddCommand(newQuarantineLs(std, &where), newQuarantineShow(std, &where), newQuarantineLift(std, &where))
	return cmd
}

// open is the account.
func (q *quarantineFlags) open() (*quarantine.Store, error) {
	file := q.path()
	if file == "" {
		return nil, usagef("a user without a home has no file of what is quarantined: give --quarantine-file FILE")
	}
	s, err := quarantine.Open(quarantine.Config{File: file})
	return s, usage(err)
}

func newQuarantineLs(std streams, where *quarantineFlags) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "ls",
		Short:   "List what killed its processes, what is quarantined first",
		Example: "  graflow-wasm module quarantine ls -o json | jq .digest",
		Args:    arguments(cobra.NoArgs),
	}
	format := outputFlag(cmd, "text", "json")
	cmd.RunE = func(*cobra.Command, []string) error {
		s, err := where.open()
		if err != nil {
			return err
		}
		all, err := s.List()
		if err != nil {
			return err
		}
		if format.value == "json" {
			return writeJSONLines(std.out, all)
		}
		return writeQuarantine(std.output(), all)
	}
	return cmd
}

func writeQuarantine(w *term.Output, all []quarantine.Entry) error {
	t := term.NewTable(
		term.Column{Title: "DIGEST", Min: 19}, term.Column{Title: "STATUS", Min: 6}, term.Column{Title: "KILLS"}, term.Column{Title: "WHAT", Rank: 3},
		term.Column{Title: "LAST", Rank: 2, Min: len(time.DateTime)}, term.Column{Title: "HOW", Rank: 1, Min: 12},
	)
	for _, e := range all {
		what := e.Kind
		if name := e.Last().Name; name != "" {
			what += " " + name
		}
		t.Add(term.Text(e.Digest), quarantineCell(e), term.Text(fmt.Sprint(e.Kills)), term.Text(what),
			term.Text(e.Last().Time.Local().Format(time.DateTime)), term.Text(oneLine(e.Last().How)))
	}
	return t.WriteTo(w)
}

func quarantineCell(e quarantine.Entry) term.Cell {
	if e.Refused() {
		return term.Cell{Text: "quarantined", Look: term.Bad, Mark: "✗"}
	}
	return term.Cell{Text: "noted", Look: term.Faint, Mark: "·"}
}

func newQuarantineShow(std streams, where *quarantineFlags) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "show DIGEST",
		Short:   "Print the last reports of one, by its digest or what that begins with",
		Example: "  graflow-wasm module quarantine show sha256:4f1c",
		Args:    arguments(cobra.ExactArgs(1)),
	}
	format := outputFlag(cmd, "text", "json")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		s, err := where.open()
		if err != nil {
			return err
		}
		e, err := s.Show(args[0])
		if err != nil {
			return noQuarantine("show", err)
		}
		if format.value == "json" {
			return writeIndented(std.out, e)
		}
		writeEntry(std.out, e)
		return nil
	}
	return cmd
}

// noQuarantine makes bad usage of a digest of which nothing is known.
func noQuarantine(deed string, err error) error {
	err = fmt.Errorf("%s what is quarantined: %w", deed, err)
	if errors.Is(err, quarantine.ErrNotFound) || errors.Is(err, quarantine.ErrAmbiguous) {
		return usagef("%w; `graflow-wasm module quarantine ls` lists what there is", err)
	}
	return err
}

func writeEntry(w io.Writer, e quarantine.Entry) {
	fmt.Fprintf(w, "digest       %s\nkind         %s\nkills        %d\n", oneLine(e.Digest), oneLine(e.Kind), e.Kills)
	if e.Refused() {
		fmt.Fprintf(w, "quarantined  %s\n", e.Quarantined.Local().Format(time.DateTime))
	}
	if !e.Lifted.IsZero() {
		fmt.Fprintf(w, "lifted       %s\n", e.Lifted.Local().Format(time.DateTime))
	}
	for _, r := range e.Reports {
		fmt.Fprintf(w, "\n%s  %s\n", r.Time.Local().Format(time.DateTime), oneLine(r.How))
		for _, field := range []struct{ name, text string }{
			{"module", r.Name}, {"export", r.Export}, {"run", r.Run}, {"task", r.Task}, {"tenant", r.Tenant}, {"worker", r.Worker},
		} {
			if field.text != "" {
				fmt.Fprintf(w, "  %-8s %s\n", field.name, oneLine(field.text))
			}
		}
		for line := range strings.Lines(r.Stderr) {
			fmt.Fprintf(w, "  | %s\n", printable(strings.TrimRight(line, "\r\n")))
		}
	}
}

func newQuarantineLift(std streams, where *quarantineFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "lift DIGEST…",
		Short: "Let what is quarantined run again",
		Long: `Lift lets it run again, at once and without a restart, and counts anew what it kills.
What its reports say is kept.`,
		Example: "  graflow-wasm module quarantine lift sha256:4f1c",
		Args:    arguments(cobra.MinimumNArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			s, err := where.open()
			if err != nil {
				return err
			}
			for _, digest := range args {
				e, err := s.Lift(digest)
				if err != nil {
					return noQuarantine("lift", err)
				}
				fmt.Fprintf(std.out, "%s may run again\n", oneLine(e.Digest))
			}
			return nil
		},
	}
}

// quarantinedOf completes digests of which there is an account.
func quarantinedOf(_ context.Context, cmd *cobra.Command, _ []string) (all []candidate) {
	var where quarantineFlags
	if f := cmd.Flag("quarantine-file"); f != nil {
		where.file = f.Value.String()
	}
	s, err := where.open()
	if err != nil {
		return nil
	}
	entries, _ := s.List() // what can't be read has none
	for _, e := range entries {
		all = append(all, candidate{e.Digest, oneLine(e.Last().How)})
	}
	return all
}
