package main

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// receiptKeyFile is where the installation keeps the key that signs receipts.
func receiptKeyFile() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", usagef("find the key that signs receipts: %w; give one with --receipt-key", err)
	}
	return filepath.Join(dir, "graflow-wasm", "receipts", "key"), nil
}

// receiptKey is the key of a file, or with "" that of the installation, which is made
// when it is first used; that is told to w.
func receiptKey(file string, w io.Writer) (ed25519.PrivateKey, error) {
	if file != "" {
		key, err := readPrivateKey(file)
		if err != nil {
			return nil, usagef("--receipt-key %s: %w", file, err)
		}
		return key, nil
	}
	file, err := receiptKeyFile()
	if err != nil {
		return nil, err
	}
	key, err := readPrivateKey(file)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, failed("read the key that signs receipts, "+file, err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, failed("make the key that signs receipts", err)
	}
	public, err := makeKey(file)
	if err != nil {
		if key, again := readPrivateKey(file); again == nil {
			return key, nil // another process was first
		}
		return nil, failed("make the key that signs receipts", err)
	}
	fmt.Fprintf(w, "graflow-wasm: a key was made that signs receipts here, %s; who is to trust them verifies with --key %s\n", file, public)
	return readPrivateKey(file)
}

// trustedReceiptKeys are those given, or with none that of the installation, if it has
// one.
func trustedReceiptKeys(names []string) ([]ed25519.PublicKey, error) {
	given, err := readPublicKeys(names)
	if err != nil {
		return nil, err
	}
	var all []ed25519.PublicKey
	for _, key := range given {
		all = append(all, ed25519.PublicKey(key))
	}
	if len(names) > 0 {
		return all, nil
	}
	file, err := receiptKeyFile()
	if err != nil {
		return nil, nil //nolint:nilerr // there is none to trust
	}
	key, err := readPrivateKey(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, failed("read the key that signs receipts, "+file, err)
	}
	public, _ := key.Public().(ed25519.PublicKey) // of a key that was read, always
	return []ed25519.PublicKey{public}, nil
}
