package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	apiclient "github.com/graflow/graflow-wasm/internal/api/client"
	"github.com/graflow/graflow-wasm/internal/control"
	"github.com/graflow/graflow-wasm/internal/ops"
	"github.com/spf13/pflag"
)

// Variables that say what flags of a server's API do, where no flag does.
const (
	remoteVariable = "GRAFLOW_WASM_SERVER"
	tokenVariable  = "GRAFLOW_WASM_TOKEN" //nolint:gosec // its name is no token
)

// Files in the directory of a server that tell how to reach its API.
const (
	apiURLFile   = "api.url"
	apiTokenFile = "tokens/operator.token" //nolint:gosec // nor is this
)

// remoteFlags say which server's API to use, and as whom. How to trust it is said by
// flags that a cluster has too.
type remoteFlags struct {
	url, tokenFile string
	insecure       bool

	flag *pflag.Flag // of the address
}

// addTo adds the flags. usage is that of the address.
func (r *remoteFlags) addTo(f *pflag.FlagSet, usage string) {
	f.StringVar(&r.url, "server", "", usage+", by its HTTP API (default: $"+remoteVariable+")")
	r.flag = f.Lookup("server")
	f.StringVar(&r.tokenFile, "token-file", "", "the token for --server is in `FILE` (default: $"+tokenVariable+", else that of the directory)")
	f.BoolVar(&r.insecure, "insecure", false, "send the token without TLS to another machine, where others may see it")
}

// given tells whether the address was given as a flag.
func (r *remoteFlags) given() bool { return r.flag != nil && r.flag.Changed }

// address is where the server is, "" for none. An empty flag goes before the variable.
func (r *remoteFlags) address() string {
	switch {
	case r.flag == nil: // a command that has none
		return ""
	case r.given():
		return r.url
	}
	return os.Getenv(remoteVariable)
}

// used tells whether there is a server to ask.
func (r *remoteFlags) used() bool { return r.address() != "" }

// argument is what a command line needs to mean the same server. What is in the
// environment it has anyway.
func (r *remoteFlags) argument() string {
	text := ""
	if r.given() {
		text += " --server " + shellQuote(redacted(r.url))
	}
	if r.tokenFile != "" {
		text += " --token-file " + shellQuote(r.tokenFile)
	}
	if r.insecure {
		text += " --insecure"
	}
	return text
}

// remoteConfig says how to ask. Whoever can read the directory of a server may do everything.
func (c *clusterFlags) remoteConfig() (apiclient.Config, error) {
	r := &c.remote
	config := apiclient.Config{
		URL: r.address(), CA: cmp.Or(c.ca, os.Getenv(caVariable)), Cert: c.cert, Key: c.key,
		Insecure: r.insecure, Agent: "graflow-wasm/" + thisBuild().Version,
	}
	dir := ""
	if isDirectory(config.URL) {
		dir = config.URL
		var err error
		if config.URL, err = apiIn(dir); err != nil {
			return config, err
		}
	}
	var err error
	config.Token, err = r.token(dir)
	return config, err
}

// apiIn is where the API of the server listens that runs in a directory.
func apiIn(dir string) (string, error) {
	raw, err := os.ReadFile(filepath.Join(dir, apiURLFile))
	if errors.Is(err, fs.ErrNotExist) {
		return "", awayError(fmt.Sprintf("no server with an API runs in %s; `graflow-wasm server --dir %s` runs one", dir, shellQuote(dir)))
	}
	if err != nil {
		return "", usagef("find the server in %s: %w", dir, err)
	}
	return strings.TrimSpace(string(raw)), nil
}

// awayError is an ops.ErrUnavailable with its own text.
type awayError string

// Error implements error.
func (e awayError) Error() string { return string(e) }

// Is implements what errors.Is asks for.
func (awayError) Is(target error) bool { return target == ops.ErrUnavailable }

