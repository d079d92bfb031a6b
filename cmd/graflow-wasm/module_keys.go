package main

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// publicKey is an Ed25519 key. Its text is "ed25519:" and its bytes in base64.
type publicKey ed25519.PublicKey

const publicKeyPrefix = "ed25519:"

func (k publicKey) String() string { return publicKeyPrefix + base64.RawStdEncoding.EncodeToString(k) }

// Blocks of PEM files.
const (
	pemPrivate = "PRIVATE KEY" // PKCS #8
	pemPublic  = "PUBLIC KEY"  // PKIX
)

// readPublicKeys reads keys, each a file or a text.
func readPublicKeys(names []string) ([]publicKey, error) {
	var all []publicKey
	for _, name := range names {
		key, err := readPublicKey(name)
		if err != nil {
			return nil, usagef("--key %s: %w", name, err)
		}
		all = append(all, key)
	}
	return all, nil
}

func readPublicKey(name string) (publicKey, error) {
	if text, ok := strings.CutPrefix(name, publicKeyPrefix); ok {
		raw, err := base64.RawStdEncoding.DecodeString(text)
		if err != nil || len(raw) != ed25519.PublicKeySize {
			return nil, errors.New("want ed25519: and the 43 letters that `graflow-wasm module keygen` printed")
		}
		return raw, nil
	}
	der, err := readPEM(name, pemPublic)
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	key, ok := parsed.(ed25519.PublicKey)
	if err != nil || !ok {
		return nil, errors.New("it holds no public key of Ed25519")
	}
	return publicKey(key), nil
}

// readPrivateKey reads the key of a file that only its owner may read.
func readPrivateKey(file string) (ed25519.PrivateKey, error) {
	der, err := readPEM(file, pemPrivate)
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	key, ok := parsed.(ed25519.PrivateKey)
	if err != nil || !ok {
		return nil, errors.New("it holds no private key of Ed25519; `graflow-wasm module keygen FILE` makes one")
	}
	return key, nil
}

// maxKeyFile is far more than a key has, in bytes.
const maxKeyFile = 64 << 10

func readPEM(file, kind string) ([]byte, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxKeyFile {
		return nil, errors.New("it is no file with a key")
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == kind {
			return block.Bytes, nil
		}
		if block.Type == pemPrivate {
			return nil, fmt.Errorf("it holds a private key: give the public one, as %s.pub", file)
		}
		if block.Type == pemPublic {
			return nil, errors.New("it holds a public key: signing takes the private one")
		}
	}
	return nil, fmt.Errorf("it holds no key: want PEM with a block %q", kind)
}

// writeKey writes a key to a file that must not be there.
func writeKey(file, kind string, der []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already: a key is not written over; name another file", file)
	}
	if err != nil {
		return err
	}
	err = pem.Encode(f, &pem.Block{Type: kind, Bytes: der})
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(file))
	}
	return nil
}
