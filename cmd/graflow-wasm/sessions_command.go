package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

func newExecSessions(std streams) *cobra.Command {
	var place placeFlags
	cmd := &cobra.Command{
		Use:   "sessions",
		Short: "List and forget the sessions of exec",
		Long: `Sessions are what code has defined that was run with exec --session NAME: the
interpreter's memory, with whatever the code held, in files of this user alone, on a
cluster, or with a server. They fit the interpreters of the program that runs the code,
and no other versions of them.`,
		Example: `  graflow-wasm exec sessions ls
  graflow-wasm exec sessions rm notes --state ./state
  graflow-wasm exec sessions ls --server ./srv`,
		Args: subcommandOnly,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	place.addTo(cmd.PersistentFlags(), "the sessions kept in a `DIR` (default: $"+stateVariable+", else graflow-wasm in the user's cache directory)")
	cmd.PersistentFlags().Lookup("nats").Usage = "the sessions of the cluster at `URL`, as an owner of it (default: $" + clusterVariable + ")"
	cmd.PersistentFlags().Lookup("server").Usage = "the sessions of your token on the server at `URL`, or in a directory (default: $" + remoteVariable + ")"
	cmd.AddCommand(newExecSessionsLs(std, &place), newExecSessionsRm(std, &place))
	return cmd
}

// withSessions does something with the sessions of a place. Errors begin with the deed.
func withSessions(ctx context.Context, place *placeFlags, deed string, f func(sessionShelf) error) error {
	shelf, err := openShelf(ctx, place)
	if err != nil {
		return failed(deed, err)
	}
	defer shelf.Close()
	return sessionFault(deed, f(shelf))
}

func newExecSessionsLs(std streams, place *placeFlags) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "List sessions",
		Example: `  graflow-wasm exec sessions ls
  graflow-wasm exec sessions ls --state ./state -o json`,
		Args: arguments(cobra.NoArgs),
	}
	format := outputFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return withSessions(cmd.Context(), place, "list sessions", func(shelf sessionShelf) error {
			all, err := shelf.List(cmd.Context())
			return errors.Join(err, writeSessions(std.out, all, format.value))
		})
	}
	return cmd
}

func writeSessions(w io.Writer, all []sessionInfo, format string) error {
	if format == "json" {
		return writeJSONLines(w, all)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, one := range all {
		language := string(one.Language)
		if language == "" {
			language = "unreadable"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", one.Name, language, sizeText(uint64(max(0, one.Size))), one.Used.Format(time.RFC3339))
	}
	return t.Flush()
}

func newExecSessionsRm(std streams, place *placeFlags) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "rm NAME…",
		Short:   "Forget sessions",
		Example: "  graflow-wasm exec sessions rm notes",
		Args:    arguments(cobra.MinimumNArgs(1)),
	}
	format := outputFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, names []string) error {
		for _, name := range names {
			if err := checkSessionName(name); err != nil {
				return err
			}
		}
		return withSessions(cmd.Context(), place, "forget sessions", func(shelf sessionShelf) error {
			for _, name := range names {
				if err := shelf.Forget(cmd.Context(), name); err != nil {
					return fmt.Errorf("session %s: %w", name, err)
				}
				if err := tellForgotten(std.out, name, format.value); err != nil {
					return err
				}
			}
			return nil
		})
	}
	cmd.ValidArgsFunction = completeSessions(place)
	return cmd
}

func tellForgotten(w io.Writer, name, format string) error {
	if format == "json" {
		return writeJSON(w, map[string]string{"session": name, "status": "forgotten"})
	}
	_, err := fmt.Fprintf(w, "%s: forgotten\n", name)
	return err
}
