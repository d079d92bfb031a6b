package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/natsbus"
	"github.com/graflow/graflow-wasm/natsbus/embedded"
	"github.com/spf13/cobra"
)

// serverOptions are the flags of `server`.
type serverOptions struct {
	nodeFlags

	dir           string
	listen        string
	front         frontFlags
	sessionBytes  amount
	sync          choice
	namespace     string
	clusterListen string
	routes        []string
	replicas      int
	tls           embedded.TLS
	insecure      bool
}

func newServer(std streams) *cobra.Command {
	o := serverOptions{sync: choice{value: "default", of: []string{"default", "always"}}}
	cmd := &cobra.Command{
		Use:   "server",
		Short: "Run a cluster: NATS, a worker, the HTTP API and the console",
		Long: `Server runs a NATS server that keeps all in --dir, and a worker on it: a cluster
of one, which other processes may join with --nats. It draws credentials for them
when it begins, and tells where they are.

On --listen it answers HTTP: the console for browsers at /, the API at /v1, metrics
at /metrics. Who asks needs a token: one for each role is in --dir, in tokens. Any
command works through it with --server.

With --cluster-listen and --routes it is one of several servers. They need the same
credentials: copy the directory of those of the first to the others.

SIGTERM or Ctrl-C ends it as it ends a worker; the NATS server goes last. A write to
its disk that fails ends it as well: what was acknowledged is kept for the next one.

Exit codes: 0 drained, 1 the disk is full or fails, 2 bad usage, or a directory or an address in use.`,
		Example: `  graflow-wasm server --dir ./srv
  graflow-wasm server --dir ./srv --listen-nats 0.0.0.0:4222 --tls-cert cert.pem --tls-key key.pem
  graflow-wasm server --dir ./a --listen-nats 10.0.0.1:4222 --cluster-listen 10.0.0.1:6222 \
      --routes 10.0.0.1:6222,10.0.0.2:6222,10.0.0.3:6222 --tls-cert a.pem --tls-key a.key --tls-ca ca.pem`,
		Args: arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return serve(cmd.Context(), std.err, o) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.dir, "dir", "", "keep everything in `DIR`, made if it is not there (required)")
	o.front.addTo(f)
	f.StringVar(&o.listen, "listen-nats", "127.0.0.1:4222", "where other processes connect, as `HOST:PORT`; port 0 is any that is free, "+urlFile+" in the directory has it")
	o.addSessionsTo(f)
	f.Var(&o.sync, "sync", "what was acknowledged survives kill -9; with always also a loss of power, at a tenth of the speed")
	f.StringVar(&o.namespace, "namespace", "main", "the `NAME` of those who share runs, modules and workers")
	f.StringVar(&o.clusterListen, "cluster-listen", "", "where other servers connect, as `HOST:PORT`")
	f.StringSliceVar(&o.routes, "routes", nil, "where the other servers are, or some of them, as `HOST:PORT,…`")
	f.IntVar(&o.replicas, "replicas", 0, "how many servers store each thing: 1, 3 or 5 (default: 3 with --cluster-listen, else 1)")
	f.StringVar(&o.tls.Cert, "tls-cert", "", "certificate of this server in `FILE`, in PEM")
	f.StringVar(&o.tls.Key, "tls-key", "", "its key in `FILE`")
	f.StringVar(&o.tls.CA, "tls-ca", "", "who signs certificates of clients and of other servers, in `FILE`")
	f.BoolVar(&o.tls.Verify, "tls-verify", false, "clients must have a certificate too")
	f.BoolVar(&o.insecure, "insecure", false, "listen without TLS where other machines can connect")
	o.addTo(cmd)
	return cmd
}

func (o *serverOptions) check() error {
	if o.dir == "" {
		return usagef("server: --dir is missing: the directory to keep everything in")
	}
	if !namespaces.MatchString(o.namespace) {
		return usagef("--namespace %q: want letters, digits, - and _, at most 64", o.namespace)
	}
	if err := checkReplicas(o.replicas); err != nil {
		return err
	}
	if o.replicas == 0 && o.clusterListen != "" {
		o.replicas = 3
	}
	if err := cmp.Or(o.checkSessions(), o.front.check(o)); err != nil {
		return err
	}
	return o.nodeFlags.check()
}

