package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/graflow/graflow-wasm/flowfile"
	"github.com/graflow/graflow-wasm/internal/mcp"
	"github.com/graflow/graflow-wasm/internal/policy"
	"github.com/graflow/graflow-wasm/script"
	"github.com/graflow/graflow-wasm/wasmhost"
	"github.com/spf13/cobra"
)

// mcpOptions are the flags of `mcp`.
type mcpOptions struct {
	http        string // address; "": stdio
	tokenFile   string
	modules     []string
	timeout     time.Duration
	allow       []string
	networks    []string
	concurrency int
	idle        time.Duration
	cache       string
	limits      execLimits
	policy      policyFlags
	within      *policy.Policy // what policy says
}

func newMCP(std streams) *cobra.Command {
	var o mcpOptions
	cmd := &cobra.Command{
		Use:   "mcp",
		Short: "Serve sandboxed code and modules to an MCP client",
		Long: `Mcp serves clients of the Model Context Protocol, such as assistants, which start it
themselves and talk to it by stdin and stdout. It has the tool run_code, which runs
Python, JavaScript and TypeScript in a sandbox as exec does, and each task of the
modules of --module is a tool, too. What is run has nothing of this machine, and no
network but to hosts of --allow-http.

With --http it listens for clients instead, by streamable HTTP. On other addresses
than those of this machine it asks clients for a token; there is no TLS, so put
a proxy that has it in front of it.

It ends when the client goes, or by SIGTERM or Ctrl-C: calls may then go on for five
seconds.

Exit codes: 0 ended, 2 bad usage.`,
		Example: `  graflow-wasm mcp
  graflow-wasm mcp --timeout 5s --memory 128MiB --allow-http api.example.com
  graflow-wasm mcp --module ./thumbs.wasm#resize --module ./words.wasm
  graflow-wasm mcp --http 127.0.0.1:8765
  graflow-wasm mcp --http 0.0.0.0:8765 --token-file ./token`,
		Args: arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return serveMCP(cmd.Context(), std, o) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.http, "http", "", "listen for clients on `HOST:PORT`, by streamable HTTP; port 0 is any that is free (default: stdin and stdout)")
	f.StringVar(&o.tokenFile, "token-file", "", "with --http: ask clients for the token in `FILE`, at least 16 characters")
	f.DurationVar(&o.idle, "session-timeout", 30*time.Minute, "forget sessions, and by HTTP clients, that were silent for so long")
	f.StringArrayVar(&o.modules, "module", nil, "serve the tasks of a module as tools, or one of them: `FILE[#TASK]` (repeatable)")
	f.DurationVar(&o.timeout, "timeout", script.DefaultLimits().Timeout, "bound of each call's time, as 300ms or 5m; calls may ask for less")
	f.StringArrayVar(&o.allow, "allow-http", nil, "where requests may go: a `HOST` as example.com, *.example.com:8443 or * (repeatable)")
	f.StringArrayVar(&o.networks, "allow-http-network", nil, "where hosts may be beyond the public internet: a `CIDR` as 127.0.0.0/8 (repeatable)")
	f.IntVar(&o.concurrency, "concurrency", 0, "how many calls run at once (default: one for each processor, at least 2)")
	o.policy.addTo(f, boundsOfOperator)
	o.policy.addIsolationTo(f)
	f.StringVar(&o.cache, "cache-dir", "", "where compiled modules are kept (default: graflow-wasm in the user's cache directory)")
	cmd.InitDefaultHelpFlag()
	general := newFlagGroup("Flags")
	general.Flags().AddFlagSet(cmd.Flags())
	groupUsage(cmd, general, o.limits.addTo(cmd))
	return cmd
}

// check reads what the flags say, before anything is begun.
func (o *mcpOptions) check() error {
	switch {
	case o.timeout <= 0:
		return usagef("mcp: --timeout %s: want a duration above 0", o.timeout)
	case o.idle <= 0:
		return usagef("mcp: --session-timeout %s: want a duration above 0", o.idle)
	case o.concurrency < 0:
		return usagef("mcp: --concurrency %d: want a number above 0", o.concurrency)
	case o.tokenFile != "" && o.http == "":
		return usagef("mcp: --token-file is for clients of --http; give both")
	}
	var err error
	if o.within, err = o.policy.read(policy.Own(), nil); err != nil {
		return err
	}
	if _, err := o.within.Grant(wasmhost.Grants{HTTP: o.allow, HTTPNetworks: o.networks}); err != nil {
		return usagef("mcp: --allow-http, --allow-http-network: %w", err)
	}
	return o.checkAddress()
}

