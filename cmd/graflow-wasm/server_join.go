package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/graflow/graflow-wasm/natsbus"
	"github.com/graflow/graflow-wasm/natsbus/embedded"
)

// urlFile, in the directory of a server, tells where it listens while it runs.
const urlFile = "nats.url"

// addressIn is where the server listens that runs in a directory.
func addressIn(dir string) (string, error) {
	raw, err := os.ReadFile(filepath.Join(dir, urlFile))
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("no server runs in %s: %w; `graflow-wasm server --dir %s` runs one", dir, natsbus.ErrUnreachable, shellQuote(dir))
	}
	if err != nil {
		return "", usagef("find the server in %s: %w", dir, err)
	}
	return strings.TrimSpace(string(raw)), nil
}

// credentialsIn is the file with the seed of a role, in the directory of a server.
func credentialsIn(dir string, role natsbus.Role) string {
	return filepath.Join(dir, "credentials", string(role)+".nk")
}

// publish writes where the server listens into its directory, until forget.
func (o *serverOptions) publish(srv *embedded.Server) (forget func(), err error) {
	file := filepath.Join(o.dir, urlFile)
	forget = func() { _ = os.Remove(file) } // who reads it is told that nobody listens
	if srv.ClientURL() == "" {
		forget() // of one that was killed
		return forget, nil
	}
	temp := file + ".new" // the directory is locked
	if err := os.WriteFile(temp, []byte(reachable(srv.ClientURL(), "127.0.0.1")+"\n"), 0o600); err != nil {
		return nil, fmt.Errorf("write where the server listens: %w", err)
	}
	if err := os.Rename(temp, file); err != nil {
		return nil, fmt.Errorf("write where the server listens: %w", err)
	}
	return forget, nil
}

// sayJoin tells how other processes join.
func (o *serverOptions) sayJoin(say io.Writer, srv *embedded.Server) {
	tell := func(format string, args ...any) { fmt.Fprintf(say, "graflow-wasm: "+format+"\n", args...) }
	if srv.ClientURL() == "" {
		return
	}
	host, err := os.Hostname()
	if err != nil {
		host = "HOST"
	}
	where := " --nats " + shellQuote(reachable(srv.ClientURL(), host))
	if o.tls.CA != "" {
		where += " --tls-ca " + shellQuote(o.tls.CA)
	}
	if o.namespace != "main" {
		where += " --namespace " + shellQuote(o.namespace)
	}
	as := func(role natsbus.Role) string { return " --nkey " + shellQuote(srv.Credentials(string(role))) }
	tell("server %s in %s, which listens on %s", srv.Name(), o.dir, srv.ClientURL())
	tell("run a flow: graflow-wasm run FLOW%s%s", where, as(natsbus.RoleSubmitter))
	tell("add a worker: graflow-wasm worker%s%s", where, as(natsbus.RoleOwner))
}

// reachable is the address of a server that listens on every address of its machine,
// by one of those.
func reachable(address, host string) string {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() != "0.0.0.0" && u.Hostname() != "::" {
		return address
	}
	u.Host = net.JoinHostPort(host, u.Port())
	return u.String()
}
