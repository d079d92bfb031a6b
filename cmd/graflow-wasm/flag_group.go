package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// flagGroup is a section of flags in a command's help.
type flagGroup struct {
	*cobra.Command // holds the flags, and is not run

	title string
}

func newFlagGroup(title string) flagGroup {
	g := flagGroup{Command: &cobra.Command{}, title: title}
	g.Flags().SortFlags = false
	return g
}

// addTo gives the group's flags to a command.
func (g flagGroup) addTo(cmd *cobra.Command) { cmd.Flags().AddFlagSet(g.Flags()) }

// groupUsage makes cmd's help list its flags in groups.
func groupUsage(cmd *cobra.Command, groups ...flagGroup) {
	cmd.SetUsageFunc(func(cmd *cobra.Command) error {
		w := cmd.OutOrStderr()
		fmt.Fprintf(w, "Usage:\n  %s\n\nExamples:\n%s\n", cmd.UseLine(), cmd.Example)
		for _, g := range groups {
			fmt.Fprintf(w, "\n%s:\n%s\n", g.title, strings.TrimRight(g.Flags().FlagUsages(), "\n"))
		}
		return nil
	})
}
