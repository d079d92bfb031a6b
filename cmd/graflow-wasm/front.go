package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/graflow/graflow-wasm/internal/api"
	"github.com/graflow/graflow-wasm/internal/console"
	"github.com/graflow/graflow-wasm/internal/ops"
	"github.com/spf13/pflag"
)

// frontFlags say what a server shows over HTTP.
type frontFlags struct {
	listen string
	flag   *pflag.Flag // of listen
}

const (
	frontListen = "127.0.0.1:7070"
	// tokensDir, in the directory of a server, has the tokens of its API.
	tokensDir = "tokens"
)

func (o *frontFlags) addTo(f *pflag.FlagSet) {
	f.StringVar(&o.listen, "listen", frontListen, "answer HTTP on this `HOST:PORT`: the API, the console and metrics; empty is nowhere; by default any port if that is taken")
	o.flag = f.Lookup("listen")
}

// check refuses to tell tokens to whoever listens in.
func (o *frontFlags) check(s *serverOptions) error {
	if o.listen == "" {
		return nil
	}
	host, _, err := net.SplitHostPort(o.listen)
	if err != nil {
		return usagef("--listen %q: want HOST:PORT, as %s", o.listen, frontListen)
	}
	if (s.tls.Cert == "") != (s.tls.Key == "") {
		return usagef("--tls-cert and --tls-key: one needs the other")
	}
	if s.tls.Cert == "" && !s.insecure && !isLoopback(host) {
		return usagef("--listen %s: other machines can connect there, and tokens would be sent in the clear: give --tls-cert and --tls-key, or --insecure behind a proxy that has TLS", o.listen)
	}
	return nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// front is a listener for the API, the console and metrics.
type front struct {
	dir     string
	say     io.Writer
	tokens  *api.Tokens
	ln      net.Listener
	url     string
	secure  bool
	http    *http.Server
	api     *api.Server
	console *console.Console
	served  chan struct{}
	// unfollow ends what follow began.
	unfollow func()
}

// newFront listens, before anything else is begun; nil if there is nothing to listen
// on.
func (o *serverOptions) newFront(say io.Writer) (*front, error) {
	if o.front.listen == "" {
		return nil, nil //nolint:nilnil // nothing is shown
	}
	tokens, err := api.OpenTokens(filepath.Join(o.dir, tokensDir))
	if err != nil {
		return nil, usagef("server: %w", err)
	}
	f := &front{dir: o.dir, say: say, tokens: tokens, secure: o.tls.Cert != ""}
	var config *tls.Config
	if f.secure {
		pair, err := tls.LoadX509KeyPair(o.tls.Cert, o.tls.Key)
		if err != nil {
			return nil, usagef("--tls-cert %s: %w", o.tls.Cert, err)
		}
		config = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
	}
	if f.ln, err = o.front.open(); err != nil {
		return nil, err
	}
	f.url = reachable("http://"+f.ln.Addr().String(), "127.0.0.1")
	if f.secure {
		f.ln, f.url = tls.NewListener(f.ln, config), "https"+strings.TrimPrefix(f.url, "http")
	}
	return f, nil
}

// open listens. By default another server on this machine is no hindrance.
func (o *frontFlags) open() (net.Listener, error) {
	ln, err := net.Listen("tcp", o.listen)
	if errors.Is(err, syscall.EADDRINUSE) && !o.flag.Changed {
		ln, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err != nil {
		return nil, usagef("--listen %s: %w; give another HOST:PORT, or --listen '' for none", o.listen, err)
	}
	return ln, nil
}

// open serves what the node answers for.
func (f *front) open(ctx context.Context, n *node) error {
	service := n.service()
	var err error
	if f.api, err = api.New(api.Config{Service: service, Tokens: f.tokens, Logger: n.log}); err != nil {
		return err
	}
	layouts, err := n.layouts() //nolint:contextcheck // its sandbox lives as long as the node
	if err != nil {
		return err
	}
	f.console, err = console.New(console.Config{
		Service: service, Authenticate: f.tokens.Authenticate, Cookie: f.tokens.Cookie(), TryLogin: f.api.TryLogin,
		Draw: layouts.Graph, Log: n.log,
	})
	if err != nil {
		return err
	}
	f.follow(ctx, n)
	f.http = api.NewHTTPServer(f.routes(n), n.log)
	f.http.BaseContext = func(net.Listener) context.Context { return ctx }
	f.served = make(chan struct{})
	go func() {
		defer close(f.served)
		_ = f.http.Serve(f.ln) // ends by Close; whoever can't reach it says so
	}()
	return f.tell()
}

// followTokens is how often the server looks whether its tokens have changed.
const followTokens = time.Second

// follow has tokens that are taken back refused, and new ones accepted, at once.
func (f *front) follow(ctx context.Context, n *node) {
	ctx, cancel := context.WithCancel(ctx)
	followed := make(chan struct{})
	go func() {
		defer close(followed)
		f.tokens.Follow(ctx, filepath.Join(f.dir, tokensDir), followTokens, func(err error) {
			if err != nil {
				n.log.Error("the tokens have changed and can't be read: those that were go on", "err", err)
				return
			}
			n.log.Info("the tokens have changed")
		})
	}()
	f.unfollow = func() {
		cancel()
		<-followed
	}
}

// routes is all that is answered.
func (f *front) routes(n *node) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/v1/", n.flags.telemetry.tel.Requests(f.api.Handler()))
	f.addMetrics(mux, n.flags.telemetry.tel)
	mux.Handle("/openapi.json", f.api.Handler())
	mux.Handle("/", f.console.Handler())
	addHealth(mux, n.ready)
	return mux
}

// tell says where it listens, to people and in the server's directory.
func (f *front) tell() error {
	if err := replace(filepath.Join(f.dir, apiURLFile), []byte(f.url+"\n"), 0o600); err != nil {
		return fmt.Errorf("write where the API is: %w", err)
	}
	fmt.Fprintf(f.say, "graflow-wasm: console and API at %s; a token to log in: %s\n", f.url, filepath.Join(f.dir, tokensDir, string(ops.RoleOperator)+".token"))
	return nil
}

// frontLeaves is how long answers may take that were begun before the end.
const frontLeaves = 2 * time.Second

// Close ends it: streams at once, other answers after a moment.
func (f *front) Close() {
	_ = os.Remove(filepath.Join(f.dir, apiURLFile)) // who reads it is told that nobody listens
	if f.unfollow != nil {
		f.unfollow()
	}
	if f.api != nil {
		f.api.Close()
	}
	if f.http == nil {
		_ = f.ln.Close()
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), frontLeaves)
	defer cancel()
	if f.http.Shutdown(ctx) != nil {
		_ = f.http.Close() // nobody is left to be told
	}
	<-f.served
	if f.console != nil {
		f.console.Close()
	}
}
