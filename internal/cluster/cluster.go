package cluster

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/flowfile"
	"github.com/graflow/graflow-wasm/internal/control"
	"github.com/graflow/graflow-wasm/internal/ops"
	"github.com/graflow/graflow-wasm/internal/secrets"
	"github.com/graflow/graflow-wasm/natsbus"
	"github.com/graflow/graflow-wasm/script"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// Config says what a Cluster works on. Bus and Handlers are required.
type Config struct {
	// Bus is the connection. It is the caller's to close, after Close.
	Bus *natsbus.Bus
	// Handlers check the tasks of runs that are begun; they execute none.
	Handlers map[string]engine.Handler
	// Host admits modules that are pushed; nil: none can be.
	Host *wasmhost.Host
	// Sandbox runs code; nil: none is.
	Sandbox *script.Sandbox
	// CodeAtOnce bounds the runs of code at a time; 0 is 8.
	CodeAtOnce int
	// Sessions bound what code leaves for the code that comes next.
	Sessions SessionLimits
	// Secrets are those that may be set; nil: none.
	Secrets *secrets.File
	// Version is that of the program.
	Version string
	// Namespace is that of the bus.
	Namespace string
	// Probe is told of the runs that are begun.
	Probe engine.Probe
	// Logger is for faults that no caller can be told; nil is slog.Default().
	Logger *slog.Logger
}

// Cluster answers for a cluster. It is safe for concurrent use.
type Cluster struct {
	config  Config
	bus     *natsbus.Bus
	backend *engine.Backend
	engine  *engine.Engine // drives and executes nothing
	desk    *control.Desk  // which reads
	steerer *control.Steerer
	log     *slog.Logger
	code    chan struct{} // has one for each run of code

	underway underway

	mu       sync.Mutex // guards what follows
	followed map[string]*followed
	closed   bool
}

// New makes a Cluster. The caller closes it, and then the bus.
func New(c Config) (*Cluster, error) {
	if c.Bus == nil || c.Handlers == nil {
		return nil, errors.New("serve a cluster: Config.Bus or Config.Handlers is nil")
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.CodeAtOnce == 0 {
		c.CodeAtOnce = 8
	}
	c.Sessions = c.Sessions.withDefaults()
	s := &Cluster{
		config: c, bus: c.Bus, backend: c.Bus.Backend(), log: c.Logger,
		code: make(chan struct{}, c.CodeAtOnce), followed: map[string]*followed{},
	}
	var err error
	if s.engine, err = s.newEngine(nil); err != nil {
		return nil, fmt.Errorf("serve a cluster: %w", err)
	}
	s.desk = control.NewDesk(control.Config{Engine: s.engine, Hub: &control.Hub{}, Shared: true})
	s.steerer = NewSteerer(c.Bus)
	return s, nil
}

// newEngine is an engine that drives and executes nothing.
func (c *Cluster) newEngine(observe func(engine.Notice)) (*engine.Engine, error) {
	return engine.New(engine.Config{
		Handlers: c.config.Handlers, Backend: c.backend, Part: engine.PartNone, Observe: observe,
		CheckSchema: flowfile.CheckSchema, Logger: c.log, Probe: c.config.Probe,
	})
}

// apart does something with an engine of its own: what it follows ends with it.
func (c *Cluster) apart(f func(*engine.Engine) error) error {
	e, err := c.newEngine(nil)
	if err != nil {
		return err
	}
	err = f(e)
	return errors.Join(err, e.Close())
}

// Service is what can be asked. What schedules begin, KeepSchedules does.
func (c *Cluster) Service() ops.Service {
	s := ops.Service{
		Runs: (*runs)(c), Flows: (*flows)(c), Modules: (*modules)(c), Workers: workers{c.bus}, Queues: queues{c.bus},
		DeadLetters: (*deadLetters)(c), Schedules: c.schedules(), Version: c.config.Version, Namespace: c.config.Namespace,
	}
	if c.config.Sandbox != nil {
		s.Code, s.Sessions = (*code)(c), (*sessions)(c)
	}
	if c.config.Secrets != nil {
		s.Secrets = secretStore{c.config.Secrets}
	}
	return s
}

// Close ends what is followed, and frees what New made.
func (c *Cluster) Close() error {
	c.mu.Lock()
	all := c.followed
	c.followed, c.closed = nil, true
	c.mu.Unlock()
	for _, f := range all {
		f.stop()
	}
	return c.engine.Close()
}