// token is the caller's, "" for none. A flag goes before the variable, and that before
// what a directory has.
func (r *remoteFlags) token(dir string) (string, error) {
	file := r.tokenFile
	switch text := os.Getenv(tokenVariable); {
	case file != "":
	case text != "":
		return checkToken(text, "$"+tokenVariable)
	case dir == "":
		return "", nil
	default:
		file = filepath.Join(dir, filepath.FromSlash(apiTokenFile))
	}
	raw, err := readAtMost(file, maxTokenFile)
	if err != nil {
		return "", usagef("read the token: %w", err)
	}
	return checkToken(string(raw), file)
}

// maxTokenFile is far more than a token has, in bytes.
const maxTokenFile = 64 << 10

// checkToken wants a token to be one word. It does not tell which.
func checkToken(text, from string) (string, error) {
	token := strings.TrimSpace(text)
	if token == "" || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", usagef("read the token: %s has no token: want one word", from)
	}
	return token, nil
}

// ask makes the client of the server, which has to be named. The caller closes it.
func (c *clusterFlags) ask() (*apiclient.Client, error) {
	if c.namespace != "" || c.nkey != "" || c.creds != "" {
		return nil, usagef("--namespace, --nkey and --creds are for --nats: a server is of one namespace, and knows who asks by --token-file")
	}
	config, err := c.remoteConfig()
	if err != nil {
		return nil, err
	}
	asking, err := apiclient.New(config)
	if errors.Is(err, apiclient.ErrPlain) {
		return nil, usagef("%w, or give --insecure where nobody listens on the way", err)
	}
	return asking, usage(err)
}

// withServer does something with what a server answers.
func (c *clusterFlags) withServer(f func(ops.Service) error) error {
	asking, err := c.ask()
	if err != nil {
		return err
	}
	defer asking.Close()
	return refused(f(asking.Service()))
}

// ofServer tells errors that are about no thing that was asked for, but about who asks,
// the way to the server, or a fault of it.
func ofServer(err error) bool {
	for _, one := range []error{ops.ErrUnavailable, ops.ErrDenied, ops.ErrLimited, apiclient.ErrUntrusted} {
		if errors.Is(err, one) {
			return true
		}
	}
	told, ok := errors.AsType[*control.Error](err)
	return ok && told.Status >= http.StatusInternalServerError
}

// onlyFault is the one thing that is wrong with what was sent, without a place; else the
// error as it is.
func onlyFault(err error) error {
	if invalid, ok := errors.AsType[*ops.Invalid](err); ok && len(invalid.Faults) == 1 {
		return errors.New(invalid.Faults[0].Message)
	}
	return err
}

// hinted says what to do about an error of a server.
func hinted(err error) error {
	told, ok := errors.AsType[*control.Error](err)
	switch {
	case ok && told.Status == http.StatusUnauthorized:
		return fmt.Errorf("%w\nGive the token of somebody whom the server knows: --token-file FILE, or set %s", err, tokenVariable)
	case ok && told.Status == http.StatusForbidden:
		return fmt.Errorf("%w\nGive the token of a higher role: --token-file FILE, or set %s", err, tokenVariable)
	case errors.Is(err, apiclient.ErrUntrusted):
		return fmt.Errorf("%w\nName who signed it, if that is whom you mean to trust: --tls-ca FILE", err)
	}
	return err
}

// refusedRemote is an error of a server with its exit code, nil for errors of none.
func refusedRemote(err error) error {
	switch {
	case errors.Is(err, context.Canceled):
		return nil
	case errors.Is(err, apiclient.ErrUntrusted), errors.Is(err, ops.ErrDenied):
		return usage(hinted(err))
	case errors.Is(err, ops.ErrUnavailable):
		return &exitError{Code: exitUnreachable, Err: err}
	case errors.Is(err, ops.ErrLimited):
		return &exitError{Code: exitLimit, Err: err}
	}
	return nil
}
