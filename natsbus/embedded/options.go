package embedded

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"

	"github.com/graflow/graflow-wasm/natsbus/access"
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
	own, err := c.users(o)
	return o, own, errors.Join(err, c.listen(o), c.cluster(o))
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

// users gives each user a key, and one to this process: its seed is in memory alone,
// and of no use on a connection from outside.
func (c Config) users(o *server.Options) (nkeys.KeyPair, error) {
	own, err := nkeys.CreateUser()
	if err != nil {
		return nil, err
	}
	public, err := own.PublicKey()
	if err != nil {
		return nil, err
	}
	all := []access.User{{Name: "process", Key: public, InProcess: true, All: true}}
	for _, u := range c.Users {
		pair, err := key(c.Credentials, u.Name)
		if err != nil {
			return nil, err
		}
		public, err := pair.PublicKey()
		if err != nil {
			return nil, fmt.Errorf("credentials of %s: %w", u.Name, err)
		}
		all = append(all, access.User{Name: u.Name, Key: public, All: u.All, Publish: u.Publish, Subscribe: u.Subscribe})
	}
	if err := o.ProcessConfigString(access.Config(all...)); err != nil {
		return nil, fmt.Errorf("users: %w", err)
	}
	return own, nil
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
