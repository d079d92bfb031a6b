// Package clustertest runs a real cluster of one process for tests: an embedded NATS
// server, a node that drives runs and executes tasks, and the service that answers for
// them.
package clustertest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/flowfile"
	"github.com/graflow/graflow-wasm/handlers/builtin"
	"github.com/graflow/graflow-wasm/handlers/direct"
	scripts "github.com/graflow/graflow-wasm/handlers/script"
	"github.com/graflow/graflow-wasm/handlers/wasm"
	"github.com/graflow/graflow-wasm/internal/cluster"
	"github.com/graflow/graflow-wasm/internal/ops"
	"github.com/graflow/graflow-wasm/internal/secrets"
	"github.com/graflow/graflow-wasm/natsbus"
	"github.com/graflow/graflow-wasm/natsbus/embedded"
	"github.com/graflow/graflow-wasm/script"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// Config says what a cluster has besides what each has. The zero value is usable.
type Config struct {
	// Direct are functions that tasks name.
	Direct *direct.Handler
	// Engine, Host and Published are told what the cluster does.
	Engine    engine.Probe
	Host      wasmhost.Probe
	Published func(took time.Duration, err error)
	// Idle is a cluster without a node: runs begin, and nothing becomes of them.
	Idle bool

	replicas int
}

// Cluster is one that runs until its test has ended.
type Cluster struct {
	Service ops.Service
	Cluster *cluster.Cluster
	Server  *embedded.Server
	Bus     *natsbus.Bus   // of the service
	Host    *wasmhost.Host // of all that is executed
	Engine  *engine.Engine // of the node; nil if it is idle
}

// Start runs a cluster. Its handlers are wasm, script, builtin and direct; whatever
// fails ends the test.
func Start(tb testing.TB, c Config) *Cluster {
	tb.Helper()
	server := serve(tb, embedded.Config{Dir: tb.TempDir()})
	setUp(tb, server, c)
	return c.on(tb, server)
}

// Three runs a cluster of three servers, of which each is as Start has it, at addresses
// that are free. What is stored is stored by all three.
func Three(tb testing.TB, c Config, addresses [3]string) (all [3]*Cluster) {
	tb.Helper()
	c.replicas = len(all)
	var servers [len(all)]*embedded.Server
	dir := tb.TempDir()
	for i, address := range addresses {
		name := fmt.Sprint("server-", i)
		servers[i] = serve(tb, embedded.Config{
			Dir: filepath.Join(dir, name), Name: name, Listen: "127.0.0.1:0", Credentials: filepath.Join(dir, "credentials"),
			Cluster: embedded.Cluster{Name: "three", Listen: address, Routes: addresses[:]},
		})
	}
	for _, server := range servers {
		must(tb, server.Ready(tb.Context()))
	}
	setUp(tb, servers[0], c)
	for i, server := range servers {
		all[i] = c.on(tb, server)
	}
	return all
}

func serve(tb testing.TB, c embedded.Config) *embedded.Server {
	tb.Helper()
	c.Logger = slog.New(slog.DiscardHandler)
	server, err := embedded.Start(context.WithoutCancel(tb.Context()), c)
	must(tb, err)
	tb.Cleanup(server.Shutdown)
	return server
}

// setUp makes what a cluster stores in.
func setUp(tb testing.TB, server *embedded.Server, c Config) {
	tb.Helper()
	bus := open(tb, server, c)
	must(tb, bus.Setup(context.WithoutCancel(tb.Context())))
}

// on is what a cluster has at one of its servers.
func (c Config) on(tb testing.TB, server *embedded.Server) *Cluster {
	tb.Helper()
	all := &Cluster{Server: server, Host: newHost(tb, c), Bus: open(tb, server, c)}
	var err error
	handlers, sandbox := handlersOn(tb, all.Host, all.Bus, c)
	if !c.Idle {
		all.Engine = join(tb, open(tb, server, c), handlers, c)
	}
	dir := tb.TempDir()
	store, err := secrets.NewFile(secrets.FileConfig{Path: filepath.Join(dir, "secrets.age"), Identity: filepath.Join(dir, "identity.txt")})
	must(tb, err)
	all.Cluster, err = cluster.New(cluster.Config{
		Bus: all.Bus, Handlers: handlers, Host: all.Host, Sandbox: sandbox, Secrets: store, Version: "test", Namespace: "main", Probe: c.Engine,
	})
	must(tb, err)
	tb.Cleanup(func() { must(tb, all.Cluster.Close()) })
	all.Service = all.Cluster.Service()
	if !c.Idle {
		all.keep(tb)
	}
	return all
}

