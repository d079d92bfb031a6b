package embedded

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
)

// check refuses what would run otherwise than it was meant.
func (c Config) check() error {
	if c.Dir == "" {
		return errors.New("Config.Dir is empty")
	}
	if c.Sync != SyncDefault && c.Sync != SyncAlways {
		return fmt.Errorf("durability class %q: want %q or none", c.Sync, SyncAlways)
	}
	if c.MaxStore < 0 {
		return fmt.Errorf("at most %d bytes stored: want more than 0, or 0 for what the disk has", c.MaxStore)
	}
	if err := c.checkTLS(); err != nil {
		return err
	}
	if err := c.checkUsers(); err != nil {
		return err
	}
	if c.Cluster.Name == "" && (c.Cluster.Listen != "" || len(c.Cluster.Routes) > 0) {
		return errors.New("a cluster needs a name, the same in all its servers")
	}
	if c.Cluster.Name != "" && (c.Cluster.Listen == "" || len(c.Cluster.Routes) == 0) {
		return errors.New("a server of a cluster needs an address for the other servers, and the routes to them")
	}
	if c.Cluster.Name != "" && c.Listen == "" { // its routes would wait for that for ever
		return errors.New("a server of a cluster needs an address for clients, too")
	}
	for _, address := range []string{c.Listen, c.Cluster.Listen} {
		if err := c.checkExposed(address); err != nil {
			return err
		}
	}
	return nil
}

func (c Config) checkTLS() error {
	switch {
	case (c.TLS.Cert == "") != (c.TLS.Key == ""):
		return errors.New("TLS needs a certificate and its key: give both or none")
	case c.TLS.Cert == "" && (c.TLS.CA != "" || c.TLS.Verify):
		return errors.New("TLS needs a certificate and its key, not a CA alone")
	case c.TLS.Verify && c.TLS.CA == "":
		return errors.New("to verify clients TLS needs the CA that signs them")
	}
	return nil
}

// checkUsers refuses names that are no names of files.
func (c Config) checkUsers() error {
	there := map[string]bool{}
	for _, u := range c.Users {
		if u.Name == "" || u.Name != filepath.Base(u.Name) || strings.HasPrefix(u.Name, ".") {
			return fmt.Errorf("user %q: the name is to be one for a file", u.Name)
		}
		if there[u.Name] {
			return fmt.Errorf("user %q is there twice", u.Name)
		}
		there[u.Name] = true
	}
	return nil
}

// checkExposed refuses to talk in the clear with other machines.
func (c Config) checkExposed(address string) error {
	if address == "" || c.TLS.Cert != "" || c.Insecure {
		return nil
	}
	host, _, err := hostPort(address)
	if err != nil {
		return fmt.Errorf("listen on %q: %w", address, err)
	}
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("listen on %q: other machines can connect there, and what is said could be read and changed on the way: "+
		"give a certificate, listen on 127.0.0.1, or permit it with insecure if the network is your own", address)
}
