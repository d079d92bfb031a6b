package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"github.com/graflow/graflow-wasm/internal/secrets"
	"github.com/spf13/cobra"
)

// secretInfo is one line of `secrets ls`, as JSON.
type secretInfo struct {
	Name     string     `json:"name"`
	Stores   []string   `json:"stores"`             // "environment", "file": the first is asked first
	Variable string     `json:"variable,omitempty"` // in the environment
	Updated  *time.Time `json:"updated,omitempty"`  // in the file
}

func newSecretsLs(std streams, where *secretPlace) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "ls",
		Short:   "List secrets, without their values",
		Example: "  graflow-wasm secrets ls -o json | jq -r .name",
		Args:    arguments(cobra.NoArgs),
	}
	format := outputFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if remote, err := where.onServer(); err != nil || remote {
			return errors.Join(err, where.listThere(cmd.Context(), std, format.value))
		}
		file, err := where.open()
		if err != nil {
			return err
		}
		list, err := file.List()
		if err != nil {
			return fmt.Errorf("list secrets: %w", err)
		}
		all := listed(list, secrets.Env{})
		if format.value == "text" {
			return writeSecrets(std.out, all)
		}
		for _, info := range all {
			if err := writeJSON(std.out, info); err != nil {
				return err
			}
		}
		return nil
	}
	return cmd
}

// listed joins the secrets of the file and of the environment. One that only the
// environment has is named as its variable is.
func listed(file []secrets.Info, env secrets.Env) []secretInfo {
	var all []secretInfo
	unnamed := env.Names()
	for _, info := range file {
		one := secretInfo{Name: info.Name, Stores: []string{"file"}, Updated: &info.Updated}
		own := func(name string) bool { return env.Variable(name) == env.Variable(info.Name) }
		if slices.ContainsFunc(env.Names(), own) {
			one.Stores, one.Variable = []string{"environment", "file"}, env.Variable(info.Name)
			unnamed = slices.DeleteFunc(unnamed, own)
		}
		all = append(all, one)
	}
	for _, name := range unnamed {
		all = append(all, secretInfo{Name: name, Stores: []string{"environment"}, Variable: env.Variable(name)})
	}
	slices.SortFunc(all, func(a, b secretInfo) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

func writeSecrets(w io.Writer, all []secretInfo) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, info := range all {
		updated := ""
		if info.Updated != nil {
			updated = info.Updated.Format(time.RFC3339)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\n", info.Name, strings.Join(info.Stores, ", "), updated)
	}
	return t.Flush()
}

// shownSecret is a secret with its value, as JSON.
type shownSecret struct {
	Name   string  `json:"name"`
	Value  *string `json:"value,omitempty"`
	Binary []byte  `json:"value_base64,omitempty"` // what is no text
}

func newSecretsShow(std streams, where *secretPlace) *cobra.Command {
	var reveal bool
	cmd := &cobra.Command{
		Use:     "show NAME",
		Short:   "Print the value of a secret, as a task would read it",
		Long:    "Show prints a value as it is, without a newline. It wants --reveal.",
		Example: "  graflow-wasm secrets show api-key --reveal | wl-copy",
		Args:    arguments(cobra.ExactArgs(1)),
	}
	format := outputFlag(cmd, "text", "json")
	cmd.Flags().BoolVar(&reveal, "reveal", false, "print it, for whoever sees the output")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if !reveal {
			return usagef("show secret %q: its value would be seen; if that is what you want, give --reveal", args[0])
		}
		if remote, err := where.onServer(); err != nil || remote {
			return errors.Join(err, usagef("show secret %q: a server tells nobody the value of a secret; set another with `graflow-wasm secrets set`", args[0]))
		}
		store, err := where.store()
		if err != nil {
			return err
		}
		value, err := store.Secret(cmd.Context(), args[0])
		if err != nil {
			return badSecret("show a secret", err)
		}
		if format.value == "text" {
			_, err := std.out.Write(value)
			return err
		}
		shown := shownSecret{Name: args[0], Binary: value}
		if utf8.Valid(value) {
			text := string(value)
			shown.Value, shown.Binary = &text, nil
		}
		return writeJSON(std.out, shown)
	}
	return cmd
}
