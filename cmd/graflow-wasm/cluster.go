package main

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"os"
	"regexp"
	"strings"

	"github.com/graflow/graflow-wasm/natsbus"
	"github.com/spf13/pflag"
)

// Variables that say what flags of a cluster do, where no flag does.
const (
	clusterVariable   = "GRAFLOW_WASM_NATS"
	credsVariable     = "GRAFLOW_WASM_NATS_CREDS"
	nkeyVariable      = "GRAFLOW_WASM_NATS_NKEY"
	caVariable        = "GRAFLOW_WASM_NATS_CA"
	namespaceVariable = "GRAFLOW_WASM_NAMESPACE"
)

// clusterFlags say which cluster to join, and as whom.
type clusterFlags struct {
	url, creds, nkey, ca, cert, key, namespace string

	flag   *pflag.Flag // of the address
	remote remoteFlags // of a server that is asked instead
}

// addTo adds the flags. usage is that of the address.
func (c *clusterFlags) addTo(f *pflag.FlagSet, usage string) {
	f.StringVar(&c.url, "nats", "", usage+" (default: $"+clusterVariable+")")
	f.StringVar(&c.nkey, "nkey", "", "connect as the user whose seed is in `FILE`, as a server of graflow-wasm makes it (default: $"+nkeyVariable+")")
	f.StringVar(&c.creds, "creds", "", "connect as the user whose JWT and seed are in `FILE` (default: $"+credsVariable+")")
	c.addTrustTo(f)
	f.StringVar(&c.namespace, "namespace", "", "the `NAME` of those who share runs, modules and workers (default: $"+namespaceVariable+", else main)")
	c.flag = f.Lookup("nats")
}

// addAllTo adds the flags, and those of a server that is asked instead. usages are those
// of the addresses.
func (c *clusterFlags) addAllTo(f *pflag.FlagSet, usage, server string) {
	c.addTo(f, usage)
	c.remote.addTo(f, server)
}

// addServerTo adds the flags of a server alone.
func (c *clusterFlags) addServerTo(f *pflag.FlagSet, usage string) {
	c.remote.addTo(f, usage)
	c.addTrustTo(f)
}

// addTrustTo adds the flags of TLS.
func (c *clusterFlags) addTrustTo(f *pflag.FlagSet) {
	f.StringVar(&c.ca, "tls-ca", "", "connect by TLS, to a server whose certificate is signed by those in `FILE` (default: $"+caVariable+")")
	f.StringVar(&c.cert, "tls-cert", "", "certificate in `FILE`, for a server that wants one from its clients")
	f.StringVar(&c.key, "tls-key", "", "key of --tls-cert in `FILE`")
}

// kinds are the places that a flag or a variable names.
func (c *clusterFlags) kinds() []kindOfPlace {
	return []kindOfPlace{
		{"--nats", clusterVariable, c.used(), c.given()},
		{"--server", remoteVariable, c.remote.used(), c.remote.given()},
	}
}

// onServer tells whether a server is asked. The error is that two places are named.
func (c *clusterFlags) onServer() (bool, error) {
	flag, err := choose(c.kinds())
	return flag == "--server", err
}

// used tells whether there is a cluster to join.
func (c *clusterFlags) used() bool { return c.address() != "" }

// given tells whether the address was given as a flag. A flag goes before
// variables.
func (c *clusterFlags) given() bool { return c.flag != nil && c.flag.Changed }

// address is where the cluster is, "" for none. An empty flag goes before the
// variable.
func (c *clusterFlags) address() string {
	if c.given() {
		return c.url
	}
	return os.Getenv(clusterVariable)
}

// dial says how to connect. A seed that is given goes before credentials that are
// in the environment, and the other way round. Whoever can read the directory of a
// server may do everything.
func (c *clusterFlags) dial() (natsbus.DialConfig, error) {
	d := natsbus.DialConfig{
		URL: c.address(), NKey: c.nkey, Creds: c.creds, CA: cmp.Or(c.ca, os.Getenv(caVariable)), Cert: c.cert, Key: c.key,
	}
	if d.NKey == "" && d.Creds == "" {
		d.NKey, d.Creds = os.Getenv(nkeyVariable), os.Getenv(credsVariable)
	}
	if !isDirectory(d.URL) {
		return d, nil
	}
	dir := d.URL
	var err error
	if d.URL, err = addressIn(dir); err == nil && d.NKey == "" && d.Creds == "" {
		d.NKey = credentialsIn(dir, natsbus.RoleOwner)
	}
	return d, err
}

// isDirectory tells an address that is the directory of a server on this machine.
func isDirectory(address string) bool {
	return !strings.Contains(address, "://") && (strings.ContainsAny(address, `/\`) || strings.HasPrefix(address, "."))
}

var namespaces = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// open connects to the cluster, which has to be named. The fields of cfg that flags
// are for are set here. The caller closes the bus. A cluster that does not answer
// ends the command with exit code 6, one that refuses with 2.
func (c *clusterFlags) open(ctx context.Context, cfg natsbus.Config) (*natsbus.Bus, error) {
	if !c.used() {
		text := ""
		if c.remote.flag != nil {
			text = ", and --server asks it"
		}
		return nil, usagef("which cluster? Give --nats URL, or set %s; `graflow-wasm server` runs one%s", clusterVariable, text)
	}
	var err error
	if cfg.Namespace, err = c.space(); err != nil {
		return nil, err
	}
	dial, err := c.dial()
	if err != nil {
		return nil, err
	}
	cfg.Connect = natsbus.Dial(dial)
	bus, err := natsbus.Open(ctx, cfg)
	if err != nil && !errors.Is(err, natsbus.ErrUnreachable) {
		return nil, usage(err)
	}
	return bus, err
}

// with does something on the cluster. Errors begin with the deed.
func (c *clusterFlags) with(ctx context.Context, deed string, f func(*natsbus.Bus) error) error {
	bus, err := c.open(ctx, natsbus.Config{})
	if err != nil {
		return failed(deed, err)
	}
	defer bus.Close()
	return failed(deed, f(bus))
}

// space is the namespace.
func (c *clusterFlags) space() (string, error) {
	name := cmp.Or(c.namespace, os.Getenv(namespaceVariable), "main")
	if !namespaces.MatchString(name) {
		return "", usagef("--namespace %q: want letters, digits, - and _, at most 64", name)
	}
	return name, nil
}

// argument is what a command line needs to mean the same cluster. What is in the
// environment it has anyway.
func (c *clusterFlags) argument() string {
	text := ""
	for _, f := range []struct{ name, value string }{
		{"nats", redacted(c.url)}, {"nkey", c.nkey}, {"creds", c.creds}, {"tls-ca", c.ca}, {"tls-cert", c.cert}, {"tls-key", c.key}, {"namespace", c.namespace},
	} {
		if f.value != "" {
			text += " --" + f.name + " " + shellQuote(f.value)
		}
	}
	return text
}

// remoteArgument is what a command line needs to mean the same server.
func (c *clusterFlags) remoteArgument() string {
	text := c.remote.argument()
	for _, f := range []struct{ name, value string }{{"tls-ca", c.ca}, {"tls-cert", c.cert}, {"tls-key", c.key}} {
		if f.value != "" {
			text += " --" + f.name + " " + shellQuote(f.value)
		}
	}
	return text
}

// where is what a command line needs to mean the same place.
func (c *clusterFlags) where() string {
	if remote, _ := c.onServer(); remote {
		return c.remoteArgument()
	}
	return c.argument()
}

// redacted is an address without its password.
func redacted(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.User == nil {
		return address
	}
	return u.Redacted()
}
