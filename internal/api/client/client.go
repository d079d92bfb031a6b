package client

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/internal/ops"
)

// Config says which server to ask, and as whom.
type Config struct {
	// URL is where the server listens, as https://host:7070. A path in it comes before
	// those of the routes.
	URL string
	// Token is the caller's; "" asks as nobody.
	Token string
	// CA is a file of certificates in PEM: who signs that of the server. "" is the
	// system's.
	CA string
	// Cert and Key are files of the caller's certificate, for a server that wants one.
	Cert, Key string
	// Insecure sends the token over plain HTTP to other machines, too.
	Insecure bool
	// Timeout bounds one question, but not code that runs, and nothing that is
	// streamed. 0 is a minute.
	Timeout time.Duration
	// Agent names the program that asks.
	Agent string
}

// Client asks a server. It is safe for concurrent use.
type Client struct {
	cfg  Config
	base *url.URL
	http *http.Client
	// pause waits between two tries; tests have a quick one.
	pause func(ctx context.Context, d time.Duration) error
}

// New makes a Client, and asks nothing yet. Its errors are of the Config.
func New(c Config) (*Client, error) {
	base, err := baseOf(c)
	if err != nil {
		return nil, err
	}
	encryption, err := encryptionOf(c)
	if err != nil {
		return nil, err
	}
	c.Timeout = cmp.Or(c.Timeout, time.Minute)
	transport := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: dialFor}).DialContext,
		TLSHandshakeTimeout: dialFor, TLSClientConfig: encryption, ForceAttemptHTTP2: true,
		MaxIdleConnsPerHost: idleConns, IdleConnTimeout: idleFor,
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{cfg: c, base: base, http: &http.Client{Transport: transport, CheckRedirect: stay}, pause: pause}, nil
}

const (
	dialFor   = 10 * time.Second
	idleFor   = time.Minute
	idleConns = 8
)

// baseOf checks where the token would go.
func baseOf(c Config) (*url.URL, error) {
	u, err := url.Parse(c.URL)
	if err != nil {
		return nil, errors.New("address of the server: it can't be read; want one as https://host:7070")
	}
	plain := (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String() // without what may be secret
	switch {
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return nil, fmt.Errorf("address of the server %q: want http:// or https:// and a host, as https://host:7070", plain)
	case u.User != nil:
		return nil, fmt.Errorf("address of the server %q: no name and no password belong there: the token is given by itself", plain)
	case u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("address of the server %q: want no query and no fragment", plain)
	case u.Scheme == "http" && c.Token != "" && !c.Insecure && !isLoopback(u.Hostname()):
		return nil, fmt.Errorf("address of the server %q: %w", plain, ErrPlain)
	}
	u.Path, u.RawPath = strings.TrimSuffix(u.Path, "/"), ""
	return u, nil
}

// isLoopback tells whether nobody but this machine hears what is sent to a host.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func encryptionOf(c Config) (*tls.Config, error) {
	t := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.CA != "" {
		pem, err := os.ReadFile(c.CA)
		if err != nil {
			return nil, fmt.Errorf("certificates to trust: %w", err)
		}
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("certificates to trust: %s has none in PEM", c.CA)
		}
	}
	if c.Cert == "" && c.Key == "" {
		return t, nil
	}
	own, err := tls.LoadX509KeyPair(c.Cert, c.Key)
	if err != nil {
		return nil, fmt.Errorf("own certificate: %w", err)
	}
	t.Certificates = []tls.Certificate{own}
	return t, nil
}

// Close lets go of the connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// About is what a server tells of itself, and of who asks it.
type About struct {
	Version   string   `json:"version"`
	Namespace string   `json:"namespace"`
	Role      ops.Role `json:"role"` // the caller's
	Name      string   `json:"name"` // the caller's, as the server knows it
}

// About asks the server what it is, and as whom it knows the caller.
func (c *Client) About(ctx context.Context) (About, error) {
	return read[About](ctx, c, "service")
}

// Service is the server's. Its Version and Namespace are not known without [Client.About],
// and are empty. A part that the server has not answers with an error of the status 404
// or 501.
func (c *Client) Service() ops.Service {
	return ops.Service{
		Runs: runs{c}, Flows: flows{c}, Modules: modules{c}, Workers: workers{c}, Queues: queues{c},
		DeadLetters: deadLetters{c}, Schedules: schedules{c}, Secrets: secrets{c}, Code: code{c}, Sessions: sessions{c},
	}
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
