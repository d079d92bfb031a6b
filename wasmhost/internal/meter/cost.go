package meter

import "github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin"

// The tariff. A unit is about an instruction of the guest. A function is cut
// into regions: what it does outside of loops, each loop without the loops
// within it, and in both what follows a landing, which is where a br_table
// leads or where code goes on that was cut by one (see region). A region
// charges, when it begins, the cost of all its instructions, whether a branch
// skips them or not (both arms of an if count).
//
// A loop that does nothing but go to landings by br_table leaves its cost to
// them: each landing costs that much more, however it is reached. Landings
// that cost little with what is around them (splitLimit, foldLimit) don't
// charge, but are part of the region that surely runs before.
//
// block, loop, else, end and nop cost nothing, any other instruction costs 1,
// and these more, for what they do beyond their like.
const (
	// A call, branch or return moves values: one unit for each eight.
	valuesPerUnit = 8
	// Calls out of the guest's code, to the host or its engine.
	importCost  = 32 // a call of an imported function
	refFuncCost = 32 // ref.func
	growCost    = 256
	// Instructions that work on ranges, before the length of the range counts.
	bulkCost = 8
)

// Costs that depend on operands. They are charged when the instruction runs.
const (
	bytesShift    = 4   // memory.fill, memory.copy, memory.init: 16 bytes are a unit
	pageCost      = 256 // memory.grow, for each page by which it grew
	elementsShift = 0   // table.fill, table.copy, table.init, table.grow: an element is a unit
)

// foldLimit bounds what a function may leave to its callers to charge. Small
// functions that can't recurse and that nobody calls indirectly or from
// outside charge nothing at their entry: their cost is part of each call.
const foldLimit = 64

// splitLimit is up to which cost, with its landings, a loop is charged at once
// each time around. For what a function does outside of loops it is foldLimit,
// so that functions with landings that charge are never left to their callers.
const splitLimit = 32

// chunkBytes is how much memory.fill and memory.copy handle between two looks
// at the fuel: some 25 µs.
const chunkBytes = 256 << 10

// shortBytes is up to which length memory.fill and memory.copy are not handled
// by an added function. The next function or loop looks at what they took.
const shortBytes = 4096

func cost(op wasmbin.Opcode) int64 {
	switch op {
	case wasmbin.OpBlock, wasmbin.OpLoop, wasmbin.OpElse, wasmbin.OpEnd, wasmbin.OpNop:
		return 0
	case wasmbin.OpRefFunc:
		return 1 + refFuncCost
	case wasmbin.OpMemoryGrow, wasmbin.OpTableGrow:
		return 1 + growCost
	case wasmbin.OpMemoryFill, wasmbin.OpMemoryCopy, wasmbin.OpMemoryInit,
		wasmbin.OpTableFill, wasmbin.OpTableCopy, wasmbin.OpTableInit:
		return 1 + bulkCost
	}
	return 1
}
