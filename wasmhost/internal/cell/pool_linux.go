package cell

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Pool starts cells and keeps those that nobody uses. It is safe for concurrent
// use.
type Pool struct {
	config  Config
	starter starter
	choice  *choice
	active  sync.WaitGroup // goroutines, and callers of Get that start a cell
	closing chan struct{}  // closed when Close has done its work
	lender  lender

	mu      sync.Mutex // guards what follows, and active.Add against Close
	closed  bool
	cells   map[*Cell]struct{} // processes that are not forgotten
	alive   int                // cells, and room taken for those to start
	idle    []*Cell            // the one unused for longest first
	waiting []*waiter          // who waits for longest first
	stats   Stats              // what counts up
}

// waiter is a caller of Get that found no room.
type waiter struct {
	want Want
	got  chan grant // has room for one
}

// grant is a cell, room to start one, or why there is neither.
type grant struct {
	cell *Cell
	err  error
}

// New returns a pool without cells. It fails where no cell can be started. The
// caller closes it.
func New(config Config) (*Pool, error) {
	if !Enabled() {
		return nil, ErrChild
	}
	p := &Pool{
		config: config.withDefaults(), starter: newStarter(), choice: &chosen,
		closing: make(chan struct{}), cells: map[*Cell]struct{}{},
	}
	return p, nil
}

// Get returns a cell that was started for what is wanted, and that nobody else uses: one
// that did before and is idle, else a new one. It waits while there are too many;
// who waits for longest is first. It fails with ErrClosed, with ctx's error, or
// with why no cell could be started.
func (p *Pool) Get(ctx context.Context, want Want) (*Cell, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("get cell: %w", context.Cause(ctx))
	}
	c, w, err := p.ask(want)
	if w != nil {
		c, err = p.wait(ctx, w)
	}
	if c != nil || err != nil {
		return c, err
	}
	defer p.active.Done()
	c, err = p.start(ctx, want)
	if err != nil {
		return nil, fmt.Errorf("start cell: %w", err)
	}
	return c, nil
}

// ask returns a cell, or who is to wait, or neither: then there is room to start
// one, and the caller runs active.Done.
func (p *Pool) ask(want Want) (*Cell, *waiter, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, nil, ErrClosed
	}
	for i := len(p.idle) - 1; i >= 0; i-- {
		c := p.idle[i]
		if c.want != want {
			continue
		}
		p.idle = slices.Delete(p.idle, i, i+1)
		c.idle.Stop()
		if !c.end.ended() {
			return c, nil, nil
		}
		p.retire(c, "closed its connection")
	}
	if p.alive < p.config.Max {
		p.alive++
		p.active.Add(1)
		return nil, nil, nil
	}
	w := &waiter{want: want, got: make(chan grant, 1)}
	p.waiting = append(p.waiting, w)
	if len(p.idle) > 0 {
		p.evict("its room was needed")
	}
	return nil, w, nil
}

// wait is ask for who had to wait.
func (p *Pool) wait(ctx context.Context, w *waiter) (*Cell, error) {
	select {
	case g := <-w.got:
		return g.cell, g.err
	case <-ctx.Done():
	}
	p.mu.Lock()
	if i := slices.Index(p.waiting, w); i >= 0 {
		p.waiting = slices.Delete(p.waiting, i, i+1)
		p.mu.Unlock()
		return nil, fmt.Errorf("wait for a cell: %w", context.Cause(ctx))
	}
	p.mu.Unlock()
	g := <-w.got // it was granted meanwhile
	switch {
	case g.err != nil:
	case g.cell != nil:
		p.keep(g.cell)
	default:
		p.free()
		p.active.Done()
	}
	return nil, fmt.Errorf("wait for a cell: %w", context.Cause(ctx))
}

// put is Done.
func (p *Pool) put(c *Cell) {
	c.calls++
	p.keep(c)
}

