package main

import (
	"fmt"

	"github.com/graflow/graflow-wasm/flowfile"
	"github.com/spf13/cobra"
)

func newSchema(std streams) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of flow files, for editors",
		Example: `  graflow-wasm schema > flow.schema.json
  # then, in the first line of a flow file:
  # yaml-language-server: $schema=flow.schema.json`,
		Args: arguments(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			fmt.Fprintf(std.out, "%s\n", flowfile.Schema())
			return nil
		},
	}
}
