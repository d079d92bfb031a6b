package embedded

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"
)

// lameDuck is how long those who are connected have to go elsewhere.
const lameDuck = 2 * time.Second

// options translates, and draws the key as which this process connects.
func (c Config) options() (*server.Options, nkeys.KeyPair, error) {
	o := &server.Options{
		ServerName:             c.Name,
		JetStream:              true,
		StoreDir:               filepath.Join(c.Dir, "store"),
		JetStreamMaxStore:      c.MaxStore,
		SyncInterval:           syncInterval,
		SyncAlways:             c.Sync == SyncAlways,
		DontListen:             c.Listen == "",
		NoSigs:                 true,
		DisableJetStreamBanner: true,
		LameDuckDuration:       lameDuck,
		LameDuckGracePeriod:    lameDuck / 4,
	}
	if err := errors.Join(c.listen(o), c.cluster(o), c.users(o)); err != nil {
		return nil, nil, err
	}
	own, err := inProcess(o)
	return o, own, err
}

func (c Config) listen(o *server.Options) (err error) {
	if c.Listen == "" {
		return nil
	}
	if o.Host, o.Port, err = hostPort(c.Listen); err != nil {
		return fmt.Errorf("listen on %q: %w", c.Listen, err)
	}
	o.TLSConfig, err = c.TLS.config()
	o.TLS, o.TLSVerify = o.TLSConfig != nil, c.TLS.Verify
	return err
}

// inProcess adds the user as whom this process connects. Its seed is in memory
// alone, and of no use on a connection from outside.
func inProcess(o *server.Options) (nkeys.KeyPair, error) {
	pair, err := nkeys.CreateUser()
	if err != nil {
		return nil, err
	}
	public, err := pair.PublicKey()
	o.Nkeys = append(o.Nkeys, &server.NkeyUser{
		Nkey: public, AllowedConnectionTypes: map[string]struct{}{"IN_PROCESS": {}},
	})
	return pair, err
}

// users gives each user a key.
func (c Config) users(o *server.Options) error {
	for _, u := range c.Users {
		pair, err := key(c.Credentials, u.Name)
		if err != nil {
			return err
		}
		public, err := pair.PublicKey()
		if err != nil {
			return fmt.Errorf("credentials of %s: %w", u.Name, err)
		}
		o.Nkeys = append(o.Nkeys, &server.NkeyUser{Nkey: public, Permissions: u.permissions(public)})
	}
	return nil
}

// self stands for the user's public key in subjects, as in the templates of JWTs.
const self = "{{subject()}}"

func (u User) permissions(public string) *server.Permissions {
	if u.All {
		return nil
	}
	return &server.Permissions{Publish: allow(u.Publish, public), Subscribe: allow(u.Subscribe, public)}
}

// allow lists subjects. The server takes an empty list for no restriction.
func allow(subjects []string, public string) *server.SubjectPermission {
	if len(subjects) == 0 {
		return &server.SubjectPermission{Deny: []string{">"}}
	}
	all := make([]string, len(subjects))
	for i, subject := range subjects {
		all[i] = strings.ReplaceAll(subject, self, public)
	}
	return &server.SubjectPermission{Allow: all}
}

// hostPort splits an address. Port 0, any, is what the server calls -1.
func hostPort(address string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, fmt.Errorf("%w: want host:port", err)
	}
	if host == "" {
		return "", 0, errors.New("no host: 0.0.0.0 is every address")
	}
	port, err = strconv.Atoi(text)
	if err != nil || port < 0 || port > 65535 {
		return "", 0, fmt.Errorf("port %q is no number from 0 to 65535", text)
	}
	if port == 0 {
		port = server.RANDOM_PORT
	}
	return host, port, nil
}
