package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func newModuleRm(std streams, where *clusterFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "rm REF…",
		Short: "Remove modules from the registry",
		Long: `Rm removes a version NAME@VERSION, all versions of NAME, or all names of sha256:….
The bytes go with the last name that they have. Runs that still need them fail.`,
		Example: `  graflow-wasm module rm hello@1.0 --nats ./srv
  graflow-wasm module rm local --nats ./srv`,
		Args: arguments(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, ref := range args {
				err := where.withRegistry(cmd.Context(), "remove module "+ref, func(bus moduleRegistry) error {
					return noSuchModule(ref, bus.RemoveModule(cmd.Context(), ref))
				})
				if err != nil {
					return err
				}
				fmt.Fprintf(std.out, "%s removed\n", oneLine(ref))
			}
			return nil
		},
	}
}
