package wasmhost

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost/internal/cell"
)

// cells are the cells of a host, and what it knows of modules that end them.
type cells struct {
	host   *Host
	config CellConfig
	pool   *cell.Pool

	calls  atomic.Uint64
	warned sync.Once // that directories are not confined

	mu    sync.Mutex
	kills map[string]int // by digest
}

// openCells makes the host able to isolate modules.
func (h *Host) openCells() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.cells != nil {
		return nil
	}
	if err := CellsError(); err != nil {
		return err
	}
	config := h.config.Cells.withDefaults()
	pool, err := cell.New(cell.Config{
		Max: config.Max, Idle: config.Idle, IdleFor: config.IdleFor,
		Calls: config.Calls, Modules: config.Modules, Age: config.Age, Memory: config.Memory,
		Logger: h.config.Logger,
	})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoCells, err)
	}
	h.cells = &cells{host: h, config: config, pool: pool, kills: map[string]int{}}
	return nil
}

// close ends all cells.
func (c *cells) close() error {
	if c == nil {
		return nil
	}
	return c.pool.Close()
}

// quarantined is why a module is not to be run, or "".
func (c *cells) quarantined(digest string) string {
	if known := c.config.Quarantined; known != nil {
		if why := known(digest); why != "" {
			return why
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := c.kills[digest]; c.config.Kills > 0 && n >= c.config.Kills && c.config.Quarantined == nil {
		return fmt.Sprintf("it has ended %d cells", n)
	}
	return ""
}

// died notes that a call has ended its cell.
func (c *cells) died(m *Module, opt *Options, export string, d cell.Death) CellDeath {
	c.mu.Lock()
	c.kills[m.digest]++
	death := CellDeath{
		Time: time.Now(), Digest: m.digest, Module: opt.Name, Export: export, Tenant: opt.Tenant,
		How: d.String(), Stderr: d.Stderr, Kills: c.kills[m.digest],
	}
	c.mu.Unlock()
	c.host.config.Logger.Warn("a cell died", "module", m.digest, "export", export, "how", death.How, "kills", death.Kills)
	if tell := c.config.Died; tell != nil {
		tell(death)
	}
	return death
}

// resident is what a host notes of a cell: which modules it has.
type resident map[string]bool

// enter takes a cell for a call, with the module in it.
func (c *cells) enter(ctx context.Context, m *Module, opt *Options, self bool) (*link, error) {
	tenant := opt.Tenant
	if tenant == "" {
		tenant = m.digest
	}
	taken, err := c.pool.Get(ctx, cell.Want{Tenant: tenant, Self: self})
	if err != nil {
		return nil, err
	}
	l := &link{cell: taken}
	if taken.Value == nil {
		taken.Value = resident{}
		err = l.write(frameHello, cellHello{
			MaxModuleBytes: c.host.config.MaxModuleBytes, MemoryBytes: c.config.Memory,
			IdleBytes: c.config.IdleBytes, Portable: c.host.config.Portable,
		}, nil)
	}
	if err == nil && !taken.Value.(resident)[m.digest] {
		err = l.bring(ctx, m)
	}
	if err != nil {
		return l, err
	}
	return l, nil
}

// lend opens a directory of the machine for a cell, which sees nothing above it.
func (c *cells) lend(ctx context.Context, m Mount) (*os.File, error) {
	directory, err := os.Open(m.Host)
	if err != nil {
		return nil, err
	}
	defer func() { _ = directory.Close() }()
	if st, err := directory.Stat(); err != nil || !st.IsDir() {
		return nil, fmt.Errorf("%s: not a directory", m.Host)
	}
	lent, confined, err := c.pool.Lend(ctx, directory, m.Writable)
	if err == nil && !confined {
		c.warned.Do(func() {
			c.host.config.Logger.Warn("directories lent to cells are not confined: this process may neither mount nor make user namespaces")
		})
	}
	return lent, err
}

// link is one call's use of a cell.
type link struct {
	cell *cell.Cell

	mu   sync.Mutex
	over bool // the cell was given back, or killed
}

// write sends a frame.
func (l *link) write(kind byte, header any, data []byte, files ...*os.File) error {
	text, err := json.Marshal(header)
	if err != nil {
		return err
	}
	return l.cell.Write(kind, text, data, files...)
}

// kill ends the cell unless the call has: then it may serve another.
func (l *link) kill(why string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.over {
		l.over = true
		l.cell.Kill(why)
	}
}

// leave gives the cell back, unless it was killed meanwhile.
func (l *link) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.over {
		l.over = true
		l.cell.Done()
	}
}

// bring has the cell load a module. The end of the context ends the cell.
func (l *link) bring(ctx context.Context, m *Module) error {
	stop := context.AfterFunc(ctx, func() { l.kill("the call was canceled") })
	defer stop()
	module := cellModule{Digest: m.digest, Code: m.native.Name(), Admission: m.admission()}
	if err := l.write(frameModule, module, m.metered, m.native.File()); err != nil {
		return err
	}
	f, err := l.cell.Read()
	if err != nil {
		return err
	}
	var ready cellReady
	if f.Kind != frameReady || json.Unmarshal(f.Header, &ready) != nil {
		return errProtocol
	}
	if ready.Error != "" {
		return fmt.Errorf("%w: %s", errLoad, ready.Error)
	}
	l.cell.Value.(resident)[m.digest] = true
	l.cell.Took()
	return nil
}

// errProtocol says that a cell did not keep to the protocol: it is not to be trusted
// with another word.
var errProtocol = errors.New("the cell broke the protocol")

// errLoad says that a cell could not load a module.
var errLoad = errors.New("load the module into a cell")

func closeFiles(files []*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}
