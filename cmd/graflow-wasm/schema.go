package main

import (
	"fmt"

	"github.com/graflow/graflow-wasm/flowfile"
	"github.com/graflow/graflow-wasm/internal/flowtest"
	"github.com/spf13/cobra"
)

func newSchema(std streams) *cobra.Command {
	var tests bool
	cmd := &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of flow files, for editors",
		Long: `Schema prints the JSON Schema of flow files, or with --test that of their test files,
for editors that complete and check what is typed.`,
		Example: `  graflow-wasm schema > flow.schema.json
  graflow-wasm schema --test > test.schema.json
  # then, in the first line of a flow file:
  # yaml-language-server: $schema=flow.schema.json`,
		Args: arguments(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			text := flowfile.Schema()
			if tests {
				text = flowtest.Schema()
			}
			fmt.Fprintf(std.out, "%s\n", text)
			return nil
		},
	}
	cmd.Flags().BoolVar(&tests, "test", false, "that of test files, for `graflow-wasm test`")
	return cmd
}
