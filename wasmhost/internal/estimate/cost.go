package estimate

import (
	"fmt"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin"
)

// Cost is an estimate of how long compiling takes, with one worker on a core of
// 3 GHz that has nothing else to do.
type Cost struct {
	// Linear is what the size of the code explains: 0.4 s for each megabyte.
	Linear time.Duration
	// Excess comes on top of that. It is next to nothing for what toolchains
	// emit, and mostly too high for modules made to be slow.
	Excess time.Duration
	// Function is the index of the function with the greatest share of the
	// excess, Share.
	Function uint32
	Share    time.Duration
	Blocks   int // basic blocks of Function, metered
	Live     int // locals of Function that are live between blocks
}

// forever is the excess of functions with too many live locals to count.
const forever = time.Hour

// Compile estimates what compiling m will take once package meter has rewritten
// it. m must be valid. [wasmbin.Module.Validate] has to be run before: without
// it operand stacks are left out.
func Compile(m *wasmbin.Module) Cost {
	var c Cost
	g := newGraph(m)
	for i := range m.Bodies {
		linear, excess := g.function(i)
		c.Linear += linear
		c.Excess += excess
		if excess > c.Share {
			c.Function, c.Share = uint32(m.ImportedFunctions+i), excess
			c.Blocks, c.Live = len(g.blocks), g.live.locals
		}
	}
	return c
}

// function estimates what a defined function takes.
func (g *graph) function(i int) (linear, excess time.Duration) {
	body := &g.m.Bodies[i]
	stack := 0.0
	if g.m.MaxStack != nil {
		stack = float64(g.m.MaxStack[i])
	}
	g.build(g.m.TypeOf(uint32(g.m.ImportedFunctions+i)), body)
	g.finish(stack)
	linear = 20*time.Microsecond + time.Duration(len(body.Code))*400
	if g.huge {
		return linear, forever
	}
	all := 0.0
	for t, n := range g.counts {
		all += n * nanoseconds[t]
	}
	return linear, max(0, time.Duration(min(all, float64(forever)))-linear)
}

// Check refuses, with a [*wasmbin.Error], a module that would take the compiler
// longer by more than limit than its size explains. Large modules may exceed it
// by a quarter of what their size explains. m is as for [Compile].
func Check(m *wasmbin.Module, limit time.Duration) error {
	c := Compile(m)
	limit += c.Linear / 4 // small excesses of many functions add up
	if c.Excess <= limit {
		return nil
	}
	body := &m.Bodies[int(c.Function)-m.ImportedFunctions]
	reason := fmt.Sprintf("function %s: would take too long to compile: %d blocks with %d live locals; split it, or compile in a child process",
		describe(m, c.Function), c.Blocks, c.Live)
	if c.Share <= limit {
		reason = fmt.Sprintf("its functions together would take too long to compile, most of all function %s: %d blocks with %d live locals; split the module, or compile in a child process",
			describe(m, c.Function), c.Blocks, c.Live)
	}
	return &wasmbin.Error{Offset: body.Offset, Section: "code", Reason: reason}
}

// describe gives a function's index, and its name if there is one.
func describe(m *wasmbin.Module, function uint32) string {
	if names := m.Names(); names != nil {
		for _, f := range names.Functions {
			if f.Index == function {
				return fmt.Sprintf("%d (%s)", function, f.Name)
			}
		}
	}
	return fmt.Sprint(function)
}
