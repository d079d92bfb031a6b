package main

import (
	"errors"
	"fmt"

	"github.com/graflow/graflow-wasm/internal/policy"
	"github.com/spf13/cobra"
)

func newPolicy(std streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "policy",
		Short: "Check and show what an operator allows those who submit",
		Long: `A policy is a file in YAML that says which modules run in processes of their own, whose
signatures are trusted, and the most that tasks may have: limits, directories, hosts,
networks, secrets. --policy of server, worker, run, exec, mcp, test, validate and verify
reads it, and $` + policyVariable + ` names it where that is not given.

Without one a server or a worker gives tasks no directory of its machine and no
network but the internet, and has every module in a process of its own.`,
		Example: `  graflow-wasm policy show > graflow.policy.yaml
  graflow-wasm policy check graflow.policy.yaml
  graflow-wasm server --dir ./srv --policy graflow.policy.yaml`,
		Args: subcommandOnly,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.SuggestionsMinimumDistance = 2
	cmd.AddCommand(newPolicyCheck(std), newPolicyShow(std))
	return cmd
}

func newPolicyCheck(std streams) *cobra.Command {
	return &cobra.Command{
		Use:   "check FILE…",
		Short: "Check policies",
		Long: `Check reads policies, with the keys that they name and what they say of containers, and
tells all that is wrong, with its line.

Exit codes: 0 all can be used, 2 one can't.`,
		Example: "  graflow-wasm policy check graflow.policy.yaml",
		Args:    arguments(cobra.MinimumNArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			var faults []error
			for _, name := range args {
				p, err := readPolicy(name)
				if err != nil {
					faults = append(faults, err)
					continue
				}
				fmt.Fprintf(std.out, "%s: valid: %s\n", oneLine(name), isolationText(p))
			}
			return usage(errors.Join(faults...))
		},
	}
}

func newPolicyShow(std streams) *cobra.Command {
	own := false
	cmd := &cobra.Command{
		Use:   "show [FILE]",
		Short: "Print a policy, with what it leaves out",
		Long: `Show prints the policy of FILE or of $` + policyVariable + `, or that of a server or a worker
without one, with all defaults: a file that could be given instead. Bounds of cells
that it does not tell are those of docs/policy.md.`,
		Example: `  graflow-wasm policy show
  graflow-wasm policy show graflow.policy.yaml -o json | jq .grants
  graflow-wasm policy show --own`,
		Args: arguments(cobra.MaximumNArgs(1)),
	}
	cmd.Flags().BoolVar(&own, "own", false, "what run, exec and mcp have without a policy")
	format := outputFlag(cmd, "yaml", "json")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		var flags policyFlags
		byDefault := policy.Node()
		if own {
			byDefault = policy.Own()
		}
		p, err := flags.read(byDefault, nil)
		if len(args) == 1 {
			if p, err = readPolicy(args[0]); err != nil {
				return usage(err)
			}
		}
		if err != nil {
			return err
		}
		if format.value == "json" {
			return writeIndented(std.out, p.Show())
		}
		_, err = fmt.Fprint(std.out, p.Show().YAML())
		return err
	}
	return cmd
}
