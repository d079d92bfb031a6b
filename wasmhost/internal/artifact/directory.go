package artifact

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// entriesDirectory is where entries of this format are; those of others are let
// be.
const entriesDirectory = "code-1"

const (
	keyFile = "key"
	keySize = 32
)

// openDirectory opens dir, which it makes with mode 0700 if there is none, and
// refuses one that others can write. Later operations go through the root, so
// that they meet the directory that was checked.
func openDirectory(dir string) (*os.Root, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("create compile cache: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open compile cache: %w", err)
	}
	if err := checkOwned(root); err != nil {
		return nil, errors.Join(fmt.Errorf("compile cache %s: %w", dir, err), root.Close())
	}
	return root, nil
}

// openEntries opens the subdirectory of entries, on the same terms.
func openEntries(root *os.Root) (*os.Root, error) {
	if err := root.Mkdir(entriesDirectory, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("create compile cache: %w", err)
	}
	entries, err := root.OpenRoot(entriesDirectory)
	if err != nil {
		return nil, fmt.Errorf("open compile cache: %w", err)
	}
	if err := checkOwned(entries); err != nil {
		return nil, errors.Join(fmt.Errorf("compile cache %s: %w", entriesDirectory, err), entries.Close())
	}
	return entries, nil
}

// openKey reads the key of the installation, and makes it if there is none.
// Processes that start at once agree on one.
func openKey(root *os.Root) ([]byte, error) {
	key, err := readKey(root)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if err := makeKey(root); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("make key of compile cache: %w", err)
	}
	return readKey(root)
}

// makeKey writes the key beside its place and then links it there: it appears
// whole, and only if there is none.
func makeKey(root *os.Root) (err error) {
	name := keyFile + "-" + rand.Text()
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Remove(name)) }()
	key := make([]byte, keySize)
	_, _ = rand.Read(key) // never fails
	_, err = f.Write(key)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return root.Link(name, keyFile)
}

func readKey(root *os.Root) ([]byte, error) {
	st, err := root.Lstat(keyFile)
	if err != nil {
		return nil, fmt.Errorf("read key of compile cache: %w", err)
	}
	if err := checkSecret(st); err != nil {
		return nil, fmt.Errorf("key of compile cache: %w; remove it", err)
	}
	return openGivenKey(root)
}

// openGivenDirectory, openGivenKey and openGivenEntries open what another user
// has made and nobody here can write.
func openGivenDirectory(dir string) (*os.Root, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open compile cache: %w", err)
	}
	return root, nil
}

func openGivenEntries(root *os.Root) (*os.Root, error) { return root.OpenRoot(entriesDirectory) }

func openGivenKey(root *os.Root) ([]byte, error) {
	key, err := root.ReadFile(keyFile)
	if err != nil {
		return nil, fmt.Errorf("read key of compile cache: %w", err)
	}
	if len(key) != keySize {
		return nil, fmt.Errorf("key of compile cache has %d bytes, not %d; remove it", len(key), keySize)
	}
	return key, nil
}