// config is that of the NATS server.
func (o *serverOptions) config() (embedded.Config, error) {
	c := embedded.Config{Dir: o.dir, Listen: o.listen, Insecure: o.insecure, TLS: o.tls}
	if o.sync.value == "always" {
		c.Sync = embedded.SyncAlways
	}
	if o.clusterListen != "" || len(o.routes) > 0 {
		c.Cluster = embedded.Cluster{Name: "graflow-wasm", Listen: o.clusterListen, Routes: o.routes}
	}
	for _, role := range natsbus.Roles() {
		may, err := natsbus.Permissions(role, o.namespace)
		if err != nil {
			return c, err
		}
		c.Users = append(c.Users, embedded.User{Name: string(role), Publish: may.Publish, Subscribe: may.Subscribe, All: may.All})
	}
	return c, nil
}

// serve does all of `graflow-wasm server`.
func serve(ctx context.Context, say io.Writer, o serverOptions) (err error) {
	if err := o.check(); err != nil { //nolint:contextcheck // telemetry is opened for as long as the server runs
		return err
	}
	config, err := o.config()
	if err != nil {
		return err
	}
	stops := catchStops()
	defer stops.Stop()
	srv, err := embedded.Start(stops.Started(), config) //nolint:contextcheck // the signal's
	if err != nil {
		return o.startFault(usage(err)) // a directory in use, an address that is taken, a file that is none
	}
	defer srv.Drain()
	ctx, stop := whileStored(ctx, srv)
	defer stop()
	return o.storeFault(srv, o.serveOn(ctx, say, srv, stops))
}

// serveOn does all that a server does on its NATS server, while that can store.
func (o *serverOptions) serveOn(ctx context.Context, say io.Writer, srv *embedded.Server, stops *stopping) error {
	o.offerContainers(stops.Started(), say) //nolint:contextcheck // the signal's
	forget, err := o.publish(srv)
	if err != nil {
		return o.startFault(err)
	}
	defer forget()
	o.sayJoin(say, srv)
	bus, err := o.setUp(stops.Started(), say, srv) //nolint:contextcheck // likewise
	if err != nil {
		return o.startFault(err)
	}
	defer bus.Close()
	defer context.AfterFunc(ctx, bus.Close)() // nobody waits for what is not acknowledged
	front, err := o.newFront(say)
	if err != nil {
		return err
	}
	return failed("run the server's worker", runNode(ctx, say, bus, roleServer, engine.PartBoth, o.nodeFlags, front, stops))
}

const (
	setUpFor   = 5 * time.Second        // one try to set up what may need other servers
	setUpAgain = 200 * time.Millisecond // between two
)

// setUp connects, and creates the streams, for which the servers of a cluster wait
// for one another.
func (o *serverOptions) setUp(ctx context.Context, say io.Writer, srv *embedded.Server) (*natsbus.Bus, error) {
	config := o.bus()
	config.Connect, config.Namespace, config.Replicas = srv.Connect, o.namespace, o.replicas
	bus, err := natsbus.Open(ctx, config)
	if err != nil {
		return nil, err
	}
	for said := false; ; {
		err := o.trySetUp(ctx, srv, bus)
		if err == nil {
			return bus, nil
		}
		if ctx.Err() != nil {
			bus.Close()
			return nil, &exitError{Code: exitCanceled, Err: errors.New("canceled before the server was ready")}
		}
		if srv.Err() != nil || o.clusterListen == "" && !errors.Is(err, natsbus.ErrUnreachable) {
			bus.Close()
			return nil, err
		}
		if !said {
			fmt.Fprintf(say, "graflow-wasm: not ready yet: %s\n", oneLine(err.Error()))
			said = true
		}
	}
}

// trySetUp waits until the server can store, and creates the streams.
func (o *serverOptions) trySetUp(ctx context.Context, srv *embedded.Server, bus *natsbus.Bus) error {
	try, cancel := context.WithTimeout(ctx, setUpFor)
	defer cancel()
	if err := srv.Ready(try); err != nil {
		return fmt.Errorf("%w: %w", natsbus.ErrUnreachable, err)
	}
	if err := bus.Setup(try); err != nil {
		<-time.After(setUpAgain)
		return err
	}
	return nil
}
