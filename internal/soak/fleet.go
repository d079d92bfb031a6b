package soak

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/natsbus"
)

// fleet is the servers and the workers of a soak.
type fleet struct {
	servers, workers []*process
	ledgers, guests  string // directories
	url, nkey        string
	replicas         int
	starter          chan<- func()
}

// drainTime is how long a worker may go on that is told to end.
const drainTime = 5 * time.Second

func newFleet(cfg Config, dir string) (*fleet, error) {
	f := &fleet{ledgers: filepath.Join(dir, "ledgers"), guests: filepath.Join(dir, "guests"), nkey: seedOf(filepath.Join(dir, "credentials")), replicas: cfg.Servers}
	logs := filepath.Join(dir, "logs")
	for _, d := range []string{f.ledgers, logs} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, err
		}
	}
	if err := writeGuest(f.guests); err != nil {
		return nil, err
	}
	free, err := addresses(2 * cfg.Servers)
	if err != nil {
		return nil, err
	}
	clients, routes := free[:cfg.Servers], free[cfg.Servers:]
	f.url = strings.Join(clients, ",")
	start := starter()
	f.starter = start
	for i := range cfg.Servers {
		c := childConfig{
			Role: roleServer, Name: fmt.Sprint("server-", i), Dir: filepath.Join(dir, fmt.Sprint("server-", i)),
			Listen: clients[i], Credentials: filepath.Join(dir, "credentials"),
		}
		if cfg.Servers > 1 {
			c.Cluster, c.Routes = routes[i], slices.Delete(slices.Clone(routes), i, i+1)
		}
		f.servers = append(f.servers, newProcess(c, logs, start))
	}
	for i := range cfg.Workers {
		w, err := f.worker(cfg, i, clients, logs)
		if err != nil {
			return nil, err
		}
		f.workers = append(f.workers, w)
	}
	return f, nil
}

// worker is one that reaches the servers by links of its own.
func (f *fleet) worker(cfg Config, i int, servers []string, logs string) (*process, error) {
	var links []*link
	var ways []string
	for _, s := range servers {
		k, err := newLink(s)
		if err != nil {
			return nil, err
		}
		links, ways = append(links, k), append(ways, k.address())
	}
	p := newProcess(childConfig{
		Role: roleWorker, Name: fmt.Sprint("worker-", i), Dir: f.ledgers, URL: strings.Join(ways, ","), NKey: f.nkey,
		Replicas: f.replicas, Lease: cfg.Lease, Drain: drainTime, Archive: cfg.Archive, Concurrency: cfg.Concurrency, Guests: f.guests,
	}, logs, f.starter)
	p.links = links
	return p, nil
}

// addresses are free ones. Should another program take one meanwhile, a server does
// not start.
func addresses(n int) ([]string, error) {
	var all []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer func() { _ = l.Close() }() // it has served its purpose
		all = append(all, l.Addr().String())
	}
	return all, nil
}

// startTime is how long the parts of a cluster may take to begin.
const startTime = 60 * time.Second

// start starts all, and connects.
func (f *fleet) start(ctx context.Context) (*natsbus.Bus, error) {
	for _, p := range f.servers {
		if err := p.Start(startTime); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	bus, err := dial(ctx, natsbus.Config{Node: "driver", Replicas: f.replicas}, f.url, f.nkey)
	if err != nil {
		return nil, err
	}
	for _, p := range f.workers {
		if err == nil {
			err = f.setUp(ctx, bus, p)
		}
	}
	if err != nil {
		bus.Close()
		return nil, err
	}
	return bus, nil
}

// setUp creates what is not there, and starts a worker.
func (f *fleet) setUp(ctx context.Context, bus *natsbus.Bus, p *process) error {
	for {
		err := bus.Setup(ctx)
		if err == nil {
			return p.Start(startTime)
		}
		if ctx.Err() != nil || !errors.Is(err, natsbus.ErrUnreachable) {
			return err
		}
	}
}

// end kills all.
func (f *fleet) end() {
	for _, p := range slices.Concat(f.workers, f.servers) {
		if err := p.Kill(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		for _, k := range p.links {
			k.close()
		}
	}
	close(f.starter)
}
