package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

func newModuleKeygen(std streams) *cobra.Command {
	return &cobra.Command{
		Use:   "keygen FILE",
		Short: "Make a key to sign modules with",
		Long: `Keygen writes a new private key to FILE, which only its owner may read, and the
public one to FILE.pub, and prints the latter as one line, which --key takes as well.
Both are PEM, of PKCS #8 and PKIX, and Ed25519: what openssl makes and reads too.`,
		Example: "  graflow-wasm module keygen release.key",
		Args:    arguments(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			key, err := makeKey(args[0])
			if err != nil {
				return usagef("make a key: %w", err)
			}
			fmt.Fprintln(std.out, key)
			fmt.Fprintf(std.err, "graflow-wasm: %s is to be kept secret, %s.pub is for those who verify\n", args[0], args[0])
			return nil
		},
	}
}

// makeKey writes a pair of keys, and none if one of them can't be.
func makeKey(file string) (publicKey, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, err
	}
	open, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, err
	}
	if err := writeKey(file, pemPrivate, secret, 0o600); err != nil {
		return nil, err
	}
	if err := writeKey(file+".pub", pemPublic, open, 0o644); err != nil {
		return nil, errors.Join(err, os.Remove(file))
	}
	return publicKey(public), nil
}