// checkAddress wants a token where other machines can connect.
func (o *mcpOptions) checkAddress() error {
	if o.http == "" {
		return nil
	}
	host, _, err := net.SplitHostPort(o.http)
	if err != nil {
		return usagef("mcp: --http %q: want HOST:PORT, as 127.0.0.1:8765", o.http)
	}
	ip := net.ParseIP(host)
	if host != "localhost" && (ip == nil || !ip.IsLoopback()) && o.tokenFile == "" {
		return usagef("mcp: --http %s: other machines can connect there; give --token-file FILE, or listen on 127.0.0.1", o.http)
	}
	return nil
}

// minToken is how long a token is at least, in characters.
const minToken = 16

// token is that of the file; "" without one.
func (o *mcpOptions) token() (string, error) {
	if o.tokenFile == "" {
		return "", nil
	}
	data, err := readAtMost(o.tokenFile, 4096)
	if err != nil {
		return "", usagef("mcp: --token-file: %w", err)
	}
	token := strings.TrimSpace(string(data))
	if len(token) < minToken || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", usagef("mcp: --token-file %s: want one word of at least %d characters, as: openssl rand -hex 32 > %s", o.tokenFile, minToken, o.tokenFile)
	}
	return token, nil
}

// serveMCP does all of `graflow-wasm mcp`.
func serveMCP(ctx context.Context, std streams, o mcpOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	token, err := o.token()
	if err != nil {
		return err
	}
	ctx, signals := canceling(ctx, std.err)
	defer signals.Stop()
	signals.Say("ending; calls have 5 s; a second one stops at once")
	b, err := newBounds(o.within, nil, o.policy.quarantine.path(), "")
	if err != nil {
		return usage(err)
	}
	host, cacheDir, err := newHostWith(ctx, o.cache, wasmhost.Probe{}, b)
	if err != nil {
		return err
	}
	defer host.Close(context.WithoutCancel(ctx)) //nolint:errcheck // nothing is left to be told
	sandbox, err := newSandbox(host, b)          //nolint:contextcheck // it lives as long as the command
	if err != nil {
		return fmt.Errorf("mcp: start the sandbox: %w", err)
	}
	server, err := o.server(ctx, host, cacheDir, sandbox)
	if err != nil {
		return err
	}
	defer prepareMCP(ctx, server)()
	defer server.Close()
	if o.http != "" {
		return o.listen(ctx, std, server, token)
	}
	if isTerminal(os.Stdin) && isTerminal(std.in) {
		fmt.Fprintln(std.err, "graflow-wasm: serving MCP on stdin and stdout, which a client is to have; Ctrl-C ends it")
	}
	if err := server.ServeStdio(ctx, std.in, std.out); err != nil {
		return fmt.Errorf("mcp: %w", err)
	}
	return nil
}

// prepareMCP compiles the interpreters, so that no call has to wait for it. The caller
// stops it, which waits for its end.
func prepareMCP(ctx context.Context, server *mcp.Server) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var wait sync.WaitGroup
	wait.Go(func() {
		if err := server.Prepare(ctx); err != nil && ctx.Err() == nil {
			slog.Default().Error("prepare the interpreters", "err", err)
		}
	})
	return func() {
		cancel()
		wait.Wait()
	}
}

// config is that of the server.
func (o *mcpOptions) config() (mcp.Config, error) {
	limits, err := o.limits.limits()
	if err != nil {
		return mcp.Config{}, usagef("mcp: %w", err)
	}
	limits.Timeout = o.timeout
	limits = limits.Within(o.within.Limits)
	return mcp.Config{
		Limits: limits, HTTP: o.allow, HTTPNetworks: o.networks, Concurrency: o.concurrency,
		Sessions: mcp.SessionLimits{Idle: o.idle}, Check: flowfile.CheckSchema, Version: thisBuild().Version,
	}, nil
}
