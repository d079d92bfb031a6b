package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// commandName is a command's path without the program's name.
func commandName(cmd *cobra.Command) string {
	return strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" ")
}

// badFlag is bad usage of a flag. One that is misspelled is told what it was meant to be.
func badFlag(cmd *cobra.Command, err error) error {
	text := err.Error()
	if name, ok := strings.CutPrefix(text, "unknown flag: --"); ok {
		if near := nearFlags(cmd, name); len(near) > 0 {
			text += "; did you mean " + strings.Join(near, " or ") + "?"
		}
	}
	if cmd.HasParent() {
		text = commandName(cmd) + ": " + text
	}
	return usagef("%s\nSee `%s --help`", text, cmd.CommandPath())
}

// nearFlags are the flags of a command whose names are much like one.
func nearFlags(cmd *cobra.Command, name string) []string {
	// What cobra knows of commands it is told of flags, too.
	flags := &cobra.Command{SuggestionsMinimumDistance: 2}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			flags.AddCommand(&cobra.Command{Use: f.Name, Run: func(*cobra.Command, []string) {}})
		}
	})
	near := flags.SuggestionsFor(name)
	for i := range near {
		near[i] = "--" + near[i]
	}
	return near
}

// arguments wraps a check of cobra's as bad usage.
func arguments(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		err := check(cmd, args)
		if err == nil {
			return nil
		}
		text := err.Error()
		required, all := placeholders(cmd)
		switch counts := strings.Contains(text, "arg(s)") || strings.HasPrefix(text, "unknown command"); {
		case counts && len(args) < len(required):
			text = required[len(args)] + " is missing"
		case counts && len(args) > all:
			text = fmt.Sprintf("%q is one argument too many", args[all])
		}
		return usagef("%s: %s\nUsage: %s\nSee `%s --help`", commandName(cmd), text, cmd.UseLine(), cmd.CommandPath())
	}
}

// placeholders are the arguments that a command's use says it needs, and how many it
// takes with those that may be left out.
func placeholders(cmd *cobra.Command) (required []string, all int) {
	optional := 0
	for _, word := range strings.Fields(cmd.Use)[1:] {
		if strings.HasPrefix(word, "-") {
			break // flags that it needs
		}
		opens := strings.HasPrefix(word, "[")
		if opens {
			optional += strings.Count(word, "[")
		}
		if all++; optional == 0 {
			required = append(required, strings.TrimSuffix(word, "…"))
		}
		if strings.HasSuffix(word, "]") && optional > 0 {
			optional -= len(word) - len(strings.TrimRight(word, "]"))
		}
	}
	return required, all
}

// flowFilesNear names some flow files in the directory of one that is not there.
func flowFilesNear(name string) string {
	const most = 5
	found, err := filepath.Glob(filepath.Join(filepath.Dir(name), "*.flow.yaml"))
	if err != nil || len(found) == 0 {
		return "a flow file is one like NAME.flow.yaml: see that the path is right"
	}
	slices.Sort(found)
	for i, one := range found {
		found[i] = oneLine(one)
	}
	text := strings.Join(found[:min(most, len(found))], ", ")
	if len(found) > most {
		text += " and others"
	}
	return "there is " + text
}
