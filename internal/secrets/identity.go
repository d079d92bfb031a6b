package secrets

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"time"

	"filippo.io/age"
)

// key seals a file and opens it again.
type key struct {
	recipient age.Recipient
	identity  age.Identity
	sealed    string // what it opens, for messages
}

// key is what opens an existing file. It fails with ErrIdentity if there is no
// identity, with ErrPermissions if others can read it.
func (f *File) key() (key, error) {
	if f.config.Passphrase != "" {
		return f.passphrase()
	}
	data, err := os.ReadFile(f.config.Identity)
	if errors.Is(err, fs.ErrNotExist) {
		return key{}, fmt.Errorf("read identity %s: %w: it does not exist; restore it from your copy, name another one, or give the passphrase that the file was sealed with", f.config.Identity, ErrIdentity)
	}
	if err != nil {
		return key{}, fmt.Errorf("read identity: %w", err)
	}
	if err := private(f.config.Identity, 0o077); err != nil {
		return key{}, err
	}
	return parseIdentity(f.config.Identity, data)
}

// parseIdentity reads a file as age-keygen writes it: comments, and one identity.
func parseIdentity(file string, data []byte) (key, error) {
	var found *age.X25519Identity
	for line := range bytes.Lines(data) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		// The error of age is not told: it may quote the key.
		identity, err := age.ParseX25519Identity(string(line))
		if err != nil || found != nil {
			return key{}, fmt.Errorf("read identity %s: %w: want one line AGE-SECRET-KEY-1…, as `age-keygen` writes it", file, ErrIdentity)
		}
		found = identity
	}
	if found == nil {
		return key{}, fmt.Errorf("read identity %s: %w: it holds none; restore it from your copy", file, ErrIdentity)
	}
	return key{recipient: found.Recipient(), identity: found, sealed: "the identity " + file}, nil
}

func (f *File) passphrase() (key, error) {
	recipient, err := age.NewScryptRecipient(f.config.Passphrase)
	if err != nil {
		return key{}, fmt.Errorf("take the passphrase: %w", err)
	}
	identity, err := age.NewScryptIdentity(f.config.Passphrase)
	if err != nil {
		return key{}, fmt.Errorf("take the passphrase: %w", err)
	}
	if f.config.WorkFactor > 0 {
		recipient.SetWorkFactor(f.config.WorkFactor)
	}
	return key{recipient: recipient, identity: identity, sealed: "the passphrase"}, nil
}

// newKey is what seals a new file: the identity, created if there is none.
func (f *File) newKey(ctx context.Context) (key, error) {
	_, err := os.Stat(f.config.Identity)
	if f.config.Passphrase != "" || !errors.Is(err, fs.ErrNotExist) {
		return f.key()
	}
	// Files of several places may share one identity.
	unlock, err := lock(ctx, f.config.Identity)
	if err != nil {
		return key{}, err
	}
	defer unlock()
	if _, err := os.Stat(f.config.Identity); errors.Is(err, fs.ErrNotExist) {
		if err := createIdentity(f.config.Identity); err != nil {
			return key{}, err
		}
		f.created.Store(true)
	}
	return f.key()
}

func createIdentity(file string) error {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return fmt.Errorf("create identity %s: %w", file, err)
	}
	text := fmt.Sprintf("# created: %s\n# public key: %s\n%s\n", time.Now().UTC().Format(time.RFC3339), identity.Recipient(), identity)
	if err := replace(file, []byte(text)); err != nil {
		return fmt.Errorf("create identity: %w", err)
	}
	return nil
}

// private fails with ErrPermissions if a file has any of the forbidden bits.
// Where files have no such bits it is always content.
func private(file string, forbidden fs.FileMode) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	if mode := info.Mode().Perm(); mode&forbidden != 0 {
		return fmt.Errorf("check %s: %w: its mode is %#o, so that others can read or change it; run `chmod 600 %s`", file, ErrPermissions, mode, file)
	}
	return nil
}
