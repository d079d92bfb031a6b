package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/graflow/graflow-wasm/handlers/wasm"
	"github.com/graflow/graflow-wasm/natsbus"
	"github.com/spf13/cobra"
)

func newModuleVerify(std streams, where *clusterFlags) *cobra.Command {
	var cacheDir string
	var keys []string
	cmd := &cobra.Command{
		Use:   "verify REF|FILE --key KEY",
		Short: "Verify the signature of a module",
		Long: `Verify succeeds if the bytes of a module have the digest that the registry tells, and
if the registry has a signature of that digest by one of the keys. A FILE is looked
for in the registry by its own digest.

Exit codes: 0 it is as signed, 1 it is not, 2 bad usage or no such module,
6 the cluster does not answer.`,
		Example: `  graflow-wasm module verify hello@1.0 --key release.key.pub --nats ./srv
  graflow-wasm module verify hello.wasm --key release.key.pub --nats ./srv`,
		Args: arguments(cobra.ExactArgs(1)),
	}
	cmd.Flags().StringArrayVar(&keys, "key", nil, "a public `KEY`: its file or its text (repeatable: one of them)")
	cmd.Flags().StringVar(&cacheDir, "cache-dir", "", "where Go guests are built (default: graflow-wasm in the user's cache directory)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ctx, ref := cmd.Context(), args[0]
		trusted, err := readPublicKeys(keys)
		if err == nil && len(trusted) == 0 {
			err = usagef("whom to trust? Give --key FILE.pub")
		}
		if err == nil && !isRegistered(ref) {
			ref, err = fileDigest(ctx, ref, cacheDir)
		}
		if err != nil {
			return failed("verify module "+args[0], err)
		}
		return where.withRegistry(ctx, "verify module "+args[0], func(bus moduleRegistry) error {
			r, _, err := verified(ctx, bus, ref, trusted)
			if err != nil {
				return err
			}
			fmt.Fprintf(std.out, "%s %s signed by %s\n", fullName(r), r.Digest, publicKey(r.SignerKey))
			return nil
		})
	}
	return cmd
}

// fileDigest is the digest of a local module.
func fileDigest(ctx context.Context, name, cacheDir string) (string, error) {
	code, err := fileCode(ctx, name, cacheDir)
	if err != nil {
		return "", usage(err)
	}
	sum := sha256.Sum256(code)
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}

// signedRecord is the record of a module that one of the keys has signed. A digest
// may have several records, of which one will do.
func signedRecord(ctx context.Context, bus moduleRegistry, ref string, r natsbus.ModuleRecord, trusted []publicKey) (natsbus.ModuleRecord, error) {
	fault := faultOf(r, trusted)
	if fault == nil || wasm.FormOf(ref) != wasm.FormDigest {
		return r, fault
	}
	all, err := bus.Modules(ctx)
	if err != nil && !errors.Is(err, natsbus.ErrTampered) {
		return r, err
	}
	for _, other := range all {
		if other.Digest == r.Digest && faultOf(other, trusted) == nil {
			return other, nil
		}
	}
	return r, fault
}

// faultOf is what is wrong with the signature of a record.
func faultOf(r natsbus.ModuleRecord, trusted []publicKey) error {
	switch v := viewSignature(r, trusted); v.Status {
	case signatureTrusted:
		return nil
	case signatureNone:
		return fmt.Errorf("%s is not signed", fullName(r))
	case signatureForged:
		return fmt.Errorf("the signature of %s is not one of its digest: it was forged or damaged", fullName(r))
	default:
		return errors.New(fullName(r) + " is signed by " + v.Key + ", which is none of the keys given")
	}
}
