package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/graflow/graflow-wasm/internal/secrets"
	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"
)

// setSecret is what `secrets set` did, as JSON.
type setSecret struct {
	Name            string `json:"name"`
	File            string `json:"file"`
	Identity        string `json:"identity,omitempty"` // of the file, unless a passphrase seals
	Replaced        bool   `json:"replaced"`
	CreatedIdentity bool   `json:"created_identity"`
}

func newSecretsSet(std streams, where *secretPlace) *cobra.Command {
	var value, from string
	cmd := &cobra.Command{
		Use:   "set NAME",
		Short: "Store a secret in the file",
		Long: `Set stores a secret, in place of the one before. Its value, up to 1 MiB, is what
standard input has, without one newline at its end; or a file, as it is; or the
command line, where other users and the shell's history may see it.`,
		Example: `  pass show api | graflow-wasm secrets set api-key
  graflow-wasm secrets set tls-key --file key.pem`,
		Args: arguments(cobra.ExactArgs(1)),
	}
	format := outputFlag(cmd, "text", "json")
	cmd.Flags().StringVar(&value, "value", "", "the value")
	cmd.Flags().StringVar(&from, "file", "", "a `FILE` with the value")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		given := cmd.Flags().Changed
		if given("value") && given("file") {
			return usagef("secrets set: give --value or --file, not both")
		}
		data := []byte(value)
		if !given("value") {
			var err error
			if data, err = readSecret(std.in, from, given("file")); err != nil {
				return err
			}
		}
		if remote, err := where.onServer(); err != nil || remote {
			return errors.Join(err, where.setThere(cmd.Context(), std, args[0], data, format.value))
		}
		done, err := set(cmd.Context(), &where.secretFlags, args[0], data)
		if err != nil {
			return err
		}
		return done.write(std, format.value)
	}
	return cmd
}

// readSecret reads a value from a file or from standard input. It reads no more
// than shows that it is too large.
func readSecret(stdin io.Reader, file string, isFile bool) ([]byte, error) {
	in := stdin
	if isFile {
		f, err := os.Open(file)
		if err != nil {
			return nil, usagef("read the value: %w", err)
		}
		defer func() { _ = f.Close() }() // it was only read
		in = f
	} else if f, ok := stdin.(*os.File); ok && isatty.IsTerminal(f.Fd()) {
		return nil, usagef("read the value: standard input is a terminal, which would show it; pipe the value in, or give --file")
	}
	data, err := io.ReadAll(io.LimitReader(in, secrets.MaxValue+3))
	if err != nil {
		return nil, fmt.Errorf("read the value: %w", err)
	}
	if !isFile {
		data = bytes.TrimSuffix(bytes.TrimSuffix(data, []byte("\n")), []byte("\r"))
	}
	return data, nil
}

func set(ctx context.Context, where *secretFlags, name string, value []byte) (setSecret, error) {
	file, err := where.open()
	if err != nil {
		return setSecret{}, err
	}
	replaced, err := file.Set(ctx, name, value)
	if err != nil {
		return setSecret{}, badSecret("store a secret", err)
	}
	return setSecret{
		Name: name, File: file.Path(), Identity: file.Identity(), Replaced: replaced, CreatedIdentity: file.CreatedIdentity(),
	}, nil
}

func (s setSecret) write(std streams, format string) error {
	if s.CreatedIdentity {
		fmt.Fprintf(std.err, "created the identity %s: keep a copy; who has it can open the secrets, and nobody can without it\n", s.Identity)
	}
	if format == "json" {
		return writeJSON(std.out, s)
	}
	deed := "set"
	if s.Replaced {
		deed = "replaced"
	}
	fmt.Fprintf(std.out, "%s: %s\n", s.Name, deed)
	return nil
}
