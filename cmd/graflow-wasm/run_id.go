package main

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

// maxRunID is the most bytes of a run's id, as a name of files: there all but
// letters, digits, _ and - take three.
const maxRunID = 200

// runID is a flag with the id of a run that is to begin: one that every command
// can name afterwards.
type runID string

// String implements pflag.Value.
func (id *runID) String() string { return string(*id) }

// Type implements pflag.Value.
func (*runID) Type() string { return "string" }

// Set implements pflag.Value.
func (id *runID) Set(text string) error {
	hidden := func(r rune) bool { return !unicode.IsPrint(r) }
	switch {
	case text == "":
		return errors.New("it is empty; leave the flag out for a new id")
	case strings.HasPrefix(text, "-"):
		return errors.New("it begins with -, as flags do")
	case strings.HasSuffix(text, ".json"):
		return errors.New("it ends in .json, as the files of checkpoints do")
	case !utf8.ValidString(text) || strings.ContainsFunc(text, hidden) || strings.TrimSpace(text) != text:
		return errors.New("it has characters that can't be seen, or white space around it")
	}
	*id = runID(text)
	return checkRunID(text)
}

// checkRunID refuses ids that no run can have.
func checkRunID(id string) error {
	if n := len(logName(id)); n > maxRunID {
		return fmt.Errorf("it is too long: %d bytes, at most %d are allowed, of which all but letters, digits, _ and - take three", n, maxRunID)
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
		return usagef("%s: no run has the id %.40q…: %w", cmd.CommandPath(), run, err)
	}
	return nil
}
