package main

import (
	"context"
	"fmt"

	"github.com/graflow/graflow-wasm/internal/oci"
	"github.com/graflow/graflow-wasm/natsbus"
	"github.com/spf13/cobra"
)

func newModulePull(std streams, where *clusterFlags) *cobra.Command {
	var file string
	var keys []string
	cmd := &cobra.Command{
		Use:   "pull REF -O FILE | pull oci://HOST/REPOSITORY:TAG -O FILE|--name NAME",
		Short: "Fetch a module from the registry, or from one of container images",
		Long: `Pull writes a module to FILE, or with - to stdout. REF is NAME, NAME@VERSION or
sha256:…. The bytes have the digest that the registry tells, or nothing is written;
with --key they also have a signature by one of the keys.

An oci:// reference is a module in a registry of container images, in the layout of the
CNCF for Wasm, by its tag or its digest. With --name it is stored in the cluster's
registry, once the sandbox admits it.`,
		Example: `  graflow-wasm module pull hello@1.0 -O hello.wasm --key release.key.pub --nats ./srv
  graflow-wasm module pull oci://registry.example/tools/hello:1.0 -O hello.wasm
  graflow-wasm module pull oci://registry.example/tools/hello:1.0 --name hello --nats ./srv`,
		Args: arguments(cobra.ExactArgs(1)),
	}
	cmd.Flags().StringVarP(&file, "file", "O", "", "write it to this `FILE`; - is stdout")
	cmd.Flags().StringArrayVar(&keys, "key", nil, "only if it is signed with this public `KEY`: its file or its text (repeatable: one of them)")
	var o pullOptions
	o.addTo(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := o.check(args[0], file); err != nil {
			return err
		}
		if oci.IsReference(args[0]) {
			trusted, err := readPublicKeys(keys)
			if err == nil {
				err = o.pull(cmd.Context(), std, where, args[0], file, trusted)
			}
			return failed("pull module "+args[0], err)
		}
		if file == "" {
			return usagef("pull module %s: where to? Give -O FILE, or -O - for stdout", args[0])
		}
		trusted, err := readPublicKeys(keys)
		if err != nil {
			return err
		}
		return where.withRegistry(cmd.Context(), "pull module "+args[0], func(bus moduleRegistry) error {
			r, code, err := verified(cmd.Context(), bus, args[0], trusted)
			if err != nil {
				return err
			}
			if file == "-" {
				_, err = std.out.Write(code)
				return err
			}
			if err := writeWhole(file, code); err != nil {
				return usage(err)
			}
			fmt.Fprintf(std.err, "graflow-wasm: %s is %s, %s\n", file, fullName(r), r.Digest)
			return nil
		})
	}
	return cmd
}

// verified is a module of the registry with its digest and, if there are trusted
// keys, with a signature of theirs.
func verified(ctx context.Context, bus moduleRegistry, ref string, trusted []publicKey) (natsbus.ModuleRecord, []byte, error) {
	r, err := moduleIn(ctx, bus, ref)
	if err == nil && len(trusted) > 0 {
		r, err = signedRecord(ctx, bus, ref, r, trusted)
	}
	if err != nil {
		return r, nil, err
	}
	code, err := storedCode(ctx, bus, r.Digest)
	return r, code, err
}
