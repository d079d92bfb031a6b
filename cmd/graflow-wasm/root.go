package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// streams are the standard streams of the command.
type streams struct {
	in       io.Reader
	out, err io.Writer
	look     *lookFlags // set by newRoot
}

// execute runs the command with args and returns its exit code.
func execute(args []string, std streams) int {
	root := newRoot(std)
	root.SetArgs(args)
	err := root.Execute()
	return report(std.err, err)
}

func newRoot(std streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "graflow-wasm",
		Short: "Run flows of WebAssembly tasks",
		Long: `graflow-wasm runs flows: graphs of tasks, each a WebAssembly guest in a sandbox.

A flow is a file, NAME.flow.yaml. A single module runs without one, and so does code.
graflow-wasm help is a short tour, and graflow-wasm help TOPIC explains by example:
` + strings.Join(helpOrder, ", ") + `.

Exit codes: 0 succeeded, 1 the run failed, 2 bad usage or invalid input,
3 canceled, 4 paused, 5 timeout or limit, 6 the cluster does not answer.`,
		Example: `  graflow-wasm run hello.flow.yaml --set name=Ada
  graflow-wasm run guest.wasm#hello --input '{"name": "Ada"}'
  graflow-wasm run deploy.flow.yaml --state ./state
  graflow-wasm runs ls --state ./state
  graflow-wasm validate *.flow.yaml
  graflow-wasm graph hello.flow.yaml -o mermaid
  graflow-wasm new go ./greeter`,
		Args:          subcommandOnly,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SuggestionsMinimumDistance = 2
	std.look = &lookFlags{}
	std.look.addTo(root.PersistentFlags())
	root.SetIn(std.in)
	root.SetOut(std.out)
	root.SetErr(std.err)
	root.SetFlagErrorFunc(badFlag)
	root.AddCommand(
		newRun(std), newRuns(std), newValidate(std), newGraph(std), newSchema(std),
		newExec(std), newMCP(std), newModule(std), newPolicy(std), newSecrets(std), newNew(std), newVersion(std),
		newServer(std), newWorker(std), newWorkers(std), newQueues(std), newDead(std), newFlows(std), newSchedules(std), newDoctor(std),
		newTest(std), newTop(std), newMan(std), newVerify(std),
	)
	root.SetHelpCommand(newHelp(std))
	root.InitDefaultCompletionCmd()
	if shells, _, err := root.Find([]string{"completion"}); err == nil && shells != root {
		shells.Args, shells.RunE = subcommandOnly, func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	}
	groupCommands(root)
	completeAll(root)
	return root
}

// subcommandOnly refuses arguments of a command that has subcommands: they are
// misspelled names of them.
func subcommandOnly(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	text := fmt.Sprintf("unknown command %q", args[0])
	if cmd.HasParent() {
		text = commandName(cmd) + ": " + text
	}
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		text += "; did you mean " + strings.Join(near, " or ") + "?"
	}
	return usagef("%s\nSee `%s --help`", text, cmd.CommandPath())
}

// choice is a flag that takes one of some words.
type choice struct {
	value string
	of    []string
}

// String implements pflag.Value.
func (c *choice) String() string { return c.value }

// Type implements pflag.Value.
func (c *choice) Type() string { return strings.Join(c.of, "|") }

// Set implements pflag.Value.
func (c *choice) Set(value string) error {
	for _, word := range c.of {
		if word == value {
			c.value = value
			return nil
		}
	}
	return fmt.Errorf("want one of %s", strings.Join(c.of, ", "))
}

// outputFlag adds -o with its formats, the first of them the default.
func outputFlag(cmd *cobra.Command, formats ...string) *choice {
	c := &choice{value: formats[0], of: formats}
	cmd.Flags().VarP(c, "output", "o", "output format")
	complete := func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return formats, cobra.ShellCompDirectiveNoFileComp
	}
	if err := cmd.RegisterFlagCompletionFunc("output", complete); err != nil {
		panic(err) // the flag was added just now
	}
	return c
}