// keep has schedules begin runs until the test has ended.
func (c *Cluster) keep(tb testing.TB) {
	tb.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(tb.Context()))
	var wait sync.WaitGroup
	wait.Go(func() {
		if err := c.Cluster.KeepSchedules(ctx); !errors.Is(err, context.Canceled) {
			tb.Errorf("keep schedules: %v", err)
		}
	})
	tb.Cleanup(func() { stop(); wait.Wait() })
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func open(tb testing.TB, server *embedded.Server, c Config) *natsbus.Bus {
	tb.Helper()
	bus, err := natsbus.Open(tb.Context(), natsbus.Config{Connect: server.Connect, Published: c.Published, Replicas: c.replicas})
	must(tb, err)
	tb.Cleanup(bus.Close)
	return bus
}

// newHost is a host whose compiled modules the package's tests share.
func newHost(tb testing.TB, c Config) *wasmhost.Host {
	tb.Helper()
	host, err := wasmhost.New(context.WithoutCancel(tb.Context()), wasmhost.Config{CacheDir: CacheDir(), Probe: c.Host})
	must(tb, err)
	tb.Cleanup(func() { must(tb, host.Close(context.Background())) })
	return host
}

// CacheDir is where compiled modules are kept for all tests of this machine.
var CacheDir = sync.OnceValue(func() string {
	user, err := os.UserCacheDir()
	if err != nil {
		user = os.TempDir()
	}
	return filepath.Join(user, "graflow-wasm-test")
})

func handlersOn(tb testing.TB, host *wasmhost.Host, bus *natsbus.Bus, c Config) (map[string]engine.Handler, *script.Sandbox) {
	tb.Helper()
	w, err := wasm.New(wasm.Config{Host: host, CacheDir: CacheDir(), Registry: cluster.WasmRegistry(bus), Modules: wasm.NoFiles{}, CheckSchema: flowfile.CheckSchema})
	must(tb, err)
	sandbox, err := script.New(script.Config{Host: host, Defaults: wasmhost.Limits{Timeout: math.MaxInt64}})
	must(tb, err)
	s, err := scripts.New(scripts.Config{Sandbox: sandbox})
	must(tb, err)
	b, err := builtin.New(builtin.Config{CheckSchema: flowfile.CheckSchema})
	must(tb, err)
	if c.Direct == nil {
		c.Direct = direct.New()
	}
	code, err := script.New(script.Config{Host: host})
	must(tb, err)
	return map[string]engine.Handler{"wasm": w, "script": s, "builtin": b, "direct": c.Direct}, code
}

// join runs a node until the test has ended.
func join(tb testing.TB, bus *natsbus.Bus, handlers map[string]engine.Handler, c Config) *engine.Engine {
	tb.Helper()
	backend := bus.Backend()
	e, err := engine.New(engine.Config{
		Handlers: handlers, Backend: backend, Retain: true, Part: engine.PartBoth, Name: "node", CheckSchema: flowfile.CheckSchema, Probe: c.Engine,
	})
	must(tb, err)
	must(tb, e.Join())
	duties, stop := context.WithCancel(context.WithoutCancel(tb.Context()))
	var wait sync.WaitGroup
	wait.Go(func() {
		if err := cluster.Answer(duties, bus, backend, e); !errors.Is(err, context.Canceled) {
			tb.Errorf("answer for runs: %v", err)
		}
	})
	wait.Go(func() {
		err := bus.Announce(duties, nil, func() natsbus.NodeInfo { return natsbus.NodeInfo{Node: "node", Role: "server", Concurrency: 8} })
		if !errors.Is(err, context.Canceled) {
			tb.Errorf("announce the node: %v", err)
		}
	})
	tb.Cleanup(func() {
		stop()
		wait.Wait()
		must(tb, e.Close())
	})
	return e
}
