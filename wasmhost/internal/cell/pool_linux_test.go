package cell_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost/internal/cell"
)

// asked is what a Get in the background gave.
type asked struct {
	tenant string
	cell   *cell.Cell
	err    error
}

// queue has tenants wait for a cell, one after the other.
func queue(t *testing.T, p *cell.Pool, got chan<- asked, tenants ...string) {
	t.Helper()
	for i, tenant := range tenants {
		go func() {
			c, err := p.Get(t.Context(), cell.Want{Tenant: tenant})
			got <- asked{tenant, c, err}
		}()
		awaitStats(t, p, func(s cell.Stats) bool { return s.Waiting == i+1 })
	}
}

// awaitStats looks until the pool's figures are as wanted.
func awaitStats(t *testing.T, p *cell.Pool, ok func(cell.Stats) bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); !ok(p.Stats()); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("%+v", p.Stats())
		}
	}
}

func TestFairWaiting(t *testing.T) {
	t.Parallel()
	p := newPool(t, cell.Config{Max: 1})
	first := get(t, p, "a")
	got := make(chan asked)
	queue(t, p, got, "b", "a", "c")
	first.Done()
	used := map[*cell.Cell]string{first: "a"}
	for _, tenant := range []string{"b", "a", "c"} {
		g := <-got
		if g.err != nil || g.tenant != tenant {
			t.Fatalf("%s got it, %v; it was %s's turn", g.tenant, g.err, tenant)
		}
		if before, ok := used[g.cell]; ok {
			t.Errorf("the cell of %s has served %s", tenant, before)
		}
		used[g.cell] = tenant
		if s := p.Stats(); s.Alive != 1 {
			t.Errorf("%+v", s)
		}
		g.cell.Done()
	}
}

// TestHandOver: who waits gets a cell of its own tenant as it is.
func TestHandOver(t *testing.T) {
	t.Parallel()
	p := newPool(t, cell.Config{Max: 1})
	first := get(t, p, "a")
	got := make(chan asked)
	queue(t, p, got, "a")
	first.Done()
	if g := <-got; g.cell != first {
		t.Error("another cell", g.err)
	}
	first.Done()
}

func TestDeathFreesRoom(t *testing.T) {
	t.Parallel()
	p := newPool(t, cell.Config{Max: 1})
	first := get(t, p, "a")
	got := make(chan asked)
	queue(t, p, got, "b")
	do(t, first, "exit", "")
	lost(t, first)
	g := <-got
	if g.err != nil {
		t.Fatal(g.err)
	}
	g.cell.Done()
}

func TestGivesUpWaiting(t *testing.T) {
	t.Parallel()
	p := newPool(t, cell.Config{Max: 1})
	c := get(t, p, "a")
	ctx, cancel := context.WithCancelCause(t.Context())
	failed := make(chan error, 1)
	go func() {
		_, err := p.Get(ctx, cell.Want{Tenant: "b"})
		failed <- err
	}()
	awaitStats(t, p, func(s cell.Stats) bool { return s.Waiting == 1 })
	enough := errors.New("enough")
	cancel(enough)
	if err := <-failed; !errors.Is(err, enough) {
		t.Error(err)
	}
	if s := p.Stats(); s.Waiting != 0 {
		t.Errorf("%+v", s)
	}
	c.Done()
	get(t, p, "c").Done()
}

// TestGivesUpOften cancels at all times, and no room is lost.
func TestGivesUpOften(t *testing.T) {
	t.Parallel()
	p := newPool(t, cell.Config{Max: 2})
	done := make(chan struct{})
	for i := range 60 {
		go func() {
			defer func() { done <- struct{}{} }()
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*time.Millisecond/2)
			defer cancel()
			if c, err := p.Get(ctx, cell.Want{Tenant: fmt.Sprint(i % 3)}); err == nil {
				c.Done()
			}
		}()
	}
	for range 60 {
		<-done
	}
	awaitStats(t, p, func(s cell.Stats) bool { return s.Alive == s.Idle && s.Waiting == 0 })
	a, b := get(t, p, "x"), get(t, p, "y")
	a.Done()
	b.Done()
}

func TestReplaced(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		config cell.Config
		calls  int // after which the cell is another
		took   bool
	}{
		"calls":   {cell.Config{Calls: 3}, 3, false},
		"modules": {cell.Config{Modules: 2}, 2, true},
		"age":     {cell.Config{Age: time.Nanosecond}, 1, false},
		"no idle": {cell.Config{Idle: -1}, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPool(t, test.config)
			first := get(t, p, "a")
			for i := range test.calls {
				if test.took {
					first.Took()
				}
				first.Done()
				if c := get(t, p, "a"); (c == first) != (i+1 < test.calls) {
					t.Errorf("call %d: the same cell: %v", i+1, c == first)
				} else if c != first {
					c.Done()
				}
			}
			awaitStats(t, p, func(s cell.Stats) bool { return s.Recycled >= 1 && s.Died == 0 })
		})
	}
}

func TestIdle(t *testing.T) {
	t.Parallel()
	p := newPool(t, cell.Config{Idle: 2, IdleFor: 50 * time.Millisecond})
	cells := []*cell.Cell{get(t, p, "a"), get(t, p, "b"), get(t, p, "c")}
	for _, c := range cells {
		c.Done()
	}
	if s := p.Stats(); s.Idle > 2 {
		t.Errorf("%+v", s)
	}
	awaitStats(t, p, func(s cell.Stats) bool { return s.Alive == 0 && s.Recycled == 3 })
}

// TestIdleDeath: a cell that dies while nobody uses it is not given out.
func TestIdleDeath(t *testing.T) {
	t.Parallel()
	p := newPool(t, cell.Config{})
	first := get(t, p, "a")
	do(t, first, "exit", "")
	first.Done() // before it ends, or after
	awaitStats(t, p, func(s cell.Stats) bool { return s.Alive == 0 })
	if c := get(t, p, "a"); c == first {
		t.Error("a dead cell was given out")
	} else {
		c.Done()
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	p := newPool(t, cell.Config{Max: 2})
	busy, idle := get(t, p, "a"), get(t, p, "b")
	do(t, busy, "sleep", "")
	got := make(chan asked)
	queue(t, p, got, "c")
	idle.Done() // c's turn
	if g := <-got; g.err != nil {
		t.Fatal(g.err)
	}
	queue(t, p, got, "d")
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if g := <-got; !errors.Is(g.err, cell.ErrClosed) {
		t.Error(g.err)
	}
	if d := lost(t, busy); d.Why != cell.ErrClosed.Error() {
		t.Errorf("%+v", d)
	}
	if _, err := p.Get(t.Context(), cell.Want{}); !errors.Is(err, cell.ErrClosed) {
		t.Error(err)
	}
	if s := p.Stats(); s.Alive != 0 {
		t.Errorf("%+v", s)
	}
}

// TestCloseWhileStarting closes at all times of a start.
func TestCloseWhileStarting(t *testing.T) {
	t.Parallel()
	for i := range 8 {
		p := newPool(t, cell.Config{})
		got := make(chan asked)
		for range 2 {
			go func() {
				c, err := p.Get(t.Context(), cell.Want{Tenant: "a"})
				got <- asked{"a", c, err}
			}()
		}
		wait := time.NewTimer(time.Duration(i) * time.Millisecond)
		<-wait.C
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		for range 2 {
			if g := <-got; g.err == nil {
				g.cell.Lost()
			}
		}
	}
}
