// Package estimate tells, without compiling, how long wazero's compiler would
// take for a module.
//
// The compiler takes time in proportion to a module's size for what toolchains
// emit, but some of its passes work on pairs: of branches and blocks around
// them, of blocks and live values, of joins and the branches into them. A
// module of 30 KB made for that takes it minutes, and nothing can interrupt
// it. Where there is no child process to kill, such modules have to be refused
// before.
//
// [Compile] builds the flow graph of each function as the compiler would build
// it after package meter has rewritten it, finds dominators and live locals,
// and adds up the steps of the passes that are not linear: a [Cost]. [Check]
// refuses modules whose cost is above a limit. Neither takes longer than in
// proportion to the module, about as long as parsing it.
//
// The package was measured against wazero v1.12.0 (wazevo, amd64); terms.go
// says which pass each term stands for. Another version needs the figures
// taken anew: see the search in the tests.
package estimate
