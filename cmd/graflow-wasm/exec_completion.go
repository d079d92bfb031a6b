package main

import (
	"context"

	"github.com/graflow/graflow-wasm/script"
	"github.com/spf13/cobra"
)

// completeExec tells a shell what may follow.
func completeExec(cmd *cobra.Command) {
	cmd.ValidArgsFunction = func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return []string{"py", "js", "mjs", "cjs", "ts", "mts", "cts"}, cobra.ShellCompDirectiveFilterFileExt
	}
	languages := func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		var names []string
		for _, l := range script.Languages() {
			names = append(names, string(l))
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
	if err := cmd.RegisterFlagCompletionFunc("language", languages); err != nil {
		panic(err) // the flag was added just now
	}
}

// completeSessions tells a shell the names of sessions.
func completeSessions(place *placeFlags) func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return byShell(namesOf(func(ctx context.Context, _ *cobra.Command, _ []string) (names []candidate) {
		shelf, err := openShelf(ctx, place)
		if err != nil {
			return nil
		}
		defer shelf.Close()
		all, _ := shelf.List(ctx) // as many as there are
		for _, one := range all {
			names = append(names, candidate{one.Name, string(one.Language)})
		}
		return names
	}))
}
