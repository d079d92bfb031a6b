package natsbus

import (
	"errors"
	"fmt"
	"net/url"
	"os"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
)

// inboxPrefix begins the names of inboxes; the user follows.
const inboxPrefix = "_INBOX."

// identity says as whom to connect, and that answers come to the user's own inbox:
// other users may not listen there.
func (c DialConfig) identity(servers []*url.URL) ([]nats.Option, error) {
	switch {
	case c.NKey != "" && c.Creds != "":
		return nil, errors.New("there is a seed and there are credentials: give one of them")
	case c.NKey != "":
		user, err := userOf(c.NKey)
		if err != nil {
			return nil, fmt.Errorf("read the user's seed: %w", err)
		}
		sign, err := nats.NkeyOptionFromSeed(c.NKey)
		if err != nil {
			return nil, fmt.Errorf("read the user's seed: %s: %w", c.NKey, err)
		}
		return []nats.Option{sign, nats.CustomInboxPrefix(inboxPrefix + user)}, nil
	case c.Creds != "":
		user, err := userOf(c.Creds)
		if err != nil {
			return nil, fmt.Errorf("read the credentials: %w", err)
		}
		return []nats.Option{nats.UserCredentials(c.Creds), nats.CustomInboxPrefix(inboxPrefix + user)}, nil
	}
	if name := servers[0].User.Username(); plain(name) && name != "" {
		return []nats.Option{nats.CustomInboxPrefix(inboxPrefix + name)}, nil
	}
	return nil, nil
}

// userOf is the public key of the user whose seed is in a file, alone or after a
// JWT.
func userOf(file string) (string, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	defer clear(raw)
	pair, err := nkeys.ParseDecoratedUserNKey(raw)
	if err != nil {
		return "", fmt.Errorf("%s: %w; it is to hold the seed of a user, which begins with SU", file, err)
	}
	defer pair.Wipe()
	return pair.PublicKey()
}
