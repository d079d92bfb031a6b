package natsbus

import (
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"

	"github.com/nats-io/nats.go"
)

// DialConfig says where a cluster is, and as whom to come.
type DialConfig struct {
	// URL is "nats://host:4222" or several such, separated by commas; the scheme may
	// be left out. A name and a password may be in it: "nats://name:password@host".
	URL string
	// NKey is a file with the seed of a user, such as a server draws at its first
	// start; Creds one with a JWT and the seed of its user. At most one is given.
	NKey, Creds string
	// CA is a file in PEM of those who sign servers' certificates; "": the system's.
	// It requires TLS, as the scheme "tls" does. Cert and Key are files in PEM, if
	// servers want a certificate from clients.
	CA, Cert, Key string
	// Fixed keeps to the servers of URL. Else those count, too, that they tell of: the
	// others of their cluster, by addresses that may not be reached from here.
	Fixed bool
	// Name tells servers whose connection it is; "" is graflow-wasm.
	Name string
	// Logger is for what no caller can be told, such as that a user is not permitted
	// something; nil is slog.Default().
	Logger *slog.Logger
}

// Dial returns how to connect as cfg says, for [Config].Connect. Options of the
// caller come after those of cfg. A cluster that does not answer is ErrUnreachable,
// unlike one that refuses.
//
// The connection's inbox is the user's own, see [Permissions].
func Dial(cfg DialConfig) func(...nats.Option) (*nats.Conn, error) {
	return func(options ...nats.Option) (*nats.Conn, error) {
		servers, err := cfg.servers()
		if err != nil {
			return nil, fmt.Errorf("connect to NATS: %w", err)
		}
		own, err := cfg.options(servers)
		if err != nil {
			return nil, fmt.Errorf("connect to %s: %w", redacted(servers), err)
		}
		nc, err := nats.Connect(joined(servers), append(own, options...)...)
		if err != nil {
			return nil, fmt.Errorf("connect to %s: %w", redacted(servers), cfg.advise(err))
		}
		return nc, nil
	}
}

// servers splits the URL.
func (c DialConfig) servers() ([]*url.URL, error) {
	var all []*url.URL
	for text := range strings.SplitSeq(c.URL, ",") {
		text = strings.TrimSpace(text)
		if text == "" {
			return nil, errors.New("no address; give one such as nats://host:4222")
		}
		if !strings.Contains(text, "://") {
			text = "nats://" + text
		}
		u, err := url.Parse(text)
		if err != nil {
			// What url.Parse says repeats the password.
			return nil, errors.New("the address is no URL; give one such as nats://host:4222, a password in it encoded for URLs")
		}
		switch u.Scheme {
		case "nats", "tls", "ws", "wss":
		default:
			return nil, fmt.Errorf("address %s: the scheme is %q, want nats, tls, ws or wss", u.Redacted(), u.Scheme)
		}
		if u.Hostname() == "" {
			return nil, fmt.Errorf("address %s: no host", u.Redacted())
		}
		all = append(all, u)
	}
	return all, nil
}

func (c DialConfig) options(servers []*url.URL) ([]nats.Option, error) {
	o := []nats.Option{nats.Name(cmp.Or(c.Name, "graflow-wasm")), nats.ErrorHandler(c.logError)}
	if c.Fixed {
		o = append(o, nats.IgnoreDiscoveredServers())
	}
	if c.CA != "" {
		o = append(o, nats.RootCAs(c.CA))
	}
	if (c.Cert == "") != (c.Key == "") {
		return nil, errors.New("a client's certificate needs its key, and the key its certificate: give both or none")
	}
	if c.Cert != "" {
		o = append(o, nats.ClientCert(c.Cert, c.Key))
	}
	as, err := c.identity(servers)
	return append(o, as...), err
}

// logError is told what happens to a connection beside the calls on it. Of what is
// not permitted the caller sees no more than that nothing answers.
func (c DialConfig) logError(_ *nats.Conn, sub *nats.Subscription, err error) {
	log := c.Logger
	if log == nil {
		log = slog.Default()
	}
	if errors.Is(err, nats.ErrPermissionViolation) {
		log.Error("the cluster does not permit this user what it tried: use credentials of the right role", "err", err)
		return
	}
	subject := ""
	if sub != nil {
		subject = sub.Subject
	}
	log.Warn("connection to NATS", "subject", subject, "err", err)
}

// advise says what to do about an error of connecting.
func (c DialConfig) advise(err error) error {
	var unknown x509.UnknownAuthorityError
	var wrongHost x509.HostnameError
	var network *net.OpError
	switch {
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired):
		return fmt.Errorf("the server refuses %s: %w", c.whom(), err)
	case errors.Is(err, nats.ErrSecureConnRequired), errors.As(err, &unknown):
		return fmt.Errorf("give the CA that signed the server's certificate: %w", err)
	case errors.Is(err, nats.ErrSecureConnWanted):
		return fmt.Errorf("the server has no TLS; leave the CA and the scheme tls out, or give it a certificate: %w", err)
	case errors.As(err, &wrongHost):
		return fmt.Errorf("use a name that is in the server's certificate: %w", err)
	case c.Cert == "" && (strings.Contains(err.Error(), "certificate required") || strings.Contains(err.Error(), "after TLS handshake")):
		// Its alert may be lost, since it closes the connection at once.
		return fmt.Errorf("the server wants a certificate from clients: give yours, with its key: %w", err)
	case errors.Is(err, nats.ErrNoServers), errors.Is(err, nats.ErrTimeout), errors.As(err, &network):
		return fmt.Errorf("%w: %w; see that a server runs there, and that the address is right", ErrUnreachable, err)
	}
	return err
}

func (c DialConfig) whom() string {
	switch {
	case c.NKey != "":
		return "the key in " + c.NKey
	case c.Creds != "":
		return "the credentials in " + c.Creds
	}
	return "who has no key nor credentials, or another password"
}

func joined(servers []*url.URL) string {
	return commas(servers, (*url.URL).String)
}

func redacted(servers []*url.URL) string {
	return commas(servers, (*url.URL).Redacted)
}

func commas(servers []*url.URL, text func(*url.URL) string) string {
	all := make([]string, len(servers))
	for i, u := range servers {
		all[i] = text(u)
	}
	return strings.Join(all, ",")
}