// keep gives a cell to who waits for it, or makes it idle, or ends it.
func (p *Pool) keep(c *Cell) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.cells[c]; !ok {
		return // killed meanwhile
	}
	switch worn := p.worn(c); {
	case worn != "":
		p.retire(c, worn)
	case len(p.waiting) > 0 && p.waiting[0].want == c.want:
		p.next().got <- grant{cell: c}
	case len(p.waiting) > 0:
		p.retire(c, "its room was needed")
	default:
		p.idle = append(p.idle, c)
		c.idle = time.AfterFunc(p.config.IdleFor, func() { p.expire(c) })
		if len(p.idle) > p.config.Idle {
			p.evict("more cells were idle than are kept")
		}
	}
}

// worn says why the cell is not to be used again, "" if it may.
func (p *Pool) worn(c *Cell) string {
	switch {
	case p.closed:
		return ErrClosed.Error()
	case c.calls >= p.config.Calls:
		return fmt.Sprintf("served %d calls", c.calls)
	case c.modules >= p.config.Modules:
		return fmt.Sprintf("had %d modules", c.modules)
	case time.Since(c.started) >= p.config.Age:
		return fmt.Sprintf("served for %s", p.config.Age)
	}
	return ""
}

// expire ends a cell that was idle for too long.
func (p *Pool) expire(c *Cell) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.idle, c); i >= 0 && !p.closed && time.Since(c.started) > 0 {
		p.idle = slices.Delete(p.idle, i, i+1)
		p.retire(c, "nobody used it")
	}
}

// evict ends the cell that is idle for longest. The caller holds p.mu.
func (p *Pool) evict(why string) {
	c := p.idle[0]
	p.idle = slices.Delete(p.idle, 0, 1)
	c.idle.Stop()
	p.retire(c, why)
}

// retire ends a cell that nobody holds. The caller holds p.mu.
func (p *Pool) retire(c *Cell, why string) {
	p.stats.Recycled++
	c.retired = true
	p.active.Add(1)
	go func() {
		defer p.active.Done()
		c.finish(why)
	}()
}

// next takes who waits for longest. The caller holds p.mu.
func (p *Pool) next() *waiter {
	w := p.waiting[0]
	p.waiting = slices.Delete(p.waiting, 0, 1)
	return w
}

// forget frees the room of a cell that has ended.
func (p *Pool) forget(c *Cell) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.cells[c]; !ok {
		return
	}
	delete(p.cells, c)
	if !c.served {
		return // the room is still of who starts it
	}
	if !c.retired {
		p.stats.Died++
	}
	p.freeLocked()
}

// free gives room for one cell to who waits for it.
func (p *Pool) free() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.freeLocked()
}

func (p *Pool) freeLocked() {
	if len(p.waiting) == 0 || p.closed {
		p.alive--
		return
	}
	p.active.Add(1) // for who starts one
	p.next().got <- grant{}
}

// ended forgets a cell that ended while nobody held it.
func (p *Pool) ended(c *Cell) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !c.death.Died() {
		p.config.Logger.Debug("cell was ended", "pid", c.death.PID, "why", c.death.Why)
	} else {
		p.config.Logger.Warn("cell died", "pid", c.death.PID, "how", c.death.String(), "stderr", c.death.Stderr)
	}
	if i := slices.Index(p.idle, c); i >= 0 {
		p.idle = slices.Delete(p.idle, i, i+1)
		c.idle.Stop()
		p.active.Add(1)
		go func() {
			defer p.active.Done()
			c.finish("")
		}()
	}
}

func (p *Pool) stuck(*Cell) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stats.Stuck++
}

// Stats counts cells.
func (p *Pool) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.stats
	s.Alive, s.Idle, s.Waiting = p.alive, len(p.idle), len(p.waiting)
	return s
}

// Close kills all cells, those in use too, and waits until they have ended. Who
// waits in Get gets ErrClosed.
func (p *Pool) Close() error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		<-p.closing
		return nil
	}
	p.closed = true
	for _, w := range p.waiting {
		w.got <- grant{err: ErrClosed}
	}
	p.waiting = nil
	for _, c := range p.idle {
		c.idle.Stop()
	}
	p.idle = nil
	for c := range p.cells {
		c.kill(ErrClosed.Error())
		p.retire(c, ErrClosed.Error())
	}
	p.mu.Unlock()
	p.active.Wait()
	p.starter.stop()
	close(p.closing)
	return nil
}
