package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/graflow/graflow-wasm/internal/cluster"
)

// runID is a flag with the id of a run that is to begin: one that every command
// can name afterwards.
type runID string

// String implements pflag.Value.
func (id *runID) String() string { return string(*id) }

// Type implements pflag.Value.
func (*runID) Type() string { return "string" }

// Set implements pflag.Value.
func (id *runID) Set(text string) error {
	if text == "" {
		return errors.New("it is empty; leave the flag out for a new id")
	}
	*id = runID(text)
	return cluster.CheckRunID(text)
}

// checkRunID refuses ids that no run can have.
func checkRunID(id string) error {
	if n := len(logName(id)); n > cluster.MaxRunID {
		return fmt.Errorf("it is too long: %d bytes, at most %d are allowed, of which all but letters, digits, _ and - take three", n, cluster.MaxRunID)
	}
	return nil
}

// runArguments is arguments for a command whose first argument is a run.
func runArguments(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := arguments(check)(cmd, args); err != nil {
			return err
		}
		return checkRunArgument(cmd, args[0])
	}
}

func checkRunArgument(cmd *cobra.Command, run string) error {
	if err := checkRunID(run); err != nil {
		return usagef("%s: no run has the id %.40q…: %w", commandName(cmd), run, err)
	}
	return nil
}
