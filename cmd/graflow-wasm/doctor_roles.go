package main

import (
	"fmt"
	"strings"

	"github.com/graflow/graflow-wasm/natsbus"
	"github.com/spf13/cobra"
)

func newDoctorRoles(std streams, where *clusterFlags) *cobra.Command {
	names := make([]string, 0, len(natsbus.Roles()))
	for _, role := range natsbus.Roles() {
		names = append(names, string(role))
	}
	cmd := &cobra.Command{
		Use:   "roles [ROLE…]",
		Short: "Print what users of each role need",
		Long: `Roles prints, as configuration of a NATS server, what users need who have a role:
` + strings.Join(names, ", ") + `. A server that graflow-wasm runs
has such users from the start.`,
		Example: `  graflow-wasm doctor roles worker
  graflow-wasm doctor roles submitter viewer -o json --namespace blue`,
		ValidArgs: names,
	}
	cmd.Args = arguments(cobra.OnlyValidArgs)
	format := outputFlag(cmd, "text", "json")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		space, err := where.space()
		if err != nil {
			return err
		}
		if len(args) == 0 {
			args = names
		}
		for _, role := range args {
			if err := writeRole(std, natsbus.Role(role), space, format.value); err != nil {
				return err
			}
		}
		return nil
	}
	return cmd
}

func writeRole(std streams, role natsbus.Role, space, format string) error {
	if format == "json" {
		may, err := natsbus.Permissions(role, space)
		if err != nil {
			return err
		}
		return writeJSON(std.out, map[string]any{"role": role, "namespace": space, "all": may.All, "publish": may.Publish, "subscribe": may.Subscribe})
	}
	text, err := natsbus.Template(role, space)
	if err == nil {
		_, err = fmt.Fprintln(std.out, text)
	}
	return err
}
