package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/graflow/graflow-wasm/internal/secrets"
	"github.com/spf13/cobra"
)

func newSecrets(std streams) *cobra.Command {
	var where secretPlace
	cmd := &cobra.Command{
		Use:   "secrets",
		Short: "Keep the secrets of tasks",
		Long: `Secrets are values that tasks may read if they are granted them by name. They
are kept in a file sealed with age; the environment variable ` + secretPrefix + `NAME
goes before the file's NAME.

The first set creates the file, and an identity that opens it. With a passphrase
in ` + secretsPassphraseVariable + `, that seals the file instead.

With --server URL the secrets are those of a server, in its own file.`,
		Example: `  graflow-wasm secrets set api-key --file key.txt
  pass show api | graflow-wasm secrets set api-key
  graflow-wasm secrets ls
  graflow-wasm run fetch.wasm --http api.example.com --secret api-key`,
		Args: subcommandOnly,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	where.addTo(cmd.PersistentFlags())
	where.server.addServerTo(cmd.PersistentFlags(), "the secrets of the server at `URL`, as https://host:7070, or in a directory")
	cmd.AddCommand(newSecretsSet(std, &where), newSecretsLs(std, &where), newSecretsRm(std, &where), newSecretsShow(std, &where))
	return cmd
}

// badSecret marks what a store refuses, or has not, as bad usage.
func badSecret(deed string, err error) error {
	err = fmt.Errorf("%s: %w", deed, err)
	for _, sentinel := range []error{secrets.ErrNotFound, secrets.ErrName, secrets.ErrTooLarge} {
		if errors.Is(err, sentinel) {
			return usage(err)
		}
	}
	return err
}

func newSecretsRm(std streams, where *secretPlace) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "rm NAME…",
		Short:   "Remove secrets from the file: all of them, or none",
		Example: "  graflow-wasm secrets rm api-key",
		Args:    arguments(cobra.MinimumNArgs(1)),
	}
	format := outputFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, names []string) error {
		if remote, err := where.onServer(); err != nil || remote {
			return errors.Join(err, where.removeThere(cmd.Context(), std, names, format.value))
		}
		file, err := where.open()
		if err != nil {
			return err
		}
		if err := file.Remove(cmd.Context(), names...); err != nil {
			return badSecret("remove from "+file.Path(), fmt.Errorf("%w; `graflow-wasm secrets ls` lists them", err))
		}
		if format.value == "json" {
			return writeJSON(std.out, map[string]any{"removed": names, "file": file.Path()})
		}
		fmt.Fprintf(std.out, "%s: removed\n", strings.Join(names, ", "))
		return nil
	}
	return cmd
}
