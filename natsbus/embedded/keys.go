package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/nats-io/nkeys"
)

// seedFile is where the seed of a user is.
func seedFile(dir, user string) string { return filepath.Join(dir, user+".nk") }

// key reads the key of a user, or draws it.
func key(dir, user string) (nkeys.KeyPair, error) {
	file := seedFile(dir, user)
	raw, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		raw, err = drawKey(file)
	}
	if err != nil {
		return nil, fmt.Errorf("credentials of %s: %w", user, err)
	}
	pair, err := nkeys.ParseDecoratedNKey(raw)
	if err != nil {
		return nil, fmt.Errorf("credentials of %s: %s: %w", user, file, err)
	}
	return pair, nil
}

// drawKey makes a seed and keeps it in a file, unless another process was first:
// then it returns that one's.
func drawKey(file string) ([]byte, error) {
	pair, err := nkeys.CreateUser()
	if err != nil {
		return nil, err
	}
	seed, err := pair.Seed()
	if err != nil {
		return nil, err
	}
	return keepSecret(file, append(seed, '\n'))
}

// keepSecret writes a file that nobody else may read, whole or not at all, and
// returns what is in it, which another process may have been first to write.
func keepSecret(file string, secret []byte) ([]byte, error) {
	temp, err := os.CreateTemp(filepath.Dir(file), ".new-") // its mode is 0600
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(temp.Name()) }()
	_, err = temp.Write(secret)
	if err = errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return nil, err
	}
	if err := os.Link(temp.Name(), file); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return os.ReadFile(file)
}
