package embedded

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/nats-io/nats-server/v2/server"
)

const (
	// routeUser is as whom servers connect to one another.
	routeUser = "route"
	// secretFile holds their password, in the directory of credentials.
	secretFile = "cluster.secret"
)

// cluster makes the server one of several.
func (c Config) cluster(o *server.Options) error {
	if c.Cluster.Name == "" {
		return nil
	}
	host, port, err := hostPort(c.Cluster.Listen)
	if err != nil {
		return fmt.Errorf("cluster: listen on %q: %w", c.Cluster.Listen, err)
	}
	secret, err := secretIn(filepath.Join(c.Credentials, secretFile))
	if err != nil {
		return fmt.Errorf("cluster: %w", err)
	}
	o.Cluster = server.ClusterOpts{Name: c.Cluster.Name, Host: host, Port: port, Username: routeUser, Password: secret}
	if o.Cluster.TLSConfig, err = c.TLS.routeConfig(); err != nil {
		return fmt.Errorf("cluster: %w", err)
	}
	for _, route := range c.Cluster.Routes {
		if route == c.Cluster.Listen {
			continue // with itself among them it would wait for one server more
		}
		if _, _, err := net.SplitHostPort(route); err != nil {
			return fmt.Errorf("cluster: route %q: %w: want host:port", route, err)
		}
		o.Routes = append(o.Routes, &url.URL{Scheme: "nats-route", User: url.UserPassword(routeUser, secret), Host: route})
	}
	return nil
}

// secretIn reads a random word from a file, or draws it.
func secretIn(file string) (string, error) {
	raw, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		raw, err = keepSecret(file, []byte(rand.Text()+"\n"))
	}
	if err != nil {
		return "", err
	}
	word := strings.TrimSpace(string(raw))
	if word == "" {
		return "", fmt.Errorf("%s is empty: remove it, or put in what the other servers have", file)
	}
	return word, nil
}
